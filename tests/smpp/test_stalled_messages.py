"""Stalled messages without sockets: whatever the disk, the carrier and a kill do, each part is answered from disk, sent
at most once without a known refusal, and ends at the carrier or in a receipt.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.decision import Permit, Refusal
from proxy.judging.stalled_account import recover
from proxy.smpp.concat import Part, Reassembly
from proxy.smpp.long_messages import LongMessages
from proxy.smpp.pdu import Pdu
from proxy.smpp.stalled import StalledMessages
from proxy.smpp.stalled_message import kept_name
from proxy.smpp.stalled_ports import StalledLimits
from tests.tools.example_budget import examples
from tests.tools.relay_play import PERSON, PORT, PlayGate, part

pytestmark = pytest.mark.unit

THROTTLED, FOR_GOOD = 0x58, 0x45
LIMITS = StalledLimits(parts=20, octets=10_000, deadline_s=50.0, age_s=200.0, retry_first_s=1.0, retry_most_s=4.0)
_REGISTERED = 16 + 1 + (2 + len(PORT) + 1) + (2 + len(PERSON) + 1) + 5


def a_part(text: bytes, number: int, *, of: int = 2, ref: int = 9, receipt: int = 1) -> Pdu:
    raw = bytearray(part(1, text, ref=ref, of=of, n=number))
    raw[_REGISTERED] = receipt
    return Pdu(4, 0, 1, bytes(raw))


class Disk:
    """Writes wait until a test settles them. What was dropped a moment ago comes back with a kill."""

    def __init__(self) -> None:
        self.durable: dict[bytes, float] = {}
        self.dropped: dict[bytes, float] = {}
        #: All that was ever durable.
        self.ever: set[bytes] = set()
        self.queue: list[tuple[bytes, Callable[[bool], None], bool]] = []
        self.receipts: list[tuple[str, str]] = []
        self.now = 0.0
        #: So many records have no room.
        self.refuses = 0

    def put(self, record: bytes, then: Callable[[bool], None]) -> bool:
        if self.refuses:
            self.refuses -= 1
            return False
        self.queue.append((record, then, False))
        return True

    def deliver(self, receipt: bytes, then: Callable[[bool], None]) -> bool:
        self.queue.append((receipt, then, True))
        return True

    def drop(self, record: bytes) -> None:
        if self.durable.pop(record, None) is not None:
            self.dropped[record] = self.now

    def settle(self, ok: bool = True) -> None:
        """What waits is written, oldest first, and what follows from it waits next."""
        queue, self.queue = self.queue, []
        for octets, then, is_receipt in queue:
            if ok and is_receipt:
                said = re.search(rb"id:(\S+) .*stat:(\w+) ", octets)
                assert said is not None
                self.receipts.append((said[1].decode(), said[2].decode()))
            elif ok:
                self.durable[octets] = self.now
                self.ever.add(octets)
            then(ok)

    def found(self) -> list[bytes]:
        return list(self.durable)

    def kill(self, comes_back: Callable[[bytes], bool]) -> None:
        self.queue.clear()
        # Drops are written a little later, each file for itself: within a second any of them may be lost.
        late = {record: at for record, at in self.dropped.items() if at >= self.now - 1.0}
        self.durable |= {record: at for record, at in late.items() if comes_back(record)}
        self.dropped.clear()


class Gate(PlayGate):
    """Judges by the text; with `refuses` a "TD" came meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = False

    def part_of(self, each: Pdu) -> Part | None:
        self._reader.submit(each, 0, 0.0, True, False)
        return self._reader.part

    def refused_whole(self, parts: tuple[Part, ...]) -> Refusal | None:
        return self.unanswerable(parts[0].pdu, "internal.rule") if self.refuses else None

    def judge_parts(
        self, parts: tuple[Part, ...], rule: str, detail: str, refused: Callable[[Refusal], None]
    ) -> tuple[Permit, ...]:
        if self.refuses and not rule:
            return super().judge_parts(parts, "pdu.ambiguous", "", refused)
        return super().judge_parts(parts, rule, detail, refused)

    def status_of(self, rule: str) -> int:
        return 0x460


