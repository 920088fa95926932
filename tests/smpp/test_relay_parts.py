"""Parts of long messages through the relay: held, judged once as a whole, each answered once; or none goes on."""

from __future__ import annotations

import pytest

from tests.tools.relay_play import play

pytestmark = pytest.mark.unit


def test_three_parts_are_held_judged_once_and_go_on_each_with_its_own_octets() -> None:
    scene = play("""
        >> esme part 7 ref=9 of=3 n=1 text="yes of"
        :: parts.held
        >> esme part 8 ref=9 of=3 n=2 text="fer from "
        >> esme part 9 ref=9 of=3 n=3 text="the bank"
        << carrier submit 1 text="yes of"
        << carrier submit 2 text="fer from "
        << carrier submit 3 text="the bank"
        :: whole
        >> carrier submit_resp 2 id=B
        << esme submit_resp 8 id=B
        >> carrier submit_resp 1 id=A
        << esme submit_resp 7 id=A
        >> carrier submit_resp 3 0x58
        << esme submit_resp 9 0x58
    """)
    assert scene.gate.judged == ["yes offer from the bank"]


def test_a_refusal_refuses_all_parts_with_one_status() -> None:
    scene = play("""
        >> esme part 7 ref=9 of=2 n=2 text=" offer"
        >> esme part 8 ref=9 of=2 n=1 text="no"
        << esme submit_resp 7 0x439
        << esme submit_resp 8 0x439
        :: whole
    """)
    assert scene.gate.judged == ["no offer"]
