"""Trains the classifier of `tdgate content` on the train part: `python -m bench.messages.train` writes its weights.

Owns the learning. Never looks at the blind part. Multinomial logistic regression by stochastic gradient, seeded; only
features that at least two families share, so that no family is learnt by heart. The same corpus and table give the same
file (sums are exact, so on every interpreter).
"""

import math
import random
from collections import defaultdict
from pathlib import Path
from typing import Final

import msgspec

from bench.messages.corpus import SEED, read
from proxy.core.content import CATEGORIES
from proxy.language.content import features_of
from proxy.registry.content_words import read_lexicon

OUT: Final = Path(__file__).resolve().parents[2] / "config" / "content_model.json"
_ROUNDS: Final = 4
_RATE: Final = 1.0
_FAMILIES: Final = 2


def trained() -> bytes:
    """The weights as they lie in config/content_model.json."""
    lexicon = read_lexicon()
    rows = [(sorted(features_of(m.text, lexicon)), CATEGORIES.index(m.category), m.family) for m in read("train")]
    families: dict[str, set[str]] = defaultdict(set)
    for found, _, family in rows:
        for feature in found:
            families[feature].add(family)
    shared = {feature for feature, held in families.items() if len(held) >= _FAMILIES}
    known = [([feature for feature in found if feature in shared], label) for found, label, _ in rows]
    weights = {feature: [0.0] * len(CATEGORIES) for feature in sorted(shared)}
    source = random.Random(SEED)
    for _ in range(_ROUNDS):
        source.shuffle(known)
        for found, label in known:
            _learn(found, label, weights)
    table = {feature: row for feature, held in weights.items() if any(row := [round(1000 * weight) for weight in held])}
    octets = msgspec.json.encode({"categories": CATEGORIES, "weights": table})
    return octets.replace(b'],"', b'],\n"') + b"\n"


def main() -> None:
    """Writes config/content_model.json."""
    octets = trained()
    OUT.write_bytes(octets)
    print(f"{OUT.name}: {octets.count(b'[') - 1} features")


def _learn(found: list[str], label: int, weights: dict[str, list[float]]) -> None:
    if not found:
        return
    scale = math.sqrt(len(found))
    sums = [math.fsum(weights[feature][at] for feature in found) / scale for at in range(len(CATEGORIES))]
    top = max(sums)
    shares = [math.exp(one - top) for one in sums]
    whole = math.fsum(shares)
    steps = [_RATE * (share / whole - (at == label)) / scale for at, share in enumerate(shares)]
    for feature in found:
        row = weights[feature]
        for at, step in enumerate(steps):
            row[at] -= step


if __name__ == "__main__":
    main()
