"""`tdgate demo`: the round, its table and its exit code, as a newcomer runs it; and rounds that must not succeed."""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from simulators.demo import run_demo
from simulators.demo_script import SCRIPT, Call, Presses, Send, Step
from simulators.demo_world import registry_for

pytestmark = pytest.mark.wire

TDGATE = (sys.executable, "-m", "proxy", "demo")


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder)}


def played(script: Sequence[Step], folder: Path) -> tuple[int, str]:
    """A round in this process with a script of one's own: exit code and screen."""
    written = io.StringIO()
    console = Console(file=written, width=200, highlight=False)
    code = asyncio.run(run_demo(once=True, lang="en", keep=folder / "demo", script=script, console=console))
    return code, written.getvalue()


def place_of(rule: str, act: type[Send | Call] = Send) -> int:
    """The place in the script of the first message, or call, that expects this rule."""
    return next(place for place, step in enumerate(SCRIPT) if step.rule == rule and isinstance(step.act, act))


@pytest.mark.parametrize(
    ("lang", "verdict"), [("en", "Every outcome was as expected."), ("zh", "全部结果均符合预期。")]
)
def test_the_round_shows_every_step_and_leaves_nothing(lang: str, verdict: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [*TDGATE, "--once", "--lang", lang], capture_output=True, text=True, timeout=120, env=environment(tmp_path)
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert verdict in run.stdout
    assert "✗" not in run.stdout
    assert re.search(r"http://127\.0\.0\.1:\d+/", run.stdout)
    shown = re.findall(r"^ *(\d+) .*✓ *$", run.stdout, re.M)
    assert [int(number) for number in shown] == list(range(1, len(SCRIPT) + 1))
    for step in SCRIPT:
        assert step.rule in run.stdout
    assert not re.search(r"1[38]\d{9}", run.stdout)  # persons are masked
    assert list(tmp_path.iterdir()) == []


def test_an_unexpected_outcome_fails_the_round(tmp_path: Path) -> None:
    """Each kind of it at its step, and no other step, in one round."""
    wrong: dict[int, dict[str, object]] = {
        place_of("suppression.active"): {"rule": "", "status": 0},  # a refusal is taken for a permit
        place_of("hours.closed"): {"rule": "licence.scope"},  # right status, wrong rule
        place_of("consent.missing"): {"status": 0x0429},  # right rule, wrong status
        place_of(""): {"rule": "consent.missing", "status": 0x0428},  # a permit is taken for a refusal
        place_of("hours.closed", Call): {"status": 607},  # a call is refused with another status
    }
    assert len(wrong) == 5
    script = [msgspec.structs.replace(step, **wrong.get(place, {})) for place, step in enumerate(SCRIPT)]
    code, shown = played(script, tmp_path)
    assert code == 1
    assert [int(number) - 1 for number in re.findall(r"^ *(\d+) .*✗", shown, re.M)] == sorted(wrong)
    assert shown.count("✗") == len(wrong)
    assert "NOT every outcome was as expected." in shown


def test_a_single_unexpected_outcome_is_enough(tmp_path: Path) -> None:
    script = list(SCRIPT[:3])
    script[-1] = msgspec.structs.replace(script[-1], rule="licence.scope")
    code, shown = played(script, tmp_path)
    assert code == 1
    assert shown.count("✗") == 1
    assert "NOT every outcome was as expected." in shown


def test_calls_and_messages_are_refused_alike_and_a_key_closes_both() -> None:
    """What the demonstration is to show of calls, whatever else is in its script."""
    calls = [step.rule for step in SCRIPT if isinstance(step.act, Call)]
    assert {"", "hours.closed", "number.unregistered", "suppression.active"} == set(calls)
    pressed = next(place for place, step in enumerate(SCRIPT) if isinstance(step.act, Presses))
    person = SCRIPT[pressed].act.person
    before, *after = SCRIPT[pressed - 1], *SCRIPT[pressed + 1 :]
    assert (type(before.act), before.rule, before.act.person) == (Call, "", person)
    assert [(type(step.act), step.rule) for step in after if step.act.person == person] == [
        (Send, "suppression.active"),
        (Call, "suppression.active"),
    ]


def test_what_was_kept_can_be_looked_at_afterwards(tmp_path: Path) -> None:
    code, shown = played([step for step in SCRIPT if isinstance(step.act, Send)][:3], tmp_path)
    assert code == 0, shown
    kept = tmp_path / "demo"
    check = subprocess.run(
        [*TDGATE[:-1], "check-config", str(kept / "tdgate.toml")], capture_output=True, text=True, timeout=60
    )
    assert check.returncode == 0, check.stderr
    verify = [*TDGATE[:-1], "evidence", "verify", "--json", "--key", str(kept / "evidence.pub.pem")]
    told = subprocess.run([*verify, str(kept / "state" / "evidence")], capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stdout
    assert isinstance(json.loads(told.stdout), dict)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_a_killed_demonstration_leaves_no_process_behind(tmp_path: Path) -> None:
    with subprocess.Popen([*TDGATE, "--once"], stdout=subprocess.PIPE, text=True, env=environment(tmp_path)) as run:
        assert run.stdout is not None
        next(line for line in run.stdout if "http://" in line)
        listed = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        run.kill()
    assert listed
    until = time.monotonic() + 30
    while any(is_alive(pid) for pid in listed):
        assert time.monotonic() < until, "tdgate outlives its demonstration"
        # WHY a pause: the end of a stranger's process is no event one could wait for.
        time.sleep(0.05)


def is_alive(pid: str) -> bool:
    """Whether a process runs; one that ended and was not yet asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_traffic_goes_on_until_it_is_interrupted(tmp_path: Path) -> None:
    with subprocess.Popen([*TDGATE], stdout=subprocess.PIPE, text=True, env=environment(tmp_path)) as run:
        assert run.stdout is not None
        lines = []
        for line in run.stdout:
            lines.append(line)
            if "☎" in line and line.rstrip().endswith("607"):  # only the trickle writes it so
                run.send_signal(signal.SIGINT)
                break
        run.stdout.read()
        assert run.wait(60) == 0, "".join(lines)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("today", [date(2025, 1, 1), date(2028, 2, 29), date(2041, 12, 31)])
def test_the_registry_suits_any_day(today: date) -> None:
    made = registry_for(today)
    day = today.isoformat()
    held = {row["address"]: row["since"] <= day <= row["until"] for row in made["numbers"]}
    assert held.pop("10690120") is False
    assert all(held.values())
    given = {(row["institution"], row["partner"]): row["since"] <= day <= row["until"] for row in made["entrustments"]}
    assert given == {("jianglan", "yuanlu"): True, ("yunxiu", "yuanlu"): False, ("xingqiao", "mingting"): True}
    assert all(row["given"] <= day <= row["until"] for row in made["consents"])