class Play:
    """One account: its messages, its ESME's bind (`concat.Holder`), and its way to the carrier."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.gate = Gate()
        self.now = 1000.0
        self.ids = 0x1_0000_0000
        self.is_open = lambda: True
        #: What was sent and not refused since: never to be sent again.
        self.out: dict[int, bytes] = {}
        self.waiting: list[int] = []
        self.trail: set[int] = set()
        self.answered: list[tuple[bytes, str | None]] = []
        self.cancelled: set[str] = set()
        self.reserved = 0
        self.begin()

    def begin(self) -> None:
        self.messages = StalledMessages(
            self.disk, self.gate, self, LIMITS, clock=lambda: self.now, next_id=self._next_id
        )
        self.long = LongMessages(Reassembly(30.0, 100_000))
        self.long.stalled = self.messages

    def _next_id(self) -> int:
        self.ids += 1
        return self.ids

    # ---- as the way to the carrier, and as the bind that holds parts

    def reserve(self, message: int) -> None:
        self.reserved += 1

    def release(self, message: int) -> None:
        self.reserved -= 1

    def send(self, message: int, going: list[tuple[int, Part, Permit]]) -> bool:
        for id_, each, permit in going:
            assert permit.spend() == each.pdu.raw
            assert id_ not in self.out, "sent twice"
            self.out[id_] = each.pdu.raw
            self.waiting.append(id_)
        return True

    def took(self, id_: int) -> bool:
        return id_ in self.trail

    def part_answered(self, pdu: Pdu, answer: bytes) -> None:
        name = answer[16:-1].decode()
        assert any(int(name, 16).to_bytes(8) in record for record in self.disk.ever), "answered and not on disk"
        self.answered.append((pdu.raw, name))

    def part_refused(self, pdu: Pdu, refusal: Refusal) -> None:
        self.answered.append((pdu.raw, None))

    def part_permitted(self, pdu: Pdu, permit: Permit, now: float) -> None:
        raise AssertionError("the ordinary way")

    def part_joined(self, now: float) -> None: ...

    def message_permitted(self) -> None: ...

    def message_ended(self, decision_id: int, result: str, answer: bytes) -> None: ...

    def unable(self) -> str:
        return ""

    # ---- what happens

    def says(self, pdu: Pdu) -> None:
        """The ESME sends a part, and waits for its answer."""
        each = self.gate.part_of(pdu)
        assert each is not None
        self.long.take(each, self, self.gate, self.now)
        self.long.stall(self, self.gate, 0)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.disk.now = self.now
        self.messages.go_on()

    def carrier(self, said: str) -> None:
        """The carrier answers the oldest part so."""
        if not self.waiting:
            return
        id_ = self.waiting.pop(0)
        if said == "taken":
            self.trail.add(id_)
            self.messages.taken(id_)
        elif said == "unknown":
            self.messages.left_unknown(id_)
        elif said == "good":
            self.messages.rejected_by_carrier(id_, FOR_GOOD)
        else:
            del self.out[id_]
            if said == "unsent":
                self.messages.unsent(id_, "internal.upstream")
            else:
                self.messages.rejected_by_carrier(id_, THROTTLED)

    def kill(self, comes_back: Callable[[bytes], bool] = lambda record: True) -> None:
        self.disk.kill(comes_back)
        self.waiting.clear()
        self.reserved = 0
        self.begin()
        recover(self.disk, self.messages, self.gate, lambda event: None)  # type: ignore[arg-type]

    def names(self) -> list[str]:
        return [name for _, name in self.answered if name]

    def to_the_end(self) -> None:
        """The disk writes, the carrier takes, and all times pass."""
        for _ in range(80):
            self.disk.settle()
            self.carrier("taken")
            self.passes(5.0)
        assert not self.disk.queue
        assert not self.waiting


def told(play: Play) -> dict[str, str]:
    return dict(play.disk.receipts)


def test_each_part_is_answered_when_it_is_on_disk() -> None:
    play = Play()
    play.says(a_part(b"ye", 1))
    assert play.answered == []
    play.disk.settle()
    assert len(play.names()) == 1
    play.says(a_part(b"s", 2))
    play.disk.settle()
    assert len(set(play.names())) == 2
    assert play.out == {}, "its mark is not on disk"
    play.disk.settle()
    assert [kept_name(id_).decode() for id_ in play.out] == play.names()
    play.carrier("taken")
    play.carrier("taken")
    assert play.messages.tries.accepted == 1
    play.to_the_end()
    assert (play.disk.receipts, play.disk.durable, play.messages.parts, play.messages.octets) == ([], {}, 0, 0)


def test_a_disk_that_fails_costs_the_part_and_not_the_message() -> None:
    play = Play()
    play.says(a_part(b"ye", 1))
    play.disk.settle(ok=False)
    assert [name for _, name in play.answered] == [None]
    play.says(a_part(b"ye", 1))
    play.disk.settle()
    play.says(a_part(b"s", 2))
    play.disk.settle(ok=False)
    play.says(a_part(b"s", 2))
    play.disk.settle()
    play.disk.settle(ok=False)
    assert play.out == {}, "its mark is not on disk"
    play.to_the_end()
    assert len(play.out) == 2


def test_a_first_part_without_a_place_does_not_leave_the_second_without_a_message() -> None:
    play = Play()
    first, second, third = [a_part(text, number, of=3) for number, text in ((1, b"ye"), (2, b"s"), (3, b" !"))]
    # A disk that has no room just now: the parts are adopted together, the second finds some.
    play.disk.refuses = 1
    for each in (first, second):
        found = play.gate.part_of(each)
        assert found is not None
        play.long.take(found, play, play.gate, play.now)
    play.long.stall(play, play.gate, 0)
    play.disk.settle()
    assert [name is None for _, name in play.answered] == [True, False]
    play.says(first)
    play.disk.settle()
    play.says(third)
    play.to_the_end()
    assert len(play.out) == 3
    assert (play.disk.receipts, play.messages.parts) == ([], 0)


def test_a_refusal_while_the_mark_is_written_stops_it() -> None:
    play = Play()
    for number, text in ((1, b"ye"), (2, b"s")):
        play.says(a_part(text, number))
        play.disk.settle()
    play.gate.refuses = True
    play.to_the_end()
    assert play.out == {}
    assert told(play) == dict.fromkeys(play.names(), "REJECTD")
    assert (play.messages.tries.accepted, play.messages.tries.rejected) == (0, 1)


def test_what_was_never_brought_ends_by_its_age() -> None:
    play = Play()
    for number, text in ((1, b"ye"), (2, b"s")):
        play.says(a_part(text, number, receipt=number - 1))
        play.disk.settle()
    play.disk.settle()
    for _ in range(400):
        play.carrier("later")
        play.disk.settle()
        play.passes(1.0)
    assert told(play) == {play.names()[1]: "EXPIRED"}
    assert play.messages.tries.open_messages == 0


def test_a_clock_that_was_set_back_keeps_nothing_longer() -> None:
    play = Play()
    play.is_open = lambda: False
    play.says(a_part(b"ye", 1, ref=1))
    for number, text in ((1, b"ye"), (2, b"s")):
        play.says(a_part(text, number))
        play.disk.settle()
    incomplete, *whole = play.names()
    play.now = 10.0
    play.kill()
    for _ in range(50):
        play.disk.settle()
        play.passes(5.0)
    assert told(play) == {incomplete: "REJECTD", **dict.fromkeys(whole, "EXPIRED")}


def test_a_part_refused_for_good_ends_the_others_that_wait() -> None:
    play = Play()
    for number in (1, 2, 3):
        play.says(a_part(b"yes", number, of=3))
        play.disk.settle()
    play.disk.settle()
    for said in ("taken", "good", "later"):
        play.carrier(said)
    play.to_the_end()
    assert told(play) == dict.fromkeys(play.names()[1:], "UNDELIV")
    assert len(play.out) == 2
    tries = play.messages.tries
    assert (tries.accepted, tries.rejected, tries.unknown) == (0, 1, 0)


@pytest.mark.parametrize("end", ["taken", "cancel", "good"])
def test_a_kill_that_brings_parts_back_sends_none_of_them_again(end: str) -> None:
    play = Play()
    for number, text in ((1, b"ye"), (2, b"s")):
        play.says(a_part(text, number))
        if number == 2 and end == "cancel":
            play.messages.cancel(play.names()[0].encode(), lambda ok: play.cancelled.update(play.names()))
        play.disk.settle()
    for _ in range(6):
        play.disk.settle()
        play.carrier(end)
        play.passes(0.1)
    assert not [record for record in play.disk.durable if b"part" in record[:8]]
    told_before = dict(play.disk.receipts)
    play.kill(lambda record: b"part" in record[:8])
    play.to_the_end()
    assert len(play.out) == (0 if end == "cancel" else 2), "sent again, or never"
    assert told(play) == told_before


def test_what_may_be_out_when_it_is_killed_is_told_as_unknown_and_not_sent_again() -> None:
    play = Play()
    for number, text in ((1, b"ye"), (2, b"s")):
        play.says(a_part(text, number))
        play.disk.settle()
    play.disk.settle()
    assert len(play.out) == 2
    # The carrier's word of the first is in the trail, and in no record of the message.
    play.trail.add(play.waiting[0])
    play.kill()
    play.to_the_end()
    assert told(play) == {play.names()[1]: "UNKNOWN"}
    assert len(play.out) == 2


def test_the_end_of_a_message_leaves_a_younger_one_under_its_reference_alone() -> None:
    play = Play()
    for number, text in ((1, b"ye"), (2, b"s")):
        play.says(a_part(text, number))
        play.disk.settle()
    play.disk.settle()
    play.carrier("later")
    play.carrier("later")
    play.says(a_part(b"y", 1))
    play.disk.settle()
    while play.disk.queue:
        play.disk.settle()
    play.messages.cancel(play.names()[0].encode(), lambda ok: play.cancelled.update(play.names()[:2]))
    while play.disk.queue:
        play.disk.settle()
    assert told(play) == dict.fromkeys(play.names()[:2], "DELETED")
    play.says(a_part(b"es", 2))
    play.to_the_end()
    assert [kept_name(id_).decode() for id_ in play.out] == play.names()[2:]


def sends_whole(play: Play, *texts: bytes) -> None:
    for number, text in enumerate(texts, start=1):
        play.says(a_part(text, number))
        play.disk.settle()
    while play.disk.queue:
        play.disk.settle()


class RoomyPlay(Play):
    """Its window has room: what does not stall goes the ordinary way."""

    def __init__(self) -> None:
        super().__init__()
        self.went: list[bytes] = []

    def part_permitted(self, pdu: Pdu, permit: Permit, now: float) -> None:
        self.went.append(permit.spend())


@pytest.mark.parametrize("arrived", [True, False])
def test_a_younger_message_may_end_like_the_one_before_it(arrived: bool) -> None:
    play = RoomyPlay()
    sends_whole(play, b"yes, one", b" of two")
    for _ in range(2 * arrived):
        play.carrier("taken")
    younger = [a_part(b"yes, two", 1), a_part(b" of two", 2)]
    for each in younger:
        found = play.gate.part_of(each)
        assert found is not None
        play.long.take(found, play, play.gate, play.now)
    assert play.went == [each.raw for each in younger]
    assert len(play.names()) == 2


@pytest.mark.parametrize(("end", "sent"), [("taken", 2), ("unknown", 2), ("good", 3), ("refused", 2), ("cancelled", 2)])
def test_what_failed_and_was_told_so_can_be_sent_once_more(end: str, sent: int) -> None:
    """The same octets: what may have arrived has its answer, what cannot have is another message."""
    play = Play()
    play.gate.refuses = end == "refused"
    play.is_open = lambda: end != "cancelled"
    sends_whole(play, b"ye", b"s")
    if end == "cancelled":
        play.messages.cancel(play.names()[0].encode(), lambda ok: play.cancelled.update(play.names()))
    play.carrier(end)
    play.carrier("taken" if end == "taken" else "later")
    while play.disk.queue:
        play.disk.settle()
    play.passes(0.1)
    play.gate.refuses, play.is_open = False, lambda: True
    before = play.names()
    sends_whole(play, b"ye", b"s")
    again = play.names()[2:]
    assert (again == before) is (end in ("taken", "unknown"))
    play.to_the_end()
    assert len(play.out) == sent


@pytest.mark.parametrize("kept", [1, 2])
def test_a_bound_is_a_bound(kept: int) -> None:
    play = Play()
    for ref in range(1, 40):
        for number in range(1, kept + 1):
            play.says(a_part(b"ye", number, of=3, ref=ref))
            play.disk.settle()
    assert play.messages.parts <= LIMITS.parts
    assert [name for _, name in play.answered].count(None) == 39 * kept - LIMITS.parts
    assert "stalled.full" in play.gate.told


TEXTS = {"yes": (b"ye", b"s"), "no": (b"n", b"o")}
EVENTS = st.one_of(
    st.tuples(st.just("says"), st.sampled_from(["yes", "no"]), st.sampled_from([1, 2]), st.integers(1, 2)),
    st.tuples(st.just("whole"), st.sampled_from(["yes", "yes", "no"]), st.integers(1, 2)),
    st.tuples(st.just("whole"), st.sampled_from(["yes", "yes", "no"]), st.integers(1, 2)),
    st.tuples(st.just("odd"), st.integers(1, 2)),
    st.tuples(st.just("disk"), st.sampled_from([True, True, True, False])),
    st.tuples(st.just("carrier"), st.sampled_from(["taken", "taken", "later", "good", "unknown", "unsent"])),
    st.tuples(st.just("passes"), st.sampled_from([0.1, 1.0, 5.0, 60.0])),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("refuses")),
    st.tuples(st.just("kill")),
)


@settings(max_examples=examples(2.0))
@given(st.lists(EVENTS, max_size=30))
def test_every_answered_part_ends_once(script: list[tuple[object, ...]]) -> None:
    play = Play()
    for event in script:
        match event:
            case ("says", str(word), int(number), int(ref)):
                play.says(a_part(TEXTS[word][number - 1], number, ref=ref))
            case ("whole", str(word), int(ref)):
                for number in (1, 2):
                    play.says(a_part(TEXTS[word][number - 1], number, ref=ref))
                    play.disk.settle()
            case ("odd", int(ref)):
                play.says(a_part(b"other", 1, ref=ref))
            case ("disk", bool(ok)):
                play.disk.settle(ok)
            case ("carrier", str(said)):
                play.carrier(said)
            case ("passes", float(seconds)):
                play.passes(seconds)
            case ("cancel", int(place)) if play.names():
                name = play.names()[place % len(play.names())]
                play.messages.cancel(name.encode(), lambda ok, name=name: play.cancelled.add(name) if ok else None)  # type: ignore[misc]
            case ("refuses",):
                play.gate.refuses = not play.gate.refuses
            case ("kill",):
                play.kill()
    play.to_the_end()
    taken = {kept_name(id_).decode() for id_ in play.trail}
    assert set(play.names()) <= taken | set(told(play)), "answered, and then nothing"
    assert not taken & set(told(play)), "taken, and told as failed"
    assert play.cancelled <= set(told(play)), "cancelled, and not told"
    tries = play.messages.tries
    assert tries.open_messages == play.reserved == 0
    assert (play.messages.parts, play.messages.octets) == (0, 0)
    assert not play.disk.durable
