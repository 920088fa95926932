"""The manual and the code say the same, octet for octet: a verifier written from the manual alone agrees."""

import re
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from proxy.evidence.records import (
    KINDS,
    Decision,
    Gap,
    RecordError,
    Start,
    Unknown,
    decode,
    decode_generic,
    encode,
    kind_of,
    rules_hash,
)

pytestmark = pytest.mark.unit

FROZEN = "84623d2564798526b5c32adcb404b0b7a20701349b6925e61b7ea3364a241095"
MANUAL = Path(__file__).parents[2] / "docs" / "manual" / "evidence.md"
TYPES = {"int": int, "str": str, "bin": bytes, "[str]": tuple[str, ...]}


def documented() -> dict[int, tuple[str, list[tuple[str, Any]]]]:
    """kind → (name, [(field, type)]) as the manual's tables have it."""
    tables: dict[int, tuple[str, list[tuple[str, Any]]]] = {}
    for part in MANUAL.read_text().split("\n### ")[1:]:
        title = re.match(r"(\d+) (\w+)", part)
        if title:
            rows = re.findall(r"^\| (\w+) \| (\S+) \|", part, re.M)
            tables[int(title[1])] = (title[2], [(name, TYPES[kind]) for name, kind in rows if kind in TYPES])
    return tables


def test_the_manual_has_every_kind_with_its_fields_in_order() -> None:
    declared = {}
    for kind, record in KINDS.items():
        fields = msgspec.structs.fields(record)
        declared[kind] = (record.__name__, [(field.name, field.type) for field in fields])
        assert record.__struct_config__.tag == kind
    assert documented() == declared


def independent_verifier(directory: Path, public: Ed25519PublicKey) -> tuple[int, bytes]:
    """Written from the manual, sharing nothing with the product: gives size and root, raises on anything wrong."""

    def root(leaves: list[bytes]) -> bytes:
        if len(leaves) < 2:
            return leaves[0] if leaves else sha256(b"").digest()
        k = 1 << ((len(leaves) - 1).bit_length() - 1)
        return sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()

    leaves: list[bytes] = []
    log_id = None
    last_boot = 0
    head = root([])
    for path in sorted(directory.glob("*.seg")):
        octets = path.read_bytes()
        assert octets[:8] == b"TDGSEG01"
        log_id = log_id or octets[8:24]
        assert octets[8:24] == log_id
        assert octets[24:32] == sha256(public.public_bytes_raw()).digest()[:8]
        (first,) = struct.unpack(">Q", octets[32:40])
        assert first == len(leaves) == int(path.name[:20])
        at, done = 40, 0
        for bit in reversed(range(64)):
            if first >> bit & 1:
                assert octets[at : at + 32] == root(leaves[done : done + (1 << bit)])
                at, done = at + 32, done + (1 << bit)
        assert at < len(octets)
        while at < len(octets):
            magic, boot, count, length, first, when = struct.unpack(">4sIIIQQ", octets[at : at + 32])
            assert magic == b"TDGB"
            assert first == len(leaves)
            assert boot >= last_boot
            last_boot = boot
            sizes = struct.unpack(f">{count}I", octets[at + 32 : at + 32 + 4 * count])
            at += 32 + 4 * count
            assert sum(sizes) == length
            for size in sizes:
                leaves.append(sha256(b"\0" + octets[at : at + size]).digest())
                at += size
            (tree_size,) = struct.unpack(">Q", octets[at : at + 8])
            head, signature = octets[at + 8 : at + 40], octets[at + 40 : at + 104]
            at += 104
            assert tree_size == len(leaves)
            assert head == root(leaves)
            signed = b"tdgate evidence head 1\0" + log_id + struct.pack(">IQQ", boot, tree_size, when) + head
            assert len(signed) == 91
            public.verify(signature, signed)
    return len(leaves), head


def test_a_verifier_from_the_manual_alone_agrees(
    tmp_path: Path, make_log: Any, decision: Any, start_record: Start, signing_key: Any
) -> None:
    batches = [[start_record], *([decision(10 * n + one) for one in range(1 + n % 7)] for n in range(20))]
    make_log(tmp_path, batches, segment_octets=2500)
    assert len(list(tmp_path.glob("*.seg"))) > 3
    size, _ = independent_verifier(tmp_path, signing_key.public_key())
    assert size == sum(map(len, batches))


def test_octets_of_a_log_never_change(tmp_path: Path, make_log: Any, start_record: Start) -> None:
    """The format is final: the same records, key and times give the same octets in every version."""
    make_log(tmp_path, [[start_record], [encode(Gap(at_us=5, size=1, reason="torn", torn_octets=9, missed=0))]])
    (path,) = tmp_path.glob("*.seg")
    assert sha256(path.read_bytes()).hexdigest() == FROZEN


def test_records_are_canonical_arrays(decision: Any) -> None:
    octets = encode(decision(5))
    values = msgspec.msgpack.decode(octets)
    assert values[:4] == [1, 1, 1 << 32 | 5, 1_700_000_000_000_005]
    assert len(values) == 1 + len(Decision.__struct_fields__)
    assert msgspec.msgpack.encode(values) == octets


def test_every_kind_survives_the_way_there_and_back() -> None:
    for kind, record_type in KINDS.items():
        samples = {int: 7, str: "x", bytes: b"\x00\xff", tuple[str, ...]: ("a", "b")}
        record = record_type(**{field.name: samples[field.type] for field in msgspec.structs.fields(record_type)})
        octets = encode(record)
        assert decode(octets) == record
        assert kind_of(octets) == kind


def test_what_a_later_version_writes_can_be_read(decision: Any) -> None:
    octets = encode([99, 1, "new", b"\1"])
    assert decode(octets) == Unknown(99, (1, "new", b"\1"))
    assert decode_generic(octets) == (99, (1, "new", b"\1"))
    longer = encode([*msgspec.msgpack.decode(encode(decision(1))), "a field of a later version"])
    assert decode(longer) == decision(1)


@pytest.mark.parametrize("octets", [b"", b"\xc1", b"\x90", b"\x91\xa1x", b"\x01", encode([7, 1])])
def test_what_is_no_record(octets: bytes) -> None:
    with pytest.raises(RecordError):
        decode(octets)


def test_a_rule_table_has_a_name() -> None:
    assert rules_hash(("a", "b")) == sha256(b"a\nb").digest()[:8]
