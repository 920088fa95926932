"""Ways around the policy in one submit_sm: each is read, judged, and named by its rule and detail."""

from __future__ import annotations

import pytest

from proxy.core.decision import Permit
from proxy.core.pack import Pack
from proxy.policy import evaluate
from proxy.smpp.consts import SUBMIT_SM
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.submit import SubmitReader
from proxy.smpp.text import DEFAULT_TABLE
from tests.rules.scene import BASE, NOON, Scene, build
from tests.tools.smpp_octets import submit, tlv_octets

pytestmark = pytest.mark.unit

PURPOSE_TAG = 0x1401
TEXT = "【江澜银行】“安居贷”年化3.5%起，咨询400-000-1001，回T退订"
UCS2 = TEXT.encode("utf-16-be")
SERVICE = BASE.but("row.purposes", frozenset(("service",)))
BOTH = BASE.but("row.purposes", frozenset(("marketing", "service")))
BINARY = SERVICE.but("account.binary", True).but("row.binary", True)


def text(octets: bytes) -> bytes:
    return bytes((len(octets),)) + octets


def tlv(*stream: tuple[int, bytes]) -> bytes:
    return tlv_octets(list(stream))


def udh(*elements: bytes, rest: bytes = UCS2) -> bytes:
    header = b"".join(elements)
    return text(bytes((len(header),)) + header + rest)


def judged(scene: Scene = BASE, **changes: bytes) -> tuple[str, str, str]:
    """(effect, rule, detail) of a submit_sm that is plain but for `changes`, read and judged in a scene."""
    fields = {"source_addr": b"10690001\0", "destination_addr": b"8613800138000\0", "short_message": text(UCS2)}
    raw = submit(**(fields | changes))
    _, snapshot, now = build(scene)
    reader = SubmitReader(scene.account, DEFAULT_TABLE, PURPOSE_TAG)
    request = reader.submit(Pdu(SUBMIT_SM, 0, 7, raw), 1, now, True, False)
    verdict = evaluate(request, snapshot, now)
    if isinstance(verdict, Permit):
        assert verdict.spend() == raw
    decision = verdict.decision
    return decision.effect, decision.rule, decision.detail


AMBIGUOUS, UNSUPPORTED, PARTIAL = "pdu.ambiguous", "pdu.unsupported", "message.partial"
INVALID, UNDECODABLE = "address.invalid", "content.undecodable"

