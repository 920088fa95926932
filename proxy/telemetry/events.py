"""The closed catalogue of events: what is logged and what is counted, each once, with an id that is never reused.

An event's name is the same string in the log, in the counters and in the manual. `tests/data/event_ids.json` keeps the
ids that were ever given out; the test beside it fails when one changes its meaning.
"""

from typing import Final, Literal

from msgspec import Struct

Level = Literal["debug", "info", "warning", "error"]


class Event(Struct, frozen=True):
    """One thing that can happen. `says` is the sentence for the manual."""

    id: int
    name: str
    level: Level
    says: str


PROCESS_STARTED: Final = Event(1, "process.started", "info", "the process began to run")
PROCESS_READY: Final = Event(2, "process.ready", "info", "listeners are open and traffic is judged")
PROCESS_DRAINING: Final = Event(3, "process.draining", "info", "no new work is taken, what runs is finished")
PROCESS_STOPPED: Final = Event(4, "process.stopped", "info", "the process ended in order")
CONFIG_RELOADED: Final = Event(6, "config.reloaded", "info", "a new configuration took effect")
CONFIG_WARNED: Final = Event(
    11, "config.warned", "warning", "the configuration may be so, and leaves a person without a way to refuse"
)
CONFIG_REJECTED: Final = Event(7, "config.rejected", "error", "a new configuration is wrong; the old one stays")
LOG_MESSAGE: Final = Event(8, "log.message", "info", "a line of a library, redacted")
LOG_FIELD_DROPPED: Final = Event(9, "log.field_dropped", "error", "a field that may hold personal data was left out")
STATUS_FAILED: Final = Event(10, "status.failed", "warning", "the status file could not be written")

LISTENER_OPENED: Final = Event(20, "listener.opened", "info", "an address takes connections")
CONNECTION_ACCEPTED: Final = Event(21, "connection.accepted", "debug", "an ESME connected")
CONNECTION_REFUSED: Final = Event(22, "connection.refused", "warning", "a connection beyond the limit, or not allowed")
CONNECTION_CLOSED: Final = Event(23, "connection.closed", "debug", "a connection of the ESME side ended")
CONNECTION_UNBOUND: Final = Event(24, "connection.unbound", "warning", "a connection did not bind in time")
CONNECTION_STALLED: Final = Event(25, "connection.stalled", "warning", "a PDU was begun and not finished in time")
CONNECTION_INACTIVE: Final = Event(26, "connection.inactive", "info", "nothing came for too long")
CONNECTION_SILENT: Final = Event(27, "connection.silent", "warning", "an enquire_link stayed without answer")
TLS_FAILED: Final = Event(28, "tls.failed", "warning", "a TLS handshake failed")

BIND_ACCEPTED: Final = Event(40, "bind.accepted", "info", "a bind was accepted by policy and carrier")
BIND_REFUSED: Final = Event(41, "bind.refused", "warning", "a bind was refused")
BIND_CLOSED: Final = Event(42, "bind.closed", "info", "a bind ended")
BIND_REPEATED: Final = Event(44, "bind.repeated", "warning", "a second bind on a bound session")

PDU_MALFORMED: Final = Event(61, "pdu.malformed", "warning", "octets that are no valid PDU")
PDU_OVERSIZED: Final = Event(62, "pdu.oversized", "warning", "a command_length beyond the limit")
PDU_UNKNOWN: Final = Event(63, "pdu.unknown", "warning", "a command that SMPP v3.4 does not know")
PDU_UNEXPECTED: Final = Event(64, "pdu.unexpected", "warning", "a PDU that the bind's state does not allow")
OUTBIND_RECEIVED: Final = Event(
    72, "outbind.received", "warning", "a peer asked for a bind, which tdgate never makes so"
)
RESPONSE_UNSOLICITED: Final = Event(66, "response.unsolicited", "warning", "a response to nothing that was asked")
RESPONSE_LATE: Final = Event(67, "response.late", "warning", "a response after its time had run out")
RESPONSE_TIMEOUT: Final = Event(69, "response.timeout", "warning", "no response came in time")

CARRIER_CONNECTED: Final = Event(80, "carrier.connected", "info", "the carrier accepted a bind")
CARRIER_REFUSED: Final = Event(81, "carrier.refused", "warning", "the carrier refused a bind")
CARRIER_LOST: Final = Event(82, "carrier.lost", "error", "the carrier's side of a bind was lost")
CARRIER_UNREACHABLE: Final = Event(83, "carrier.unreachable", "error", "the carrier could not be connected to")
ROUTE_DRAINING: Final = Event(84, "route.draining", "info", "a route takes no new work")
ROUTE_RESUMED: Final = Event(85, "route.resumed", "info", "a route takes work again")

