"""Runs a rotation of the keys of persons beside traffic: `tdgate keys rotate|status|retire`.

Owns the pace: one bounded step, then at least as long a pause, so that a loop which forwards is never taken for more
than a few milliseconds. What fails is told and tried again; both keys live until somebody retires the former one.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from proxy.control import ControlError
from proxy.registry.keys import PersonKeyError
from proxy.registry.ports import StoreError
from proxy.store.rotation import Rotation

REKEYING_VERBS: Final = ("keys.rotate", "keys.status", "keys.retire")
_PAUSE_LEAST_S: Final = 0.005
_AGAIN_S: Final = 5.0


class Rotating(Protocol):
    """The part of the store's owner that this needs."""

    rotation: Rotation


class Rekeying:
    """`horizon_s` tells how long contacts count, `made_with` which files were made with a key, `changed` is called when
    other keys live.
    """

    def __init__(
        self,
        store: Rotating,
        path: Path,
        horizon_s: Callable[[], int],
        made_with: Callable[[int], list[str]],
        changed: Callable[[], None],
        log: Callable[..., None],
    ) -> None:
        self._rotation = store.rotation
        self._path = path
        self._horizon_s = horizon_s
        self._made_with = made_with
        self._changed = changed
        self._log = log
        self._work = asyncio.Event()
        self._work.set()

    async def verb(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        """One of `REKEYING_VERBS`; raises ControlError with the reason."""
        try:
            if verb == "keys.status":
                return await self._rotation.status()
            by = args.get("by")
            if not isinstance(by, str) or not by.strip():
                raise ControlError("by: missing", usage=True)
            if verb == "keys.rotate":
                made = await self._rotation.begin(self._path, by)
                self._changed()
                self._work.set()
                return {"changed": True, "key": f"{made:08x}"}
            former = self._rotation.former_id
            await self._rotation.retire(self._path, self._horizon_s(), self._made_with(former), by)
            self._changed()
            return {"changed": True, "retired": f"{former:08x}"}
        except (StoreError, PersonKeyError) as error:
            raise ControlError(str(error)) from error

    async def run(self) -> None:
        """Moves persons whenever there are some to move, until it is cancelled."""
        moving = False
        while True:
            await self._work.wait()
            began = time.monotonic()
            try:
                more = await self._rotation.step(self._path)
            except (StoreError, PersonKeyError) as error:
                self._log("keys.failed", error=error)
                await asyncio.sleep(_AGAIN_S)
                continue
            if not more:
                self._work.clear()
                if moving:
                    self._changed()
                continue
            moving = True
            await asyncio.sleep(max(_PAUSE_LEAST_S, time.monotonic() - began))