CLOSED = [
    # Two texts, or none, or one kept elsewhere.
    ("two texts", {"tlvs": tlv((0x0424, UCS2))}, AMBIGUOUS, "two_texts"),
    ("an empty payload beside a text", {"tlvs": tlv((0x0424, b""))}, AMBIGUOUS, "two_texts"),
    (
        "the payload twice",
        {"short_message": b"\0", "tlvs": tlv((0x0424, UCS2), (0x0424, UCS2))},
        AMBIGUOUS,
        "duplicate_tlv",
    ),
    ("a kept text alone", {"short_message": b"\0", "sm_default_msg_id": b"\1"}, UNSUPPORTED, "default_message"),
    ("a kept text beside a text", {"sm_default_msg_id": b"\xff"}, AMBIGUOUS, "default_message"),
    (
        "a kept text beside a payload",
        {"short_message": b"\0", "sm_default_msg_id": b"\1", "tlvs": tlv((0x0424, UCS2))},
        AMBIGUOUS,
        "default_message",
    ),
    (
        "a kept text behind an empty payload",
        {"short_message": b"\0", "sm_default_msg_id": b"\1", "tlvs": tlv((0x0424, b""))},
        UNSUPPORTED,
        "default_message",
    ),
    ("the same unknown TLV twice", {"tlvs": tlv((0x3001, b"a"), (0x3001, b"a"))}, AMBIGUOUS, "duplicate_tlv"),
    ("the purpose twice", {"tlvs": tlv((PURPOSE_TAG, b"service"), (PURPOSE_TAG, b"marketing"))}, AMBIGUOUS,
     "duplicate_tlv"),
    # Another number on the display.
    ("a callback of another", {"tlvs": tlv((0x0381, b"\1\0\x0110690002"))}, AMBIGUOUS, "callback_num"),
    ("a callback beyond the port", {"tlvs": tlv((0x0381, b"\1\0\x01106900011"))}, AMBIGUOUS, "callback_num"),
    ("a callback in tones", {"tlvs": tlv((0x0381, b"\0\0\x0110690001"))}, AMBIGUOUS, "callback_num"),
    ("a callback too short", {"tlvs": tlv((0x0381, b"\1\0\1"))}, AMBIGUOUS, "callback_num"),
    ("an empty callback", {"tlvs": tlv((0x0381, b""))}, AMBIGUOUS, "callback_num"),
    ("a foreign callback", {"tlvs": tlv((0x0381, b"\1\1\x01+4410690001"))}, AMBIGUOUS, "callback_num"),
    ("another name on the display", {"tlvs": tlv((0x0303, b"\0JIANGLAN"))}, AMBIGUOUS, "callback_num"),
    ("an empty name on the display", {"tlvs": tlv((0x0303, b"\0"))}, AMBIGUOUS, "callback_num"),
    ("two callbacks", {"tlvs": tlv((0x0381, b"\1\0\x0110690001"), (0x0381, b"\1\0\x0110690001"))}, AMBIGUOUS,
     "duplicate_tlv"),
    # For an application, not for a person.
    ("ports of 8 bits", {"esm_class": b"\x40", "short_message": udh(b"\4\2\x0b\x0b")}, AMBIGUOUS, "port"),
    ("ports of 16 bits", {"esm_class": b"\x40", "short_message": udh(b"\5\4\x0b\x84\x23\xf0")}, AMBIGUOUS, "port"),
    ("ports of a wrong size", {"esm_class": b"\x40", "short_message": udh(b"\5\1\x0b")}, AMBIGUOUS, "port"),
    (
        "ports in the header of a payload",
        {"esm_class": b"\x40", "short_message": b"\0", "tlvs": tlv((0x0424, udh(b"\5\4\x0b\x84\x23\xf0")[1:]))},
        AMBIGUOUS,
        "port",
    ),
    ("a destination port", {"tlvs": tlv((0x020B, b"\x0b\x84"))}, AMBIGUOUS, "port"),
    ("a source port", {"tlvs": tlv((0x020A, b"\x0b\x84"))}, AMBIGUOUS, "port"),
    ("a port of a wrong size", {"tlvs": tlv((0x020B, b""))}, AMBIGUOUS, "port"),
    ("a source subaddress", {"tlvs": tlv((0x0202, b"\xa0" + b"1"))}, AMBIGUOUS, "subaddress"),
    ("a destination subaddress", {"tlvs": tlv((0x0203, b"\xa0" + b"1"))}, AMBIGUOUS, "subaddress"),
    ("to the SIM", {"tlvs": tlv((0x0005, b"\3"))}, UNSUPPORTED, "subunit"),
    ("to a device beside the handset", {"tlvs": tlv((0x0005, b"\4"))}, UNSUPPORTED, "subunit"),
    ("a telematic service", {"tlvs": tlv((0x0008, b"\0\1"))}, UNSUPPORTED, "telematics"),
    ("a control message in the payload", {"tlvs": tlv((0x0019, b"\1"))}, UNSUPPORTED, "payload_type"),
    ("a language of its own", {"tlvs": tlv((0x020D, b"\6"))}, UNSUPPORTED, "language_indicator"),
    ("a header that nobody knows", {"esm_class": b"\x40", "short_message": udh(b"\x70\1\0")}, AMBIGUOUS, "header"),
    ("an e-mail header", {"esm_class": b"\x40", "short_message": udh(b"\x20\1\5")}, AMBIGUOUS, "header"),
    ("a header cut off", {"esm_class": b"\x40", "short_message": text(b"\x0b\5\4\x0b")}, AMBIGUOUS, "header"),
    ("half an element", {"esm_class": b"\x40", "short_message": text(b"\1\5")}, AMBIGUOUS, "header"),
    ("an element beyond the header", {"esm_class": b"\x40", "short_message": text(b"\3\5\4\x0b\x84\x23\xf0")},
     AMBIGUOUS, "header"),
    ("a header that is promised", {"esm_class": b"\x40", "short_message": b"\0"}, AMBIGUOUS, "header"),
    # Another bearer.
    ("USSD", {"service_type": b"USSD\0"}, UNSUPPORTED, "service_type"),
    ("ussd", {"service_type": b"ussd\0"}, UNSUPPORTED, "service_type"),
    ("USSD and a space", {"service_type": b"USSD \0"}, UNSUPPORTED, "service_type"),
    ("a space and ussd", {"service_type": b" uSsD\0"}, UNSUPPORTED, "service_type"),
    ("cell broadcast", {"service_type": b"CBS\0"}, UNSUPPORTED, "service_type"),
    ("WAP", {"service_type": b"wap\0"}, UNSUPPORTED, "service_type"),
    ("USSD by TLV", {"tlvs": tlv((0x0501, b"\2"))}, UNSUPPORTED, "ussd"),
    ("a session by TLV", {"tlvs": tlv((0x1383, b"\0\0"))}, UNSUPPORTED, "ussd"),
    ("USSD as the bearer", {"tlvs": tlv((0x0007, b"\4"))}, UNSUPPORTED, "bearer"),
    ("cell broadcast as the bearer", {"tlvs": tlv((0x0007, b"\x08"))}, UNSUPPORTED, "bearer"),
    ("a bearer of a wrong size", {"tlvs": tlv((0x0007, b"\0\0"))}, UNSUPPORTED, "bearer"),
    ("a silent message", {"protocol_id": b"\x40"}, UNSUPPORTED, "protocol_id"),
    ("data for the SIM", {"protocol_id": b"\x7f"}, UNSUPPORTED, "protocol_id"),
    ("telematic interworking", {"protocol_id": b"\x32"}, UNSUPPORTED, "protocol_id"),
    ("return call", {"protocol_id": b"\x5f"}, UNSUPPORTED, "protocol_id"),
    ("a replacement at the carrier", {"replace_if_present_flag": b"\1"}, UNSUPPORTED, "replace"),
    ("a replacement in a reserved value", {"replace_if_present_flag": b"\xff"}, UNSUPPORTED, "replace"),
    # A receipt of one's own making.
    ("a receipt", {"esm_class": b"\x04"}, AMBIGUOUS, "receipt"),
    ("an acknowledgement", {"esm_class": b"\x08"}, AMBIGUOUS, "receipt"),
    ("a manual acknowledgement", {"esm_class": b"\x10"}, AMBIGUOUS, "receipt"),
    ("an abort", {"esm_class": b"\x18"}, AMBIGUOUS, "receipt"),
    ("a notification", {"esm_class": b"\x20"}, AMBIGUOUS, "receipt"),
    ("a reserved type", {"esm_class": b"\x3c"}, AMBIGUOUS, "receipt"),
    ("a receipt with a mode", {"esm_class": b"\x07"}, AMBIGUOUS, "receipt"),
    ("a receipt with a header", {"esm_class": b"\x44", "short_message": udh()}, AMBIGUOUS, "receipt"),
    ("a receipt with a reply path", {"esm_class": b"\x84"}, AMBIGUOUS, "receipt"),
    ("a receipt's id", {"tlvs": tlv((0x001E, b"A1\0"))}, AMBIGUOUS, "receipt"),
    ("a receipt's state", {"tlvs": tlv((0x0427, b"\2"))}, AMBIGUOUS, "receipt"),
    ("a receipt's error", {"tlvs": tlv((0x0423, b"\3\0\0"))}, AMBIGUOUS, "receipt"),
    # Parts.
    ("one SAR TLV", {"tlvs": tlv((0x020C, b"\0\1"))}, PARTIAL, "sar"),
    ("the number of parts", {"tlvs": tlv((0x020E, b"\1"))}, PARTIAL, "sar"),
    ("the number of the part", {"tlvs": tlv((0x020F, b"\1"))}, PARTIAL, "sar"),
    ("a part, 8 bits", {"esm_class": b"\x40", "short_message": udh(b"\0\3\x07\2\1")}, PARTIAL, "header"),
    ("a part, 16 bits", {"esm_class": b"\x40", "short_message": udh(b"\x08\4\0\x07\2\2")}, PARTIAL, "header"),
    ("a part by SAR", {"tlvs": tlv((0x020C, b"\0\7"), (0x020E, b"\2"), (0x020F, b"\1"))}, PARTIAL, "sar"),
    ("two of three SAR TLVs", {"tlvs": tlv((0x020E, b"\1"), (0x020F, b"\1"))}, PARTIAL, "sar"),
    ("part 0 by SAR", {"tlvs": tlv((0x020C, b"\0\7"), (0x020E, b"\2"), (0x020F, b"\0"))}, AMBIGUOUS, "sar"),
    ("part 3 of 2 by SAR", {"tlvs": tlv((0x020C, b"\0\7"), (0x020E, b"\2"), (0x020F, b"\3"))}, AMBIGUOUS, "sar"),
    ("part 1 of 0 by SAR", {"tlvs": tlv((0x020C, b"\0\7"), (0x020E, b"\0"), (0x020F, b"\1"))}, AMBIGUOUS, "sar"),
    ("a SAR TLV of a wrong size", {"tlvs": tlv((0x020C, b"\7"), (0x020E, b"\2"), (0x020F, b"\1"))}, AMBIGUOUS, "sar"),
    ("a part of a part", {"esm_class": b"\x40", "short_message": udh(b"\0\3\x07\2\1"),
     "tlvs": tlv((0x020C, b"\0\7"), (0x020E, b"\2"), (0x020F, b"\1"))}, AMBIGUOUS, "parts"),
    ("a part given twice alike", {"esm_class": b"\x40", "short_message": udh(b"\0\3\x07\2\1", b"\x08\4\0\x07\2\1")},
     AMBIGUOUS, "header"),
    ("the only part, given twice alike", {"esm_class": b"\x40", "short_message": udh(b"\0\3\x07\1\1", b"\0\3\x07\1\1")},
     AMBIGUOUS, "header"),
    ("part 3 of 2", {"esm_class": b"\x40", "short_message": udh(b"\0\3\x07\2\3")}, AMBIGUOUS, "header"),
    ("part 0", {"esm_class": b"\x40", "short_message": udh(b"\0\3\x07\2\0")}, AMBIGUOUS, "header"),
    ("a part of a wrong size", {"esm_class": b"\x40", "short_message": udh(b"\0\2\x07\2")}, AMBIGUOUS, "header"),
    ("two parts in one", {"esm_class": b"\x40", "short_message": udh(b"\0\3\x07\2\1", b"\0\3\x07\2\2")},
     AMBIGUOUS, "header"),
    (
        "a part and a port",
        {"esm_class": b"\x40", "short_message": udh(b"\0\3\x07\2\1", b"\5\4\x0b\x84\x23\xf0")},
        AMBIGUOUS,
        "port",
    ),
    # Time.
    ("a schedule", {"schedule_delivery_time": b"000000010000000R\0"}, UNSUPPORTED, "schedule"),
    ("a schedule in the past", {"schedule_delivery_time": b"240101000000000+\0"}, UNSUPPORTED, "schedule"),
    ("no schedule", {"schedule_delivery_time": b"tomorrow\0"}, UNSUPPORTED, "schedule"),
    ("a day and a second", {"validity_period": b"000001000001000R\0"}, UNSUPPORTED, "validity"),
    ("a year", {"validity_period": b"010000000000000R\0"}, UNSUPPORTED, "validity"),
    ("until the end of the century", {"validity_period": b"991231235959000+\0"}, UNSUPPORTED, "validity"),
    ("no validity", {"validity_period": b"for ever\0"}, UNSUPPORTED, "validity"),
    ("a validity of sixteen spaces", {"validity_period": b" " * 16 + b"\0"}, UNSUPPORTED, "validity"),
    ("a time to live by TLV", {"tlvs": tlv((0x0017, b"\0\0\0\1"))}, UNSUPPORTED, "time_to_live"),
    ("a validity at the handset", {"tlvs": tlv((0x1204, b"\1"))}, UNSUPPORTED, "ms_validity"),
    # From nobody, to nobody.
    ("no source", {"source_addr": b"\0"}, INVALID, "source"),
    ("no source, a name", {"source_addr_ton": b"\5", "source_addr": b"\0"}, INVALID, "source"),
    ("a source of spaces", {"source_addr": b"   \0"}, INVALID, "source"),
    ("a name as a number", {"source_addr": b"JIANGLAN\0"}, INVALID, "source"),
    ("a source of a data network", {"source_addr_npi": b"\3"}, INVALID, "source"),
    ("a name that looks like the number", {"source_addr_ton": b"\5", "source_addr": b"1069O001\0"}, INVALID, "source"),
    ("no destination", {"destination_addr": b"\0"}, INVALID, "destination"),
    ("a name as destination", {"dest_addr_ton": b"\5", "destination_addr": b"ZHOUMING\0"}, INVALID, "destination"),
    ("letters in a destination", {"destination_addr": b"8613800138000a\0"}, INVALID, "destination"),
    ("two destinations", {"destination_addr": b"13800138000,138\0"}, INVALID, "destination"),
    ("a short code as destination", {"destination_addr": b"10690001\0"}, INVALID, "destination"),
    ("a destination of a data network", {"dest_addr_npi": b"\x0e"}, INVALID, "destination"),
    ("a ported address", {"tlvs": tlv((0x0612, b"8613900000000"))}, AMBIGUOUS, "ported_address"),
    ("an address in another country", {"tlvs": tlv((0x0613, b"\0\0\0\1"))}, AMBIGUOUS, "ported_address"),
    # Texts that nobody can read.
    *(
        (f"binary by data_coding {coding:#04x}", {"data_coding": bytes((coding,))}, UNDECODABLE, "binary")
        for coding in (2, 4, 0x14, 0x15, 0x44, 0xF4, 0xF5, 0xF6, 0xF7, 0xFC, 0xFF)
    ),
    *(
        (f"data_coding {coding:#04x}", {"data_coding": bytes((coding,))}, UNDECODABLE, "text")
        for coding in (5, 9, 11, 12, 13, 0x0C | 0x10, 0x20, 0x30, 0x80, 0x99, 0xBF)
    ),
    ("half a character", {"short_message": text(UCS2[:-1])}, UNDECODABLE, "text"),
    ("half a pair", {"short_message": text(b"\xd8\0")}, UNDECODABLE, "text"),
    (
        "a national table, single shift",
        {"esm_class": b"\x40", "data_coding": b"\0", "short_message": udh(b"\x24\1\1", rest=b"TD")},
        UNDECODABLE,
        "national_shift",
    ),
    (
        "a national table, locking",
        {"esm_class": b"\x40", "data_coding": b"\0", "short_message": udh(b"\x25\1\x0a", rest=b"TD")},
        UNDECODABLE,
        "national_shift",
    ),
    ("a purpose that there is none of", {"tlvs": tlv((PURPOSE_TAG, b"greeting\0"))}, AMBIGUOUS, "purpose"),
    ("an empty purpose", {"tlvs": tlv((PURPOSE_TAG, b""))}, AMBIGUOUS, "purpose"),
    ("a purpose that was not promised", {"tlvs": tlv((PURPOSE_TAG, b"collection"))}, "purpose.mismatch", "promised"),
    # Hidden behind something harmless.
    (
        "a port behind harmless TLVs",
        {"tlvs": tlv((0x0204, b"\0\1"), (0x1500, b""), (0x0019, b"\0"), (0x020B, b"\0\1"))},
        AMBIGUOUS,
        "port",
    ),
    ("a receipt with a replacement", {"esm_class": b"\4", "protocol_id": b"\x41"}, AMBIGUOUS, "receipt"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "rule", "detail"), [case[1:] for case in CLOSED], ids=[case[0] for case in CLOSED])
