"""The command `tdgate-sim` as a tester uses it: processes, scenario files, exit statuses, JSON and JUnit."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from simulators.cli import main
from simulators.smsc import Smsc
from simulators.smsc_settings import Receipts, SmscSettings
from tests.tools.simulator_process import certificate, launch, listening, write

pytestmark = pytest.mark.wire


async def esme(*arguments: object) -> tuple[int, dict[str, Any], str]:
    """Runs `esme --json` to its end: exit status, summary, standard error."""
    status, out, err = await (await launch("esme", "--json", "--quiet", *arguments)).end()
    return status, json.loads(out.splitlines()[-1]) if out else {}, err


async def test_a_load_and_its_smsc_count_the_same(tmp_path: Path) -> None:
    async with listening("smsc", "--receipt-state", "DELIVRD=1", "--until-submits", 300, "--until-deliveries", 300) as (
        run,
        port,
    ):
        status, summary, _ = await esme(
            *("--port", port, "--binds", 3, "--window", 20, "--count", 300, "--registered-delivery", 1),
            *("--text", "【江澜银行】回T退订", "--expect", "ESME_ROK=300", "--expect-receipt", "DELIVRD=300"),
        )
        code, out, _ = await run.end()
    served = json.loads(out.splitlines()[-1])
    assert (status, summary["ok"], code, served["ok"]) == (0, True, 0, True)
    assert summary["figures"]["answered"] == served["figures"]["submits"] == 300
    assert served["figures"]["delivery_answers"] == {"0x00000000": 300}
    assert summary["figures"]["latency_ms"]["p50"] > 0


async def test_a_plain_smsc_prints_its_port_and_ends_at_sigterm_with_0() -> None:
    run = await launch("smsc", "--quiet")
    assert run.process.stdout is not None
    line = (await asyncio.wait_for(run.process.stdout.readline(), 60)).decode()
    host, port = line.removeprefix("listening ").strip().split(":")
    status, summary, _ = await esme("--host", host, "--port", port, "--rate", 2000, "--count", 50)
    assert (status, summary["figures"]["sent"]) == (0, 50)
    run.process.send_signal(signal.SIGTERM)
    code, out, _ = await run.end()
    assert code == 0
    assert "submits            50" in out


async def test_an_assertion_that_fails_gives_exit_1_and_a_junit_failure(tmp_path: Path) -> None:
    scenario = write(
        tmp_path,
        "refused.toml",
        """
        name = "one refusal of three"
        [esme]
        system_id = "acct1"
        [[message]]
        text = "【江澜银行】一"
        status = 0
        [[message]]
        text = "【江澜银行】二"
        status = 0x0000000B
        [expect]
        statuses = { ESME_ROK = 1, ESME_RINVDSTADR = 1 }
        replies = { max = 0 }
        """,
    )
    junit = tmp_path / "junit.xml"
    async with listening("smsc") as (_, port):
        status, summary, _ = await esme("--scenario", scenario, "--port", port, "--junit", junit)
    failed = {check["name"]: check["detail"] for check in summary["checks"] if not check["ok"]}
    assert status == 1
    assert failed == {
        "message 2": "expected 0x0000000B, found 0x00000000",
        "status 0x00000000": "expected 1, found 2",
        "status 0x0000000B": "expected 1, found 0",
    }
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("name"), suite.get("failures")) == ("one refusal of three", "3")
    assert {case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None} == set(failed)


async def test_a_handset_scenario_against_an_esme_scenario_that_goes_on_after_td(tmp_path: Path) -> None:
    people = write(
        tmp_path,
        "people.toml",
        """
        [[rule]]
        to = "13800138000"
        reply = "ＴＤ"
        encoding = "gb18030"
        [until]
        submits = 2
        deliveries_answered = 1
        [expect]
        nothing_to = ["13900000009"]
        delivery_answers = { "0" = 1 }
        """,
    )
    sender = write(
        tmp_path,
        "sender.toml",
        """
        [[message]]
        destination = "13800138000"
        text = "【江澜银行】一"
        [[message]]
        destination = "13800138000"
        text = "【江澜银行】二"
        after_replies = 1
        [expect]
        replies = 1
        """,
    )
    async with listening("handset", "--scenario", people) as (run, port):
        status, summary, _ = await esme("--scenario", sender, "--port", port)
        code, out, _ = await run.end()
    served = json.loads(out.splitlines()[-1])
    assert (status, summary["figures"]["replies"]) == (0, 1)
    assert code == 1
    assert [check["name"] for check in served["checks"] if not check["ok"]] == ["after_refusal"]
    assert served["figures"]["after_refusal"] == 1
    assert "13800138000" not in out


async def test_what_must_not_arrive_is_checked(tmp_path: Path) -> None:
    scenario = write(
        tmp_path,
        "smsc.toml",
        """
        [until]
        submits = 1
        [expect]
        submits = { min = 1 }
        nothing_to = ["13800138000", "13800138001"]
        nothing_from = ["10690001"]
        nothing_containing = ["云岫", "江澜"]
        """,
    )
    async with listening("smsc", "--scenario", scenario) as (run, port):
        await esme("--port", port, "--destination", "13800138000", "--text", "【江澜银行】")
        code, out, _ = await run.end()
    failed = [check["name"] for check in json.loads(out.splitlines()[-1])["checks"] if not check["ok"]]
    assert (code, failed) == (1, ["nothing_to #1", "nothing_from #1", "nothing_containing #2"])


async def test_control_injects_changes_faults_disconnects_and_stops() -> None:
    async with listening("smsc", "--control") as (run, port):
        sender = await launch("esme", "--json", "--quiet", "--port", port, "--bind", "rx", "--duration-s", 20)
        assert await run.say(do="reply", source="13800138000", destination="10690001", text="TD") == {
            "event": "reply",
            "status": 0,
        }
        assert await run.say(do="faults", faults={"nack_share": 1.0}) == {"event": "faults"}
        status, summary, _ = await esme("--port", port, "--count", 2)
        assert (status, summary["figures"]["statuses"]) == (1, {"0x00000058": 2})
        assert (await run.say(do="faults", faults={"nack": 1}))["event"] == "error"
        assert (await run.say(do="figures"))["figures"]["replies"] == 1
        assert await run.say(do="disconnect") == {"event": "disconnect"}
        assert await run.say(do="stop") == {"event": "stop"}
        code, _, _ = await run.end()
        _, out, _ = await sender.end()
    assert code == 0
    assert json.loads(out)["figures"]["replies"] == 1


async def test_a_transmitter_and_a_receiver_make_a_pair() -> None:
    async with listening("smsc") as (_, port):
        status, summary, _ = await esme(
            *("--port", port, "--bind", "tx+rx", "--binds", 2, "--count", 40, "--registered-delivery", 1),
            *("--system-id", "acct{n}", "--expect-receipt", "DELIVRD=40"),
        )
    assert (status, summary["figures"]["binds"], summary["figures"]["sent"]) == (0, 4, 40)


async def test_a_scripted_reply_reaches_the_esme(tmp_path: Path) -> None:
    scenario = write(
        tmp_path,
        "smsc.toml",
        """
        [[reply]]
        source = "13800138000"
        destination = "10690001"
        text = "TD"
        after_submits = 2
        status = 0
        [until]
        deliveries_answered = 1
        """,
    )
    script = write(tmp_path, "esme.toml", "[[message]]\nrepeat = 2\n[expect]\nreplies = 1\n")
    async with listening("smsc", "--scenario", scenario) as (run, port):
        status, _, _ = await esme("--scenario", script, "--port", port)
        code, out, _ = await run.end()
    assert (status, code) == (0, 0)
    assert json.loads(out)["checks"] == [
        {"name": "reply 1", "ok": True, "detail": "expected 0x00000000, found 0x00000000"}
    ]


@pytest.mark.parametrize(
    ("role", "text", "reason"),
    [
        ("esme", "[esme]\nwindows = 3\n", "windows"),
        ("esme", "[esme]\nwindow = 'ten'\n", "window"),
        ("esme", "[[rule]]\nreply = 'TD'\n", "rule"),
        ("esme", "[[message]]\nbind = 1\n", "bind"),
        ("esme", "[esme]\ntlvs = ['0x1401']\n", "TLV"),
        ("esme", "[esme]\nencoding = 'klingon'\n", "klingon"),
        ("esme", "[esme]\nencoding = 'ascii'\ntext = '退订'\n", "ascii"),
        ("esme", "[esme]\ndestination = '138{x}'\n", "138{x}"),
        ("esme", "[esme]\nbind = 'rx'\n", "duration_s"),
        ("esme", "[esme]\ntexts = 'absent.txt'\n", "absent.txt"),
        ("esme", "[expect]\nstatuses = { ESME_NONSENSE = 1 }\n", "ESME_NONSENSE"),
        ("smsc", "[esme]\nwindow = 3\n", "esme"),
        ("smsc", "[smsc.faults]\nnack_share = 2.0\n", "share"),
        ("smsc", "[smsc.receipts]\nstates = { GONE = 1.0 }\n", "DELIVRD"),
        ("handset", "[[rule]]\nanswer = 'TD'\n", "rule"),
        ("smsc", "seed = \n", "seed|Invalid"),
    ],
)
def test_a_scenario_with_an_error_is_usage(
    role: str, text: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([role, "--scenario", str(write(tmp_path, "wrong.toml", text))])
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert any(part in err for part in reason.split("|")), err


def test_an_unknown_option_is_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["smsc", "--no-such"])
    assert ended.value.code == 2


async def test_a_closed_port_is_a_failure() -> None:
    async with listening("smsc") as (_, port):
        pass
    status, summary, err = await esme("--port", port)
    assert status == 1
    assert [check["name"] for check in summary["checks"] if not check["ok"]] == ["bind"]
    assert "Traceback" not in err


async def test_a_refused_bind_is_exit_1() -> None:
    async with listening("smsc", "--account", "acct1:secret") as (_, port):
        status, summary, _ = await esme("--port", port, "--system-id", "acct1", "--password", "wrong")
        assert status == 1
        assert "ESME_RBINDFAIL" in summary["checks"][0]["detail"]
        assert (await esme("--port", port, "--system-id", "acct1", "--password", "secret"))[0] == 0


async def test_an_smsc_that_vanishes_is_a_loss_and_its_messages_unanswered() -> None:
    async with listening("smsc", "--disconnect-after", 30) as (_, port):
        status, summary, _ = await esme("--port", port, "--count", 1000, "--window", 10)
    figures = summary["figures"]
    assert (status, figures["lost"]) == (1, 1)
    assert figures["sent"] == figures["answered"] + figures["unanswered"]
    assert figures["unanswered"] > 0


async def test_answers_with_wrong_and_doubled_sequence_numbers_are_strays() -> None:
    async with listening("smsc", "--duplicate-share", 1.0) as (_, port):
        status, summary, _ = await esme("--port", port, "--count", 20)
        assert (status, summary["figures"]["strays"], summary["figures"]["answered"]) == (0, 20, 20)
    async with listening("smsc", "--wrong-sequence-share", 1.0) as (_, port):
        status, summary, _ = await esme("--port", port, "--count", 5, "--limit-s", 0.5)
        assert (status, summary["figures"]["strays"], summary["figures"]["unanswered"]) == (1, 5, 5)


async def test_the_smpplib_stack_talks_to_our_smsc() -> None:
    pytest.importorskip("smpplib")
    text = "【江澜银行】“安居贷”年化3.5%起，最高40万元，咨询400-000-1001，回T退订" * 2
    smsc = Smsc(SmscSettings(receipts=Receipts(states={"UNDELIV": 1.0})))
    port = await smsc.start()
    status, summary, err = await esme(
        *("--stack", "smpplib", "--port", port, "--binds", 2, "--count", 20, "--registered-delivery", 1),
        *("--text", text, "--source", "10690001", "--destination", "1380013{n:04}"),
        *("--expect", "ESME_ROK=40", "--expect-receipt", "UNDELIV=40"),
    )
    await smsc.stop()
    assert (status, err) == (0, "")
    assert summary["figures"]["latency_ms"]["max"] > 0
    assert sorted({each.destination for each in smsc.arrived}) == [f"1380013{n:04}" for n in range(20)]
    assert {each.source for each in smsc.arrived} == {"10690001"}
    first = sorted(
        (each for each in smsc.arrived if each.destination == "13800130000"), key=lambda each: each.part.number
    )  # type: ignore[union-attr]
    assert "".join(each.text for each in first) == text


async def test_the_smpplib_stack_reports_statuses_and_refuses_what_it_cannot_do() -> None:
    pytest.importorskip("smpplib")
    async with listening("smsc", "--nack-share", 1.0, "--nack-status", "0x45") as (_, port):
        status, summary, _ = await esme("--stack", "smpplib", "--port", port, "--count", 3)
        assert (status, summary["figures"]["statuses"]) == (1, {"0x00000045": 3})
    for beyond in (("--tlv", "0x1401=00"), ("--tls",), ("--command", "data_sm"), ("--bind", "tx+rx")):
        assert (await esme("--stack", "smpplib", *beyond))[0] == 2


async def test_tls_with_certificates_of_both_sides(tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    async with listening("smsc", "--tls-cert", pem, "--tls-ca", pem) as (_, port):
        status, summary, err = await esme("--port", port, "--tls", "--tls-ca", pem, "--tls-cert", pem, "--count", 20)
        assert (status, summary["figures"]["accepted"], err) == (0, 20, "")
        assert (await esme("--port", port, "--tls", "--tls-ca", pem, "--limit-s", 2))[0] == 1
        assert (await esme("--port", port, "--tls", "--tls-cert", pem, "--limit-s", 2))[0] == 1
        assert (await esme("--port", port, "--tls", "--tls-no-verify", "--tls-cert", pem))[0] == 0
    assert (await esme("--port", port, "--tls", "--tls-ca", tmp_path / "absent.pem"))[0] == 1


async def test_the_registry_command_writes_a_file(tmp_path: Path) -> None:
    out = tmp_path / "registry.json"
    code, _, err = await (await launch("registry", "--seed", 3, "--institutions", 2, "--out", out)).end()
    assert (code, err) == (0, "")
    assert len(json.loads(out.read_text(encoding="utf-8"))["institutions"]) == 2
