"""Probes and the way the status file is looked at: absent, broken, old, draining and ready are told apart."""

from pathlib import Path

import pytest

from proxy.console import sight
from proxy.console.sight import Window
from proxy.telemetry.status import FRESH_S
from tests.console.conftest import Scene
from tests.console.synthetic_status import status

pytestmark = pytest.mark.unit


def test_the_console_lives_without_a_wire(scene: Scene) -> None:
    assert scene.ask("/livez").status == 200


def test_without_a_status_nothing_is_ready(scene: Scene) -> None:
    answer = scene.ask("/readyz")
    assert (answer.status, answer.json) == (503, {"ready": False, "reason": "status absent"})


def test_a_fresh_and_ready_status_is_ready(scene: Scene) -> None:
    scene.shows()
    answer = scene.ask("/readyz")
    assert (answer.status, answer.json) == (200, {"ready": True, "reason": ""})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ready": False, "ready_reason": "no carrier is connected"}, "no carrier is connected"),
        ({"ready": False}, "not ready"),
        ({"draining": True}, "draining"),
    ],
)
def test_what_is_not_ready_says_why(scene: Scene, changes: dict[str, object], reason: str) -> None:
    scene.shows(**changes)
    answer = scene.ask("/readyz")
    assert (answer.status, answer.json["reason"]) == (503, reason)


def test_an_old_status_is_not_ready_and_a_new_one_is_again(scene: Scene) -> None:
    scene.shows()
    scene.now += FRESH_S
    assert scene.ask("/readyz").status == 200
    scene.now += 0.1
    answer = scene.ask("/readyz")
    assert (answer.status, answer.json["reason"]) == (503, "status stale")
    scene.shows(at_us=int(scene.now * 1e6))
    assert scene.ask("/readyz").status == 200


def test_a_status_from_the_future_is_not_fresh(scene: Scene) -> None:
    scene.shows()
    scene.now -= 3600
    assert scene.ask("/readyz").json["reason"] == "status stale"


@pytest.mark.parametrize("octets", [b"", b"{}", b'{"at_us":', b"\xff"])
def test_a_broken_status_is_not_ready(scene: Scene, octets: bytes) -> None:
    scene.shows()
    assert scene.ask("/readyz").status == 200
    scene.file.path.write_bytes(octets)
    answer = scene.ask("/readyz")
    assert answer.status == 503
    assert answer.json["reason"].startswith("status corrupt: not a status")


def test_a_status_that_cannot_be_read_is_not_ready(scene: Scene) -> None:
    scene.file.path.mkdir()
    assert scene.ask("/readyz").json["reason"] == "status corrupt: Is a directory"


def test_a_status_that_went_away_is_absent(scene: Scene) -> None:
    scene.shows()
    assert scene.ask("/readyz").status == 200
    scene.file.remove()
    assert scene.ask("/readyz").json["reason"] == "status absent"


def test_the_file_is_parsed_once_for_each_time_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    decode = sight.decode_status
    monkeypatch.setattr(sight, "decode_status", lambda octets: (parsed.append(1), decode(octets))[1])
    from tests.console.conftest import Scene

    made = Scene(tmp_path)
    window = Window(made.file.path, clock=lambda: made.now)
    made.file.write(status())
    for _ in range(20):
        window.look()
    assert len(parsed) == 1
    made.file.write(status(decisions=3))
    assert window.look().status is not None
    assert len(parsed) == 2
