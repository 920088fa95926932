"""What closes a submit_sm closes a data_sm: it is judged as the same text, with the same options."""

from __future__ import annotations

import pytest

from proxy.core.decision import Permit
from proxy.policy import evaluate
from proxy.smpp.consts import DATA_SM
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.submit import SubmitReader
from proxy.smpp.text import DEFAULT_TABLE
from tests.rules.scene import BASE, Scene, at, build
from tests.smpp.test_submit_bypasses import CLOSED, PURPOSE_TAG, UCS2, tlv
from tests.tools.smpp_octets import header

pytestmark = pytest.mark.unit

PAYLOAD = 0x0424
FIELDS = {
    "service_type": b"\0",
    "source": b"\0\x0110690001\0",
    "dest": b"\1\x018613800138000\0",
    "esm_class": b"\0",
    "registered": b"\1",
    "data_coding": b"\x08",
    "tlvs": tlv((PAYLOAD, UCS2)),
}


def judged(scene: Scene = BASE, **changes: bytes) -> tuple[str, str, str]:
    raw = header(DATA_SM, 0, 7, b"".join((FIELDS | changes).values()))
    _, snapshot, now = build(scene)
    request = SubmitReader(scene.account, DEFAULT_TABLE, PURPOSE_TAG).data(Pdu(DATA_SM, 0, 7, raw), 1, now, True, False)
    verdict = evaluate(request, snapshot, now)
    if isinstance(verdict, Permit):
        assert verdict.spend() == raw
    return verdict.decision.effect, verdict.decision.rule, verdict.decision.detail


#: Those of submit_sm that a data_sm can be written with: TLVs alone, the service_type, esm_class without a text.
ALIKE = [
    case
    for case in CLOSED
    if case[1].keys() <= {"tlvs", "service_type", "esm_class", "data_coding"} and case[3] != "two_texts"
]


@pytest.mark.parametrize(("changes", "rule", "detail"), [case[1:] for case in ALIKE], ids=[case[0] for case in ALIKE])
def test_it_is_closed_as_in_submit_sm(changes: dict[str, bytes], rule: str, detail: str) -> None:
    fields = dict(changes)
    fields["tlvs"] = fields.get("tlvs", b"") + FIELDS["tlvs"]
    assert judged(**fields) == ("deny", rule, detail)


def test_most_of_them_are_tried() -> None:
    assert len(ALIKE) > 40


def test_a_plain_one_passes_byte_for_byte() -> None:
    assert judged() == ("allow", "", "")
    assert judged(tlvs=tlv((0x1500, b"\0\xff"), (PAYLOAD, UCS2 * 20), (0x0204, b"\0\1"))) == ("allow", "", "")
    # Harmless values of closed tags are harmless here too; v5 names an interworking that stays closed.
    assert judged(tlvs=tlv((0x0019, b"\0"), (PAYLOAD, UCS2))) == ("allow", "", "")


def test_the_text_is_judged() -> None:
    assert judged(BASE.but("now", at("2025-03-05 23:30:00")))[:2] == ("deny", "hours.closed")
    assert judged(tlvs=tlv((PAYLOAD, UCS2[:-1])))[:2] == ("deny", "content.undecodable")
    assert judged(tlvs=tlv((PAYLOAD, UCS2), (PAYLOAD, UCS2))) == ("deny", "pdu.ambiguous", "duplicate_tlv")
    assert judged(esm_class=b"\x40", tlvs=tlv((PAYLOAD, b"\5\0\3\7\2\1" + UCS2))) == (
        "deny",
        "message.partial",
        "header",
    )
    assert judged(esm_class=b"\x40", tlvs=b"") == ("deny", "pdu.ambiguous", "header")


def test_long_addresses_are_read_and_are_nobodys() -> None:
    assert judged(dest=b"\1\1" + b"8" * 64 + b"\0") == ("deny", "address.invalid", "destination")
    assert judged(source=b"\0\1" + b"1" * 64 + b"\0") == ("deny", "address.invalid", "source")
    assert judged(source=b"\5\0" + b"J" * 64 + b"\0")[:2] == ("deny", "number.unregistered")
    assert judged(dest=b"\1\1" + b"0" * 51 + b"8613800138000\0") == ("deny", "address.invalid", "destination")
    with pytest.raises(PduError):
        judged(dest=b"\1\1" + b"8" * 65 + b"\0")
