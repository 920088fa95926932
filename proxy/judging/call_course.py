"""How one attempt at a call goes, moment by moment, until it is one record. Sans-IO.

Owns the moments and what they come to. Must never decide anything. Times are UTC seconds; whoever runs the call tells
each event once it happened, and writes the record that `ended` gives.
"""

from typing import Final, Literal

from proxy.evidence.records import Call

Side = Literal["a", "b", "us"]
#: Final answers that say that no network reached the person: timeouts, and servers that could not serve.
_UNREACHED: Final = frozenset((408, 500, 502, 503, 504))


class CallCourse:
    """One attempt, from its INVITE. `decision_id` is that of its permit; of a call back an id of its own, `person` the
    caller's digest and `number` the one called back.
    """

    __slots__ = (
        "_account",
        "_answered_us",
        "_asked_us",
        "_attempts",
        "_carrier",
        "_decision_id",
        "_direction",
        "_key_id",
        "_number",
        "_over",
        "_person",
        "_rang_us",
    )

    def __init__(
        self,
        decision_id: int,
        account: str,
        asked_at: float,
        *,
        direction: Literal["out", "in"] = "out",
        person: bytes = b"",
        key_id: int = 0,
        number: str = "",
    ) -> None:
        self._decision_id = decision_id
        self._account = account
        self._direction = direction
        self._person = person
        self._key_id = key_id
        self._number = number
        self._asked_us = _us(asked_at)
        self._rang_us = self._answered_us = self._attempts = 0
        self._carrier = ""
        self._over = False

    @property
    def id(self) -> int:
        """The id of its record."""
        return self._decision_id

    @property
    def answered(self) -> bool:
        """Whether somebody took the call."""
        return self._answered_us > 0

    def tried(self, carrier: str) -> None:
        """A gateway is asked."""
        self._carrier = carrier
        self._attempts += 1

    def came(self, carrier: str) -> None:
        """It is a call from this carrier."""
        self._carrier = carrier

    def attempted(self) -> None:
        """A gateway of the trunk is asked."""
        self._attempts += 1

    def rang(self, now: float) -> None:
        """A 18x went to the caller; the first counts."""
        if not self._rang_us:
            self._rang_us = _us(now)

    def taken(self, now: float) -> None:
        """A 2xx went to the caller; the first counts."""
        if not self._answered_us:
            self._answered_us = _us(now)

    def ended(self, side: Side, cause: str, now: float, status: int = 0) -> Call | None:
        """The record of the whole; None where it was given already. `status` is the final answer to the caller."""
        if self._over:
            return None
        self._over = True
        return Call(
            id=self._decision_id,
            at_us=_us(now),
            direction=self._direction,
            account=self._account,
            person=self._person,
            key_id=self._key_id,
            asked_us=self._asked_us,
            rang_us=self._rang_us,
            answered_us=self._answered_us,
            result=self._result(side, status),
            status=200 if self.answered else status,
            side=side,
            cause=cause,
            carrier=self._carrier,
            attempts=self._attempts,
            number=self._number,
        )

    def _result(self, side: Side, status: int) -> str:
        if self.answered:
            return "answered"
        if side == "a":
            return "cancelled"
        return "failed" if side == "us" or status in _UNREACHED else "refused"


def _us(seconds: float) -> int:
    return int(seconds * 1e6)
