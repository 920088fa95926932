"""A submit_multi at the gate: every destination is judged on its own, has its decision, its record and its token.

Owns the joining of reader, policy and journal for requests with many recipients. Must never let one destination's
verdict answer for another's. Where the log takes no more, the whole is deferred: nothing of it goes on.
"""

from collections.abc import Callable, Sequence
from functools import partial

from proxy.core.addresses import recipient
from proxy.core.decision import Decision, Permit, Refusal
from proxy.core.finding import Finding
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.judging.journal import Journal
from proxy.policy import evaluate, evaluate_many
from proxy.pool.several import Gathered
from proxy.smpp.codec import UnsuccessSme
from proxy.smpp.gate import REJECTED
from proxy.smpp.pdu import Pdu
from proxy.smpp.several import Several
from proxy.smpp.submit import UNSUPPORTED, SubmitReader
from proxy.smpp.submit_multi import Destination, SubmitMulti, read_multi

_LIST = Finding(UNSUPPORTED, "distribution_list")


def requests_of(
    multi: SubmitMulti,
    reader: SubmitReader,
    journal: Journal,
    now: float,
    has_receiver: bool,
    is_over: Callable[[], bool],
    octets: Sequence[bytes] = (),
) -> list[Request]:
    """One request for each destination, in order; `is_over` takes a token for each. `now` is UTC seconds.

    `octets` are what goes on where all with the same are permitted: the PDU that came, unless given for each.
    """
    # WHY read once: the text and the options are the same for all, only the recipient differs.
    common = reader.read(multi.sm, multi.raw, 0, now, has_receiver, False)
    return [
        _request_to(each, common, journal.next_id(), is_over(), octets[place] if octets else common.octets)
        for place, each in enumerate(multi.destinations)
    ]


def _request_to(to: Destination, common: Request, request_id: int, over_rate: bool, octets: bytes) -> Request:
    return Request(
        request_id,
        common.channel,
        common.account,
        common.sender,
        None if to.is_list else recipient(to.ton, to.npi, to.address),
        common.readings,
        octets,
        common.received_at,
        # Nobody here knows who is on a list that the carrier keeps, so nobody can judge them.
        (*common.findings, _LIST) if to.is_list else common.findings,
        common.binary,
        common.purpose,
        common.scheduled,
        common.validity_s,
        common.has_receiver,
        over_rate,
        exact=common.exact,
    )


class Judged:
    """A submit_multi with its verdicts: `decisions` in the order of the destinations, one permit for those permitted.

    `permit` is None where nobody is permitted.
    """

    __slots__ = ("decisions", "groups", "multi", "pdu", "permit", "requests")

    def __init__(
        self,
        pdu: Pdu,
        multi: SubmitMulti,
        requests: Sequence[Request],
        permit: Permit | None,
        decisions: Sequence[Decision],
        groups: Sequence[tuple[str, Permit, Sequence[int]]] = (),
    ) -> None:
        #: Where it goes on apart: (carrier, permit, places of those permitted).
        self.groups = groups
        self.pdu = pdu
        self.multi = multi
        self.requests = requests
        self.permit = permit
        self.decisions = decisions

    def several(self, status: Callable[[Decision], int]) -> Several:
        """What the relay carries on with; `status` gives the command_status of a refusal."""
        permitted: list[tuple[Destination, Decision]] = []
        refused: list[UnsuccessSme] = []
        for destination, decision in zip(self.multi.destinations, self.decisions, strict=True):
            if decision.effect == "allow":
                permitted.append((destination, decision))
            else:
                refused.append(destination.unsuccess(status(decision)))
        return Several(self.pdu, self.permit, permitted, refused, self.multi.before)

    def gathered(self, status: Callable[[Decision], int]) -> Gathered:
        """The same where it goes on apart (in a pool)."""
        listed, before = self.multi.destinations, self.multi.before
        groups = [
            (carrier, Several(self.pdu, permit, [(listed[at], self.decisions[at]) for at in places], (), before))
            for carrier, permit, places in self.groups
        ]
        whole = self.several(status)
        return Gathered(self.pdu, groups, whole.permitted, whole.refused)