OUTCOME_UNKNOWN: Final = Event(104, "outcome.unknown", "error", "the carrier was lost before it answered")
RULE_FAILED: Final = Event(105, "rule.failed", "error", "a rule raised; the answer was a deferral")

CARRIER_SLOWED: Final = Event(86, "route.slowed", "warning", "a carrier asks for less: its route is slowed")
RECEIPT_UNMATCHED: Final = Event(122, "receipt.unmatched", "warning", "a receipt about no message of anybody")
RECEIPT_WAITED: Final = Event(121, "receipt.waited", "debug", "a receipt came before its submit_sm_resp and waited")

PARTS_HELD: Final = Event(
    125, "parts.held", "debug", "a part of a long message came and waits for the others (counted only)"
)
PARTS_STALLED: Final = Event(126, "parts.stalled", "info", "a sender waits for answers before it sends the other parts")
PARTS_EXPIRED: Final = Event(127, "parts.expired", "info", "parts whose message was not whole in time")
PARTS_FULL: Final = Event(128, "parts.full", "warning", "an account has more parts waiting than there is room for")
PARTS_APART: Final = Event(129, "parts.apart", "info", "a reply in parts was not whole in time; they were read apart")

STALLED_KEPT: Final = Event(130, "stalled.kept", "debug", "a part was put on disk and answered under tdgate's own id")
STALLED_FULL: Final = Event(131, "stalled.full", "error", "no room on disk for a part whose sender stalls: put off")
STALLED_FAILED: Final = Event(132, "stalled.failed", "error", "a part or mark could not be written or read")
STALLED_RETRIED: Final = Event(133, "stalled.retried", "info", "the carrier refused a part for a while: tried again")
STALLED_EXPIRED: Final = Event(134, "stalled.expired", "warning", "a whole message could not be sent within its age")
STALLED_UNKNOWN: Final = Event(
    135, "stalled.unknown", "error", "a part may be sent or not: told as UNKNOWN, not repeated"
)
STALLED_RECEIPT: Final = Event(136, "stalled.receipt", "info", "a receipt of tdgate's own was put on disk for its ESME")
STALLED_CANCELLED: Final = Event(137, "stalled.cancelled", "info", "a sender took back a message before it was sent")

REPLY_RECEIVED: Final = Event(140, "reply.received", "debug", "a person's message came from the carrier")
REPLY_UNATTRIBUTED: Final = Event(141, "reply.unattributed", "warning", "a reply that belongs to no known institution")
REFUSAL_RECORDED: Final = Event(142, "refusal.recorded", "info", "a person's refusal (TD) was read and kept on disk")
SUPPRESSION_RECORDED: Final = Event(143, "suppression.recorded", "info", "a suppression binds; how long it took")
RELEASE_RECORDED: Final = Event(144, "release.recorded", "info", "a person lifted a suppression of their own")
REFUSAL_FAILED: Final = Event(145, "refusal.failed", "error", "a refusal could not be kept; the carrier sends it again")
CONFIRMATION_SENT: Final = Event(146, "confirmation.sent", "info", "a refusal was confirmed to the person")
WITHDRAWAL_SENT: Final = Event(147, "withdrawal.sent", "info", "a TD had a pending message cancelled at the carrier")
WITHDRAWAL_DONE: Final = Event(148, "withdrawal.done", "info", "the carrier cancelled a message that was called back")
WITHDRAWAL_FAILED: Final = Event(149, "withdrawal.failed", "info", "a message that was called back was not cancelled")
HALF_FAILED: Final = Event(150, "half.failed", "error", "a part of a reply could not be kept: a restart forgets it")

REGISTRY_SWAPPED: Final = Event(160, "registry.swapped", "info", "a new registry revision took effect")
REGISTRY_FAILED: Final = Event(161, "registry.failed", "error", "the registry could not be read; the old one stays")
EVIDENCE_FULL: Final = Event(162, "evidence.full", "error", "decisions come faster than they can be kept")
STORE_FAILED: Final = Event(165, "store.failed", "error", "the store does not answer")
CONTACTS_FAILED: Final = Event(166, "contacts.failed", "error", "contacts cannot be kept: capped purposes are deferred")

BYPASS_ASKED: Final = Event(
    170, "bypass.asked", "warning", "somebody asked for a bypass; another person has to approve"
)
BYPASS_OPENED: Final = Event(171, "bypass.opened", "error", "two people opened a bypass: only the floor is enforced")
BYPASS_ENDED: Final = Event(172, "bypass.ended", "warning", "a bypass ended")
TRACE_OPENED: Final = Event(173, "trace.opened", "warning", "the PDUs of an account are traced, redacted")
TRACE_ENDED: Final = Event(174, "trace.ended", "info", "a trace ended")

