"""Addresses and ids made from a pattern: many recipients, accounts or ports from one line of a scenario.

Owns the three signs of a pattern: `#` a random digit, `{n}` (or `{n:06}`) the number of the message or bind counted
from 0, and `,` between patterns that are used in turn. Must never draw from anything but the generator it was given,
so that one seed gives one sequence.
"""

import random
import re
from collections.abc import Callable
from itertools import cycle
from typing import Final

_DIGITS: Final = re.compile("#+")
Pattern = Callable[[int], str]


def compile_pattern(text: str, rng: random.Random) -> Pattern:
    """Make a function from the running number to the value; ValueError where `{…}` is not `{n}` with a format."""
    single = [_compile_one(part.strip(), rng) for part in text.split(",")]
    if len(single) == 1:
        return single[0]
    turn = cycle(single)
    return lambda number: next(turn)(number)


def _compile_one(text: str, rng: random.Random) -> Pattern:
    try:
        text.format(n=0)
    except (KeyError, IndexError, ValueError) as wrong:
        raise ValueError(f"pattern {text!r}: only #, {{n}} and {{n:06}} are known ({wrong})") from None
    numbered = "{" in text
    if "#" not in text:
        return (lambda number: text.format(n=number)) if numbered else (lambda number: text)
    runs = _DIGITS.findall(text)
    if not numbered and len(runs) == 1:
        head, _, tail = text.partition(runs[0])
        size = len(runs[0])
        limit, draw = 10**size, rng.random
        return lambda number: f"{head}{int(draw() * limit):0{size}}{tail}"

    def digits(found: re.Match[str]) -> str:
        return f"{rng.randrange(10 ** len(found[0])):0{len(found[0])}}"

    return lambda number: _DIGITS.sub(digits, text).format(n=number)
