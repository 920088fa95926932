"""A registry of invented institutions, the same for a seed, for a product under test to import.

Owns the invention. Must never name an institution, a person or a number that exists on purpose: names are made of
syllables, persons have numbers of the range 1380013xxxx, and everything is marked as invented. Passwords stand in it as
they are, for the product to hash: fit for tests and for nothing else.
"""

import argparse
import hashlib
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Final

NAMES: Final = ("江澜", "云岫", "星桥", "泽禾", "澜海", "鼎澜", "远岚", "青屿", "栖川", "衡舟", "沐禾", "砚秋")
KINDS: Final = (("银行", "bank"), ("消费金融", "consumer_finance"), ("小贷", "microloan"))
# WHY so far apart: the same registry for a seed, today and in years, and nothing in it is over or not yet valid.
_START: Final = "2020-01-01"
_END: Final = "2099-12-31"
_FIRST_CONSENT: Final = datetime(2020, 1, 1, tzinfo=UTC)


def make_registry(
    seed: int,
    institutions: int,
    *,
    numbers: int = 2,
    consents: int = 20,
    kinds: tuple[tuple[str, str], ...] = KINDS,
) -> dict[str, Any]:
    """Make the sections of a registry file.

    Institution `inst0001` sends with account `acct0001` and password `secret` from numbers `1069000100`, `1069000101`
    and so on, and has one partner, entrusted with its marketing. Some persons have consented to several institutions.
    """
    rng = random.Random(seed)
    made: dict[str, list[dict[str, Any]]] = {
        section: []
        for section in ("institutions", "licences", "partners", "entrustments", "numbers", "accounts", "consents")
    }
    for index in range(1, institutions + 1):
        suffix, kind = kinds[rng.randrange(len(kinds))]
        name = NAMES[(index - 1) % len(NAMES)] + (str(index) if index > len(NAMES) else "") + suffix
        identity, partner = f"inst{index:04}", f"part{index:04}"
        period = {"since": _START, "until": _END}
        purposes = ["marketing", "verification", "service"]
        made["institutions"].append({"id": identity, "name": f"{name}（虚构）", "kind": kind, "short_names": [name]})
        made["licences"].append(
            {"institution": identity, "purposes": ["marketing", "collection"], "channels": ["sms"], **period}
        )
        made["partners"].append({"id": partner, "name": f"{name}合作方（虚构）", **period})
        made["entrustments"].append(
            {
                "institution": identity,
                "partner": partner,
                "purposes": ["marketing"],
                "channels": ["sms"],
                "document_hash": hashlib.sha256(f"{seed}:{identity}".encode()).hexdigest(),
                **period,
            }
        )
        for number in range(numbers):
            made["numbers"].append(
                {
                    "address": f"1069{index:04}{number:02}",
                    "principal": identity,
                    "operator": identity,
                    "telecom": "测试电信（虚构）",
                    "channels": ["sms"],
                    "purposes": purposes,
                    "extensible": True,
                    **period,
                }
            )
        made["accounts"].append(
            {
                "id": f"acct{index:04}",
                "principal": identity,
                "operator": identity,
                "purposes": purposes,
                "password": "secret",
                "reviewed_by": ["reviewer-a", "reviewer-b"],
                "telecom_licence_since": _START,
                "telecom_licence_until": _END,
                "responsible": f"{name}负责人（虚构）",
                "max_binds": 100,
                "window": 500,
            }
        )
        persons = rng.sample(range(10000), min(consents, 10000))
        for person in sorted(persons):
            moment = _FIRST_CONSENT + timedelta(minutes=rng.randrange(60 * 24 * 30))
            made["consents"].append(
                {
                    "recipient": f"1380013{person:04}",
                    "institution": identity,
                    "purposes": ["marketing"],
                    "channels": ["sms"],
                    "given": moment.isoformat(),
                    "basis": "consent",
                    "source": "seeded",
                }
            )
    return {"about": f"虚构 invented: seed {seed}, {institutions} institutions", **made}


def write_registry(options: argparse.Namespace) -> int:
    """Write the file that the options name; returns the exit status."""
    if not 1 <= options.institutions <= 9999 or not 1 <= options.numbers <= 100 or options.consents < 0:
        print("tdgate-sim registry: 1 to 9999 institutions, 1 to 100 numbers each", file=sys.stderr)
        return 2
    made = make_registry(options.seed, options.institutions, numbers=options.numbers, consents=options.consents)
    try:
        options.out.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as wrong:
        print(f"tdgate-sim registry: {wrong}", file=sys.stderr)
        return 1
    return 0
