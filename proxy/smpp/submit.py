"""Reads what an ESME asks into a `Request`, and finds what would go around the policy.

Owns the tables of what is closed on the wire: options, TLVs, headers in the text. Must never decide: it writes
findings, and the rules refuse. How it works: one pass by offsets; a plain submit_sm costs no look into any table.
"""

from collections.abc import Container, Mapping
from typing import Final

from proxy.core import addresses
from proxy.core.addresses import recipient
from proxy.core.finding import Finding
from proxy.core.number_library import NumberLibrary
from proxy.core.purposes import STRICTEST_FIRST, Purpose
from proxy.core.records import Account
from proxy.core.request import Request
from proxy.smpp import consts
from proxy.smpp.codec import Fields, decode
from proxy.smpp.concat import SAR, UDH_8, UDH_16, Part
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.plain_submit import read_plain
from proxy.smpp.short_message import ShortMessage, read_data_sm, read_sm
from proxy.smpp.text import AlphabetTable, broken_readings, readings
from proxy.smpp.times import seconds_until
from proxy.smpp.udh import CONCATENATION_8, CONCATENATION_16, concatenation, split_udh

_TYPE_BITS: Final = 0x3C
_UDHI: Final = 0x40
_SENDERS_KEPT: Final = 4096

UNSUPPORTED: Final = "pdu.unsupported"
AMBIGUOUS: Final = "pdu.ambiguous"
PARTIAL: Final = "message.partial"

#: protocol_id (TP-PID, 3GPP TS 23.040 §9.2.3.9): plain, and "replace short message type 1–7". All others change what
#: arrives: silent messages, telematic interworking, SIM data download.
_PROTOCOL_IDS: Final = frozenset((0x00, *range(0x41, 0x48)))

#: The headers of a part and nothing else: length, element, its length (3GPP TS 23.040 §9.2.3.24.1, §9.2.3.24.8).
_HEADER_8: Final = b"\5\0\3"
_HEADER_16: Final = b"\6\x08\4"
_IS_PART: Final = (Finding(PARTIAL, "header"),)
#: TLVs that may not stand in a submit_sm, with what is said of it.
_CLOSED_TAGS: Final[Mapping[int, Finding]] = {
    consts.TAG_SOURCE_PORT: Finding(AMBIGUOUS, "port"),
    consts.TAG_DEST_PORT: Finding(AMBIGUOUS, "port"),
    consts.TAG_SOURCE_SUBADDRESS: Finding(AMBIGUOUS, "subaddress"),
    consts.TAG_DEST_SUBADDRESS: Finding(AMBIGUOUS, "subaddress"),
    consts.TAG_RECEIPTED_MESSAGE_ID: Finding(AMBIGUOUS, "receipt"),
    consts.TAG_MESSAGE_STATE: Finding(AMBIGUOUS, "receipt"),
    consts.TAG_USSD_SERVICE_OP: Finding(UNSUPPORTED, "ussd"),
    consts.TAG_ITS_SESSION_INFO: Finding(UNSUPPORTED, "ussd"),
    consts.TAG_PAYLOAD_TYPE: Finding(UNSUPPORTED, "payload_type"),
    consts.TAG_LANGUAGE_INDICATOR: Finding(UNSUPPORTED, "language_indicator"),
    consts.TAG_DEST_TELEMATICS_ID: Finding(UNSUPPORTED, "telematics"),
    consts.TAG_DEST_ADDR_NP_INFORMATION: Finding(AMBIGUOUS, "ported_address"),
    consts.TAG_DEST_ADDR_NP_COUNTRY: Finding(AMBIGUOUS, "ported_address"),
    consts.TAG_DEST_ADDR_SUBUNIT: Finding(UNSUPPORTED, "subunit"),
    consts.TAG_DEST_BEARER_TYPE: Finding(UNSUPPORTED, "bearer"),
    consts.TAG_NETWORK_ERROR_CODE: Finding(AMBIGUOUS, "receipt"),
    consts.TAG_QOS_TIME_TO_LIVE: Finding(UNSUPPORTED, "time_to_live"),
    consts.TAG_MS_VALIDITY: Finding(UNSUPPORTED, "ms_validity"),
}
#: The TLVs of a part, with the octets of each (SMPP v3.4 §5.3.2.22 to §5.3.2.24).
_SAR_TAGS: Final[Mapping[int, int]] = {
    consts.TAG_SAR_MSG_REF_NUM: 2,
    consts.TAG_SAR_TOTAL_SEGMENTS: 1,
    consts.TAG_SAR_SEGMENT_SEQNUM: 1,
}
#: What closes a message only when it is judged whole; a part with any other finding is refused alone, at once.
_JUDGED_WHOLE: Final = frozenset((PARTIAL, "content.undecodable"))
#: Values under which a closed tag says nothing: "default", "unspecified", the display of the handset, the SMS bearer.
_HARMLESS: Final = frozenset(
    (
        (consts.TAG_PAYLOAD_TYPE, b"\0"),
        (consts.TAG_LANGUAGE_INDICATOR, b"\0"),
        (consts.TAG_MS_VALIDITY, b"\0"),
        (consts.TAG_DEST_ADDR_SUBUNIT, b"\0"),
        (consts.TAG_DEST_ADDR_SUBUNIT, b"\1"),
        (consts.TAG_DEST_BEARER_TYPE, b"\0"),
        (consts.TAG_DEST_BEARER_TYPE, b"\1"),
    )
)
#: TLVs that show another number to the person.
_DISPLAYED_TAGS: Final = frozenset((consts.TAG_CALLBACK_NUM, consts.TAG_CALLBACK_NUM_ATAG))
_CLOSED_SERVICE_TYPES: Final = frozenset((b"USSD", b"CBS", b"WAP"))
_CLOSED_UDH: Final[Mapping[int, Finding]] = {
    0x04: Finding(AMBIGUOUS, "port"),
    0x05: Finding(AMBIGUOUS, "port"),
    0x24: Finding("content.undecodable", "national_shift"),
    0x25: Finding("content.undecodable", "national_shift"),
}

