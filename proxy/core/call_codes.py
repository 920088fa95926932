"""How a refusal is answered on SIP: status, Reason and Retry-After, per code map, rule and detail; data, never code.

Owns the meaning of a call code table (`config/call_codes.toml`); reading TOML is somebody else's work. Must never leave
a rule without a status, say anything of a person, or put Retry-After on 403, 607 or 608: a table that does is refused
whole. Reason says Q.850 cause 21 (call rejected), 41 (temporary failure) where a retry helps; RFC 6432 allows it in any
response but 100.
"""

from collections.abc import Mapping
from typing import Any, Final

from proxy.core.catalogue import CATALOGUE
from proxy.core.codes import CodeTableError
from proxy.core.records import Account

CALL_MAPS: Final = ("precise", "legacy")
#: Rules that do not occur on SIP.
NOT_ON_SIP: Final = frozenset(("message.foreign", "outcome.unknown"))
#: RFC 3261 §21.4.4, RFC 8197 §3, RFC 8688 §3: who gets these is not to try again.
NEVER_AGAIN: Final = frozenset((403, 607, 608))
#: No longer pause of a trunk than this.
_THROUGHPUT_PAUSE_S: Final = 1
_ANSWERS_KEPT: Final = 1024
_PHRASES: Final = {
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    484: b"Address Incomplete",
    488: b"Not Acceptable Here",
    500: b"Server Internal Error",
    503: b"Service Unavailable",
    603: b"Decline",
    607: b"Unwanted",
    608: b"Rejected",
}

Headers = list[tuple[str, bytes]]


class CallAnswer:
    """A final response: `status`, its `phrase`, `headers` (key in lower case, value) to add to it, and which `rule`.

    INVARIANT: nobody changes one, its headers included: many calls get the same.
    """

    __slots__ = ("headers", "phrase", "rule", "status")

    def __init__(self, status: int, phrase: bytes, headers: Headers, rule: str) -> None:
        self.rule: Final = rule
        self.status: Final = status
        self.phrase: Final = phrase
        self.headers: Final = headers


class CallCodes:
    """The maps of one table. INVARIANT: made by `load_call_codes` only, so that every rule has a status."""

    __slots__ = ("_answers", "_maps", "_retry_after_s")

    def __init__(self, maps: Mapping[str, Mapping[str, Mapping[str, int]]], retry_after_s: Mapping[str, int]) -> None:
        self._maps = {name: {rule: dict(each) for rule, each in rules.items()} for name, rules in maps.items()}
        self._retry_after_s = dict(retry_after_s)
        #: Answers given lately, which say the same to every call that one rule refuses.
        self._answers: dict[tuple[str, bool, str, str, int], CallAnswer] = {}

    def status(self, account: Account, rule: str, detail: str = "") -> int:
        """The status of a refusal for one trunk; raises KeyError on a rule that SIP does not have."""
        details = self._maps[account.call_map][rule]
        status = details.get(detail)
        return details[""] if status is None else status

    def answer(self, account: Account, rule: str, detail: str = "", retry_after_s: int = 0) -> CallAnswer:
        """The whole answer. `retry_after_s`: when the refusal ends, where that is known; else the table says."""
        key = (account.call_map, account.status_text, rule, detail, retry_after_s)
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= _ANSWERS_KEPT:
                self._answers.clear()
            answer = self._answers[key] = self._answer(account, rule, detail, retry_after_s)
        return answer

    def _answer(self, account: Account, rule: str, detail: str, retry_after_s: int) -> CallAnswer:
        status = self.status(account, rule, detail)
        headers: Headers = [("reason", reason_of(rule))]
        seconds = retry_after_s or self._retry_after_s.get(rule, 0)
        if seconds > 0 and status not in NEVER_AGAIN:
            headers.append(("retry-after", b"%d" % seconds))
        if account.status_text:
            headers.append(("warning", b'399 tdgate "%s"' % CATALOGUE[rule].text_en.encode()))
        return CallAnswer(status, _PHRASES[status], headers, rule)

    def ending(self, account: Account, rule: str, detail: str = "") -> Headers:
        """The Reason of a BYE or CANCEL that ends a call for a rule: as in a response, and as a SIP status."""
        status = self.status(account, rule, detail)
        return [("reason", reason_of(rule)), ("reason", b'SIP;cause=%d;text="%s"' % (status, rule.encode()))]


def reason_of(rule: str) -> bytes:
    """The Reason of a refusal (RFC 3326, RFC 6432): only the rule's id, never what it found."""
    return b'Q.850;cause=%d;text="%s"' % (21 if CATALOGUE[rule].kind == "final" else 41, rule.encode())


def load_call_codes(table: Mapping[str, Any]) -> CallCodes:
    """Checks a table and lays it out; raises CodeTableError with every error in it."""
    sections = (*CALL_MAPS, "retry_after_s")
    errors = [f"{name}: unknown section; known are {', '.join(sections)}" for name in table if name not in sections]
    wanted = [rule for rule in CATALOGUE if rule not in NOT_ON_SIP]
    maps = {name: _map(name, table.get(name), wanted, errors) for name in CALL_MAPS}
    pauses = {rule: each[""] for rule, each in _rows("retry_after_s", table.get("retry_after_s"), wanted, errors)}
    for rule, seconds in pauses.items():
        most = _THROUGHPUT_PAUSE_S if rule == "throughput.account" else 86_400
        if not 0 <= seconds <= most:
            errors.append(f"retry_after_s.{rule}: must be 0 to {most}")
    if errors:
        raise CodeTableError(errors)
    return CallCodes(maps, pauses)


def _map(name: str, table: Any, wanted: list[str], errors: list[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for rule, details in _rows(name, table, wanted, errors):
        found.setdefault(rule, details)
        errors += [f"{name}.{rule}: {each} is no status" for each in details.values() if each not in _PHRASES]
    errors += [f"{name}.{rule}: missing" for rule in wanted if rule not in found]
    return found


def _rows(name: str, table: Any, wanted: list[str], errors: list[str]) -> list[tuple[str, dict[str, int]]]:
    """(rule, detail → value), families after what is named for itself; `final.*` are all that no retry helps."""
    if not isinstance(table, Mapping):
        errors.append(f"{name}: missing or not a table")
        return []
    rows = []
    for key in sorted(table, key=lambda key: (key.endswith(".*"), key == "final.*")):
        if key == "final.*":
            named = [rule for rule in wanted if CATALOGUE[rule].kind == "final"]
        elif key.endswith(".*"):
            named = [rule for rule in wanted if rule.startswith(key[:-1])]
        else:
            named = [key] if key in wanted else []
        if not named:
            errors.append(f"{name}.{key}: unknown rule")
        value = table[key]
        details = value if isinstance(value, Mapping) else {"default": value}
        if "default" not in details:
            errors.append(f"{name}.{key}.default: missing")
        elif any(isinstance(each, bool) or not isinstance(each, int) for each in details.values()):
            errors.append(f"{name}.{key}: must be whole numbers")
        else:
            plain = {("" if detail == "default" else detail): each for detail, each in details.items()}
            rows += [(rule, plain) for rule in named]
    return rows
