"""Commands that are closed whole, and requests about messages sent earlier."""

from __future__ import annotations

import pytest

from proxy.core.decision import Permit
from proxy.policy import evaluate
from proxy.smpp import consts
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.submit import SubmitReader
from proxy.smpp.text import DEFAULT_TABLE
from tests.rules.scene import BASE, build
from tests.tools.smpp_octets import header

pytestmark = pytest.mark.unit

SOURCE = b"\0\x0110690001\0"
PERSON = b"\1\x018613800138000\0"
_, SNAPSHOT, NOW = build(BASE)
READER = SubmitReader(BASE.account, DEFAULT_TABLE, 0x1401)


def verdict(command_id: int, body: bytes, known: MessageIds | None = None) -> tuple[str, str, str]:
    pdu = Pdu(command_id, 0, 7, header(command_id, 0, 7, body))
    request = READER.closed(pdu, 1, NOW) if known is None else READER.by_message_id(pdu, 1, NOW, known)
    decided = evaluate(request, SNAPSHOT, NOW)
    if isinstance(decided, Permit):
        assert decided.spend() == pdu.raw
    return decided.decision.effect, decided.decision.rule, decided.decision.detail


def ids(*known: bytes) -> MessageIds:
    found = MessageIds(100)
    for each in known:
        found.add(each)
    return found


def query(message_id: bytes) -> bytes:
    return message_id + b"\0" + SOURCE


def cancel(message_id: bytes) -> bytes:
    return b"\0" + message_id + b"\0" + SOURCE + PERSON


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


def test_a_request_about_a_message_is_still_the_accounts():
    _, snapshot, now = build(BASE.but("account.reviewed", False))
    account = BASE.but("account.reviewed", False).account
    pdu = Pdu(consts.QUERY_SM, 0, 7, header(consts.QUERY_SM, 0, 7, query(b"A1")))
    request = SubmitReader(account, DEFAULT_TABLE, 0x1401).by_message_id(pdu, 1, now, ids(b"A1"))
    assert evaluate(request, snapshot, now).decision.rule == "account.unreviewed"
