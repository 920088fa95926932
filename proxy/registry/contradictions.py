"""What single fields of a row do not show: periods that end before they begin, two people who are one, a missing pair.

Owns the checks that look at a whole row and at nothing else. A check gives (column, reason) for each fault. Pure.
"""

from collections.abc import Callable
from typing import Final

from proxy.core.purposes import PURPOSE_BITS
from proxy.language.names import is_one_person, people_in
from proxy.registry import fields
from proxy.registry.fields import SqlValue

Values = dict[str, SqlValue]
Faults = list[tuple[str, str]]


def contradictions(table: str, values: Values, now_us: int) -> Faults:
    """The faults of a row whose fields are right by themselves. `now_us` is UTC microseconds."""
    faults: Faults = []
    for since, until in (("since", "until"), ("telecom_licence_since", "telecom_licence_until")):
        # 0: nobody said when it begins, or ends.
        if since in values and values[since] and values[until] and int(values[since] or 0) >= int(values[until] or 0):
            faults.append((until, f"lies before {since}"))
    faults += [
        (moment, "lies in the future")
        for moment in ("given", "at", "submitted", "verified", "attested", "opened", "withdrawn")
        if int(values.get(moment) or 0) > now_us
    ]
    check = _CHECKS.get(table)
    return faults if check is None else faults + check(values, now_us)


def bits_of(values: Values) -> int:
    """The bits of the purposes and channels that a row names."""
    purposes, channels = str(values["purposes"]).split(","), str(values["channels"]).split(",")
    bits = 0
    for (purpose, channel), bit in PURPOSE_BITS.items():
        bits |= bit if purpose in purposes and channel in channels else 0
    return bits


def _licence(values: Values, _now_us: int) -> Faults:
    local = values["issuer_level"] == "local"
    if local == bool(values["region"]):
        return []
    return [("region", "missing; a local licence names its province" if local else "only a local licence has one")]


def _partner(values: Values, now_us: int) -> Faults:
    late = int(values["due_diligence"] or 0) * 1_000_000 > now_us
    return [("due_diligence", "lies in the future")] if late else []


def _entrustment(values: Values, _now_us: int) -> Faults:
    return [("parent", "a partner does not entrust itself")] if values["parent"] == values["partner"] else []


def _account(values: Values, _now_us: int) -> Faults:
    faults: Faults = []
    reviewers = str(values["reviewed_by"]).split("\n") if values["reviewed_by"] else []
    if reviewers and people_in(reviewers) < 2:
        faults.append(("reviewed_by", "two different people approve an account"))  # Z8
    if not values["telecoms"]:  # Z7
        reason = "missing; or name the telecom enterprises in telecoms"
        faults += [(name, reason) for name in ("telecom_licence_since", "telecom_licence_until") if not values[name]]
    return faults


def _onboarding(values: Values, _now_us: int) -> Faults:
    faults: Faults = []
    state, reviewer, approver = str(values["state"]), values["reviewed_by"], values["approved_by"]
    if state in ("reviewed", "approved"):
        faults += [(name, f"needed once it is {state}") for name in ("reviewed", "reviewed_by") if not values[name]]
    if state == "approved":
        faults += [(name, "needed once it is approved") for name in ("approved", "approved_by") if not values[name]]
        if reviewer and is_one_person(reviewer, approver):
            faults.append(("approved_by", "two different people review and approve"))
    if state == "rejected":
        faults += [(name, "needed once it is rejected") for name in ("rejected", "rejected_by") if not values[name]]
    return faults


def _review(values: Values, _now_us: int) -> Faults:
    state = str(values["state"])
    faults: Faults = []
    if state != "draft" and not values["submitted_by"]:
        faults.append(("submitted_by", f"needed once it is {state}"))
    if state in ("reviewed", "rejected"):
        faults += [(name, f"needed once it is {state}") for name in ("reviewed", "reviewed_by") if not values[name]]
        if values["reviewed_by"] and is_one_person(values["reviewed_by"], values["submitted_by"]):
            faults.append(("reviewed_by", "somebody else than who submitted it reviews"))
    return faults


