"""A storm from its plan to its verdict: blown, read, checked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from proxy.spool.spool import Spool
from tests.chaos.checker import Checker, Verdict
from tests.chaos.evidence import gather
from tests.chaos.storm import Plan, Storm
from tests.wire.house import tdgate


def of_size(messages: int, seed: int) -> Plan:
    """A plan of so many messages: a kill for every 10,000 and a route that dies for every 3,000, but some at least."""
    return Plan(
        messages=messages,
        seed=seed,
        kills=max(3, messages // 10_000),
        deaths=max(5, messages // 3000),
        mean_pdus=min(max(150, messages // 50), 1000),
    )


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
    await _public_key(state / "keys/evidence.pem", key)
    code, out, err = await tdgate("evidence", "verify", state / "evidence", "--key", key)
    if code:
        verdict.broken.append(f"evidence verify: {code}: {out}{err}")
    left = Spool.open(state / "spool", (state / "keys/spool.key").read_bytes())
    verdict.figures["left_in_spool"] = left.entries
    if left.entries:
        verdict.broken.append(f"{left.entries} entries are left in the spool of {left.accounts()}")
    await left.close()
    return verdict


async def _public_key(private: Path, public: Path) -> None:
    from proxy.evidence.keys import load_signing_key

    loaded = await asyncio.to_thread(load_signing_key, private)
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public.write_bytes(loaded.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