def judge_several(
    pdu: Pdu,
    reader: SubmitReader,
    journal: Journal,
    snapshot: Snapshot,
    now: float,
    has_receiver: bool,
    is_over: Callable[[], bool],
) -> Judged:
    """Judges each destination of a submit_multi; raises PduError where it cannot be read."""
    multi = read_multi(pdu.raw)
    requests = requests_of(multi, reader, journal, now, has_receiver, is_over)
    permit, decisions = evaluate_many(requests, multi.only, snapshot, now)
    return Judged(pdu, multi, requests, permit, decisions)


def judge_apart(
    pdu: Pdu,
    reader: SubmitReader,
    journal: Journal,
    snapshot: Snapshot,
    now: float,
    has_receiver: bool,
    is_over: Callable[[], bool],
    carrier_of: Callable[[str, bytes], str],
) -> Judged:
    """Judges each destination, those of one carrier for a PDU of their own; raises PduError where it cannot be read."""
    multi = read_multi(pdu.raw)
    apart: dict[str, list[int]] = {}
    for place, each in enumerate(multi.destinations):
        person = None if each.is_list else recipient(each.ton, each.npi, each.address)
        carrier = "" if person is None else carrier_of(person, snapshot.person_key.digest(person))
        apart.setdefault(carrier, []).append(place)
    octets = [b""] * len(multi.destinations)
    for places in apart.values():
        own = pdu.raw if len(apart) == 1 else multi.only(places)
        for place in places:
            octets[place] = own
    requests = requests_of(multi, reader, journal, now, has_receiver, is_over, octets)
    decisions: dict[int, Decision] = {}
    groups: list[tuple[str, Permit, Sequence[int]]] = []
    for carrier, places in apart.items():
        encode = partial(_only_of, multi, places)
        permit, decided = evaluate_many([requests[place] for place in places], encode, snapshot, now)
        decisions.update(zip(places, decided, strict=True))
        if permit is not None:
            groups.append((carrier, permit, [place for place in places if decisions[place].effect == "allow"]))
    in_order = [decisions[place] for place in range(len(requests))]
    return Judged(pdu, multi, requests, None, in_order, groups)


def _only_of(multi: SubmitMulti, places: Sequence[int], chosen: Sequence[int]) -> bytes:
    return multi.only([places[each] for each in chosen])


def refused_several(
    several: Several,
    reader: SubmitReader,
    journal: Journal,
    snapshot: Snapshot,
    now: float,
    has_receiver: bool,
) -> dict[int, Decision]:
    """Whom of the permitted persons it would be refused to now, by the id of their decision; records nothing."""
    multi = read_multi(several.pdu.raw)
    last_id = journal.last_id
    requests = requests_of(multi, reader, journal, now, has_receiver, lambda: False)
    # WHY: nothing of this is recorded, and ids stand for what is.
    journal.last_id = last_id
    for request in requests:
        request.counted = True
    verdicts = {
        each.octets: evaluate(request, snapshot, now)
        for each, request in zip(multi.destinations, requests, strict=True)
    }
    found = [(decision.id, verdicts[each.octets]) for each, decision in several.permitted]
    return {decision_id: verdict.decision for decision_id, verdict in found if isinstance(verdict, Refusal)}


def record(judged: Judged, several: Several, journal: Journal, durable: Callable[[Several], None]) -> bool:
    """Records every decision; False where the log took not all of them: then nothing may go on.

    Final refusals go to disk first (`several.waiting`); `durable` is called for the last of them that comes there.
    """

    def then(_error: BaseException | None) -> None:
        # Even where the disk failed the answer is the refusal: the record stays queued and nothing was let through.
        several.waiting -= 1
        if not several.waiting and not several.abandoned:
            durable(several)

    allowed: list[int] = []
    for request, decision in zip(judged.requests, judged.decisions, strict=True):
        if decision.effect != "deny":
            taken = journal.decided(request, decision)
        else:
            taken = journal.decided_durably(request, decision, then)
            several.waiting += taken
        if not taken:
            several.abandoned = True
            for decision_id in allowed:
                # What was permitted above was not sent, and the record says so as far as there is room for it.
                journal.outcome(decision_id, REJECTED, 0, b"")
            return False
        if decision.effect == "allow":
            allowed.append(decision.id)
    return True
