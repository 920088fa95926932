"""How many examples a property test spends that needs another number than most: a multiple of the profile's."""

from __future__ import annotations

import hypothesis


def examples(times: float) -> int:
    """So many times what the profile gives every test: `check` stays quick and `fuzz` thorough."""
    return max(1, int(hypothesis.settings().max_examples * times))