CONSOLE_STARTED: Final = Event(180, "console.started", "info", "the window for people is open")
CONSOLE_FAILED: Final = Event(181, "console.failed", "error", "the window for people could not be opened")

RECEIPT_UNRENAMED: Final = Event(190, "receipt.unrenamed", "warning", "a receipt passed under the carrier's own id")
DELIVERY_REJECTED: Final = Event(191, "delivery.rejected", "warning", "an ESME refused a delivery for good")
SPOOL_FULL: Final = Event(192, "spool.full", "error", "no room for a delivery; the carrier sends it again")
SPOOL_EXPIRED: Final = Event(193, "spool.expired", "error", "deliveries were dropped: their ESME did not come in time")
TRAIL_FAILED: Final = Event(194, "trail.failed", "error", "ids of messages cannot be written; answers wait")
ACCOUNT_REMOVED: Final = Event(196, "account.removed", "warning", "an ESME of a pool lost its account and is unbound")
SPOOL_UNREADABLE: Final = Event(195, "spool.unreadable", "error", "an account's next delivery cannot be read; it waits")

SIP_MALFORMED: Final = Event(210, "sip.malformed", "warning", "octets that are no valid SIP message")
SIP_STRANGER: Final = Event(211, "sip.stranger", "warning", "a SIP message from nobody's address")
SIP_REFUSED: Final = Event(212, "sip.refused", "info", "a SIP request that is not served, or not from whom it must be")
SIP_UNPROVED: Final = Event(213, "sip.unproved", "info", "a call was asked for without valid credentials: challenged")
SIP_FOREIGN: Final = Event(214, "sip.foreign", "warning", "a request inside a call from an address that is not in it")
CALL_REFUSED: Final = Event(220, "call.refused", "debug", "a call was refused by a rule")
CALL_OVERLOAD: Final = Event(221, "call.overload", "warning", "a call beyond the limit, or while draining")
CALL_FAILED_OVER: Final = Event(
    222, "call.failed_over", "info", "a gateway failed before it rang: the next one is tried"
)
CALL_UNROUTABLE: Final = Event(223, "call.unroutable", "error", "a permitted call found no gateway that lives")
CALL_ENDED: Final = Event(224, "call.ended", "debug", "a permitted call is over")
CALL_TEXT_REFUSED: Final = Event(225, "call.text_refused", "info", "a MESSAGE was refused: text is not carried by SIP")
CALL_CLOSED: Final = Event(226, "call.closed", "warning", "a call that ran was ended: its number was held or closed")
CALL_UNTAKEN: Final = Event(227, "call.untaken", "info", "a call from a carrier that no trunk takes")
CALL_UNWRITTEN: Final = Event(228, "call.unwritten", "error", "a permitted call could not be written: it was ended")
CALL_DEFECT: Final = Event(229, "call.defect", "error", "something raised about a call: it was refused or ended")
CALL_REDIRECTED: Final = Event(233, "call.redirected", "info", "a carrier's 3xx names somebody else: asked about anew")
CALL_EMERGENCY: Final = Event(232, "call.emergency", "warning", "an emergency number was dialled on a trunk: refused")
DIGITS_STRANGER: Final = Event(
    240, "digits.stranger", "warning", "a report of keys from a source that is not configured"
)
DIGITS_MALFORMED: Final = Event(241, "digits.malformed", "warning", "a report of keys that cannot be read")
DIGITS_UNMATCHED: Final = Event(242, "digits.unmatched", "debug", "a key was reported of a call that is none of ours")
DIGITS_CONNECTED: Final = Event(243, "digits.connected", "info", "a media relay tells the keys that it sees")
DIGITS_LOST: Final = Event(244, "digits.lost", "error", "a media relay tells no keys: no refusal in RTP is heard of it")
GATEWAY_UP: Final = Event(230, "gateway.up", "info", "a carrier's gateway answers again")
GATEWAY_DOWN: Final = Event(231, "gateway.down", "error", "a carrier's gateway does not answer, or says 503")

