"""A long message ends once, whatever its parts' answers and their order: rejected before unknown before accepted."""

from __future__ import annotations

import itertools

import pytest

from tests.tools.relay_play import RelayPlay, part
from tests.tools.session_play import pdu

pytestmark = pytest.mark.unit

ANSWERS = ("taken", "rejected", "nacked", "never")


def figures(play: RelayPlay) -> tuple[int, int, int, int]:
    relay = play.relay
    return relay.accepted, relay.rejected, relay.unknown, relay.open_messages


@pytest.mark.parametrize("answers", list(itertools.product(ANSWERS, repeat=2)))
@pytest.mark.parametrize("is_lost", [False, True])
def test_it_is_counted_and_recorded_once(answers: tuple[str, str], is_lost: bool) -> None:
    play = RelayPlay()
    for number, text in ((1, b"ye"), (2, b"s")):
        play.says("esme", part(number, text, ref=1, of=2, n=number))
    assert figures(play) == (0, 0, 0, 1)
    play.gate.told.clear()
    for sequence, answer in enumerate(answers, 1):
        if answer == "taken":
            play.says("carrier", pdu(0x80000004, sequence, 0, b"A1\0"))
        elif answer == "rejected":
            play.says("carrier", pdu(0x80000004, sequence, 0x45, b""))
        elif answer == "nacked":
            play.says("carrier", pdu(0x80000000, sequence, 3, b""))
    if is_lost:
        play.carrier_lost()
    else:
        play.waits(11)
    told = [one.split()[2] for one in play.gate.told if one.startswith("outcome")]
    if {"rejected", "nacked"} & set(answers):
        assert (figures(play), told) == ((0, 1, 0, 0), ["rejected"])
    elif "never" in answers:
        assert (figures(play), told) == ((0, 0, 1, 0), ["unknown"])
    else:
        assert (figures(play), told) == ((1, 0, 0, 0), [])
