"""What reading costs in the build that runs this file: texts in on standard input, medians out, as JSON.

Started by `bench.reading` with the interpreter of the build that is measured, so that it imports what is installed
there and nothing of the checkout. CPU time of the thread, less what asking for it costs.
"""

import gc
import json
import statistics
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proxy.language import content
from proxy.language.lexicon import load_lexicon
from proxy.language.ngrams import load_model
from proxy.language.templates import Templates
from proxy.language.vocabulary import load_vocabulary
from proxy.optout_parser import parse
from proxy.registry.packs import find_config

_PASSES = 5
#: More hostile texts than that are read once.
_MANY = 10_000
_OWNER = ("bench", "1")


def _costs_us(texts: list[str], ask: Callable[[str], object]) -> list[float]:
    """The least of some passes for each text."""
    clock = time.thread_time_ns
    idle = min(_clock_ns() for _ in range(1_000))
    best = [float("inf")] * len(texts)
    for _ in range(_PASSES):
        for place, text in enumerate(texts):
            began = clock()
            ask(text)
            best[place] = min(best[place], (clock() - began - idle) / 1_000)
    return best


def _clock_ns() -> int:
    began = time.thread_time_ns()
    return time.thread_time_ns() - began


def _growth(texts: list[str], ask: Callable[[str], object]) -> tuple[float, float]:
    """How much more twice a text costs, over all of them, and the most that any costs a character, in µs."""
    clock = time.thread_time_ns
    passes = _PASSES if len(texts) <= _MANY else 1
    sums, worst = [0.0, 0.0], 0.0
    for text in texts:
        for doubled, asked in enumerate((text, text + text)):
            best = float("inf")
            for _ in range(passes):
                began = clock()
                ask(asked)
                best = min(best, (clock() - began) / 1_000)
            sums[doubled] += best
            if not doubled and best / len(text) > worst:
                # WHY again: read once, what the machine did meanwhile would be the text's.
                worst = max(worst, min(best, *_costs_us([text], ask)) / len(text))
    return sums[1] / sums[0], worst


def main() -> None:
    told: dict[str, Any] = json.load(sys.stdin)
    words = find_config("vocabulary", "content")
    model = load_model(words.with_name("content_model.json").read_bytes())
    lexicon = load_lexicon(tomllib.loads(words.read_text("utf-8")), model=model)
    vocabulary = load_vocabulary(tomllib.loads(find_config("vocabulary", "optout").read_text("utf-8")))
    gc.freeze()
    memory = Templates(lexicon)
    for text in told["known"]:
        memory.read(_OWNER, text)
    asked = [text for text in told["ask"] if memory.known(_OWNER, text) is not None]
    asks = iter(range(10**9))
    many = len(told["new"])

    found = {
        # Another owner in each pass: nothing is known of a new message, and it is remembered.
        "new": _costs_us(told["new"], lambda text: memory.read(("new", str(next(asks) // many)), text)),
        "known": _costs_us(asked, lambda text: memory.read(_OWNER, text)),
        "replies": _costs_us(told["replies"], lambda text: parse(text, vocabulary)),
    }
    messages = _growth(told["hostile"], lambda text: content.read_content(text, lexicon))
    replies = _growth(told["hostile"], lambda text: parse(text, vocabulary))
    result = {name: statistics.median(costs) for name, costs in found.items()}
    result |= {f"{name} p99": statistics.quantiles(costs, n=100)[98] for name, costs in found.items()}
    result |= {"known share": len(asked) / len(told["ask"]), "growth": messages[0], "growth of replies": replies[0]}
    result |= {"a hostile character": messages[1], "compiled": not Path(content.__file__).suffix.endswith("py")}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