#: Commands that are closed in this release, whole.
_CLOSED_COMMANDS: Final[Mapping[int, str]] = {
    # Judged as a message where the account may do it (`replacing.py`).
    consts.REPLACE_SM: "replace_sm",
    # Judged destination by destination elsewhere (`judging/several.py`): as one request it is closed.
    consts.SUBMIT_MULTI: "submit_multi",
}


#: data_coding values that declare octets that are no text (SMPP v3.4 §5.2.19, 3GPP TS 23.038 §4).
_BINARY: Final = frozenset(
    (
        2,
        4,
        *(coding for coding in range(0x10, 0x80) if coding & 0x2C == 0x04),
        *(coding for coding in range(0xF0, 0x100) if coding & 0x04),
    )
)


class SubmitReader:
    """Reads the requests of one account. `table` is the route's reading of data_coding, `purpose_tag` the TLV in
    which an account with several purposes says which one it means.
    """

    __slots__ = ("_account", "_likely", "_octets", "_place", "_purpose_tag", "_senders", "_table", "part")

    def __init__(self, account: Account, table: AlphabetTable, purpose_tag: int) -> None:
        self._account = account
        self._table = table
        self._purpose_tag = purpose_tag
        self._senders: dict[bytes, tuple[str | None, tuple[Finding, ...]]] = {}
        #: The source_key of the latest plain submit_sm.
        self._likely = b""
        #: (kind, reference, total, number) of the part that is being read.
        self._place: tuple[int, int, int, int] | None = None
        #: The text of what was read with care last, behind its header.
        self._octets = b""
        #: The latest submit_sm that was read with care, where it is a part that may wait for the others.
        self.part: Part | None = None

    def submit(self, pdu: Pdu, request_id: int, now: float, has_receiver: bool, over_rate: bool) -> Request:
        """A submit_sm as a request; raises PduError with the status to answer where it cannot be read."""
        source_key, ton, npi, destination, data_coding, octets = read_plain(pdu.raw, self._likely)
        if not source_key:
            part = self._plain_part(pdu, request_id, now, has_receiver, over_rate)
            return part or self._careful(pdu, request_id, now, has_receiver, over_rate)
        self._likely = source_key
        sender, findings = self._senders.get(source_key) or self._sender(source_key)
        exact = readings(octets, data_coding, self._table)
        return Request(
            request_id,
            "sms",
            self._account,
            sender,
            recipient(ton, npi, destination),
            exact + broken_readings(octets, data_coding, self._table, exact),
            pdu.raw,
            now,
            findings,
            data_coding in _BINARY,
            None,
            False,
            None,
            has_receiver,
            over_rate,
            False,
            False,
            len(exact),
        )

    def _plain_part(self, pdu: Pdu, request_id: int, now: float, has_receiver: bool, over_rate: bool) -> Request | None:
        """A submit_sm that is plain but for a header which makes it one of several parts; None for any other."""
        source_key, ton, npi, destination, data_coding, octets = read_plain(pdu.raw, self._likely, _UDHI)
        if not source_key or len(octets) < 7:
            return None
        if octets.startswith(_HEADER_8):
            kind, reference, total, number, text = UDH_8, octets[3], octets[4], octets[5], octets[6:]
        elif octets.startswith(_HEADER_16):
            kind, reference, total, number, text = UDH_16, octets[3] << 8 | octets[4], octets[5], octets[6], octets[7:]
        else:
            return None
        sender, findings = self._senders.get(source_key) or self._sender(source_key)
        person = recipient(ton, npi, destination)
        if sender is None or person is None or findings or total < 2 or not 1 <= number <= total:
            return None
        self._likely = source_key
        request = Request(
            request_id,
            "sms",
            self._account,
            sender,
            person,
            (),
            pdu.raw,
            now,
            _IS_PART,
            data_coding in _BINARY,
            None,
            False,
            None,
            has_receiver,
            over_rate,
        )
        self.part = Part(pdu, request, kind, reference, total, number, data_coding, text)
        return request

    def _careful(self, pdu: Pdu, request_id: int, now: float, has_receiver: bool, over_rate: bool) -> Request:
        """A submit_sm in which something is out of the ordinary."""
        sm = read_sm(pdu.raw)
        self.part = None
        request = self.read(sm, pdu.raw, request_id, now, has_receiver, over_rate)
        place = self._place
        # INVARIANT: the request of a part holds the finding that it is one, so that alone it never passes.
        if (
            place is not None
            and request.sender is not None
            and request.recipient is not None
            and _JUDGED_WHOLE.issuperset([finding.rule for finding in request.findings])
        ):
            kind, reference, total, number = place
            self.part = Part(pdu, request, kind, reference, total, number, sm.data_coding, self._octets)
        return request

    def data(self, pdu: Pdu, request_id: int, now: float, has_receiver: bool, over_rate: bool) -> Request:
        """A data_sm (SMPP v3.4 §4.7.1) as a request: a text like any other; raises PduError as `submit` does."""
        return self.read(read_data_sm(pdu.raw), pdu.raw, request_id, now, has_receiver, over_rate)

    def read(
        self, sm: ShortMessage, raw: bytes, request_id: int, now: float, has_receiver: bool, over_rate: bool
    ) -> Request:
        """What a message asks, looked at with care: all its fields, options and TLVs."""
        sender, findings = self._senders.get(sm.source_key) or self._sender(sm.source_key)
        more, octets, purpose, validity_s = self._with_care(sm, sender, now)
        self._octets = octets
        # WHY none of a part: what it says is read once, where its message is whole.
        exact = () if self._place is not None else readings(octets, sm.data_coding, self._table)
        return Request(
            id=request_id,
            channel="sms",
            account=self._account,
            sender=sender,
            recipient=recipient(sm.dest_ton, sm.dest_npi, sm.dest),
            readings=exact + broken_readings(octets, sm.data_coding, self._table, exact),
            octets=raw,
            received_at=now,
            findings=findings + more,
            binary=sm.data_coding in _BINARY,
            purpose=purpose,
            scheduled=bool(sm.schedule),
            validity_s=validity_s,
            has_receiver=has_receiver,
            over_rate=over_rate,
            exact=len(exact),
        )

    def closed(self, pdu: Pdu, request_id: int, now: float) -> Request:
        """A command that is closed whole, as a request that says so; raises PduError where it cannot be read."""
        detail = _CLOSED_COMMANDS.get(pdu.command_id)
        if detail is None:
            # A vendor's command or one of v5: nobody knows what it does, so nothing of it is read.
            return self._bare(pdu, request_id, now, None, None, Finding(UNSUPPORTED, "command"))
        fields = decode(pdu.raw)
        source = _address(fields, "source_addr_ton", "source_addr_npi", "source_addr")
        return self._bare(pdu, request_id, now, source, None, Finding(UNSUPPORTED, detail))

    def foreign(self, pdu: Pdu, request_id: int, now: float) -> Request:
        """A replace_sm of a message that is not the account's own, or known no more, as a request that says so."""
        fields = decode(pdu.raw)
        source = _address(fields, "source_addr_ton", "source_addr_npi", "source_addr")
        finding = Finding("message.foreign", "replace_sm")
        return self._bare(pdu, request_id, now, source, None, finding, by_id=True)

    def by_message_id(
        self, pdu: Pdu, request_id: int, now: float, known: Container[object], numbers: NumberLibrary
    ) -> Request:
        """A query_sm or cancel_sm as a request, with a finding unless both its message_id and its source are one's own.

        `known` are the account's ids. The source is empty, or a number of the account's institution and operator: it
        has to be that of the message (SMPP v3.4 §4.8.1, §4.9.1), and a carrier may look at nothing else. Raises
        PduError where it cannot be read.
        """
        fields = decode(pdu.raw)
        source = _address(fields, "source_addr_ton", "source_addr_npi", "source_addr")
        name = "query_sm" if pdu.command_id == consts.QUERY_SM else "cancel_sm"
        # WHY: a cancel_sm without an id names a group of messages by addresses: nothing says that they are one's own.
        message_id = fields.values["message_id"]
        mine = bool(message_id) and message_id in known and self._is_own(source, fields.values["source_addr"], numbers)
        finding = None if mine else Finding("message.foreign", name)
        return self._bare(pdu, request_id, now, source, None, finding, by_id=True)

    def _is_own(self, source: str | None, written: object, numbers: NumberLibrary) -> bool:
        if source is None:
            return written == b""
        account = self._account
        rows = numbers.find(source)
        return any(row.principal == account.principal and row.operator == account.operator for row in rows)

    def _bare(
        self,
        pdu: Pdu,
        request_id: int,
        now: float,
        sender: str | None,
        recipient: str | None,
        finding: Finding | None,
        *,
        by_id: bool = False,
    ) -> Request:
        return Request(
            id=request_id,
            channel="sms",
            account=self._account,
            sender=sender,
            recipient=recipient,
            readings=(),
            octets=pdu.raw,
            received_at=now,
            findings=() if finding is None else (finding,),
            by_id=by_id,
        )

    def _sender(self, source_key: bytes) -> tuple[str | None, tuple[Finding, ...]]:
        """The sender that stands in these octets, canonical, and what is found of the service_type before it."""
        service_type, _, rest = source_key.partition(b"\0")
        findings = (
            (Finding(UNSUPPORTED, "service_type"),) if service_type.strip().upper() in _CLOSED_SERVICE_TYPES else ()
        )
        known = (addresses.sender(rest[0], rest[1], rest[2:-1]), findings)
        if len(self._senders) >= _SENDERS_KEPT:
            self._senders.clear()
        self._senders[source_key] = known
        return known

    def _with_care(
        self, sm: ShortMessage, sender: str | None, now: float
    ) -> tuple[tuple[Finding, ...], bytes, Purpose | None, int | None]:
        """Everything that a plain submit_sm does not have."""
        findings: list[Finding] = []
        octets, purpose = self._options(sm, sender, findings)
        if sm.esm_class & _TYPE_BITS:
            findings.append(Finding(AMBIGUOUS, "receipt"))
        if sm.protocol_id not in _PROTOCOL_IDS:
            findings.append(Finding(UNSUPPORTED, "protocol_id"))
        if sm.replace_if_present:
            # WHY: the carrier knows no accounts: on a shared number it would take away another's undelivered message.
            findings.append(Finding(UNSUPPORTED, "replace"))
        if sm.sm_default_msg_id:
            findings.append(
                Finding(AMBIGUOUS, "default_message") if octets else Finding(UNSUPPORTED, "default_message")
            )
        header = None
        if sm.esm_class & _UDHI:
            octets, header = _without_header(octets, findings)
        sar = _sar(sm, findings) if sm.tlvs else None
        if header is not None and sar is not None:
            findings.append(Finding(AMBIGUOUS, "parts"))
        self._place = place = header or sar
        if place is not None:
            if place[2] == 1:
                # The only part there is: judged as the single message that it is.
                self._place = None
            else:
                findings.append(Finding(PARTIAL, "sar" if place[0] == SAR else "header"))
        validity_s = None
        try:
            validity_s = seconds_until(sm.validity, now)
        except ValueError:
            findings.append(Finding(UNSUPPORTED, "validity"))
        try:
            seconds_until(sm.schedule, now)
        except ValueError:
            findings.append(Finding(UNSUPPORTED, "schedule"))
        return tuple(findings), octets, purpose, validity_s

    def _options(self, sm: ShortMessage, sender: str | None, findings: list[Finding]) -> tuple[bytes, Purpose | None]:
        octets, purpose = sm.short_message, None
        seen: set[int] = set()
        for tag, value in sm.tlvs:
            if tag in seen:
                findings.append(Finding(AMBIGUOUS, "duplicate_tlv"))
            seen.add(tag)
            if tag == consts.TAG_MESSAGE_PAYLOAD:
                if sm.short_message:
                    findings.append(Finding(AMBIGUOUS, "two_texts"))
                octets = value
            elif tag in _DISPLAYED_TAGS:
                if _displayed(tag, value) != sender or sender is None:
                    findings.append(Finding(AMBIGUOUS, "callback_num"))
            elif tag == self._purpose_tag:
                purpose = _purpose(value)
                if purpose is None:
                    findings.append(Finding(AMBIGUOUS, "purpose"))
            elif tag in _CLOSED_TAGS and (tag, value) not in _HARMLESS:
                findings.append(_CLOSED_TAGS[tag])
        return octets, purpose


