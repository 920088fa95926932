"""Whatever is done to a log on disk, verification finds it and names the place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.evidence.layout import BATCH_HEADER_OCTETS, Head, encode_trailer
from proxy.evidence.merkle import EMPTY_ROOT
from proxy.evidence.read import last_head
from proxy.evidence.records import encode
from proxy.evidence.segments import Batch, batches_of, segment_paths
from proxy.evidence.verify import Report, verify
from tests.tools.example_budget import examples

pytestmark = pytest.mark.unit

BATCHES = [3, 1, 2, 5, 1, 4, 2, 1]


@pytest.fixture
def log(tmp_path: Path, make_log: Any, decision: Any) -> Path:
    """8 batches of 19 records in 3 segments or more."""
    batches: list[list[Any]] = []
    number = 0
    for size in BATCHES:
        batches.append([decision(number + one) for one in range(size)])
        number += size
    make_log(tmp_path / "log", batches, segment_octets=1000)
    assert len(segment_paths(tmp_path / "log")) >= 3
    return tmp_path / "log"


@pytest.fixture
def check(log: Path, signing_key: Ed25519PrivateKey) -> Callable[..., Report]:
    def run(outside: Head | None = None) -> Report:
        return verify(log, signing_key.public_key(), outside)

    return run


def all_batches(log: Path) -> list[tuple[Path, Batch, bytes]]:
    """Each batch with its segment and octets."""
    return [
        (path, batch, path.read_bytes()[batch.offset : batch.end])
        for path in segment_paths(log)
        for batch in batches_of(path)
    ]


def test_an_untouched_log_is_sound(log: Path, check: Callable[..., Report]) -> None:
    report = check()
    assert report.problem is None
    assert (report.batches, report.records) == (len(BATCHES), sum(BATCHES))
    assert report.head == last_head(log)


@settings(max_examples=examples(3), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_octet_is_found_and_named(log: Path, check: Callable[..., Report], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(segment_paths(log)))
    octets = path.read_bytes()
    at = data.draw(st.integers(0, len(octets) - 1))
    flip = data.draw(st.integers(1, 255))
    path.write_bytes(octets[:at] + bytes([octets[at] ^ flip]) + octets[at + 1 :])
    try:
        problem = check().problem
    finally:
        path.write_bytes(octets)
    assert problem is not None
    assert problem.segment == path.name
    batches = list(batches_of(path))
    batch = next((one for one in batches if one.offset <= at < one.end), None)
    # The log id in the header of the first segment is vouched for by the signature of the first batch only.
    assert problem.offset in ({batch.offset} if batch else {0, batches[0].offset})


def test_every_octet_of_a_small_log(tmp_path: Path, make_log: Any, decision: Any, signing_key: Any) -> None:
    make_log(tmp_path, [[decision(1)], [decision(2), decision(3)]], segment_octets=200)
    key = signing_key.public_key()
    for path in segment_paths(tmp_path):
        octets = path.read_bytes()
        for at in range(len(octets)):
            path.write_bytes(octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :])
            problem = verify(tmp_path, key).problem
            assert problem is not None, (path.name, at)
            assert problem.segment == path.name
        path.write_bytes(octets)
    assert verify(tmp_path, key).sound


@pytest.mark.parametrize("which", range(len(BATCHES) - 1))
def test_a_removed_batch(log: Path, check: Callable[..., Report], which: int) -> None:
    path, batch, _ = all_batches(log)[which]
    octets = path.read_bytes()
    path.write_bytes(octets[: batch.offset] + octets[batch.end :])
    problem = check().problem
    assert problem is not None
    assert problem.code == "missing"
    assert problem.first == batch.header.first


@pytest.mark.parametrize("which", range(len(BATCHES)))
def test_a_repeated_batch(log: Path, check: Callable[..., Report], which: int) -> None:
    path, batch, octets = all_batches(log)[which]
    whole = path.read_bytes()
    path.write_bytes(whole[: batch.end] + octets + whole[batch.end :])
    problem = check().problem
    assert problem is not None
    assert (problem.code, problem.segment, problem.offset) == ("order", path.name, batch.end)


def test_two_batches_changed_places(log: Path, check: Callable[..., Report]) -> None:
    together = [
        (one, two) for one, two in zip(all_batches(log), all_batches(log)[1:], strict=False) if one[0] == two[0]
    ]
    assert together
    (path, first, first_octets), (_, second, second_octets) = together[0]
    whole = path.read_bytes()
    path.write_bytes(whole[: first.offset] + second_octets + first_octets + whole[second.end :])
    problem = check().problem
    assert problem is not None
    assert (problem.code, problem.offset) == ("missing", first.offset)


def test_a_removed_segment(log: Path, check: Callable[..., Report]) -> None:
    paths = segment_paths(log)
    paths[1].unlink()
    problem = check().problem
    assert problem is not None
    assert (problem.code, problem.segment) == ("missing", paths[2].name)


def test_two_segments_changed_names(log: Path, check: Callable[..., Report]) -> None:
    one, two, *_ = segment_paths(log)
    octets = one.read_bytes(), two.read_bytes()
    one.write_bytes(octets[1])
    two.write_bytes(octets[0])
    problem = check().problem
    assert problem is not None
    assert (problem.code, problem.segment) == ("altered", one.name)


def test_records_changed_places_within_a_batch(log: Path, check: Callable[..., Report]) -> None:
    path, batch, _ = next(one for one in all_batches(log) if len(one[1].records) == 5)
    whole = path.read_bytes()
    body = batch.offset + BATCH_HEADER_OCTETS + 4 * 5
    swapped = [batch.records[1], batch.records[0], *batch.records[2:]]
    assert len({len(record) for record in batch.records}) == 1
    path.write_bytes(whole[:body] + b"".join(swapped) + whole[body + batch.header.octets :])
    problem = check().problem
    assert problem is not None
    assert (problem.code, problem.first, problem.last) == (
        "altered",
        batch.header.first,
        batch.header.first + 4,
    )


def test_a_tail_cut_at_a_batch_shows_only_against_a_head_held_outside(log: Path, check: Callable[..., Report]) -> None:
    held = last_head(log)
    assert held is not None
    path, batch, _ = all_batches(log)[-1]
    path.write_bytes(path.read_bytes()[: batch.offset]) if batch.header.first != int(path.stem) else path.unlink()
    assert check().sound
    problem = check(held).problem
    assert problem is not None
    assert (problem.code, problem.first, problem.last) == ("missing", batch.header.first, held.size - 1)


def test_a_tail_cut_within_a_batch(log: Path, check: Callable[..., Report]) -> None:
    path, batch, _ = all_batches(log)[-1]
    whole = path.read_bytes()
    for length in range(batch.offset + 1, len(whole)):
        path.write_bytes(whole[:length])
        problem = check().problem
        assert problem is not None
        assert (problem.code, problem.offset) == ("cut", batch.offset)


def test_every_earlier_head_is_met_and_any_other_root_is_not(log: Path, check: Callable[..., Report]) -> None:
    for _, batch, _ in all_batches(log):
        report = check(batch.head)
        assert report.sound
        assert report.outside_head_met
        problem = check(replace(batch.head, root=b"\1" * 32, signature=b"")).problem
        assert problem is not None
        assert problem.code == "head"


def test_a_head_held_outside_with_a_forged_signature(log: Path, check: Callable[..., Report]) -> None:
    held = last_head(log)
    assert held is not None
    problem = check(replace(held, signature=b"\1" * 64)).problem
    assert problem is not None
    assert problem.code == "head"


def test_a_log_written_anew_with_the_same_key_shows_against_the_head(
    tmp_path: Path, make_log: Any, decision: Any, signing_key: Any
) -> None:
    make_log(tmp_path / "true", [[decision(1, effect=1), decision(2)], [decision(3)]])
    held = last_head(tmp_path / "true")
    make_log(tmp_path / "forged", [[decision(1), decision(2), decision(3)], [decision(4)]])
    assert verify(tmp_path / "forged", signing_key.public_key()).sound
    problem = verify(tmp_path / "forged", signing_key.public_key(), held).problem
    assert problem is not None
    assert (problem.code, problem.first, problem.last) == ("head", 0, 2)


def test_an_altered_record_under_a_root_made_to_fit_fails_on_the_signature(
    tmp_path: Path, make_log: Any, decision: Any, signing_key: Any
) -> None:
    make_log(tmp_path / "true", [[decision(1, effect=1)]])
    make_log(tmp_path / "forged", [[decision(1)]], key=Ed25519PrivateKey.from_private_bytes(b"\2" * 32))
    ((true_path, true_batch, _),) = all_batches(tmp_path / "true")
    ((_, forged_batch, forged),) = all_batches(tmp_path / "forged")
    octets = true_path.read_bytes()[: true_batch.offset] + forged
    true_path.write_bytes(octets)
    problem = verify(tmp_path / "true", signing_key.public_key()).problem
    assert problem is not None
    assert problem.code == "signature"
    # The true signature over another root does not fit either.
    head = replace(forged_batch.head, signature=true_batch.head.signature)
    true_path.write_bytes(octets[: -len(encode_trailer(head))] + encode_trailer(head))
    problem = verify(tmp_path / "true", signing_key.public_key()).problem
    assert problem is not None
    assert problem.code == "signature"


def test_a_segment_of_another_log(tmp_path: Path, log: Path, make_log: Any, decision: Any, check: Any) -> None:
    make_log(tmp_path / "other", [[decision(n)] for n in range(19)], log_id=b"another log, 16o", segment_octets=1)
    second = segment_paths(log)[1]
    second.write_bytes((tmp_path / "other" / second.name).read_bytes())
    problem = check().problem
    assert problem is not None
    assert (problem.code, problem.segment) == ("foreign", second.name)


def test_the_wrong_key(log: Path) -> None:
    problem = verify(log, Ed25519PrivateKey.from_private_bytes(b"\2" * 32).public_key()).problem
    assert problem is not None
    assert problem.code == "key"


def test_a_signed_record_that_is_none(tmp_path: Path, make_log: Any, decision: Any, signing_key: Any) -> None:
    make_log(tmp_path, [[decision(1)], [decision(2), b"\xc1 no msgpack"]])
    problem = verify(tmp_path, signing_key.public_key()).problem
    assert problem is not None
    assert (problem.code, problem.first) == ("record", 2)


def test_a_record_of_a_kind_not_yet_known_is_sound(
    tmp_path: Path, make_log: Any, decision: Any, signing_key: Any
) -> None:
    make_log(tmp_path, [[encode([99, 1, "of a later version"])]])
    assert verify(tmp_path, signing_key.public_key()).sound


def test_an_empty_log(tmp_path: Path, signing_key: Any, make_log: Any, decision: Any) -> None:
    key = signing_key.public_key()
    assert verify(tmp_path, key).sound
    empty = Head(b"", 0, 0, 0, EMPTY_ROOT)
    assert verify(tmp_path, key, empty).outside_head_met
    make_log(tmp_path / "log", [[decision(1)]])
    problem = verify(tmp_path, key, last_head(tmp_path / "log")).problem
    assert problem is not None
    assert problem.code == "missing"


def test_progress_reaches_the_end(log: Path, signing_key: Any) -> None:
    calls: list[tuple[int, int]] = []
    verify(log, signing_key.public_key(), None, lambda done, total: calls.append((done, total)))
    assert len(calls) == len(BATCHES)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
