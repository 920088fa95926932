"""A trace holds no number, no text and no password, in whatever PDU and however it is cut; and it ends."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.binds.trace import PduTrace
from proxy.smpp import consts
from proxy.smpp.codec import LAYOUTS, DistributionList, SmeAddress, UnsuccessSme, encode
from tests.rules.scene import PERSON_KEY

pytestmark = pytest.mark.unit

COMMANDS = (consts.SUBMIT_SM, consts.DELIVER_SM, consts.DATA_SM, consts.SUBMIT_MULTI, consts.BIND_TRANSCEIVER,
            consts.QUERY_SM, consts.CANCEL_SM, consts.REPLACE_SM, consts.SUBMIT_SM | consts.RESPONSE_BIT,
            consts.SUBMIT_MULTI | consts.RESPONSE_BIT)  # fmt: skip
PERSONS = st.from_regex(r"(86)?1[3-9][0-9]{9}", fullmatch=True)
#: Long enough not to stand in a line by chance, in letters that no line is made of.
TEXTS = st.text("春季理财活动拒收请回复客户经理办理贷款额度已到账甲乙丙丁", min_size=4, max_size=30)
SECRETS = st.from_regex(r"[G-Z]{8}", fullmatch=True)


@st.composite
def pdus(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A PDU of any kind, and what of it must not be found."""
    command = draw(st.sampled_from(COMMANDS))
    hidden: list[bytes] = []

    def secret(one: bytes) -> bytes:
        hidden.append(one)
        return one

    values: dict[str, Any] = {}
    for name, _ in LAYOUTS[command]:
        if name.endswith("_addr"):
            values[name] = secret(draw(PERSONS).encode())
        elif name == "short_message":
            values[name] = secret(draw(TEXTS).encode(draw(st.sampled_from(("utf-8", "utf-16-be", "gb18030")))))
        elif name == "dest_address":
            values[name] = [
                SmeAddress(1, 1, secret(draw(PERSONS).encode())),
                DistributionList(secret(draw(SECRETS).encode())),
            ]
        elif name == "unsuccess_sme":
            values[name] = [UnsuccessSme(1, 1, secret(draw(PERSONS).encode()), 5)]
        elif name in ("system_id", "password", "message_id"):
            values[name] = secret(draw(SECRETS).encode())
        elif name in ("service_type", "system_type", "address_range", "schedule_delivery_time", "validity_period"):
            values[name] = b""
        else:
            values[name] = draw(st.integers(0, 255))
    tlvs = [(consts.TAG_MESSAGE_PAYLOAD, secret(draw(TEXTS).encode("utf-16-be")))] if draw(st.booleans()) else []
    raw = encode(command, 0, draw(st.integers(0, 1 << 31)), values, tlvs)
    if draw(st.booleans()):
        # A body that cannot be read says no more of itself.
        cut = draw(st.integers(16, len(raw)))
        raw = cut.to_bytes(4) + raw[4:cut]
    return raw, hidden


def traced(folder: Path, **more: Any) -> tuple[PduTrace, list[str]]:
    told: list[str] = []
    return PduTrace(folder / "traces" / "jl.jsonl", PERSON_KEY, more.get("most", 1 << 20), told.append), told


@given(st.lists(pdus(), max_size=5), st.data())
def test_nothing_personal_is_written_whatever_passes(
    found: list[tuple[bytes, list[bytes]]], data: st.DataObject
) -> None:
    stream = b"".join(raw for raw, _ in found)
    with TemporaryDirectory() as folder:
        trace, _ = traced(Path(folder))
        at = data.draw(st.integers(0, len(stream)))
        tap = trace.tap("esme", stream[:at])
        while at < len(stream):
            step = data.draw(st.integers(1, 90))
            tap.came(stream[at : at + step])
            at += step
        for raw, _ in found:
            tap.goes(bytearray(raw))
        trace.close()
        octets = trace.path.read_bytes()
        lines = [json.loads(line) for line in octets.splitlines()]
    assert trace.lines == len(lines) == 2 * len(found)
    assert trace.octets == len(octets)
    sequences = [int.from_bytes(raw[12:16]) for raw, _ in found]
    for direction in ("in", "out"):
        mine = [one for one in lines if one["direction"] == direction]
        assert [one["sequence"] for one in mine] == sequences
        assert [one["length"] for one in mine] == [len(raw) for raw, _ in found]
    # Hashes are digits too: they are taken out before digits are looked for.
    bare = re.sub(rb'"(fingerprint)":"[0-9a-f]{32}"|"(at_us|sequence)":\d+', b"", octets)
    assert not re.search(rb"\d{7}", bare)
    # Not even a keyed hash of a password.
    assert all(set(one["body"].get("password", {})) <= {"octets"} for one in lines if "body" in one)
    for one in (one for _, hidden in found for one in hidden):
        assert one not in octets
        assert json.dumps(one.decode("latin-1")).encode()[1:-1] not in octets
        for encoding in ("utf-8", "utf-16-be", "gb18030"):
            said = one.decode(encoding, "ignore")
            assert len(said) < 4 or said.encode() not in octets


def test_what_a_line_tells(tmp_path: Path) -> None:
    trace, _ = traced(tmp_path)
    raw = encode(
        consts.DATA_SM, 0, 9,
        {"service_type": b"", "source_addr_ton": 0, "source_addr_npi": 0, "source_addr": b"10690001",
         "dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": b"8613800138000", "esm_class": 0,
         "registered_delivery": 1,
         "data_coding": 8},
        [(consts.TAG_MESSAGE_PAYLOAD, b"offer")],
    )  # fmt: skip
    trace.tap("carrier", b"").goes(raw)
    trace.close()
    (line,) = [json.loads(one) for one in trace.path.read_bytes().splitlines()]
    assert (line["side"], line["direction"], line["command"], line["status"]) == ("carrier", "out", "data_sm", 0)
    assert line["body"]["destination_addr"] == {
        "octets": 13,
        "masked": "138******00",
        "fingerprint": PERSON_KEY.fingerprint(b"8613800138000").hex(),
    }
    assert line["body"]["data_coding"] == 8
    assert line["tlvs"] == [{"tag": "0x0424", "octets": 5}]
    assert stat.S_IMODE(trace.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(trace.path.parent.stat().st_mode) == 0o700


def test_a_full_trace_says_so_and_writes_no_more(tmp_path: Path) -> None:
    trace, told = traced(tmp_path, most=300)
    tap = trace.tap("esme", b"")
    for _ in range(9):
        tap.came(bytes((0, 0, 0, 16, 0, 0, 0, 0x15)) + bytes(8))
    assert set(told) == {"size"}
    assert 0 < trace.path.stat().st_size == trace.octets <= 300
    trace.close()
    tap.came(bytes((0, 0, 0, 16, 0, 0, 0, 0x15)) + bytes(8))
    assert trace.path.stat().st_size == trace.octets


def test_octets_that_are_no_pdus_do_not_pile_up(tmp_path: Path) -> None:
    trace, _ = traced(tmp_path)
    tap = trace.tap("esme", b"")
    for _ in range(50):
        tap.came(b"\xff" * 4096)
    assert len(tap._rest) <= 4096
    assert trace.lines == 0


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    traced(tmp_path)[0].close()
    with pytest.raises(FileExistsError):
        traced(tmp_path)
