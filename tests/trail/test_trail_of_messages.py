"""The trail: a message is found by all of its ids, never another one, across restarts, torn files and full tables."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from proxy.trail import layout
from proxy.trail.limits import Limits
from proxy.trail.message import Message, decision_of, esme_id
from proxy.trail.segments import Segments, TrailLockedError
from proxy.trail.shown import ShownIds
from proxy.trail.trail import Trail

A, B, C = (bytes((each,)) * 16 for each in (1, 2, 3))
FIRST = 1 << 32
FIELDS = ("account", "at", "carrier_id", "decision_id", "person", "route", "shown", "state")
SMALL = Limits(open_most=64, kept_s=1000, grace_s=100, segment_octets=2000, segments_least=3, sync_ms=1)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_700_000_000

    def __call__(self) -> int:
        return self.seconds * 1_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trail(tmp_path: Path, clock: Clock) -> Iterator[Trail]:
    opened = Trail.open(tmp_path, limits=SMALL, clock=clock)
    yield opened
    opened.close()


def again(trail: Trail, directory: Path, clock: Clock, limits: Limits = SMALL) -> Trail:
    trail.close()
    return Trail.open(directory, limits=limits, clock=clock)


def ids(found: tuple[Message, ...]) -> set[int]:
    return {each.decision_id for each in found}


def fields(message: Message | None) -> tuple[object, ...]:
    assert message is not None
    return tuple(getattr(message, name) for name in FIELDS)


def test_a_message_is_found_both_ways_before_and_after_a_restart(tmp_path: Path, clock: Clock, trail: Trail) -> None:
    longest = b"x" * 64
    trail.accepted(FIRST, "jianglan-01", "cmcc", b"7B", A)
    trail.accepted(FIRST + 1, "江澜", "cucc", longest, B)
    at = clock.seconds
    for _ in range(2):
        message = trail.by_ours(FIRST)
        assert fields(message) == fields(Message(FIRST, "jianglan-01", "cmcc", b"7B", A, at, ""))
        assert fields(trail.by_carrier("cmcc", b"7B")[0]) == fields(message)
        assert ids(trail.by_carrier("cucc", longest)) == {FIRST + 1}
        assert fields(trail.by_ours(FIRST + 1)) == fields(Message(FIRST + 1, "江澜", "cucc", longest, B, at, ""))
        assert trail.by_carrier("cucc", b"7B") == trail.by_carrier("other", b"7B") == ()
        assert trail.by_ours(FIRST + 2) is None
        clock.seconds += 10
        trail = again(trail, tmp_path, clock)
    trail.close()


def test_an_id_in_another_case_or_with_other_zeros_is_found_unless_one_is_exact(trail: Trail) -> None:
    trail.accepted(FIRST, "a", "r", b"00ab", A)
    assert ids(trail.by_carrier("r", b"AB")) == ids(trail.by_carrier("r", b"000aB")) == {FIRST}
    trail.accepted(FIRST + 1, "a", "r", b"AB", B)
    assert ids(trail.by_carrier("r", b"AB")) == {FIRST + 1}
    assert ids(trail.by_carrier("r", b"00ab")) == {FIRST}
    assert ids(trail.by_carrier("r", b"ab")) == {FIRST, FIRST + 1}
    trail.accepted(FIRST + 2, "a", "r", b"0", C)
    assert ids(trail.by_carrier("r", b"000")) == {FIRST + 2}


def test_an_empty_id_of_a_carrier_is_found_by_ours_only(tmp_path: Path, clock: Clock, trail: Trail) -> None:
    trail.accepted(FIRST, "a", "r", b"", A)
    trail = again(trail, tmp_path, clock)
    assert trail.by_ours(FIRST) is not None
    assert trail.by_carrier("r", b"") == trail.by_carrier("r", b"0") == ()
    trail.close()


def only(written: bytes) -> tuple[bytes, ...]:
    return (written,)


def test_an_id_that_a_carrier_repeats_is_resolved_by_the_person_or_not_at_all(trail: Trail) -> None:
    trail.accepted(FIRST, "a", "r", b"77", A)
    trail.accepted(FIRST + 1, "b", "r", b"77", B)
    trail.accepted(FIRST + 2, "b", "other", b"77", C)
    assert ids(trail.by_carrier("r", b"77")) == {FIRST, FIRST + 1}
    assert ids(trail.of_receipt("r", b"77", only, A)) == {FIRST}
    assert ids(trail.of_receipt("r", b"77", only, B)) == {FIRST + 1}
    assert ids(trail.of_receipt("r", b"77", only, C)) == {FIRST, FIRST + 1}
    trail.accepted(FIRST + 3, "b", "r", b"77", A)
    assert ids(trail.of_receipt("r", b"77", only, A)) == {FIRST, FIRST + 3}
    trail.final(FIRST, "DELIVRD")
    assert ids(trail.of_receipt("r", b"77", only, A)) == {FIRST + 3}


def test_another_radix_counts_only_with_the_person(trail: Trail) -> None:
    trail.accepted(FIRST, "a", "r", b"7B", A)

    def forms(written: bytes) -> tuple[bytes, ...]:
        return (written, b"7B", b"291")

    assert ids(trail.of_receipt("r", b"123", forms, A)) == {FIRST}
    assert trail.of_receipt("r", b"123", forms, B) == ()
    # The written id is another message's, and the person says so.
    trail.accepted(FIRST + 1, "a", "r", b"123", B)
    assert ids(trail.of_receipt("r", b"123", forms, A)) == {FIRST}
    assert ids(trail.of_receipt("r", b"123", forms, B)) == ids(trail.of_receipt("r", b"123", forms, C)) == {FIRST + 1}
    assert trail.of_receipt("r", b"", only, A) == ()


class _Same(bytes):
    """Octets that all have one hash."""

    def __hash__(self) -> int:
        return 7

    def lstrip(self, *_: object) -> _Same:  # type: ignore[override]
        return self

    def upper(self) -> _Same:
        return self


def test_a_collision_of_hashes_never_finds_another_message(trail: Trail) -> None:
    for number in range(20):
        trail.accepted(FIRST + number, "a", "r", _Same(b"%d" % number), A)
    for number in range(20):
        assert ids(trail.by_carrier("r", _Same(b"%d" % number))) == {FIRST + number}
    assert trail.by_carrier("r", _Same(b"20")) == ()


def test_an_id_entered_twice_is_the_later_ones(tmp_path: Path, clock: Clock, trail: Trail) -> None:
    trail.accepted(FIRST, "a", "r", b"1", A)
    trail.accepted(FIRST, "b", "r", b"2", B)
    for _ in range(2):
        assert fields(trail.by_ours(FIRST))[0] == "b"
        assert trail.by_carrier("r", b"1") == ()
        assert trail.used == 1
        trail = again(trail, tmp_path, clock)
    trail.close()


def test_a_final_message_is_found_with_its_state_until_the_grace_time_is_over(
    tmp_path: Path, clock: Clock, trail: Trail
) -> None:
    trail.accepted(FIRST, "a", "r", b"1", A)
    trail.accepted(FIRST + 1, "a", "r", b"2", A)
    assert trail.final(FIRST, "DELIVRD")
    assert not trail.final(FIRST, "EXPIRED")
    assert not trail.final(FIRST + 9, "DELIVRD")
    for _ in range(2):
        assert [each.state for each in trail.by_carrier("r", b"1")] == ["DELIVRD"]
        trail = again(trail, tmp_path, clock)
    clock.seconds += SMALL.grace_s - 1
    trail.expire(clock())
    assert trail.used == 2
    clock.seconds += 1
    trail.expire(clock())
    assert trail.by_ours(FIRST) is None
    assert trail.by_carrier("r", b"1") == ()
    assert trail.by_ours(FIRST + 1) is not None
    trail = again(trail, tmp_path, clock)
    assert trail.by_ours(FIRST) is None
    trail.close()


@pytest.mark.parametrize("restart", [False, True])
def test_a_message_past_its_time_is_forgotten(tmp_path: Path, clock: Clock, trail: Trail, restart: bool) -> None:
    trail.accepted(FIRST, "a", "r", b"1", A)
    trail.flush()
    clock.seconds += SMALL.kept_s
    trail.accepted(FIRST + 1, "a", "r", b"2", A)
    trail.expire(clock())
    assert trail.used == 2
    clock.seconds += 1
    if restart:
        trail = again(trail, tmp_path, clock)
    trail.expire(clock())
    assert trail.by_ours(FIRST) is None
    assert trail.by_ours(FIRST + 1) is not None
    if restart:
        trail.close()


def test_a_full_trail_gives_up_ended_messages_first_and_then_the_oldest(
    tmp_path: Path, clock: Clock, trail: Trail
) -> None:
    for number in range(SMALL.open_most):
        assert trail.crowded == (number >= SMALL.open_most * 7 // 8)
        clock.seconds += 1
        trail.accepted(FIRST + number, "a", "r", b"%d" % number, A)
        trail.flush()
    trail.final(FIRST + 40, "DELIVRD")
    trail.accepted(FIRST + 100, "a", "r", b"100", A)
    assert trail.by_ours(FIRST + 40) is None
    assert trail.given_up == 0
    trail.accepted(FIRST + 101, "a", "r", b"101", A)
    assert trail.given_up == 1
    for _ in range(2):
        assert trail.by_ours(FIRST) is None
        assert trail.used == SMALL.open_most
        assert trail.by_ours(FIRST + 1) is not None
        trail = again(trail, tmp_path, clock)
    trail.close()


def test_a_carrier_with_one_id_for_all_does_not_make_the_trail_slow(tmp_path: Path, clock: Clock) -> None:
    trail = Trail.open(tmp_path, limits=Limits(open_most=1000), clock=clock)
    for number in range(1000):
        trail.accepted(FIRST + number, "a", "r", b"7", A)
    assert 0 < len(trail.by_carrier("r", b"7")) < 300
    for number in range(1000):
        assert trail.by_ours(FIRST + number) is not None
    trail.close()


@pytest.mark.parametrize(("carrier_id", "person"), [(b"x" * 65, A), (b"x", A[:15]), (b"x", A + b"x")])
def test_what_does_not_fit_is_not_entered(trail: Trail, carrier_id: bytes, person: bytes) -> None:
    with pytest.raises(ValueError):
        trail.accepted(FIRST, "a", "r", carrier_id, person)
    with pytest.raises(struct.error):
        trail.accepted(1 << 64, "a", "r", b"1", A)
    assert trail.used == 0


def test_the_files_hold_neither_more_than_they_may_nor_a_message_that_ended(
    tmp_path: Path, clock: Clock, trail: Trail
) -> None:
    """Long traffic with a few messages that stay open: files stay few, and what is open outlives its first file."""
    stay = []
    for number in range(3000):
        clock.seconds += number % 7 == 0
        trail.accepted(FIRST + number, "a", f"r{number % 3}", b"%08x" % number, A)
        trail.flush()
        if number % 100 == 17 and number > 2000:
            stay.append(number)
        else:
            trail.final(FIRST + number, "DELIVRD")
        trail.flush()
        if number % 10 == 0:
            trail.expire(clock())
    for _ in range(2):
        for number in stay:
            assert ids(trail.by_carrier(f"r{number % 3}", b"%08x" % number)) == {FIRST + number}
        trail = again(trail, tmp_path, clock)
        assert trail.recovered.unsound_octets == trail.recovered.unnamed == 0
        assert trail.recovered.segments <= 13
    trail.close()
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert total < 40_000


def test_a_restart_deletes_what_earlier_starts_left(tmp_path: Path, clock: Clock, trail: Trail) -> None:
    trail.accepted(FIRST, "a", "r", b"1", A)
    for _ in range(20):
        trail = again(trail, tmp_path, clock)
        assert trail.recovered.segments < 8
    assert trail.by_ours(FIRST) is not None
    trail.close()


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 400), flip=st.integers(0, 400))
def test_a_torn_or_damaged_file_costs_only_what_was_in_it(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int
) -> None:
    directory, clock = tmp_path_factory.mktemp("trail"), Clock()
    trail = Trail.open(directory, limits=SMALL, clock=clock)
    ends = []
    for number in range(8):
        trail.accepted(FIRST + number, "a", "r", b"%d" % number, A)
        trail.flush()
        ends.append(next(directory.iterdir()).stat().st_size)
    trail.close()
    path = next(directory.iterdir())
    octets = path.read_bytes()
    octets = bytearray(octets[: max(len(octets) - cut, 0)])
    if flip < len(octets):
        octets[flip] ^= 0x10
    path.write_bytes(octets)
    starts = [len(layout.SEGMENT_MAGIC), *ends]
    whole = [end <= len(octets) and not start <= flip < end for start, end in zip(starts, ends, strict=False)]
    trail = Trail.open(directory, limits=SMALL, clock=clock)
    for number in range(8):
        # The first frame holds the names.
        assert (trail.by_ours(FIRST + number) is not None) == (whole[number] and whole[0])
    assert (trail.recovered.unsound_octets > 0) == (len(octets) not in (0, *starts) or (flip < len(octets)))
    trail.close()


def test_a_second_process_is_kept_out(tmp_path: Path, trail: Trail) -> None:
    with pytest.raises(TrailLockedError):
        Trail.open(tmp_path, limits=SMALL)


def test_limits_that_need_too_many_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        Trail.open(tmp_path, limits=Limits(open_most=1_000_000, segment_octets=1 << 20))


def test_a_disk_that_fails_is_told_and_what_queued_is_written_later(
    tmp_path: Path, clock: Clock, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite
    calls = []

    def full(descriptor: int, octets: bytes, offset: int) -> int:
        calls.append(offset)
        if len(calls) == 1:
            return real(descriptor, octets[:9], offset)
        raise OSError(errno.ENOSPC, "full")

    trail.accepted(FIRST, "a", "r", b"1", A)
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="full"):
            trail.flush()
    trail.accepted(FIRST + 1, "b", "r", b"2", A)
    trail.flush()
    trail = again(trail, tmp_path, clock)
    assert trail.by_ours(FIRST) is not None
    assert trail.by_ours(FIRST + 1) is not None
    assert trail.recovered.unsound_octets == 0
    trail.close()


def test_a_file_that_cannot_be_begun_lets_the_present_one_grow(
    tmp_path: Path, clock: Clock, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Segments) -> None:
        raise OSError(errno.EMFILE, "no more")

    with monkeypatch.context() as patched:
        patched.setattr(Segments, "begin", fail)
        for number in range(60):
            trail.accepted(FIRST + number, "a", "r", b"%d" % number, A)
            trail.flush()
        assert trail.rotation_error is not None
    trail.final(FIRST, "DELIVRD")
    trail.flush()
    assert trail.rotation_error is None
    trail = again(trail, tmp_path, clock)
    assert trail.used == 60
    trail.close()


@pytest.mark.parametrize("value", [0, 1, FIRST + 0xABC, (1 << 64) - 1])
def test_the_id_that_the_esme_sees(value: int) -> None:
    written = esme_id(value)
    assert len(written) == 16
    assert written == written.lower()
    assert decision_of(written) == decision_of(written.upper()) == value


@pytest.mark.parametrize(
    "written", [b"", b"0" * 15, b"0" * 17, b"0x00000000000000", b"+" + b"0" * 15, b"g" * 16, b"0_0" * 5 + b"0"]
)
def test_other_octets_are_no_id_of_ours(written: bytes) -> None:
    assert decision_of(written) is None


class TrailAgainstDict(RuleBasedStateMachine):
    """The trail, restarted and killed at any time, against a dict."""

    @initialize(tmp=st.just(None))
    def begin(self, tmp: None) -> None:
        import tempfile

        self.directory = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.limits = Limits(open_most=200, kept_s=500, grace_s=50, segment_octets=600, segments_least=2, sync_ms=1)
        self.trail = Trail.open(Path(self.directory.name), limits=self.limits, clock=self.clock)
        self.model: dict[int, tuple[str, bytes, bytes, int, str]] = {}

    @rule(
        number=st.integers(0, 30),
        route=st.sampled_from("xyz"),
        carrier=st.integers(0, 9),
        person=st.sampled_from((A, B)),
    )
    def accept(self, number: int, route: str, carrier: int, person: bytes) -> None:
        carrier_id = b"" if carrier == 9 else b"%d" % carrier
        self.trail.accepted(FIRST + number, "a", route, carrier_id, person)
        self.trail.flush()
        self.model[FIRST + number] = (route, carrier_id, person, self.clock.seconds, "")

    @rule(number=st.integers(0, 30), state=st.sampled_from(("DELIVRD", "EXPIRED")))
    def end(self, number: int, state: str) -> None:
        known = self.model.get(FIRST + number)
        assert self.trail.final(FIRST + number, state) == (known is not None and not known[4])
        self.trail.flush()
        if known is not None and not known[4]:
            self.model[FIRST + number] = (*known[:4], state)

    @rule()
    def work(self) -> None:
        self.trail.expire(self.clock())

    @rule()
    def restart(self) -> None:
        self.trail = again(self.trail, Path(self.directory.name), self.clock, self.limits)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "model"):
            return
        assert self.trail.used == len(self.model)
        for decision_id, (route, carrier_id, person, at, state) in self.model.items():
            got = self.trail.by_ours(decision_id)
            assert fields(got) == fields(Message(decision_id, "a", route, carrier_id, person, at, state))
        for route in "xyz":
            for number in range(9):
                expected = {key for key, row in self.model.items() if row[:2] == (route, b"%d" % number)}
                assert ids(self.trail.by_carrier(route, b"%d" % number)) == expected

    def teardown(self) -> None:
        if hasattr(self, "trail"):
            self.trail.close()
            self.directory.cleanup()


TestTrailAgainstDict = TrailAgainstDict.TestCase
TestTrailAgainstDict.settings = settings(max_examples=15, stateful_step_count=40, deadline=None)


# ---- persons of a submit_multi --------------------------------------------------------------------------------------


def test_messages_shown_under_one_id_are_found_by_it_and_told_apart_after_a_restart(
    tmp_path: Path, clock: Clock, trail: Trail
) -> None:
    for number, person in enumerate((A, B, C)):
        trail.accepted(FIRST + number, "jl", "cmcc", b"7B", person)
        if number:
            trail.show(FIRST + number, FIRST)
    trail.show(FIRST + 9, FIRST)
    for _ in range(2):
        assert ids(trail.all_shown_as(FIRST)) == {FIRST, FIRST + 1, FIRST + 2}
        assert trail.all_shown_as(FIRST + 1) == ()
        (found,) = trail.of_receipt("cmcc", b"7B", only, B)
        assert (found.decision_id, found.shown) == (FIRST + 1, FIRST)
        trail = again(trail, tmp_path, clock)
    trail.final(FIRST, "receipt")
    trail.final(FIRST + 1, "receipt")
    trail.flush()
    clock.seconds += SMALL.grace_s + 1
    trail.expire(clock())
    assert ids(trail.all_shown_as(FIRST)) == {FIRST + 2}
    clock.seconds += SMALL.kept_s
    for _ in range(3):
        trail.expire(clock())
    assert trail.all_shown_as(FIRST) == ()
    # Whoever gets an id of one that is forgotten has nothing of it.
    trail.accepted(FIRST + 1, "jl", "cmcc", b"7C", B)
    assert ids(trail.all_shown_as(FIRST + 1)) == {FIRST + 1}
    assert trail.all_shown_as(FIRST) == ()
    trail.close()


def test_ids_that_are_forgotten_leave_nothing_behind() -> None:
    shown = ShownIds()
    for number in (1, 2):
        shown.enter(FIRST + number, FIRST)
    assert shown.messages(FIRST) == (FIRST + 1, FIRST + 2)
    for number in (0, 1, 2):
        shown.forget(FIRST + number)
    assert (shown.messages(FIRST), shown.by_message, shown._messages) == ((), {}, {})


def test_what_is_shown_is_carried_on_with_its_message(tmp_path: Path, clock: Clock, trail: Trail) -> None:
    trail.accepted(FIRST, "jl", "cmcc", b"7B", A)
    trail.show(FIRST, FIRST - 1)
    for number in range(1, 400):
        trail.accepted(FIRST + number, "jl", "cmcc", b"%d" % number, B)
        trail.final(FIRST + number, "receipt")
        trail.flush()
        clock.seconds += 1
    trail = again(trail, tmp_path, clock)
    assert ids(trail.all_shown_as(FIRST - 1)) == {FIRST}
    trail.close()
