"""The bypass for emergencies: two different people open it for a limited time; the floor stays as it is.

Owns who asked, who approved, and until when. Must never open without both being on disk, weaken a rule of the floor
(`policy._new_lane` keeps those apart), outlast its time or the process. How it works: what is open lies on the snapshot
as (account, until); the policy compares `until` with the time of each request, so the end needs nobody to act. A timer
of monotonic time ends it as well, should the clock be set back meanwhile. Nothing is kept for the next run: a restart
ends it.
"""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from proxy.core.snapshot import ALL_ACCOUNTS, Snapshot
from proxy.evidence.log import EvidenceLog
from proxy.evidence.records import Bypass
from proxy.judging.in_force import InForce
from proxy.language.names import is_one_person
from proxy.registry.ports import VerbError
from proxy.telemetry.redaction import redacted

#: An ask that nobody approved by then is void.
ASK_LIVES_S: Final = 1800.0
_ASKS_MOST: Final = 100
_NAME_MOST: Final = 100
_REASON_MOST: Final = 400


class Asked(Struct):
    """One bypass from being asked for to its end. `until` is UTC seconds, 0 before it is open."""

    id: str
    by: str
    reason: str
    minutes: int
    account: str
    asked_at: float
    approved_by: str = ""
    until: float = 0.0

    @property
    def is_open(self) -> bool:
        return bool(self.approved_by)