LIST_PUBLISHED: Final = Event(250, "list.published", "info", "a document of one's own number list was published")
LIST_ACKNOWLEDGED: Final = Event(251, "list.acknowledged", "info", "a recipient holds one's own list up to a number")
LIST_DIFFERS: Final = Event(252, "list.differs", "error", "a recipient holds another list under the same number")
LIST_TAKEN_IN: Final = Event(253, "list.taken_in", "info", "a document of a followed list is in the store")
LIST_REJECTED: Final = Event(254, "list.rejected", "error", "a document of a followed list must not be believed")
LIST_FAILED: Final = Event(255, "list.failed", "error", "a document of a followed list could not be put into the store")
LIST_UNREACHABLE: Final = Event(
    256, "list.unreachable", "warning", "the way to a followed list, or the broker, is down"
)
REGISTRY_EXPIRING: Final = Event(
    260, "registry.expiring", "warning", "a licence, contract, entrustment or liaison ends soon, or has just ended"
)
MEASURE_FAILED: Final = Event(261, "measure.failed", "error", "what a verb did could not be noted in the evidence yet")
ONBOARDING_SUBMITTED: Final = Event(262, "onboarding.submitted", "info", "documents of an account came for review")
ONBOARDING_REVIEWED: Final = Event(263, "onboarding.reviewed", "info", "one person reviewed the documents")
ONBOARDING_APPROVED: Final = Event(264, "onboarding.approved", "info", "another person approved: the account is active")
ONBOARDING_REJECTED: Final = Event(
    265, "onboarding.rejected", "warning", "documents were sent back, or an approval ended"
)
REVIEW_SUBMITTED: Final = Event(266, "review.submitted", "info", "a template or campaign came for review")
REVIEW_PASSED: Final = Event(267, "review.passed", "info", "a template or campaign was reviewed and is right")
REVIEW_REJECTED: Final = Event(268, "review.rejected", "info", "a template or campaign was reviewed and is wrong")
LIAISON_HANDED_OVER: Final = Event(269, "liaison.handed_over", "info", "an institution has a new liaison officer")
OBJECTION_SETTLED: Final = Event(270, "objection.settled", "info", "a person's objection to a collection was settled")
LIBRARY_ATTESTED: Final = Event(
    280, "library.attested", "info", "somebody said that an institution's number library is whole and right"
)
SUBMISSION_SUBMITTED: Final = Event(
    281, "submission.submitted", "info", "a liaison officer submitted a list of numbers"
)
SUBMISSION_RECEIVED: Final = Event(282, "submission.received", "info", "a department gave a receipt for a list")
SUBMISSION_ACCEPTED: Final = Event(283, "submission.accepted", "info", "a list is right")
SUBMISSION_RETURNED: Final = Event(284, "submission.returned", "warning", "a list was sent back, with a reason")
SUBMISSION_MERGED: Final = Event(285, "submission.merged", "info", "a list is in the merged one; its cases are told")
SUBMISSION_SETTLED: Final = Event(
    286, "submission.settled", "info", "it was decided whose a number is that two claimed"
)
API_TOLD: Final = Event(300, "api.told", "info", "an institution told a preference or a consent over HTTP")
TOKEN_CREATED: Final = Event(301, "token.created", "warning", "somebody made a token of the HTTP interface")
TOKEN_REVOKED: Final = Event(302, "token.revoked", "warning", "a token of the HTTP interface was ended")
DOUBT_QUEUED: Final = Event(320, "doubt.queued", "info", "a reply may be read differently: it waits for a verdict")
DOUBT_LOST: Final = Event(
    321, "doubt.lost", "warning", "a doubtful reply found the queue full; it counts as configured"
)
DOUBT_CONFIRMED: Final = Event(322, "doubt.confirmed", "info", "somebody decided that a doubtful reply was a refusal")
DOUBT_DISMISSED: Final = Event(
    323, "doubt.dismissed", "warning", "two people decided that a doubtful reply was no refusal"
)
DOUBT_SHOWN: Final = Event(324, "doubt.shown", "info", "somebody read the text of a doubtful reply")
REPLY_FRAGMENT: Final = Event(
    325,
    "reply.fragment",
    "info",
    "a part of a reply asks to receive again and the others never came: nothing is lifted",
)
SUPPRESSIONS_EXPORTED: Final = Event(
    303, "suppressions.exported", "warning", "refusals were handed over, to be suppressed elsewhere"
)
KEYS_ROTATED: Final = Event(304, "keys.rotated", "warning", "a new key of persons comes into effect")
KEYS_MOVED: Final = Event(305, "keys.moved", "warning", "everybody is known by the new key of persons")
KEYS_RETIRED: Final = Event(306, "keys.retired", "warning", "the former key of persons was destroyed")
KEYS_FAILED: Final = Event(307, "keys.failed", "error", "a rotation of the key of persons does not go on")

EVENTS: Final[tuple[Event, ...]] = tuple(value for value in tuple(globals().values()) if isinstance(value, Event))

BY_NAME: Final[dict[str, Event]] = {event.name: event for event in EVENTS}
