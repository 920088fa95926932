"""The door: who gets in and as whose, in memory; `tests/wire` tries the same with sockets."""

from __future__ import annotations

import re
from typing import Any

import pytest

from proxy.sip.digest_client import DigestClient
from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, SipRequest, SipResponse
from proxy.sip.reply import reply
from proxy.sip_settings import Sip, SipCarrier, SipGateway, SipTrunk
from proxy.trunks.door import Admitted, Door
from proxy.trunks.peers import Peers
from proxy.trunks.way import Local, Way
from tests.tools.sip_call_play import CallPlay
from tests.tools.sip_messages import SDP, request_octets

pytestmark = pytest.mark.unit

HERE = Local(b"UDP", "192.0.2.20", 5060)
TRUNK = "192.0.2.10"
CARRIER = "192.0.2.30"
PROVES = "192.0.2.11"
BOTH = "192.0.2.12"
NOBODY = "203.0.113.9"
URI = "sip:13800138000@192.0.2.20"


class Side(Way):
    """A way that the playbook knows by the side of the call that it is."""

    def __str__(self) -> str:
        return {TRUNK: "a", CARRIER: "b"}.get(self.flow.peer.decode(), "?")


def ways(reliable: bool = False) -> dict[str, Way]:
    hosts = (TRUNK, CARRIER, PROVES, BOTH, NOBODY, "192.0.2.13", "192.0.2.31")
    return {host: Side(HERE, host, 5060, reliable=reliable) for host in hosts}


class Doorstep:
    """A door with calls behind it. `came` lets a request in, or gives the answer, or None for silence."""

    def __init__(self, *, roaming: bool = False, strangers: str = "silence", reliable: bool = False) -> None:
        self.play = CallPlay()
        self.ways = ways(reliable)
        self.play.flows = {"a": self.ways[TRUNK].flow, "b": self.ways[CARRIER].flow}
        self.play.hops = {"a": self.ways[TRUNK].hop, "b": self.ways[CARRIER].hop}
        trunks = {
            "callcentre": SipTrunk(account="jl", addresses=[TRUNK, "192.0.2.13"]),
            "proves": SipTrunk(account="jl-2", addresses=[PROVES], username="proves", password="Wire-P4s"),
            "one": SipTrunk(account="jl-3", addresses=[BOTH]),
            "two": SipTrunk(account="jl-4", addresses=[BOTH]),
        }
        if roaming:
            trunks["roaming"] = SipTrunk(account="jl-5", username="roaming", password="Wire-P4s")
        carriers = {"default": SipCarrier(gateways=[SipGateway(CARRIER), SipGateway("192.0.2.31")])}
        settings = Sip(trunks=trunks, carriers=carriers, strangers=strangers)  # type: ignore[arg-type]
        self.logged: list[tuple[str, dict[str, Any]]] = []
        self.door = Door(
            settings,
            Peers(trunks, carriers),
            self.play.table,
            self.play.calls,
            self.play.calls.ids,
            b"k" * 32,
            self._log,
        )

    def _log(self, event: str, **fields: Any) -> None:
        self.logged.append((event, fields))

    def came(
        self, host: str, method: str = "INVITE", size: int = 10_000, **parts: Any
    ) -> Admitted | SipResponse | None:
        if method == "INVITE" and "body" not in parts:
            parts |= {"body": SDP, "headers": (*parts.get("headers", ()), "Content-Type: application/sdp")}
        request = read_datagram(request_octets(method, **{"uri": URI, **parts}), Limits())
        assert isinstance(request, SipRequest)
        self.play.table.data_to_send()
        admitted = self.door.admit(request, self.ways[host].flow, 1.0, size)
        sent = self.play.table.data_to_send()
        assert len(sent) == (admitted is None) or not sent
        if not sent:
            return admitted
        flow, octets = sent[0]
        assert flow is self.ways[host].flow
        answer = read_datagram(octets, Limits())
        assert isinstance(answer, SipResponse)
        return answer

    def status(self, host: str, method: str = "INVITE", **parts: Any) -> int:
        """The status of the answer, 0 for silence, 1 where it went on."""
        answer = self.came(host, method, **parts)
        return 0 if answer is None else 1 if isinstance(answer, Admitted) else answer.status

    def trunk(self, host: str, **parts: Any) -> str:
        admitted = self.came(host, **parts)
        assert isinstance(admitted, Admitted), admitted
        return admitted.trunk.name if admitted.trunk is not None else admitted.carrier