def _segment(values: Values, _now_us: int) -> Faults:
    first, last = str(values["first"]), str(values["last"])
    if len(first) != len(last):
        return [("last", "has as many digits as first")]
    return [("last", "lies before first")] if last < first else []


def _intake(values: Values, _now_us: int) -> Faults:
    if values["state"] == "submitted":
        return []
    state = str(values["state"])
    faults = [(name, f"needed once it is {state}") for name in ("decided", "decided_by") if not values[name]]
    if values["decided_by"] and is_one_person(values["decided_by"], values["submitted_by"]):
        faults.append(("decided_by", "somebody else than who submitted it decides"))
    return faults


def _submission(values: Values, _now_us: int) -> Faults:
    state = str(values["state"])
    needed = {
        "submitted": ("submitted", "submitted_by", "digest"),
        "received": ("received", "received_by", "receipt"),
        "accepted": ("decided", "decided_by"),
        "returned": ("decided", "decided_by", "reason"),
        "merged": ("merged", "merged_by"),
    }.get(state, ())
    faults = [(name, f"needed once it is {state}") for name in needed if not values[name]]
    if values["decided_by"] and is_one_person(values["decided_by"], values["submitted_by"]):
        faults.append(("decided_by", "somebody else than who submitted it decides"))
    return faults


def _case(values: Values, _now_us: int) -> Faults:
    if values["state"] == "open":
        return []
    return [
        (name, "needed once it is settled") for name in ("settled", "settled_by", "settled_for") if not values[name]
    ]


def _hold(values: Values, _now_us: int) -> Faults:
    if values["kind"] == "number":
        try:
            values["target"] = fields.sending_number(values["target"])
        except ValueError as error:
            return [("target", str(error))]
    return []


def _consent(values: Values, now_us: int) -> Faults:
    faults = _will(values, now_us)
    if values["basis"] == "request":
        # Z15: a request is limited to its product and a period.
        faults += [(name, "needed for a request") for name in ("product", "until") if not values[name]]
    if values["withdrawn"] and int(values["withdrawn"] or 0) < int(values["given"] or 0):
        faults.append(("withdrawn", "lies before given"))
    return faults


def _will(values: Values, _now_us: int) -> Faults:
    if bits_of(values):
        return []
    return [("purposes", "only marketing and collection can be agreed to or refused")]


def _preference(values: Values, _now_us: int) -> Faults:
    faults: Faults = []
    if values["declines"] and not declined_of(values):
        faults.append(("declines", "only marketing and collection can be declined"))
    opens, closes = minutes_of(values["opens"]), minutes_of(values["closes"])
    if bool(values["opens"]) != bool(values["closes"]):
        faults.append(("closes" if values["opens"] else "opens", "opens and closes: both or none"))
    elif values["opens"] and not opens < closes:
        faults.append(("closes", "not after opens; hours over midnight cannot be kept"))
    return faults


def declined_of(values: Values) -> int:
    """What a checked row of preferences declines, as the bits of `core.purposes`."""
    return bits_of({"purposes": values["declines"], "channels": values["channels"]}) if values["declines"] else 0


def minutes_of(clock: SqlValue) -> int:
    """A checked time of the day in minutes, 0 where there is none."""
    hours, _, minutes = str(clock).partition(":")
    return int(hours) * 60 + int(minutes) if clock else 0


_CHECKS: Final[dict[str, Callable[[Values, int], Faults]]] = {
    "licences": _licence,
    "partners": _partner,
    "entrustments": _entrustment,
    "accounts": _account,
    "onboardings": _onboarding,
    "campaigns": _review,
    "templates": _review,
    "segments": _segment,
    "intakes": _intake,
    "submissions": _submission,
    "claim_cases": _case,
    "holds": _hold,
    "consents": _consent,
    "suppressions": _will,
    "preferences": _preference,
}