def _without_header(octets: bytes, findings: list[Finding]) -> tuple[bytes, tuple[int, int, int, int] | None]:
    """The text behind a user data header, and the place of a part (kind, reference, total, number).

    What else the header does is found, and what is not known of it is closed.
    """
    try:
        elements, rest = split_udh(octets)
        part = concatenation(elements)
    except PduError:
        findings.append(Finding(AMBIGUOUS, "header"))
        return octets, None
    kinds: list[int] = []
    for element, _ in elements:
        if element in _CLOSED_UDH:
            findings.append(_CLOSED_UDH[element])
        elif element == CONCATENATION_8:
            kinds.append(UDH_8)
        elif element == CONCATENATION_16:
            kinds.append(UDH_16)
        else:
            findings.append(Finding(AMBIGUOUS, "header"))
    if part is None:
        return rest, None
    if len(kinds) > 1:
        # WHY even where they agree: handsets and carriers differ in which of them they take.
        findings.append(Finding(AMBIGUOUS, "header"))
    return rest, (kinds[0], *part)


def _sar(sm: ShortMessage, findings: list[Finding]) -> tuple[int, int, int, int] | None:
    """The place of a part that the sar_ TLVs give; a finding where they do not give one (SMPP v3.4 §5.3.2.22)."""
    given = {tag: value for tag, value in sm.tlvs if tag in _SAR_TAGS}
    if not given:
        return None
    if len(given) < len(_SAR_TAGS):
        findings.append(Finding(PARTIAL, "sar"))
        return None
    total = int.from_bytes(given[consts.TAG_SAR_TOTAL_SEGMENTS])
    number = int.from_bytes(given[consts.TAG_SAR_SEGMENT_SEQNUM])
    if any(len(value) != _SAR_TAGS[tag] for tag, value in given.items()) or not 1 <= number <= total:
        findings.append(Finding(AMBIGUOUS, "sar"))
        return None
    return SAR, int.from_bytes(given[consts.TAG_SAR_MSG_REF_NUM]), total, number


def _displayed(tag: int, value: bytes) -> str | None:
    """The number that a callback TLV shows (SMPP v3.4 §5.3.2.36, §5.3.2.38), canonical, or None."""
    if tag == consts.TAG_CALLBACK_NUM_ATAG:
        return value[1:].decode("ascii", "replace") if len(value) > 1 else None
    # Digit mode, TON, NPI, then the digits: as ASCII in mode 1; mode 0 is DTMF nibbles, which nobody sends.
    if len(value) < 4 or value[0] != 1:
        return None
    return addresses.sender(value[1], value[2], value[3:].rstrip(b"\0"))


def _purpose(value: bytes) -> Purpose | None:
    named = value.rstrip(b"\0").decode("ascii", "replace")
    return next((purpose for purpose in STRICTEST_FIRST if purpose == named), None)


def _address(fields: Fields, ton: str, npi: str, name: str) -> str | None:
    one, two, octets = fields.values[ton], fields.values[npi], fields.values[name]
    if not (isinstance(one, int) and isinstance(two, int) and isinstance(octets, bytes)):
        return None
    return addresses.sender(one, two, octets)
