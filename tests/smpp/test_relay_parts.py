"""Parts of long messages through the relay: held, judged once as a whole, each answered once; or none goes on."""

from __future__ import annotations

import pytest

from tests.tools.relay_play import PERSON, RelayPlay, part, play

pytestmark = pytest.mark.unit

WHOLE = """
    >> esme part 7 ref=9 of=2 n=1 text="yes of"
    >> esme part 8 ref=9 of=2 n=2 text="fer"
    << carrier submit 1 text="yes of"
    << carrier submit 2 text="fer"
"""


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
        :: accepted A
        >> carrier submit_resp 3 0x58
        << esme submit_resp 9 0x58
    """)
    assert scene.gate.judged == ["yes offer from the bank"]
    assert scene.relay.in_flight == 0


@pytest.mark.parametrize("kind", ["8", "16", "sar"])
def test_whatever_the_order_and_the_header_the_text_is_joined_in_its_own_order(kind: str) -> None:
    scene = play(f"""
        >> esme part 7 ref=200 of=3 n=3 text="c" kind={kind}
        >> esme part 8 ref=200 of=3 n=1 text="yes a" kind={kind}
        >> esme part 9 ref=200 of=3 n=2 text="b" kind={kind} payload=1
        << carrier submit 1
        << carrier submit 2
        << carrier submit 3
    """)
    assert scene.gate.judged == ["yes abc"]


def test_what_goes_on_is_what_came_but_for_the_sequence_number() -> None:
    scene = RelayPlay()
    sent = [part(7 + n, b"yes" if n == 1 else b"!", ref=3, of=3, n=n, kind="sar") for n in (2, 3, 1)]
    for octets in sent:
        scene.says("esme", octets)
    came = {each.raw[16:] for each in scene.came("carrier")}
    assert came == {octets[16:] for octets in sent}


def test_other_messages_go_on_while_parts_are_held() -> None:
    scene = play(
        """
        >> esme part 1 ref=9 of=2 n=1 text="yes"
        >> esme submit 2
        << carrier submit 1
        >> esme part 3 ref=9 of=2 n=1 text="yes" to=8613800138001
        >> esme part 4 ref=9 of=2 n=2 text=" a"
        << carrier submit 2
        << carrier submit 3
        >> carrier submit_resp 1 id=A
        << esme submit_resp 2 id=A
        >> esme part 5 ref=9 of=2 n=2 text=" b" to=8613800138001
        << carrier submit 4
    """,
        RelayPlay(carrier_window=3),
    )
    assert scene.gate.judged == ["yes a", "yes b"]
    # Each held part counts towards the account's window.
    assert scene.gate.in_flight == [1, 2, 3, 4, 4]


def test_a_refusal_refuses_all_parts_with_one_status() -> None:
    scene = play("""
        >> esme part 7 ref=9 of=2 n=2 text=" offer"
        >> esme part 8 ref=9 of=2 n=1 text="no"
        << esme submit_resp 7 0x439
        << esme submit_resp 8 0x439
        :: whole
    """)
    assert scene.gate.judged == ["no offer"]


def test_a_refusal_is_answered_when_it_is_on_disk() -> None:
    play("""
        >> esme part 7 ref=9 of=2 n=2 text=" offer"
        >> esme part 8 ref=9 of=2 n=1 text="slow"
        >> esme part 9 ref=9 of=2 n=1 text="slow"   # the same again
        >> esme unbind 10
        .. disk ok
        << esme submit_resp 7 0x439
        << esme submit_resp 8 0x439
        << esme submit_resp 9 0x439
        << esme unbind_resp 10
    """)


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("D83D", "DE00", "😀"),
        ("00", "41", "A"),
    ],
)
def test_a_character_cut_in_two_is_whole_again(first: str, second: str, text: str) -> None:
    scene = play(f"""
        >> esme part 7 ref=9 of=2 n=1 coding=8 hex={"yes ".encode("utf-16-be").hex()}{first}
        >> esme part 8 ref=9 of=2 n=2 coding=8 hex={second}
        << carrier submit 1
        << carrier submit 2
    """)
    assert scene.gate.judged == [f"yes {text}"]


def test_a_gb18030_character_and_a_gsm_escape_are_joined() -> None:
    octets = "退".encode("gb18030")
    scene = play(f"""
        >> esme part 7 ref=9 of=2 n=1 coding=15 hex={b"yes ".hex()}{octets[:1].hex()}
        >> esme part 8 ref=9 of=2 n=2 coding=15 hex={octets[1:].hex()}
        << carrier submit 1
        << carrier submit 2
        >> carrier submit_resp 1 id=A
        << esme submit_resp 7
        >> carrier submit_resp 2 id=A
        << esme submit_resp 8
        >> esme part 7 ref=9 of=2 n=1 hex={b"yes ".hex()}1b
        >> esme part 8 ref=9 of=2 n=2 text="e"
        << carrier submit 3
        << carrier submit 4
    """)
    assert scene.gate.judged == ["yes 退", "yes €"]


# ---- the same part twice, and what cannot be one message ----------------------------------------------------------


def test_the_same_part_again_gets_the_answer_of_the_first() -> None:
    play(
        """
        >> esme part 7 ref=9 of=2 n=1 text="yes"
        >> esme part 1 ref=9 of=2 n=1 text="yes"
        >> esme part 8 ref=9 of=2 n=2 text=" b"
        << carrier submit 1
        << carrier submit 2
        >> esme part 2 ref=9 of=2 n=2 text=" b"
        >> carrier submit_resp 2 id=B
        << esme submit_resp 8 id=B
        << esme submit_resp 2 id=B
        >> esme part 3 ref=9 of=2 n=2 text=" b"
        << esme submit_resp 3 id=B
        >> carrier submit_resp 1 0x14
        << esme submit_resp 7 0x14
        << esme submit_resp 1 0x14
    """
    )


def test_a_reference_is_free_again_when_its_message_is_answered() -> None:
    scene = play(f"""
        {WHOLE}
        >> carrier submit_resp 1 id=A
        << esme submit_resp 7
        >> carrier submit_resp 2 id=B
        << esme submit_resp 8
        {WHOLE.replace("submit 1", "submit 3").replace("submit 2", "submit 4")}
    """)
    assert scene.gate.judged == ["yes offer"] * 2


def test_a_reference_taken_again_before_its_answers_means_another_message() -> None:
    scene = play(
        f"""
        {WHOLE}
        >> esme part 17 ref=9 of=2 n=1 text="yes an"
        >> esme part 18 ref=9 of=2 n=2 text="other"
        << carrier submit 3
        << carrier submit 4
        >> carrier submit_resp 4 id=D
        << esme submit_resp 18 id=D
        >> carrier submit_resp 1 id=A
        << esme submit_resp 7 id=A
        """,
        RelayPlay(carrier_window=4),
    )
    assert scene.gate.judged == ["yes offer", "yes another"]


@pytest.mark.parametrize(
    "odd",
    [
        'ref=9 of=3 n=1 text="other"',
        'ref=9 of=2 n=2 text="b"',
        'ref=9 of=4 n=4 text="b"',
        'ref=9 of=3 n=2 text="b" kind=16',
        'ref=9 of=3 n=2 text="b" kind=sar',
        'ref=9 of=3 n=2 text="b" coding=3',
    ],
)
def test_a_conflict_refuses_the_set(odd: str) -> None:
    scene = play(f"""
        >> esme part 7 ref=9 of=3 n=1 text="yes a"
        >> esme part 8 {odd}
        << esme submit_resp 7 0x439
        << esme submit_resp 8 0x439
        :: pdu.ambiguous parts
    """)
    assert scene.gate.judged == []


def test_the_rest_of_a_refused_set_is_refused_alike_and_a_new_try_begins_anew() -> None:
    scene = play("""
        >> esme part 1 ref=9 of=3 n=1 text="yes"
        >> esme part 2 ref=9 of=3 n=1 text="other"
        << esme submit_resp 1 0x439
        << esme submit_resp 2 0x439
        >> esme part 3 ref=9 of=3 n=3 text="c"
        << esme submit_resp 3 0x439
        >> esme part 4 ref=9 of=3 n=3 text="c"
        >> esme part 5 ref=9 of=3 n=1 text="yes"
        >> esme part 6 ref=9 of=3 n=2 text="b"
        << carrier submit 1
        << carrier submit 2
        << carrier submit 3
    """)
    assert scene.gate.judged == ["yesbc"]


# ---- incomplete sets ------------------------------------------------------------------------------------------------


def test_an_incomplete_set_is_refused_at_its_deadline() -> None:
    play("""
        >> esme part 7 ref=9 of=3 n=1 text="yes"
        .. waits 2
        >> esme part 8 ref=9 of=3 n=2 text="b"
        .. waits 2.5
        >> esme query 9
        << carrier query 1
        .. waits 3
        .. waits 1
        << esme submit_resp 7 0x439
        << esme submit_resp 8 0x439
        :: parts.expired
        :: message.partial late
    """)


def test_a_sender_that_says_nothing_more_is_answered() -> None:
    play("""
        >> esme part 7 ref=9 of=2 n=1 text="yes"
        .. waits 2.9
        .. waits 0.2
        << esme submit_resp 7 0x439
        :: parts.stalled
        :: message.partial stalled
        >> esme part 8 ref=9 of=2 n=2 text="b"
        << esme submit_resp 8 0x439
    """)


def test_a_sender_with_other_messages_open_does_not_wait_for_its_parts() -> None:
    play("""
        >> esme part 7 ref=9 of=2 n=1 text="yes"
        >> esme submit 8
        << carrier submit 1
        .. waits 5
        >> carrier submit_resp 1 id=A
        << esme submit_resp 8 id=A
        .. waits 2.5
        >> esme part 9 ref=9 of=2 n=2 text="b"
        << carrier submit 2
        << carrier submit 3
    """)


def test_a_window_full_of_parts_is_a_stall_at_once_and_the_oldest_set_makes_room() -> None:
    scene = RelayPlay()
    scene.gate.window = 2
    play(
        """
        >> esme part 7 ref=1 of=3 n=1 text="yes"
        >> esme part 8 ref=2 of=2 n=1 text="yes"
        << esme submit_resp 7 0x439
        :: parts.stalled
        >> esme part 9 ref=2 of=2 n=2 text="b"
        << carrier submit 1
        << carrier submit 2
        """,
        scene,
    )


def test_a_part_that_brings_a_verdict_stalls_nobody() -> None:
    scene = RelayPlay()
    scene.gate.window = 3
    play(
        """
        >> esme part 7 ref=1 of=2 n=1 text="yes"
        >> esme part 8 ref=2 of=2 n=1 text="yes b"
        # The window is full of parts, but two of them are on their way: their answers let the sender go on.
        >> esme part 9 ref=2 of=2 n=2 text="c"
        << carrier submit 1
        << carrier submit 2
        >> carrier submit_resp 1 id=A
        << esme submit_resp 8 id=A
        >> esme part 10 ref=1 of=2 n=2 text="d"
        << carrier submit 3
        << carrier submit 4
        """,
        scene,
    )


def test_the_same_part_again_is_known_also_where_its_reference_was_taken_again() -> None:
    play(
        """
        >> esme part 1 ref=9 of=2 n=1 text="yes"
        >> esme part 2 ref=9 of=2 n=2 text="a"
        << carrier submit 1
        << carrier submit 2
        >> esme part 3 ref=9 of=2 n=1 text="yes b"
        >> esme part 4 ref=9 of=2 n=2 text="c"
        << carrier submit 3
        << carrier submit 4
        >> carrier submit_resp 3 id=C
        << esme submit_resp 3 id=C
        >> carrier submit_resp 4 id=D
        << esme submit_resp 4 id=D
        # The later message has ended, the earlier one has not.
        >> esme part 5 ref=9 of=2 n=1 text="yes"
        >> esme part 6 ref=9 of=2 n=2 text="a"
        >> carrier submit_resp 1 id=A
        << esme submit_resp 1 id=A
        << esme submit_resp 5 id=A
        >> carrier submit_resp 2 id=B
        << esme submit_resp 2 id=B
        << esme submit_resp 6 id=B
        """,
        RelayPlay(carrier_window=6),
    )


def test_the_rest_of_a_refused_set_is_forgotten_in_time_whatever_was_refused_before_it() -> None:
    play("""
        >> esme part 1 ref=1 of=2 n=1 text="yes"
        .. waits 2
        >> esme part 2 ref=2 of=3 n=1 text="yes"
        >> esme part 3 ref=2 of=3 n=1 text="other"
        << esme submit_resp 2 0x439
        << esme submit_resp 3 0x439
        # Reference 1 ends later, but began earlier: sixteen seconds after its beginning it is free.
        .. waits 3
        << esme submit_resp 1 0x439
        .. waits 12
        >> esme part 4 ref=1 of=2 n=2 text="b"
        >> esme part 5 ref=1 of=2 n=1 text="yes"
        << carrier submit 1
        << carrier submit 2
    """)


def test_a_window_of_one_is_answered_at_once() -> None:
    scene = RelayPlay()
    scene.gate.window = 1
    play(
        """
        >> esme part 7 ref=1 of=2 n=1 text="yes"
        << esme submit_resp 7 0x439
        >> esme part 8 ref=1 of=2 n=2 text="b"
        << esme submit_resp 8 0x439
        >> esme submit 9
        << carrier submit 1
        """,
        scene,
    )


def test_parts_beyond_the_room_are_put_off_and_the_set_stays() -> None:
    scene = RelayPlay()
    octets = part(0, b"x" * 200, ref=1, of=255, n=1)
    fits = 10_000 // len(octets)
    for n in range(1, fits + 1):
        scene.says("esme", part(n, b"x" * 200, ref=1, of=255, n=n))
    assert scene.came("esme") == []
    scene.says("esme", part(900, b"x" * 200, ref=1, of=255, n=200))
    scene.says("esme", part(901, b"x" * 200, ref=2, of=2, n=1))
    assert [(each.sequence, each.status) for each in scene.came("esme")] == [(900, 0x14), (901, 0x14)]
    assert "parts.full" in scene.gate.told
    assert scene.relay.in_flight == fits


# ---- losing a side --------------------------------------------------------------------------------------------------


def test_permitted_parts_wait_for_room_in_front_of_what_is_not_judged() -> None:
    play(
        """
        >> esme part 1 ref=9 of=3 n=1 text="yes"
        >> esme submit 2
        << carrier submit 1
        >> esme part 3 ref=9 of=3 n=2 text="b"
        >> esme part 4 ref=9 of=3 n=3 text="c"
        << carrier submit 2 text="yes"
        >> esme submit 5
        >> carrier submit_resp 1 id=A
        << esme submit_resp 2
        << carrier submit 3 text="b"
        >> carrier submit_resp 2 id=B
        << esme submit_resp 1
        << carrier submit 4 text="c"
        >> carrier submit_resp 3 id=C
        << esme submit_resp 3
        << carrier submit 5 text="yes"
        """,
        RelayPlay(carrier_window=2),
    )


def test_a_lost_carrier_leaves_no_part_without_an_answer() -> None:
    play(
        """
        >> esme part 1 ref=9 of=2 n=1 text="yes"
        >> esme part 2 ref=8 of=2 n=1 text="yes"
        >> esme part 3 ref=9 of=2 n=2 text="b"
        << carrier submit 1
        >> esme part 4 ref=9 of=2 n=2 text="b"
        .. carrier lost
        << esme submit_resp 1 0x460
        << esme submit_resp 3 0x460
        << esme submit_resp 2 0x14
        << esme submit_resp 4 0x14
        :: internal.upstream
        """,
        RelayPlay(carrier_window=1),
    )


def test_a_drain_refuses_what_is_held() -> None:
    play("""
        >> esme part 1 ref=9 of=2 n=1 text="yes"
        .. draining
        << esme submit_resp 1 0x14
        :: internal.draining
    """)


def test_an_unbind_waits_for_what_is_held() -> None:
    play("""
        >> esme part 1 ref=9 of=2 n=1 text="yes"
        >> esme unbind 2
        .. waits 4
        << esme submit_resp 1 0x439
        << esme unbind_resp 2
    """)


class Binds:
    """Several binds of one account."""

    def __init__(self, count: int) -> None:
        self.scenes = [RelayPlay() for _ in range(count)]
        for scene in self.scenes:
            scene.gate.long_messages = self.scenes[0].gate.long_messages

    def part(self, bind: int, sequence: int, n: int, text: str = "yes", *, of: int = 3, ref: int = 9) -> None:
        self.scenes[bind].says("esme", part(sequence, text.encode(), ref=ref, of=of, n=n, dest=PERSON))

    def came(self, side: str) -> list[list[tuple[int, int]]]:
        return [[(one.sequence, one.status) for one in scene.came(side)] for scene in self.scenes]  # type: ignore[arg-type]


def test_parts_over_several_binds_go_on_each_on_its_own() -> None:
    binds = Binds(2)
    binds.part(0, 7, 1)
    binds.part(1, 8, 3)
    assert binds.came("carrier") == [[], []]
    binds.part(1, 9, 2)
    assert binds.came("carrier") == [[(1, 0)], [(1, 0), (2, 0)]]


def test_a_bind_that_goes_away_takes_its_parts_with_it() -> None:
    binds = Binds(2)
    binds.part(0, 7, 1)
    binds.part(1, 8, 3)
    binds.scenes[0].esme_lost()
    assert binds.came("esme") == [[], [(8, 0x439)]]
    binds.part(1, 9, 2)
    binds.part(1, 10, 1)
    assert binds.came("carrier") == [[], []]


def test_a_part_that_came_on_another_bind_too_goes_on_from_there() -> None:
    binds = Binds(2)
    binds.part(0, 7, 1, of=2)
    binds.part(1, 8, 1, of=2)
    binds.scenes[0].esme_lost()
    binds.part(1, 9, 2, of=2)
    assert binds.came("carrier") == [[], [(1, 0), (2, 0)]]


def test_a_bind_that_cannot_send_puts_the_whole_message_off() -> None:
    binds = Binds(2)
    binds.part(0, 7, 1)
    binds.part(1, 8, 2)
    assert binds.scenes[0].carrier is not None
    binds.scenes[0].carrier.enter("unbinding")
    binds.part(1, 9, 3)
    assert binds.came("carrier") == [[], []]
    assert binds.came("esme") == [[(7, 0x14)], [(8, 0x14), (9, 0x14)]]
