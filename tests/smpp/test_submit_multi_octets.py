"""submit_multi: read and written anew, octet for octet; and who was refused, merged into the carrier's answer."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.decision import Decision
from proxy.smpp import consts
from proxy.smpp.codec import SmeAddress, UnsuccessSme, decode
from proxy.smpp.pdu import PduError, response
from proxy.smpp.several import Several
from proxy.smpp.submit_multi import read_multi, read_multi_answer, with_unsuccess
from tests.tools.smpp_octets import header, mutated, pdus

pytestmark = pytest.mark.unit

MULTI, RESP = consts.SUBMIT_MULTI, consts.SUBMIT_MULTI | consts.RESPONSE_BIT
SOURCE = b"\0\0\x0110690001\0"
TAIL = bytes(9) + b"\2TD" + struct.pack(">HH", 0x1500, 2) + b"\0\xff"


def multi(*listed: bytes, count: int = -1) -> bytes:
    return header(MULTI, 0, 7, SOURCE + bytes((len(listed) if count < 0 else count,)) + b"".join(listed) + TAIL)


def sme(number: int) -> bytes:
    return b"\1\1\1" + b"86138%08d\0" % number


def named(raw: bytes) -> list[tuple[bytes, ...]]:
    listed = decode(raw).values["dest_address"]
    assert isinstance(listed, list)
    return [(b"sme", each.address) if isinstance(each, SmeAddress) else (b"list", each.name) for each in listed]  # type: ignore[union-attr]


@given(pdus(("submit_multi",)))
def test_all_destinations_are_the_octets_that_came(raw: bytes) -> None:
    found = read_multi(raw)
    assert found.only(range(len(found.destinations))) == raw


@given(st.data())
def test_every_subset_holds_these_destinations_and_changes_nothing_else(data: st.DataObject) -> None:
    raw = data.draw(pdus(("submit_multi",)))
    found = read_multi(raw)
    places = data.draw(st.lists(st.integers(0, len(found.destinations) - 1), min_size=1, unique=True).map(sorted))
    less = found.only(places)
    assert named(less) == [named(raw)[place] for place in places]
    one, other = decode(raw), decode(less)
    assert one.tlvs == other.tlvs
    assert {**one.values, "dest_address": []} == {**other.values, "dest_address": []}
    assert (one.status, one.sequence) == (other.status, other.sequence)
    assert read_multi(less).after == found.after
    assert read_multi(less).before == found.before


def status_of(read: Callable[[bytes], object], raw: bytes) -> int | None:
    try:
        read(raw)
    except PduError as error:
        return error.status
    return None


@given(mutated(pdus(("submit_multi",))))
def test_what_the_codec_refuses_is_refused_with_its_status(raw: bytes) -> None:
    if int.from_bytes(raw[4:8]) == MULTI:
        assert status_of(read_multi, raw) == status_of(decode, raw)
        if status_of(decode, raw) is None:
            assert len(read_multi(raw).destinations) == len(named(raw))


def test_nobody_is_no_message() -> None:
    with pytest.raises(ValueError, match="nobody"):
        read_multi(multi(sme(1))).only([])


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (multi(), consts.ESME_RINVNUMDESTS),
        (multi(*[sme(1)] * 255), consts.ESME_RINVNUMDESTS),
        (multi(b"\3\1\1861\0"), consts.ESME_RINVDESTFLAG),
        (multi(b"\0\1\1861\0"), consts.ESME_RINVDESTFLAG),
        (multi(sme(1), b"\3everybody\0"), consts.ESME_RINVDESTFLAG),
        (multi(sme(1), count=2), consts.ESME_RINVDESTFLAG),
        (multi(b"\1\1\1" + b"8" * 21 + b"\0"), consts.ESME_RINVDSTADR),
        (multi(b"\2" + b"l" * 21 + b"\0"), consts.ESME_RINVDLNAME),
    ],
)
def test_what_cannot_be_read_has_its_status(raw: bytes, status: int) -> None:
    with pytest.raises(PduError) as refused:
        read_multi(raw)
    assert refused.value.status == status


def test_as_many_as_the_specification_allows() -> None:
    raw = multi(*[sme(number) for number in range(254)])
    assert len(read_multi(raw).only(range(0, 254, 2))) == len(raw) - 127 * len(sme(0))


# ---- the answer -----------------------------------------------------------------------------------------------------

TLV = struct.pack(">HH", 0x1500, 1) + b"x"


def entry(number: int, status: int) -> bytes:
    return b"\1\1" + b"86138%08d\0" % number + struct.pack(">I", status)


def answer(*entries: bytes, message_id: bytes = b"A1", status: int = 0, tlvs: bytes = b"") -> bytes:
    return response(RESP, status, 9, message_id + b"\0" + bytes((len(entries),)) + b"".join(entries) + tlvs)


def refused(number: int, status: int = 0x0B) -> UnsuccessSme:
    return UnsuccessSme(1, 1, b"86138%08d" % number, status)


def test_the_refused_stand_behind_those_that_the_carrier_did_not_take() -> None:
    merged = with_unsuccess(read_multi_answer(answer(entry(1, 0x14), tlvs=TLV)), [refused(2), refused(3, 0x58)])
    assert merged[16:] == b"A1\0\3" + entry(1, 0x14) + entry(2, 0x0B) + entry(3, 0x58) + TLV
    fields = decode(merged)
    assert fields.values["unsuccess_sme"] == [refused(1, 0x14), refused(2), refused(3, 0x58)]
    assert fields.tlvs == ((0x1500, b"x"),)


def test_no_more_than_one_octet_counts_and_none_of_ours_is_lost() -> None:
    mine = [refused(number) for number in range(254)]
    merged = decode(with_unsuccess(read_multi_answer(answer(*[entry(number, 1) for number in range(255)])), mine))
    told = merged.values["unsuccess_sme"]
    assert isinstance(told, list)
    assert len(told) == 255
    assert told[1:] == mine


@pytest.mark.parametrize("body", [b"A1\0", b"A1\0\2" + entry(1, 1), b"A1\0\1" + entry(1, 1) + b"\x15", b"A1"])
def test_an_answer_without_a_whole_list_still_tells_who_was_refused(body: bytes) -> None:
    found = read_multi_answer(response(RESP, 0, 9, body))
    assert found.message_id == b"A1"
    assert decode(with_unsuccess(found, [refused(2)])).values == {"message_id": b"A1", "unsuccess_sme": [refused(2)]}
    # Only the message_id is a habit of carriers; anything else is a defect of theirs.
    assert found.readable == (body in (b"A1\0", b"A1"))


@given(pdus(("submit_multi_resp",)))
def test_an_answer_merged_with_nobody_is_the_answer(raw: bytes) -> None:
    found = read_multi_answer(raw)
    assert found.readable
    if decode(raw).values:
        assert with_unsuccess(found, [])[16:] == raw[16:]


@given(st.binary(max_size=60))
def test_no_octets_of_a_carrier_raise(body: bytes) -> None:
    merged = with_unsuccess(read_multi_answer(response(RESP, 0, 9, body)), [refused(2)])
    assert b"86138%08d" % 2 in merged


def test_each_destination_has_its_own_end() -> None:
    found = read_multi(multi(sme(1), sme(2), sme(1)))
    decisions = [Decision(number, b"", None) for number in (11, 12, 13)]  # type: ignore[arg-type]
    several = Several(None, None, list(zip(found.destinations, decisions, strict=True)), [])  # type: ignore[arg-type]
    assert list(several.rejected(answer())) == []
    # The same address twice: taken once, and once not.
    assert list(several.rejected(answer(entry(1, 0x14)))) == [(11, 0x14)]
    assert list(several.rejected(answer(entry(1, 0x14), entry(1, 0x0B)))) == [(11, 0x14), (13, 0x0B)]
    assert list(several.rejected(answer(entry(7, 0x14)))) == []
    # A carrier writes a number in a form of its own; who stands there as the carrier wrote it comes first.
    own_way = b"\0\0" + b"138%08d\0" % 2 + (0x14).to_bytes(4)
    assert list(several.rejected(answer(own_way))) == [(12, 0x14)]
    assert list(several.rejected(answer(own_way, entry(2, 0x0B)))) == [(12, 0x0B)]
    assert list(several.rejected(response(RESP, 0x58, 9))) == [(11, 0x58), (12, 0x58), (13, 0x58)]
    nack = response(consts.GENERIC_NACK, 0, 9)
    assert [decision for decision, _ in several.rejected(nack)] == [11, 12, 13]
