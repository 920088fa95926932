"""Callers and persons of the interop tests with calls, and the real tdgate between them: all of them invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proxy.evidence.records import Call
from tests.wire.house import House
from tests.wire.people import IMPORTED, PASSWORD, PERSONS, account, number, registry

NUMBER = "95500"
PERSON, ANOTHER = PERSONS[1], PERSONS[2]
REFUSED = IMPORTED
#: Nobody has registered this one.
UNREGISTERED = "95501"
NAME = "江澜银行（虚构）"
#: No call lasts longer: one whose two sides have vanished is over by then.
CALL_S_MOST = 45
_EVER = {"since": "2026-01-01", "until": "2099-12-31"}
REGISTRY = registry(
    numbers=[number(NUMBER, "jianglan", "marketing", channels=["sms", "voice"])],
    licences=[{"institution": "jianglan", "purposes": ["marketing"], "channels": ["voice"], **_EVER}],
    accounts=[account("jl-voice", "jianglan", "marketing", call_s_most=CALL_S_MOST)],
    consents=[
        {"recipient": each, "institution": "jianglan", "channels": ["voice"], "source": "虚构", "given": "2026-03-01"}
        | {"until": "2099-12-31"}
        for each in PERSONS
    ],
)


class CallHouse(House):
    """`tdgate run` with a trunk for each network and a carrier for each set of gateways."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__(template, folder / "house")

    async def open(
        self,
        trunks: Mapping[str, Mapping[str, Any]],
        carriers: Mapping[str, Sequence[int] | Mapping[str, Any]],
        **sip: Any,
    ) -> CallHouse:
        """`trunks` by name; `carriers` are ports of gateways, the first goes first, or whole tables."""
        tables: dict[str, Any] = {"sip": {"listeners": [{"port": 0}], "drain_s": 2.0, **sip}}
        for name, one in trunks.items():
            tables[f"sip.trunks.{name}"] = {"account": "jl-voice", **one}
        for name, given in carriers.items():
            table = dict(given) if isinstance(given, Mapping) else {"gateways": ports(*given)}
            tables[f"sip.carriers.{name}"] = {"options_s": 0.0, "no_answer_s": 2.0, **table}
        await self.start(**tables)
        self.sip = await self.until(lambda: self.ports.get("sip"))
        return self

    async def calls(self, count: int) -> list[Call]:
        """The records of calls that are over, as soon as there are `count`."""
        return await self.record(lambda one: isinstance(one, Call), count)


def ports(*given: int) -> list[dict[str, Any]]:
    """Gateways by port, the first goes first."""
    return [{"port": each, "priority": place} for place, each in enumerate(given, 1)]


__all__ = [
    "ANOTHER",
    "NAME",
    "NUMBER",
    "PASSWORD",
    "PERSON",
    "REFUSED",
    "REGISTRY",
    "UNREGISTERED",
    "CallHouse",
    "ports",
]