def proof(challenge: Admitted | SipResponse | None, username: str = "proves", uri: str = URI) -> str:
    assert isinstance(challenge, SipResponse)
    assert challenge.status == 407
    client = DigestClient(username.encode(), b"Wire-P4s")
    assert client.challenged(challenge.each("proxy-authenticate"), answered=False)
    return "Proxy-Authorization: " + client.credentials("INVITE", uri.encode(), SDP, b"cnonce").decode()


def test_who_begins_a_call() -> None:
    at = Doorstep()
    assert at.trunk(TRUNK) == at.trunk("192.0.2.13") == "callcentre"
    assert at.trunk(CARRIER) == "default"
    assert at.status(BOTH) == 403, "two trunks that nothing tells apart"
    assert at.status(NOBODY) == 0
    challenge = at.came(PROVES)
    assert at.trunk(PROVES, headers=(proof(challenge),)) == "proves"
    assert at.status(PROVES, headers=(proof(challenge),)) == 407, "once"
    assert at.status(PROVES, headers=(proof(challenge, uri=URI.replace("138", "139")),)) == 407, "another number"


def test_credentials_of_another_trunk_prove_nothing_elsewhere() -> None:
    at = Doorstep(roaming=True)
    stolen = proof(at.came(PROVES))
    assert at.trunk(TRUNK) == "callcentre"
    assert at.status(NOBODY, headers=(stolen,)) == 407
    assert at.status(TRUNK, headers=(stolen,)) == 407
    mine = proof(at.came(NOBODY), "roaming")
    assert at.trunk(NOBODY, headers=(mine,)) == "roaming"
    # At a carrier's address too a trunk of any address is itself, once it has proved that.
    assert at.trunk(CARRIER) == "default"
    assert at.trunk(CARRIER, headers=(proof(at.came(NOBODY), "roaming"),)) == "roaming"


def test_inside_a_call_only_its_own_two_sides_speak() -> None:
    at = Doorstep()
    at.play.talking()
    tag_a = next(m.to.tag for m in at.play.sent["a"] if isinstance(m, SipResponse) and m.to.tag)
    tag_b = at.play.last("b", "INVITE").from_.tag
    assert tag_a is not None
    assert tag_b is not None
    for tag, mine, others in (
        (tag_a, (TRUNK, "192.0.2.13"), (CARRIER, PROVES, BOTH)),
        (tag_b, (CARRIER, "192.0.2.31"), (TRUNK, PROVES)),
    ):
        parts = {"called": f"<sip:x@h>;tag={tag.decode()}", "via": "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK-other"}
        for method in ("BYE", "INFO", "INVITE"):
            assert [at.status(host, method, **parts) for host in mine] == [1, 1]
            assert {at.status(host, method, **parts) for host in others} == {481}
            assert at.status(NOBODY, method, **parts) == 0
        assert [at.status(host, "ACK", **parts) for host in (*mine, *others)] == [1, 1] + [0] * len(others)
    assert ("sip.foreign", {"method": "BYE"}) in at.logged


@pytest.mark.parametrize(
    ("method", "status"),
    [("BYE", 481), ("INFO", 481), ("INVITE", 481), ("CANCEL", 481), ("REGISTER", 405), ("13800138000", 501)],
)
def test_what_is_about_nothing_leaves_nothing(method: str, status: int) -> None:
    at = Doorstep()
    called = "<sip:x@h>" if method == "REGISTER" else "<sip:x@h>;tag=unknown"
    first, again = (at.came(TRUNK, method, called=called) for _ in range(2))
    assert isinstance(first, SipResponse)
    assert isinstance(again, SipResponse)
    assert first.status == status
    assert first.octets() == again.octets()
    if method == "REGISTER":
        other = (at.came(TRUNK, method, call_id=each) for each in ("one", "two"))
        assert len({each.to.tag for each in other if isinstance(each, SipResponse)}) == 2
    assert len(at.play.table) == 0
    assert "13800138000" not in str(at.logged)


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "MESSAGE", "REGISTER", "BYE", "CANCEL", "13800138000"])
def test_who_may_be_another_is_sent_no_more_than_came(method: str) -> None:
    roaming = Doorstep(roaming=True)
    longest = roaming.came(NOBODY, method)
    assert isinstance(longest, SipResponse)
    for size in range(0, 1000, 20):
        answer = roaming.came(NOBODY, method, size=size)
        assert answer is None or (isinstance(answer, SipResponse) and len(answer.octets()) <= size)
    assert Doorstep(roaming=True, reliable=True).came(NOBODY, method, size=0) is not None
    refusing = Doorstep(strangers="refuse")
    assert (refusing.status(NOBODY, method), refusing.status(NOBODY, method, size=100)) == (403, 0)
    assert refusing.status(NOBODY, "ACK") == 0


