"""A small linear classifier over character n-grams: what category a text reads like where the rules are not sure.

Owns the features of a text and the sum of their weights. Never decides alone (`proxy.language.content` weighs it with
the rules), never learns here: weights come from `python -m bench.messages.train`.

How it works: one to three characters of the bare view (words and pairs of words in texts without Han), figures masked,
the signature left out, and the concepts that were found; each feature has one weight for each category. The sum is
divided by the root of the number of known features and made a distribution.
"""

import itertools
import math
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

_FIGURES: Final = re.compile(r"\d[\d.]*")
_WORDS: Final = re.compile(r"[a-z]+|0|,")
#: Characters that are looked at; what a message is stands in its first parts.
_READ: Final = 600
#: Weights are smaller than this, and the sum of a text's rows, some 2,000 at most, is smaller than a field.
_BIAS: Final = 1 << 24
_FIELD: Final = 40


class Model(msgspec.Struct, frozen=True):
    """Weights in thousandths, one for each of `categories` in their order."""

    categories: tuple[str, ...]
    weights: dict[str, tuple[int, ...]]
    sieve: bytes = b""
    """Hash of one to three characters → 1 where some feature is of this hash; empty: nothing is turned away."""
    packed: dict[str, int] = {}
    """The same weights, each row as one number, so that rows are added with one addition: see `_packed`."""


NO_MODEL: Final = Model((), {})


class ModelError(ValueError):
    """The weights do not fit: the message says why."""


def load_model(octets: bytes) -> Model:
    """A model from its JSON. Raises `ModelError`."""
    try:
        data = msgspec.json.decode(octets, type=dict[str, Any])
        categories = msgspec.convert(data.get("categories"), tuple[str, ...])
        # WHY not a struct: compiled, its fields lose what their tuples hold.
        weights = msgspec.convert(data.get("weights"), dict[str, tuple[int, ...]])
    except msgspec.DecodeError as error:
        raise ModelError(f"not a model: {error}") from None
    if any(len(row) != len(categories) for row in weights.values()):
        raise ModelError("a feature has not one weight for each category")
    sieve = bytearray(0x10000)
    for feature in weights:
        if len(feature) <= 3:
            sieve[_hash(feature)] = 1
    if any(abs(weight) >= _BIAS for row in weights.values() for weight in row):
        raise ModelError("a weight is too great")
    return Model(categories, weights, bytes(sieve), {feature: _packed(row) for feature, row in weights.items()})


def _packed(row: Iterable[int]) -> int:
    """A row as one number: a field for each weight, the first one lowest, each with `_BIAS` so that none is below 0."""
    number = 0
    for place, weight in enumerate(row):
        number |= (weight + _BIAS) << (_FIELD * place)
    return number


def _hash(feature: str) -> int:
    """A place in a sieve of 65,536."""
    place = 0
    for char in feature:
        place = place * 40_503 + ord(char)
    return place & 0xFFFF


def features(bare: str, concepts: Iterable[str]) -> set[str]:
    """The features of a text without its signature. At most five for each character."""
    masked = _FIGURES.sub("0", bare[:_READ])
    found = {"C:" + concept for concept in concepts}
    if masked.isascii():
        words = _WORDS.findall(masked)
        found.update("w" + word for word in words)
        found.update(f"w{one}_{other}" for one, other in itertools.pairwise(words))
    else:
        text = f"^{masked}$"
        found.update(text)
        found.update([text[i : i + 2] for i in range(len(text) - 1)])
        found.update([text[i : i + 3] for i in range(len(text) - 2)])
    return found


def known_of(bare: str, concepts: Iterable[str], model: Model) -> set[str]:
    """Those of `features` that the model has weights for, without making the others. Linear."""
    weights, sieve = model.weights, model.sieve
    masked = _FIGURES.sub("0", bare[:_READ])
    if masked.isascii() or not sieve:
        return {feature for feature in features(bare, concepts) if feature in weights}
    found: set[str] = set()
    for concept in concepts:
        feature = "C:" + concept
        if feature in weights:
            found.add(feature)
    text = f"^{masked}$"
    size = len(text)
    first, second = 0, ord(text[0])
    for i in range(1, size + 1):
        one = second
        third = ord(text[i]) if i < size else 0
        if sieve[one & 0xFFFF] and (feature := text[i - 1]) in weights:
            found.add(feature)
        if i < size and sieve[(one * 40_503 + third) & 0xFFFF] and (feature := text[i - 1 : i + 1]) in weights:
            found.add(feature)
        if (
            1 < i < size
            and sieve[((first * 40_503 + one) * 40_503 + third) & 0xFFFF]
            and (feature := text[i - 2 : i + 1]) in weights
        ):
            found.add(feature)
        first, second = one, third
    return found


def likelihoods(found: Iterable[str], model: Model) -> dict[str, float]:
    """The logarithm of each category's share; empty without a model."""
    packed = model.packed or {feature: _packed(row) for feature, row in model.weights.items()}
    rows = [packed[feature] for feature in found if feature in packed]
    if not rows:
        return {}
    total = sum(rows)
    scale = 1000 * math.sqrt(len(rows))
    bias, field = len(rows) * _BIAS, (1 << _FIELD) - 1
    sums = [((total >> (_FIELD * place) & field) - bias) / scale for place in range(len(model.categories))]
    top = max(sums)
    whole = math.log(sum(math.exp(one - top) for one in sums)) + top
    return {name: max(-12.0, one - whole) for name, one in zip(model.categories, sums, strict=True)}
