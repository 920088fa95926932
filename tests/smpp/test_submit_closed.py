"""Commands that are closed whole, and requests about messages sent earlier."""

from __future__ import annotations

import msgspec
import pytest

from proxy.core.decision import Permit
from proxy.policy import evaluate
from proxy.smpp import consts
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.submit import SubmitReader
from proxy.smpp.text import DEFAULT_TABLE
from tests.rules.scene import BASE, ROW, build
from tests.tools.smpp_octets import header

pytestmark = pytest.mark.unit

SOURCE = b"\0\x0110690001\0"
PERSON = b"\1\x018613800138000\0"
_, SNAPSHOT, NOW = build(BASE)
READER = SubmitReader(BASE.account, DEFAULT_TABLE, 0x1401)


def verdict(command_id: int, body: bytes, known: MessageIds | None = None) -> tuple[str, str, str]:
    pdu = Pdu(command_id, 0, 7, header(command_id, 0, 7, body))
    request = (
        READER.closed(pdu, 1, NOW) if known is None else READER.by_message_id(pdu, 1, NOW, known, SNAPSHOT.numbers)
    )
    decided = evaluate(request, SNAPSHOT, NOW)
    if isinstance(decided, Permit):
        assert decided.spend() == pdu.raw
    return decided.decision.effect, decided.decision.rule, decided.decision.detail


def ids(*known: bytes) -> MessageIds:
    found = MessageIds(100)
    for each in known:
        found.add(each)
    return found


def query(message_id: bytes, source: bytes = SOURCE) -> bytes:
    return message_id + b"\0" + source


def cancel(message_id: bytes, source: bytes = SOURCE) -> bytes:
    return b"\0" + message_id + b"\0" + source + PERSON


@pytest.mark.parametrize(
    ("command_id", "body", "detail"),
    [
        (consts.REPLACE_SM, b"A1\0" + SOURCE + b"\0\0\0\0\2TD", "replace_sm"),
        (consts.VENDOR_FIRST, b"", "command"),
        (consts.VENDOR_LAST, b"\1\2\3", "command"),
        (consts.BROADCAST_SM, b"anything", "command"),
        (consts.QUERY_BROADCAST_SM, b"", "command"),
        (consts.CANCEL_BROADCAST_SM, b"", "command"),
    ],
)
def test_closed_commands(command_id, body, detail):
    assert verdict(command_id, body) == ("deny", "pdu.unsupported", detail)


@pytest.mark.parametrize("command_id", [consts.REPLACE_SM])
def test_a_closed_command_that_cannot_be_read(command_id):
    with pytest.raises(PduError):
        verdict(command_id, b"\0")


@pytest.mark.parametrize(("command_id", "body"), [(consts.QUERY_SM, query), (consts.CANCEL_SM, cancel)])
def test_only_ones_own_messages_are_asked_about(command_id, body):
    name = {consts.QUERY_SM: "query_sm", consts.CANCEL_SM: "cancel_sm"}[command_id]
    foreign = ("deny", "message.foreign", name)
    assert verdict(command_id, body(b"A1"), ids(b"A1")) == ("allow", "", "")
    assert verdict(command_id, body(b"A2"), ids(b"A1")) == foreign
    # Never by another spelling, and never by addresses alone, whatever the carrier may have answered.
    assert verdict(command_id, body(b"a1"), ids(b"A1")) == foreign
    assert verdict(command_id, body(b"0A1"), ids(b"A1")) == foreign
    assert verdict(command_id, body(b""), ids(b"A1", b"")) == foreign


@pytest.mark.parametrize(("command_id", "body"), [(consts.QUERY_SM, query), (consts.CANCEL_SM, cancel)])
@pytest.mark.parametrize(
    ("source", "own"),
    [
        (SOURCE, True),
        (b"\0\x01106900014321\0", True),  # an extension of one's own port
        (b"\0\0\0", True),  # none: the id alone says which message
        (b"\5\0\0", True),
        (b"\0\x0110690202\0", False),  # of nobody known
        (b"\0\x011069\0", False),
        (b"\0\x01letters\0", False),  # no form
        (b"\5\0JIANGLAN\0", False),
    ],
)
def test_the_source_of_the_question_is_ones_own_too(command_id, body, source, own):
    effect, rule, _ = verdict(command_id, body(b"A1", source), ids(b"A1"))
    assert (effect, rule) == (("allow", "") if own else ("deny", "message.foreign"))


def test_a_number_of_another_institution_or_operator_is_not_ones_own():
    for field in ("principal", "operator"):
        row = msgspec.structs.replace(ROW, **{field: "another"})
        _, snapshot, now = build(msgspec.structs.replace(BASE, row=row))
        pdu = Pdu(consts.CANCEL_SM, 0, 7, header(consts.CANCEL_SM, 0, 7, cancel(b"A1")))
        request = READER.by_message_id(pdu, 1, now, ids(b"A1"), snapshot.numbers)
        assert evaluate(request, snapshot, now).decision.rule == "message.foreign"


def test_a_request_about_a_message_is_still_the_accounts():
    _, snapshot, now = build(BASE.but("account.reviewed", False))
    account = BASE.but("account.reviewed", False).account
    pdu = Pdu(consts.QUERY_SM, 0, 7, header(consts.QUERY_SM, 0, 7, query(b"A1")))
    request = SubmitReader(account, DEFAULT_TABLE, 0x1401).by_message_id(pdu, 1, now, ids(b"A1"), snapshot.numbers)
    assert evaluate(request, snapshot, now).decision.rule == "account.unreviewed"