def test_somebody_known_is_answered_in_full() -> None:
    at = Doorstep()
    assert at.status(TRUNK, "REGISTER", size=0) == 405
    assert at.status(CARRIER, "REGISTER", size=0) == 405
    assert [at.status(host, "OPTIONS") for host in (TRUNK, CARRIER, NOBODY)] == [1, 1, 0]
    assert Doorstep(roaming=True).status(NOBODY, "OPTIONS") == 407


def test_a_body_of_a_type_that_nobody_can_read_is_no_offer() -> None:
    at = Doorstep()
    assert at.status(TRUNK, body=b"x", headers=("Content-Type: application/x-nobody",)) == 415
    assert at.status(TRUNK, body=b"x") == 400
    assert at.status(TRUNK, "INFO", body=b"x", headers=("Content-Type: application/x-nobody",), called="<sip:x@h>") == 1


def test_the_same_challenge_names_the_best_algorithm_first() -> None:
    challenge = Doorstep().came(PROVES)
    assert isinstance(challenge, SipResponse)
    named = [re.search(rb"algorithm=([A-Z0-9-]+)", each) for each in challenge.each("proxy-authenticate")]
    assert [each[1] for each in named if each] == [b"SHA-512-256", b"SHA-256", b"MD5"]


def test_each_trunk_and_carrier_has_its_own_share_of_what_is_kept_and_another_inside_calls() -> None:
    at = Doorstep()
    at.play.talking()
    tag = next(m.to.tag for m in at.play.sent["a"] if isinstance(m, SipResponse) and m.to.tag)
    assert tag is not None

    def share(host: str, method: str = "INVITE", called: str = "<sip:x@y>") -> object:
        admitted = at.came(host, method, called=called, via=f"SIP/2.0/UDP h;branch=z9hG4bK-{host}-{method}")
        assert isinstance(admitted, Admitted)
        return admitted.share

    begins, options, inside = (
        share(TRUNK),
        share(TRUNK, "OPTIONS"),
        share(TRUNK, "INFO", f"<sip:x@y>;tag={tag.decode()}"),
    )
    assert begins is options is share("192.0.2.13")
    assert begins is not inside
    assert share(CARRIER) is share("192.0.2.31", "OPTIONS")
    assert len({id(each) for each in (begins, inside, share(CARRIER))}) == 3


@pytest.mark.parametrize("status", [607, 200])
def test_an_ack_is_the_refusals_by_its_via_alone_and_never_that_of_an_answer(status: int) -> None:
    at = Doorstep()
    at.play.invite()
    (leg,) = at.play.calls.legs.values()
    assert leg.server is not None
    server, request = leg.server, leg.server.request
    assert request is not None
    server.respond(reply(request, status, leg.local_tag), at.play.now)
    refused = status > 300

    def taken(host: str, **parts: str) -> bool:
        ack = read_datagram(request_octets("ACK", **parts), Limits())
        assert isinstance(ack, SipRequest)
        return at.door.acknowledged(ack.via, at.ways[host].flow, at.play.now)

    assert not taken(NOBODY)
    assert not taken(TRUNK, via="SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-other;rport")
    assert not taken(TRUNK, via="SIP/2.0/UDP 192.0.2.10:5061;branch=z9hG4bK-a1;rport")
    assert not taken(TRUNK, via="SIP/2.0/UDP 192.0.2.10:5060")
    assert server.state == ("completed" if refused else "accepted")
    assert taken(TRUNK, caller="nobody at all", cseq="1 INVITE") is refused
    assert server.state == ("confirmed" if refused else "accepted")
