"""A log made without an event loop, for the tests of its readers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.evidence.batch import BatchBuilder
from proxy.evidence.layout import segment_name
from proxy.evidence.merkle import CompactRange
from proxy.evidence.records import Decision, Record, Start, encode, rules_hash

RULES = ("number.unregistered", "suppression.active", "hours.closed")
SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

LogMaker = Callable[..., bytes]


@pytest.fixture
def signing_key() -> Ed25519PrivateKey:
    return SIGNING_KEY


@pytest.fixture
def decision() -> Callable[..., Decision]:
    """Makes a Decision of invented people; `number` is the counter of its id."""

    def make(number: int, boot: int = 1, effect: int = 0, **more: Any) -> Decision:
        made = Decision(
            id=boot << 32 | number,
            at_us=1_700_000_000_000_000 + number,
            channel="sms",
            account="yuanlu",
            sender="1069000011",
            person=number.to_bytes(16),
            key_id=1,
            principal="jianglan",
            purpose="marketing",
            effect=effect,
            rule="suppression.active" if effect else "",
            detail="",
            mode="enforce",
            pack="cn-zhejiang",
            pack_version=1,
            revision=7,
            outcomes=bytes((1, 2 if effect else 1, 0)),
            rules_hash=rules_hash(RULES),
        )
        return msgspec.structs.replace(made, **more)

    return make


@pytest.fixture
def make_log() -> LogMaker:
    """Writes batches of records (Structs or octets) into a directory; gives the log id."""

    def make(
        directory: Path,
        batches: list[list[Record | bytes]],
        *,
        segment_octets: int = 1 << 26,
        log_id: bytes = b"a log for a test",
        key: Ed25519PrivateKey = SIGNING_KEY,
        boot: int = 1,
    ) -> bytes:
        directory.mkdir(exist_ok=True)
        builder = BatchBuilder(
            log_id=log_id, boot=boot, key=key, tree=CompactRange(), segment_used=None, segment_octets=segment_octets
        )
        name = ""
        for number, batch in enumerate(batches):
            for record in batch:
                builder.add(record if isinstance(record, bytes) else encode(record))
            sealed = builder.seal(1_700_000_000_000_000 + number)
            if sealed.new_segment is not None:
                name = segment_name(sealed.new_segment)
            with (directory / name).open("ab") as file:
                file.write(b"".join(sealed.pieces))
        return log_id

    return make


@pytest.fixture
def start_record() -> Start:
    return Start(at_us=1_700_000_000_000_000, boot=1, software="0.1.0", config_digest=b"\7" * 32, rules=RULES)
