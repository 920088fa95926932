"""A storm from its plan to its verdict: blown, read, checked."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proxy.evidence.keys import load_signing_key
from proxy.spool.spool import Spool
from tests.chaos.checker import Checker, Verdict
from tests.chaos.evidence import gather
from tests.chaos.storm import Plan, Storm
from tests.wire.house import tdgate


def of_size(messages: int, seed: int) -> Plan:
    """A plan of so many messages: a kill for every 5,000 and a route that dies for every 2,500, but some at least."""
    return Plan(messages=messages, seed=seed, kills=max(4, messages // 5000), deaths=max(6, messages // 2500))


async def storm(plan: Plan, folder: Path, say: Callable[[str], None] = lambda line: None) -> Verdict:
    """Blows one storm and judges it. What tdgate left is below `folder`."""
    blown = Storm(plan, folder, say)
    state = await blown.run()
    say(f"ended: {blown.figures()}")
    verdict = Checker(blown.books, gather(state)).verdict()
    verdict.figures |= {"kills": len(blown.books.kills), "deaths": blown.books.deaths}
    verdict.figures |= {"harms": sum(blown.books.harms.values()), "attempts": len(blown.books.attempts)}
    verdict.figures |= {"deliveries": len(blown.books.deliveries), "received": len(blown.books.receives)}
    say(f"harms: {dict(sorted(blown.books.harms.items()))}")
    key = folder / "evidence.pub.pem"
    await asyncio.to_thread(_write_public_key, state / "keys/evidence.pem", key)
    code, out, err = await tdgate("evidence", "verify", state / "evidence", "--key", key)
    if code:
        verdict.broken.append(f"evidence verify: {code}: {out}{err}")
    code, out, _ = await tdgate("counts", "--config", folder / "house/tdgate.toml", "--json")
    if code:
        verdict.broken.append(f"counts: {code}: {out}")
    left = Spool.open(state / "spool", (state / "keys/spool.key").read_bytes())
    verdict.figures["left_in_spool"] = left.entries
    if left.entries:
        verdict.broken.append(f"{left.entries} entries are left in the spool of {left.accounts()}")
    await left.close()
    if verdict.broken:
        # For whoever looks for the cause: everything that was seen.
        await asyncio.to_thread((folder / "books.pickle").write_bytes, pickle.dumps(blown.books))
    return verdict


def _write_public_key(private: Path, public: Path) -> None:
    key = load_signing_key(private).public_key()
    public.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
