"""A storm from its plan to its verdict: blown, read, checked."""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proxy.evidence.keys import load_signing_key
from proxy.spool.spool import Spool
from tests.chaos.checker import Checker, Verdict
from tests.chaos.evidence import gather
from tests.chaos.storm import Plan, Storm
from tests.chaos.traffic import SIDES
from tests.wire.house import tdgate

#: A guard, not a judgement of speed.
_COMMAND_S = 300.0


def of_size(messages: int, seed: int) -> Plan:
    """A plan of so many messages: a kill for every 5,000 and a route that dies for every 2,500, but some at least."""
    return Plan(messages=messages, seed=seed, kills=max(3, messages // 5000), deaths=max(4, messages // 2500))


async def storm(plan: Plan, folder: Path, say: Callable[[str], None] = lambda line: None) -> Verdict:
    """Blows one storm and judges it. What tdgate left is below `folder`."""
    blown = Storm(plan, folder, say)
    state = await blown.run()
    say(f"ended: {blown.figures()}")
    books = blown.books
    said = asyncio.gather(_verified(state, folder), _counted(folder))
    verdict = await asyncio.to_thread(lambda: Checker(books, gather(state)).verdict())
    verdict.figures |= {"kills": len(books.kills), "deaths": books.deaths, "harms": sum(books.harms.values())}
    verdict.figures |= {"attempts": len(books.attempts), "deliveries": len(books.deliveries)}
    verdict.figures |= {"received": len(books.receives)}
    say(f"harms: {dict(sorted(books.harms.items()))}")
    verdict.broken += [each for each in await said if each]
    left = Spool.open(state / "spool", (state / "keys/spool.key").read_bytes())
    # WHY by name: records of long messages that are over stay a while, under other names.
    waiting = {side.name: left.waiting(side.name) for side in SIDES}
    verdict.figures["left_in_spool"] = sum(waiting.values())
    if any(waiting.values()):
        verdict.broken.append(f"left in the spool: {waiting}")
    await left.close()
    if verdict.broken or os.environ.get("CHAOS_KEEP"):
        # For whoever looks for the cause: everything that was seen.
        await asyncio.to_thread((folder / "books.pickle").write_bytes, pickle.dumps(books))
    return verdict


async def _verified(state: Path, folder: Path) -> str:
    """What `tdgate evidence verify` finds wrong, empty where it is sound."""
    key = folder / "evidence.pub.pem"
    await asyncio.to_thread(_write_public_key, state / "keys/evidence.pem", key)
    code, out, err = await tdgate("evidence", "verify", state / "evidence", "--key", key, limit_s=_COMMAND_S)
    return f"evidence verify: {code}: {out}{err}" if code else ""


async def _counted(folder: Path) -> str:
    """What `tdgate counts` finds wrong, empty where its equations hold."""
    code, out, err = await tdgate("counts", "--config", folder / "house/tdgate.toml", limit_s=_COMMAND_S)
    return f"counts: {code}: {out}{err}" if code else ""


def _write_public_key(private: Path, public: Path) -> None:
    key = load_signing_key(private).public_key()
    public.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
