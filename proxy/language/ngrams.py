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
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

_FIGURES: Final = re.compile(r"\d[\d.]*")
_WORDS: Final = re.compile(r"[a-z]+|0|,")
#: Characters that are looked at; what a message is stands in its first parts.
_READ: Final = 600


class Model(msgspec.Struct, frozen=True):
    """Weights in thousandths, one for each of `categories` in their order."""

    categories: tuple[str, ...]
    weights: Mapping[str, tuple[int, ...]]


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
    return Model(categories, weights)


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


def likelihoods(found: Iterable[str], model: Model) -> dict[str, float]:
    """The logarithm of each category's share; empty without a model."""
    weights = model.weights
    rows = [row for row in map(weights.get, found) if row is not None]
    if not rows:
        return {}
    scale = 1000 * math.sqrt(len(rows))
    sums = [sum(column) / scale for column in zip(*rows, strict=True)]
    top = max(sums)
    whole = math.log(sum(math.exp(one - top) for one in sums)) + top
    return {name: max(-12.0, one - whole) for name, one in zip(model.categories, sums, strict=True)}
