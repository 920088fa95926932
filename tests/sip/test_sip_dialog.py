"""Dialogs from both sides: how they are made, what they let in, and the requests they build."""

import pytest

from proxy.sip.dialog import Dialog, Forks, answered_dialog, asked_dialog, contact_of
from proxy.sip.error import SipError
from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, SipRequest
from proxy.sip.screening import check_form
from tests.tools.sip_messages import a_request, a_response

pytestmark = pytest.mark.unit

VIA = b"SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKours;rport"
ROUTED = ("Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr;x=1>", "Record-Route: <sip:p0.example;lr>")


def answered(**parts: object) -> Dialog:
    return answered_dialog(a_request(**parts), b"ours", "early")


def asked(
    status: int = 200, *, tag: str = "theirs", contact: str | None = "<sip:b@192.0.2.30>", headers: tuple[str, ...] = ()
) -> Dialog:
    request = a_request(cseq="7 INVITE")
    return asked_dialog(request, a_response(request, status, to_tag=tag, contact=contact, headers=headers))


def written(request: SipRequest) -> SipRequest:
    """As the peer reads it."""
    read = read_datagram(request.octets(), Limits())
    assert isinstance(read, SipRequest)
    check_form(read)
    return read


def test_the_side_that_answers() -> None:
    dialog = answered(headers=ROUTED)
    assert (dialog.call_id, dialog.local_tag, dialog.remote_tag) == (b"call-1@192.0.2.10", b"ours", b"a-tag")
    assert (dialog.remote_sequence, dialog.local_sequence, dialog.state) == (1, 0, "early")
    assert dialog.target == b"sip:95500@192.0.2.10:5060"

    bye = written(dialog.request("BYE", VIA, [("reason", b"Q.850;cause=16")]))
    assert bye.uri == b"sip:95500@192.0.2.10:5060"
    assert bye.values("route") == [b"<sip:p2.example;lr>", b"<sip:p1.example;lr;x=1>", b"<sip:p0.example;lr>"]
    assert (bye.from_.tag, bye.to.tag) == (b"ours", b"a-tag")
    assert bye.from_.uri == b"sip:13800138000@192.0.2.20"
    assert bye.to.name == b"Jianglan Bank"
    assert (bye.cseq.number, bye.cseq.method) == (1, "BYE")
    assert bye.first("reason") == b"Q.850;cause=16"
    assert dialog.request("INFO", VIA).cseq.number == 2


def test_the_side_that_asks_reverses_the_routes() -> None:
    dialog = asked(headers=ROUTED)
    assert dialog.state == "confirmed"
    info = written(dialog.request("INFO", VIA, [("content-type", b"application/dtmf-relay")], b"Signal=1\r\n"))
    assert info.uri == b"sip:b@192.0.2.30"
    assert info.values("route") == [b"<sip:p0.example;lr>", b"<sip:p1.example;lr;x=1>", b"<sip:p2.example;lr>"]
    assert (info.from_.tag, info.to.tag, info.cseq.number) == (b"a-tag", b"theirs", 8)
    assert info.body == b"Signal=1\r\n"


def test_the_ack_of_a_2xx_has_the_number_of_its_invite() -> None:
    dialog = asked(headers=ROUTED)
    dialog.request("INFO", VIA)
    ack = written(dialog.ack(7, VIA))
    assert (ack.method, ack.cseq.number, ack.cseq.method) == ("ACK", 7, "ACK")
    assert len(ack.values("route")) == 3
    assert dialog.request("BYE", VIA).cseq.number == 9


def test_a_strict_router_becomes_the_request_uri() -> None:
    """RFC 3261 §12.2.1.1, its own example; the parameters that no Request-URI may have are gone."""
    dialog = answered(
        contact="<sip:user@remoteua>",
        headers=("Record-Route: <sip:proxy1;method=INVITE?x=y>,<sip:proxy2>,<sip:proxy3;lr>,<sip:proxy4>",),
    )
    bye = written(dialog.request("BYE", VIA))
    assert bye.uri == b"sip:proxy1"
    assert bye.values("route") == [b"<sip:proxy2>", b"<sip:proxy3;lr>", b"<sip:proxy4>", b"<sip:user@remoteua>"]


def test_numbers_that_go_backwards_are_refused_and_gaps_are_not() -> None:
    dialog = answered()
    inside = {"called": "<sip:13800138000@192.0.2.20>;tag=ours"}
    dialog.receive(a_request("INFO", cseq="5 INFO", **inside))
    for number in (5, 4, 1):
        with pytest.raises(SipError) as caught:
            dialog.receive(a_request("BYE", cseq=f"{number} BYE", **inside))
        assert caught.value.status == 500
    dialog.receive(a_request("ACK", cseq="1 ACK", **inside))
    dialog.receive(a_request("BYE", cseq="6 BYE", **inside))
    assert dialog.remote_sequence == 6