def test_it_is_refused(changes, rule, detail):
    assert judged(**changes) == ("deny", rule, detail)


OPEN = [
    ("plain", {}),
    ("a payload", {"short_message": b"\0", "tlvs": tlv((0x0424, UCS2 * 5))}),
    ("its own callback", {"tlvs": tlv((0x0381, b"\1\0\x0110690001"))}),
    ("its own callback, with a NUL and as a national number", {"tlvs": tlv((0x0381, b"\1\2\x0110690001\0"))}),
    ("its own number on the display", {"tlvs": tlv((0x0303, b"\x0010690001"))}),
    ("vendor TLVs", {"tlvs": tlv((0x1400, b"\xff" * 9), (0x3FFF, b""))}),
    ("harmless values", {"tlvs": tlv((0x0019, b"\0"), (0x020D, b"\0"), (0x1204, b"\0"), (0x0005, b"\1"))}),
    ("the bearer that it is", {"tlvs": tlv((0x0007, b"\1"))}),
    ("a validity of a day", {"validity_period": b"000001000000000R\0"}),
    ("a validity that is over", {"validity_period": b"240101000000000+\0"}),
    ("a header without elements", {"esm_class": b"\x40", "short_message": udh()}),
    ("a replacement at the handset", {"protocol_id": b"\x41"}),
    ("another service", {"service_type": b"CMT\0"}),
    ("the only part", {"esm_class": b"\x40", "short_message": udh(b"\0\3\x07\1\1")}),
    ("the only part by SAR", {"tlvs": tlv((0x020C, b"\0\7"), (0x020E, b"\1"), (0x020F, b"\1"))}),
    ("its purpose", {"tlvs": tlv((PURPOSE_TAG, b"marketing\0"))}),
    ("urgent, with an intermediate notification", {"priority_flag": b"\3", "registered_delivery": b"\x11"}),
    *((f"mode {mode}", {"esm_class": bytes((mode,))}) for mode in (1, 2, 3)),
    ("a reply path", {"esm_class": b"\x80"}),
    ("flash", {"data_coding": b"\x10", "short_message": text(b"TD")}),
    ("GB18030", {"data_coding": b"\x0f", "short_message": text(TEXT.encode("gb18030"))}),
]