class BypassDesk:
    """What was asked for and what is open. Used on the loop only; errors are VerbError.

    `now` is UTC seconds, `log` counts and writes an event of the catalogue.
    """

    def __init__(
        self,
        in_force: InForce,
        evidence: EvidenceLog,
        now: Callable[[], float],
        log: Callable[..., None],
        most_min: int,
    ) -> None:
        self._in_force = in_force
        self._evidence = evidence
        self._now = now
        self._log = log
        #: The longest that one may be open, minutes; whoever reloads sets it.
        self.most_min = most_min
        self._asked: dict[str, Asked] = {}
        self._approving: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def standing(self) -> list[Asked]:
        """What is open and what waits for a second person, oldest first."""
        self._forget_old()
        return list(self._asked.values())

    def dress(self, snapshot: Snapshot) -> Snapshot:
        """A snapshot with what is open laid on it, and an empty memo of lanes."""
        untils: dict[str, float] = {}
        for one in self._asked.values():
            if one.is_open:
                untils[one.account] = max(one.until, untils.get(one.account, 0.0))
        return msgspec.structs.replace(snapshot, bypasses=untils, lanes={})

    async def ask(self, by: str, reason: str, minutes: int, account: str) -> Asked:
        """The first person: what, why, for how long; `account` "" means all. Recorded before it is answered."""
        self._forget_old()
        name = _name(by)
        why = redacted(" ".join(reason.split()))
        if not why or len(why) > _REASON_MOST:
            raise VerbError(f"reason: needed, at most {_REASON_MOST} characters", usage=True)
        if not 1 <= minutes <= self.most_min:
            raise VerbError(f"minutes: 1 to {self.most_min} (policy.bypass_most_min)", usage=True)
        if account != ALL_ACCOUNTS and account not in self._in_force.snapshot.accounts:
            raise VerbError(f"account: there is no {account}", usage=True)
        if len(self._asked) >= _ASKS_MOST:
            raise VerbError("too many are asked for: end some")
        one = Asked(secrets.token_hex(4), name, why, minutes, account, self._now())
        await self._record(one, "asked", name)
        self._asked[one.id] = one
        self._log("bypass.asked", bypass=one.id, by=name, account=account, minutes=minutes)
        return one

    async def approve(self, bypass: str, by: str) -> Asked:
        """The second person: opens it at once, for its whole time from now."""
        one = self._find(bypass)
        name = _name(by)
        if one.is_open or bypass in self._approving:
            raise VerbError(f"{bypass} is open already")
        if is_one_person(name, one.by):
            raise VerbError("two different people open a bypass: the one who asked cannot approve")
        # WHY: while the record is on its way to disk a second approval must not count as another opening.
        self._approving.add(bypass)
        try:
            opened = msgspec.structs.replace(one, approved_by=name, until=self._now() + one.minutes * 60)
            await self._record(opened, "opened", name)
        finally:
            self._approving.discard(bypass)
        if bypass not in self._asked:
            raise VerbError(f"{bypass} was ended meanwhile")
        self._asked[bypass] = opened
        self._timers[bypass] = asyncio.get_running_loop().call_later(
            max(0.0, opened.until - self._now()), self._time_is_up, bypass
        )
        self._lay()
        self._log("bypass.opened", bypass=bypass, by=name, asked_by=one.by, account=one.account, minutes=one.minutes)
        return opened

    async def end(self, bypass: str, by: str) -> Asked:
        """Anybody: closes it, or takes back what was asked for. In force at once; recorded before it is answered."""
        one = self._find(bypass)
        name = _name(by)
        self._close(bypass)
        self._log("bypass.ended", bypass=bypass, by=name, why="ended")
        await self._record(one, "ended", name)
        return one

    def close(self) -> None:
        """An orderly end of the process is the end of every bypass."""
        for bypass, one in tuple(self._asked.items()):
            self._close(bypass)
            if one.is_open:
                self._append(one, "stopped", "")
                self._log("bypass.ended", bypass=bypass, by="", why="stopped")

    def _time_is_up(self, bypass: str) -> None:
        one = self._asked[bypass]
        self._close(bypass)
        self._append(one, "expired", "")
        self._log("bypass.ended", bypass=bypass, by="", why="expired")

    def _close(self, bypass: str) -> None:
        one = self._asked.pop(bypass)
        timer = self._timers.pop(bypass, None)
        if timer is not None:
            timer.cancel()
        if one.is_open:
            self._lay()

    def _lay(self) -> None:
        self._in_force.snapshot = self.dress(self._in_force.snapshot)

    def _find(self, bypass: str) -> Asked:
        self._forget_old()
        one = self._asked.get(bypass)
        if one is None:
            raise VerbError(f"there is no bypass {bypass}: it ended, or was asked for too long ago")
        return one

    def _forget_old(self) -> None:
        now = self._now()
        for bypass, one in tuple(self._asked.items()):
            # WHY a step back too: an ask of the future has no age that could be told.
            if not one.is_open and bypass not in self._approving and not 0 <= now - one.asked_at <= ASK_LIVES_S:
                del self._asked[bypass]
            elif one.is_open and now >= one.until:
                # The clock was set forward: the policy knows, the timer does not yet.
                self._time_is_up(bypass)

    def _as_record(self, one: Asked, step: str, actor: str) -> Bypass:
        return Bypass(
            at_us=int(self._now() * 1e6),
            bypass=one.id,
            step=step,
            actor=actor,
            account=one.account,
            until_us=int(one.until * 1e6),
            reason=one.reason,
        )

    def _append(self, one: Asked, step: str, actor: str) -> None:
        # A full log counts what it did not take; the opening, which is on disk, says until when at the latest.
        self._evidence.append(self._as_record(one, step, actor))

    async def _record(self, one: Asked, step: str, actor: str) -> None:
        """On disk when it returns; raises VerbError where it could not be put there."""
        done: asyncio.Future[OSError | None] = asyncio.get_running_loop().create_future()

        def written(error: OSError | None) -> None:
            if not done.done():
                done.set_result(error)

        if not self._evidence.append_durable(self._as_record(one, step, actor), written):
            raise VerbError("the evidence log takes no more: what cannot be recorded is not opened")
        if (error := await done) is not None:
            raise VerbError(f"the evidence log cannot be written: {error.strerror}")


def folded(name: str) -> str:
    """A name as two spellings of one person share it: without case, width, spaces and what is not seen."""
    wide = unicodedata.normalize("NFKC", name).casefold()
    return "".join(
        char for char in unicodedata.normalize("NFKC", wide) if unicodedata.category(char)[0] not in ("C", "Z")
    )


def _name(by: str) -> str:
    name = redacted(" ".join(by.split()))
    if not folded(name) or len(name) > _NAME_MOST:
        raise VerbError(f"by: the name of a person, at most {_NAME_MOST} characters", usage=True)
    return name