def test_the_first_request_of_the_side_that_was_asked_may_have_any_number() -> None:
    dialog = asked()
    dialog.receive(a_request("BYE", cseq="0 BYE"))
    assert dialog.remote_sequence == 0


@pytest.mark.parametrize(
    ("parts", "belongs"),
    [
        ({}, True),
        ({"call_id": "other"}, False),
        ({"called": "<sip:x@y>;tag=other"}, False),
        ({"called": "<sip:x@y>"}, False),
        ({"caller": "<sip:x@y>;tag=other"}, False),
        ({"caller": "<sip:x@y>"}, False),
    ],
)
def test_what_belongs_to_a_dialog(parts: dict[str, str], belongs: bool) -> None:
    dialog = answered()
    assert dialog.belongs(a_request("BYE", **{"called": "<sip:x@y>;tag=ours", **parts})) is belongs


def test_a_target_moves_by_refresh_alone() -> None:
    dialog = answered()
    dialog.receive(a_request("INFO", cseq="2 INFO", contact="<sip:moved@192.0.2.99>"))
    assert dialog.target == b"sip:95500@192.0.2.10:5060"
    dialog.refresh(a_request(cseq="3 INVITE", contact="<sip:moved@192.0.2.99?x=y>"))
    assert dialog.target == b"sip:moved@192.0.2.99"
    dialog.refresh(a_request(cseq="4 INVITE", contact=None))
    assert dialog.target == b"sip:moved@192.0.2.99"


@pytest.mark.parametrize("contact", ["<sip:a@b>, <sip:c@d>", "<tel:+1>", "*", "<sip:a@b", "<mailto:a@b>"])
def test_a_contact_that_nothing_can_be_sent_to_is_refused(contact: str) -> None:
    with pytest.raises(SipError) as caught:
        contact_of(a_request(contact=contact))
    assert caught.value.status == 400
    with pytest.raises(SipError):
        answered(contact=contact)


@pytest.mark.parametrize("route", ["<tel:+1>", "sip:p1;lr", "<sip:p1", "<>"])
def test_a_route_that_is_none_is_refused(route: str) -> None:
    with pytest.raises(SipError):
        answered(headers=(f"Record-Route: {route}",))


def test_peers_of_old_times_without_contact_or_tag() -> None:
    dialog = answered(contact=None, caller="<sip:95500@192.0.2.10>")
    assert (dialog.target, dialog.remote_tag) == (b"sip:95500@192.0.2.10", b"")
    assert dialog.request("BYE", VIA).to.tag is None
    assert dialog.belongs(a_request("BYE", called="<sip:x@y>;tag=ours", caller="<sip:95500@192.0.2.10>"))


def test_a_fork_makes_a_dialog_for_each_tag() -> None:
    request = a_request(cseq="7 INVITE")
    forks = Forks(request, most=3)

    def come(status: int, tag: str, contact: str = "<sip:b@192.0.2.30>", **parts: tuple[str, ...]) -> Dialog | None:
        return forks.receive(a_response(request, status, to_tag=tag, contact=contact, **parts))

    assert come(100, "") is None
    assert come(180, "") is None
    one = come(180, "one", headers=("Record-Route: <sip:early;lr>",))
    two = come(183, "two")
    assert one is not None
    assert two is not None
    assert one is not two
    assert come(180, "one") is one
    assert forks.early() == [one, two]

    assert come(200, "one", "<sip:moved@192.0.2.31>", headers=("Record-Route: <sip:last;lr>, <sip:first;lr>",)) is one
    assert (one.state, one.target) == ("confirmed", b"sip:moved@192.0.2.31")
    assert one.routes == (b"<sip:first;lr>", b"<sip:last;lr>")
    assert forks.early() == [two]

    three = come(200, "three")
    assert three is not None
    assert three.state == "confirmed"
    assert come(180, "four") is None
    late = come(200, "four")
    assert late is not None
    assert late.ack(7, VIA).to.tag == b"four"
    # Twice as many at most, so that nobody has us acknowledge and end dialogs without end.
    assert [come(200, tag) is None for tag in ("five", "six", "seven", "four")] == [False, False, True, False]


def test_an_early_dialog_needs_a_tag_and_a_2xx_does_not() -> None:
    with pytest.raises(SipError):
        asked(180, tag="")
    assert asked(200, tag="", contact=None).target == b"sip:13800138000@192.0.2.20"