@pytest.mark.parametrize("changes", [case[1] for case in OPEN], ids=[case[0] for case in OPEN])
def test_it_is_permitted(changes):
    assert judged(**changes) == ("allow", "", "")


def test_a_service_notice_may_be_scheduled_but_not_at_no_time():
    assert judged(SERVICE, schedule_delivery_time=b"000000010000000R\0") == ("allow", "", "")
    assert judged(SERVICE, schedule_delivery_time=b"000000010000000X\0") == ("deny", UNSUPPORTED, "schedule")


def test_the_cap_is_the_packs():
    short = BASE.but("pack", Pack("cn-test", 3, validity_cap_s=3600))
    assert judged(short, validity_period=b"000000010000000R\0") == ("allow", "", "")
    assert judged(short, validity_period=b"000000010001000R\0") == ("deny", UNSUPPORTED, "validity")
    # 12:00:00 in Shanghai is 04:00:00 UTC; one hour and one second later, in two ways to write it.
    assert NOON % 86_400 == 4 * 3600
    assert judged(short, validity_period=b"250305130000032+\0") == ("allow", "", "")
    assert judged(short, validity_period=b"250305130001032+\0") == ("deny", UNSUPPORTED, "validity")
    assert judged(short, validity_period=b"250305050001000+\0") == ("deny", UNSUPPORTED, "validity")


