"""The door: which messages get in, and as whose.

Owns the order of questions before a message reaches the transactions: from whom (address), is it sound, do we serve it,
is it of the dialog's own peer, is it proved. Must never let a request begin a call that no trunk has sent, nor send
anybody who may not be where he says more octets than came. How it works: `admit` gives the trunk of a request that goes
on, or nothing; what is to be answered is sent by it, without a transaction, so that refusals and scans keep no state.
"""

from collections.abc import Callable
from typing import Final

from proxy.sip.calls import Calls
from proxy.sip.digest import Scheme, challenges, verify
from proxy.sip.digest_hash import hash_of_secret
from proxy.sip.error import SipError
from proxy.sip.flow import Flow
from proxy.sip.ids import Ids
from proxy.sip.message import MalformedRequest, SipRequest, SipResponse
from proxy.sip.methods import METHODS as KNOWN_METHODS
from proxy.sip.nonces import Nonces
from proxy.sip.reply import Headers, answerable, refuse, reply
from proxy.sip.screening import Capabilities, check_form, check_response, check_support
from proxy.sip.share import Share, Shares
from proxy.sip.transaction.table import Transactions
from proxy.sip.uri import Uri, parse_uri
from proxy.sip.via import Via
from proxy.sip_settings import Sip
from proxy.trunks.peers import Peer, Peers, Trunk
from proxy.trunks.way import way_of

Log = Callable[..., None]

METHODS: Final = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO")
_NOBODY: Final = Peer((), frozenset(), frozenset())
ALLOW: Final = ", ".join(METHODS).encode()
#: WHY no other body alone: what offers no session that we can read might offer text (RFC 4475 §3.3.6).
CAPABILITIES: Final = Capabilities(
    methods=METHODS, bodies={"INVITE": frozenset((b"application/sdp", b"multipart/mixed", b"multipart/*"))}
)
_NAMES: Final = frozenset(KNOWN_METHODS.values())


class Admitted:
    """A request that goes on: `trunk` is whose call it begins, or `carrier`, empty and None where it begins none; `uri`
    is its Request-URI, `share` what its sender has of the transactions.
    """

    __slots__ = ("carrier", "share", "trunk", "uri")

    def __init__(self, trunk: Trunk | None, uri: Uri, carrier: str = "") -> None:
        self.trunk: Final = trunk
        self.uri: Final = uri
        self.carrier: Final = carrier
        self.share: Share | None = None


