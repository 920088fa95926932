"""Pre-checks over HTTP: allowed and noted by the running proxy, then judged in a process of their own.

Owns how many run at once (one) and how long one may take. Must never tell more of a person than the answer to a send
would, nor hold the window up.
"""

import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.api import shapes
from proxy.api.asking import Asking, AwayError
from proxy.api.granting import Granted
from proxy.registry import fields

_WAITING_MOST: Final = 4
_PATIENCE_S: Final = 120.0
_ROW_OCTETS: Final = 40
_REST_OCTETS: Final = 8192


class Checking:
    """Asks for one configuration. `config` is its file, which the process that judges reads."""

    def __init__(self, config: Path, asking: Asking, rows_most: int) -> None:
        self._config = config
        self._asking = asking
        self.rows_most: Final = rows_most
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    @property
    def body_most(self) -> int:
        """Octets of the longest body."""
        return self.rows_most * _ROW_OCTETS + _REST_OCTETS

    async def check(self, granted: Granted, asked: shapes.CheckAsked) -> dict[str, Any]:
        """`{"code", …}` as the proxy answers; raises AwayError."""
        if not 1 <= len(asked.recipients) <= self.rows_most:
            return {"code": 400, "error": f"1 to {self.rows_most}", "field": "recipients"}
        places, canonical, wrong = _read(asked.recipients)
        if self._waiting >= _WAITING_MOST:
            raise AwayError("others are being checked; try again")
        about = {"principal": granted.institution, "account": asked.account, "channel": asked.channel}
        about |= {"purpose": asked.purpose, "by": f"token {granted.token}"}
        self._waiting += 1
        try:
            async with self._turn:
                allowed = await self._asking.ask("precheck.begin", {**about, "rows": len(asked.recipients)})
                if allowed.get("code") != 200:
                    return allowed
                found = await self._judged(granted, asked, canonical)
        finally:
            self._waiting -= 1
        if "error" in found:
            field, _, reason = str(found["error"]).partition(": ")
            return {"code": 400, "error": reason, "field": field}
        results = ["invalid"] * len(asked.recipients)
        for place, result in zip(places, found["results"], strict=True):
            results[place] = result
        counts = dict(sorted(Counter(results).items()))
        return {"code": 200, "body": {"results": results, "counts": counts, "problems": wrong}}

    async def _judged(self, granted: Granted, asked: shapes.CheckAsked, canonical: list[str]) -> dict[str, Any]:
        if not canonical:
            return {"results": []}
        told = {"channel": asked.channel, "purpose": asked.purpose, "principal": granted.institution}
        told |= {"account": asked.account, "sender": asked.sender, "text": asked.text}
        work = msgspec.json.encode({"asked": told, "recipients": canonical})
        command = (sys.executable, "-m", "proxy.commands.precheck_worker", str(self._config))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        try:
            out, _ = await asyncio.wait_for(process.communicate(work), _PATIENCE_S)
            found: dict[str, Any] = msgspec.json.decode(out, type=dict[str, Any])
        except (TimeoutError, msgspec.DecodeError) as error:
            raise AwayError("the check did not come to an end") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if "failed" in found:
            raise AwayError("the registry cannot be read")
        return found


def _read(written: tuple[str, ...]) -> tuple[list[int], list[str], list[dict[str, Any]]]:
    """The places of right rows, their canonical numbers, and what is wrong with the others."""
    places: list[int] = []
    canonical: list[str] = []
    wrong: list[dict[str, Any]] = []
    for place, number in enumerate(written):
        try:
            if not number.isascii():
                raise ValueError("ASCII digits only")
            canonical.append(fields.recipient(number))
            places.append(place)
        except ValueError as error:
            wrong.append({"row": place, "error": str(error)})
    return places, canonical, wrong