def test_a_declared_purpose_narrows_and_never_widens():
    refused = BOTH.but("refused", 0xFF)
    assert judged(refused) == ("deny", "suppression.active", "refused")
    assert judged(refused, tlvs=tlv((PURPOSE_TAG, b"service"))) == ("allow", "", "")
    assert judged(BASE.but("refused", 0xFF), tlvs=tlv((PURPOSE_TAG, b"service")))[1:] == (
        "purpose.mismatch",
        "promised",
    )


@pytest.mark.parametrize("coding", [2, 4, 0xF4])
def test_binary_needs_account_and_number(coding):
    assert judged(BINARY, data_coding=bytes((coding,))) == ("allow", "", "")
    for closed in (BINARY.but("account.binary", False), BINARY.but("row.binary", False)):
        assert judged(closed, data_coding=bytes((coding,))) == ("deny", UNDECODABLE, "binary")


def test_binary_for_an_application_stays_closed():
    header = udh(b"\5\4\x0b\x84\x23\xf0", rest=b"\1\6\1\xae\2")
    assert judged(BINARY, data_coding=b"\4", esm_class=b"\x40", short_message=header)[1:] == (AMBIGUOUS, "port")


@pytest.mark.parametrize("written", ["13800138000", "+8613800138000", "008613800138000", "1795113800138000",
                                     "86 138-0013-8000", "013800138000"])  # fmt: skip
def test_a_refusal_binds_however_the_number_is_written(written):
    refused = BASE.but("refused", 0xFF)
    for ton in (0, 1, 2):
        addressed = {"dest_addr_ton": bytes((ton,)), "destination_addr": written.encode() + b"\0"}
        assert judged(refused, **addressed)[0] == "deny"
    assert judged(refused, dest_addr_ton=b"\0", destination_addr=written.encode() + b"\0")[1] == "suppression.active"


@pytest.mark.parametrize(
    "changes",
    [
        {"short_message": b"\xff" + bytes(255)},
        {"short_message": b"\x10abc"},
        {"tlvs": b"\x14\0\0\x05abc"},
        {"tlvs": b"\x14"},
        {"service_type": b"TOOLONG\0"},
        {"source_addr": b"1" * 21 + b"\0"},
        {"destination_addr": b"1" * 40 + b"\0"},
        {"validity_period": b"0" * 17 + b"\0"},
    ],
)
def test_what_cannot_be_read_is_not_judged(changes):
    with pytest.raises(PduError):
        judged(**changes)