class Door:
    """One for all listeners."""

    __slots__ = (
        "_calls",
        "_ids",
        "_log",
        "_nonces",
        "_peers",
        "_refuse_strangers",
        "_scheme",
        "_shares",
        "_table",
        "_trunks",
    )

    def __init__(
        self, settings: Sip, peers: Peers, table: Transactions, calls: Calls, ids: Ids, key: bytes, log: Log
    ) -> None:
        self._peers: Final = peers
        self._table: Final = table
        self._calls: Final = calls
        self._ids: Final = ids
        self._log: Final = log
        self._refuse_strangers: Final = settings.strangers == "refuse"
        self._scheme: Final = Scheme(realm=settings.realm.encode(), algorithms=tuple(settings.algorithms))
        self._nonces: Final = Nonces(key, settings.nonce_s, settings.transactions_most)
        self._shares: Final = Shares()
        self._trunks: Final = {each.username: each for each in peers.trunks if each.by_digest}

    def malformed(self, error: SipError, flow: Flow, size: int) -> None:
        """What could not be read, in so many octets: answered where it is a request that can be, to the address it came
        from.
        """
        self._log("sip.malformed", detail=error.detail)
        if not isinstance(error, MalformedRequest) or not answerable(error.request):
            return
        peer = self._known(flow)
        if peer is not None:
            self._answer(refuse(error.request, error, self._ids.tag_of(error.request)), flow, peer, size)

    def admit_response(self, response: SipResponse, flow: Flow) -> bool:
        """Whether a response goes on to the transactions."""
        if self._peers.of(flow).stranger:
            return False
        try:
            check_response(response)
        except SipError as error:
            self._log("sip.malformed", detail=error.detail)
            return False
        return True

    def acknowledged(self, via: Via, flow: Flow, now: float) -> bool:
        """Whether an ACK with this topmost Via ends a refusal of ours: nobody but its transaction is to see it then."""
        return not self._peers.of(flow).stranger and self._table.acknowledges(via, now)

    def admit(self, request: SipRequest, flow: Flow, now: float, size: int) -> Admitted | None:
        """Whether a request of so many octets goes on; where not, it is answered or met with silence. Its Via is
        stamped by then.
        """
        peer = self._known(flow)
        if peer is None:
            if self._refuse_strangers and request.method != "ACK":
                self._answer(reply(request, 403, self._ids.tag_of(request)), flow, _NOBODY, size)
            return None
        admitted = self._admitted(request, flow, peer, now, size)
        if admitted is not None:
            trunk = admitted.trunk
            holder = peer.holder if trunk is None else trunk.name
            # WHY apart: who may begin no more calls has to hang up those that he has.
            admitted.share = self._shares.of(holder if request.to.tag is None else "inside " + holder)
        return admitted

    def _admitted(self, request: SipRequest, flow: Flow, peer: Peer, now: float, size: int) -> Admitted | None:
        try:
            check_form(request)
            if self._table.knows(request):
                return Admitted(None, parse_uri(request.uri))
            tag = request.to.tag
            if request.method == "ACK":
                uri = parse_uri(request.uri)
                return Admitted(None, uri) if tag is None or self._own(tag, flow, peer) else None
            if request.method == "CANCEL":
                uri = parse_uri(request.uri)
                if not self._table.cancels(request, flow):
                    # WHY here: of a CANCEL of nothing nothing is kept.
                    raise SipError(481, "cancel")
                return Admitted(None, uri) if tag is None or self._own(tag, flow, peer) else None
            uri = self._supported(request, forwards=request.method == "INVITE")
            if tag is not None:
                if tag in self._calls.legs:
                    if self._own(tag, flow, peer):
                        return Admitted(None, uri)
                    self._log("sip.foreign", method=request.method)
                raise SipError(481, "dialog")
            if request.method == "INVITE" or not self._is_surely(flow, peer):
                return self._beginning(request, peer, flow, uri, now, size)
            return Admitted(None, uri)
        except SipError as error:
            self._refused(request, error, flow, peer, size)
            return None

    # What it asks

    def _known(self, flow: Flow) -> Peer | None:
        peer = self._peers.of(flow)
        if peer.stranger:
            self._log("sip.stranger", peer=flow.peer.decode())
            return None
        return peer

    def _supported(self, request: SipRequest, *, forwards: bool) -> Uri:
        if request.method == "MESSAGE":
            return parse_uri(request.uri)
        return check_support(request, CAPABILITIES, forwards=forwards)

    def _own(self, tag: bytes, flow: Flow, peer: Peer) -> bool:
        """Whether a dialog of ours is one with this peer: any address of the trunk, any gateway of the carrier's. One
        that we do not know goes on, and is answered 481.
        """
        leg = self._calls.legs.get(tag)
        if leg is None:
            return True
        theirs = leg.hop.flow
        # WHY not by its address alone where a certificate was shown: others may be behind that address.
        alike = theirs.peer == flow.peer and not way_of(theirs).identities
        return alike or self._peers.of(theirs).shares(peer)

    def _beginning(
        self, request: SipRequest, peer: Peer, flow: Flow, uri: Uri, now: float, size: int
    ) -> Admitted | None:
        """An INVITE that begins a call: of a trunk by its address or certificate, or by digest; else of a carrier. And
        whatever somebody asks who may not be where he says.
        """
        proves = request.has("proxy-authorization")
        # WHY the trunk first where both are at one address: its calls are judged. A trunk of no address could be there
        # as well, but it would have been asked for a proof that no carrier can give.
        if peer.carriers and not proves and not any(each.placed for each in peer.trunks):
            leg = self._calls.legs.get(request.from_.tag or b"")
            if leg is not None and leg.side == "b":
                # An INVITE of ours that comes back, with our tag: whoever it was for has sent it on to us.
                raise SipError(482, "loop")
            return Admitted(None, uri, min(peer.carriers))
        by_address = [each for each in peer.trunks if not each.by_digest]
        if len(by_address) == 1 and not proves:
            return Admitted(by_address[0], uri)
        if not any(each.by_digest for each in peer.trunks):
            if len(by_address) == 1:
                return Admitted(by_address[0], uri)
            # Nobody's, or that of two trunks which nothing tells apart.
            raise SipError(403, "trunk.none" if not by_address else "trunk.ambiguous")
        proof = verify(request, "proxy-authorization", self._scheme, self._nonces, self._secret, now)
        if proof.outcome == "proved":
            trunk = self._trunks.get(proof.username)
            if trunk is not None and trunk in peer.trunks:
                return Admitted(trunk, uri)
        self._log("sip.unproved", outcome=proof.outcome)
        self._challenge(request, flow, peer, now, size, stale=proof.outcome == "stale")
        return None

    def _challenge(self, request: SipRequest, flow: Flow, peer: Peer, now: float, size: int, *, stale: bool) -> None:
        """407, to whoever may not be where he says: then no longer than what he sent, or nothing."""
        offered = challenges(self._scheme, self._nonces, now, stale=stale)
        tag = self._ids.tag_of(request)
        while offered:
            headers: Headers = [("proxy-authenticate", each) for each in offered]
            if self._answer(reply(request, 407, tag, headers), flow, peer, size):
                return
            # WHY the last one first: it is the weakest.
            offered.pop()

    def _is_surely(self, flow: Flow, peer: Peer) -> bool:
        """Whether this peer is where he says: on a connection, or at an address that configuration names."""
        return flow.reliable or bool(peer.carriers) or bool(peer.sure)

    def _answer(self, response: SipResponse, flow: Flow, peer: Peer, size: int) -> bool:
        """Send an answer to a request of so many octets; False where it is too long for one who may be another."""
        octets = response.octets()
        if len(octets) > size and not self._is_surely(flow, peer):
            return False
        self._table.send(flow, octets)
        return True

    def _secret(self, username: bytes, algorithm: str) -> bytes | None:
        trunk = self._trunks.get(username)
        if trunk is None:
            return None
        return hash_of_secret(algorithm, username, self._scheme.realm, trunk.password)

    def _refused(self, request: SipRequest, error: SipError, flow: Flow, peer: Peer, size: int) -> None:
        # WHY not as it came: a method may be any token, a number of somebody among them.
        method = request.method if request.method in _NAMES else "other"
        self._log("sip.refused", method=method, status=error.status, detail=error.detail)
        if answerable(request):
            self._answer(refuse(request, error, self._ids.tag_of(request)), flow, peer, size)
