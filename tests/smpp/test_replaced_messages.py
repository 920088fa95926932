"""A replacement is read as the message that it makes: new text, everything else of the message that it replaces."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp.codec import decode, encode
from proxy.smpp.consts import REPLACE_SM, SUBMIT_SM
from proxy.smpp.pdu import Pdu
from proxy.smpp.replacing import Replaceable

pytestmark = pytest.mark.unit

OCTET = st.integers(0, 255)
DIGITS = st.from_regex(rb"[1-9][0-9]{4,14}", fullmatch=True)
MESSAGES = st.fixed_dictionaries(
    {
        "source_addr": DIGITS,
        "destination_addr": DIGITS,
        "dest_addr_ton": OCTET,
        "esm_class": OCTET,
        "protocol_id": OCTET,
        "data_coding": OCTET,
        "validity_period": st.sampled_from([b"", b"000001000000000R"]),
        "short_message": st.binary(max_size=20),
    }
)
TLVS = st.lists(st.tuples(st.sampled_from([0x0424, 0x1401, 0x020C, 0x0381]), st.binary(max_size=6)), max_size=3)


def replace(**fields: Any) -> Pdu:
    return Pdu(REPLACE_SM, 0, 9, encode(REPLACE_SM, 0, 9, {"message_id": b"m1", **fields}))


@given(MESSAGES, TLVS, st.binary(max_size=30), OCTET, st.sampled_from([b"", b"000000230000000R"]))
def test_what_is_new_is_the_text_and_all_else_is_the_messages_own(
    fields: dict[str, Any], tlvs: list[tuple[int, bytes]], text: bytes, registered: int, validity: bytes
) -> None:
    kept = Replaceable(encode(SUBMIT_SM, 0, 5, fields, tlvs))
    new = kept.replaced_by(replace(short_message=text, registered_delivery=registered, validity_period=validity))
    assert new is not None
    assert new.command_id == SUBMIT_SM
    found = decode(new.raw)
    assert (found.values["short_message"], found.values["registered_delivery"]) == (text, registered)
    assert found.values["validity_period"] == (validity or fields["validity_period"])
    for name in fields.keys() - {"short_message", "validity_period"}:
        assert found.values[name] == fields[name]
    # The text of the message must not be read with the new one.
    assert list(found.tlvs) == [(tag, value) for tag, value in tlvs if tag != 0x0424]


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ({"source_addr": b""}, True),
        ({"source_addr": b"10690001"}, True),
        ({"source_addr": b"106900019"}, False),
        ({"source_addr": b"1"}, False),
    ],
)
def test_the_source_is_that_of_the_message(source: dict[str, Any], same: bool) -> None:
    kept = Replaceable(encode(SUBMIT_SM, 0, 5, {"source_addr": b"10690001", "destination_addr": b"8613800138000"}))
    assert (kept.replaced_by(replace(short_message=b"x", **source)) is not None) == same


def test_no_text_is_kept() -> None:
    kept = Replaceable(encode(SUBMIT_SM, 0, 5, {"short_message": b"secret"}, [(0x0424, b"secret")]))
    assert b"secret" not in repr([getattr(kept, name) for name in Replaceable.__slots__]).encode()
