"""`python -m bench.replies`: how well replies are read, on the labelled corpus in data/replies.

Prints for each part refusals found, other replies taken for refusals, scope, wishes and questions, then a confusion
table by language and by kind of evasion, and how far the other parts are from the training part. The same corpus and
the same parser give the same digits. Exit 0; 1 with `--bound` where the blind part misses a bound.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from proxy.commands.optout import read_vocabulary
from proxy.language.folding import fold
from proxy.optout_parser import Reading, parse

FOLDER: Final = Path(__file__).resolve().parents[1] / "data" / "replies"
MANUAL: Final = FOLDER.parents[1] / "docs" / "manual" / "optout.md"
LABELS: Final = ("optout", "optin", "help", "none")
PARTS: Final = ("train", "blind", "unread")
_MARKS: Final = ("<!-- replies -->", "<!-- /replies -->")
#: Kinds without one error: a keyword alone, and letters inside something else.
FAULTLESS: Final = ("bare", "letters-inside")


class Example(msgspec.Struct, frozen=True):
    """A labelled reply; other fields of its line are ignored."""

    text: str
    label: str
    scope: str | None = None
    language: str = ""
    lang: str = ""
    """As other files of labelled replies call it."""
    family: str = ""
    kind: str = ""
    note: str = ""
    message: str = ""


Row = tuple[Example, Reading]


def examples(path: Path) -> list[Example]:
    """The replies of a file that are scored. Raises `OSError` and `msgspec.DecodeError`."""
    decoder = msgspec.json.Decoder(Example)
    found = [decoder.decode(line) for line in path.read_bytes().splitlines()]
    return [one for one in found if not one.note.startswith("ambig:")]


def readings(found: Iterable[Example]) -> list[Row]:
    """What the parser makes of each."""
    vocabulary = read_vocabulary()
    return [(one, parse(one.text, vocabulary, message=one.message or None)) for one in found]


def _share(rows: Sequence[Row], counts: Callable[[Row], bool]) -> str:
    found = sum(1 for row in rows if counts(row))
    return f"{100 * found / len(rows):.1f} % ({found} of {len(rows)})" if rows else "-"


def summary(rows: Sequence[Row]) -> dict[str, str]:
    """The figures of one part, by what they measure."""
    refusals = [row for row in rows if row[0].label == "optout"]
    others = [row for row in rows if row[0].label != "optout"]
    found = [row for row in refusals if row[1].label == "optout"]
    taken = [row for row in rows if row[1].label == "optout"]
    return {
        "refusals found": _share(refusals, lambda row: row[1].label == "optout"),
        "others taken for refusals": _share(others, lambda row: row[1].label == "optout"),
        "precision": _share(taken, lambda row: row[0].label == "optout"),
        "scope right": _share(found, lambda row: row[1].scope == row[0].scope),
        "wishes found": _share([r for r in rows if r[0].label == "optin"], lambda row: row[1].label == "optin"),
        "false wishes": str(sum(1 for one, read in rows if read.label == "optin" and one.label != "optin")),
        "questions found": _share([r for r in rows if r[0].label == "help"], lambda row: row[1].label == "help"),
        "errors in keywords alone and letters inside words": str(
            sum(1 for one, read in rows if one.kind in FAULTLESS and read.label != one.label)
        ),
        "label right": _share(rows, lambda row: row[1].label == row[0].label),
    }


def confusion(rows: Sequence[Row], by: str) -> list[list[str]]:
    """A line for each value of a field: replies, then "read as" for each pair of labels that differ."""
    wrong = [f"{a}→{b}" for a in LABELS for b in LABELS if a != b]
    groups: dict[str, Counter[str]] = {}
    for one, read in rows:
        groups.setdefault(getattr(one, by), Counter())[f"{one.label}→{read.label}"] += 1
    used = [pair for pair in wrong if any(group[pair] for group in groups.values())]
    lines = [[by, "replies", "right", *used]]
    for name, group in sorted(groups.items()):
        right = sum(group[f"{label}→{label}"] for label in LABELS)
        lines.append([name, str(group.total()), str(right), *(str(group[pair] or "") for pair in used)])
    return lines


def neighbours(train: Sequence[Example], blind: Sequence[Example]) -> list[float]:
    """Of each blind reply the distance to its nearest neighbour: 1 - the Dice overlap of folded pairs of characters."""
    holders: dict[str, list[int]] = {}
    sizes = []
    for i, one in enumerate(train):
        pairs = _pairs(one.text)
        sizes.append(len(pairs))
        for pair in pairs:
            holders.setdefault(pair, []).append(i)
    distances = []
    for one in blind:
        pairs = _pairs(one.text)
        shared = Counter(i for pair in pairs for i in holders.get(pair, ()))
        nearest = max((2 * count / (sizes[i] + len(pairs)) for i, count in shared.items()), default=0.0)
        distances.append(1 - nearest)
    return distances


def _pairs(text: str) -> set[str]:
    folded = f"^{fold(text)}$"
    return {folded[i : i + 2] for i in range(len(folded) - 1)}


def table(lines: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    head, *rest = lines
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rest])


def _median_us(found: Sequence[Example]) -> float:
    """CPU microseconds of one reply, the median over the replies."""
    vocabulary = read_vocabulary()
    spans = []
    for _ in range(3):
        for one in found:
            began = time.perf_counter_ns()
            parse(one.text, vocabulary)
            spans.append(time.perf_counter_ns() - began)
    return statistics.median(spans) / 1000


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m bench.replies", description=__doc__)
    ask.add_argument("--file", type=Path, help="a labelled file instead of the two parts")
    ask.add_argument("--errors", choices=("train", "file"), help="print what is read wrongly")
    ask.add_argument("--manual", action="store_true", help="put the figures into docs/manual/optout.md")
    ask.add_argument("--time", action="store_true", help="also the median time of a reply")
    ask.add_argument("--bound", action="store_true", help="exit 1 if the blind part misses a bound")
    given = ask.parse_args()
    files = {"file": given.file} if given.file else {name: FOLDER / f"{name}.jsonl" for name in PARTS}
    parts = {name: readings(examples(path)) for name, path in files.items()}
    figures = {name: summary(rows) for name, rows in parts.items()}
    first = next(iter(figures.values()))
    shown = table([["", *figures], *([what, *(part[what] for part in figures.values())] for what in first)])
    print(shown)
    for name, rows in parts.items():
        for by in ("language", "kind") if name != "file" else ("lang", "note"):
            if name != "file":
                print(f"\n{name}, by {by}\n\n{table(confusion(rows, by))}")
        if given.errors == name:
            for one, read in rows:
                if (one.label, one.scope) != (read.label, read.scope):
                    print(
                        json.dumps([one.text, one.label, one.scope, one.family or one.note], ensure_ascii=False), read
                    )
    for name in PARTS[1:] if not given.file else ():
        far = sorted(neighbours(*([one for one, _ in parts[part]] for part in ("train", name))))
        print(
            f"\n{name} to nearest training reply (0 same pairs of characters, 1 none):"
            f" median {statistics.median(far):.3f},"
            f" lower quartile {far[len(far) // 4]:.3f}, below 0.2: {sum(1 for d in far if d < 0.2)} of {len(far)}"
        )
    if given.time:
        print(f"\nmedian {_median_us([one for rows in parts.values() for one, _ in rows]):.1f} µs a reply")
    if given.manual and not given.file:
        _put(published(parts))
    return 1 if given.bound and not met(parts["blind"]) else 0


def read_parts() -> dict[str, list[Row]]:
    """What the parser makes of each part of the corpus, by its name."""
    return {name: readings(examples(FOLDER / f"{name}.jsonl")) for name in PARTS}


def published(parts: Mapping[str, Sequence[Row]]) -> str:
    """What stands between the marks of docs/manual/optout.md: figures, then confusion by language and by kind."""
    figures = {name: summary(rows) for name, rows in parts.items()}
    first = next(iter(figures.values()))
    shown = table([["", *figures], *([what, *(part[what] for part in figures.values())] for what in first)])
    measured = [*parts["blind"], *parts["unread"]]
    tables = "\n\n".join(table(confusion(measured, by)) for by in ("language", "kind"))
    return f"{shown}\n\nThe blind and the unread part by language and by kind:\n\n{tables}"


def of_the_manual() -> str:
    """The same as the manual has it."""
    return MANUAL.read_text("utf-8").partition(_MARKS[0])[2].partition(_MARKS[1])[0].strip()


def _put(text: str) -> None:
    before, _, rest = MANUAL.read_text("utf-8").partition(_MARKS[0])
    MANUAL.write_text(f"{before}{_MARKS[0]}\n{text}\n{_MARKS[1]}{rest.partition(_MARKS[1])[2]}", "utf-8")


def met(rows: Sequence[Row]) -> bool:
    """Whether a part meets the bounds of the blind part."""
    refusals = [row for row in rows if row[0].label == "optout"]
    others = [row for row in rows if row[0].label != "optout"]
    found = [row for row in refusals if row[1].label == "optout"]
    return (
        len(found) >= 0.97 * len(refusals)
        and sum(1 for row in others if row[1].label == "optout") <= 0.03 * len(others)
        and sum(1 for one, read in found if read.scope == one.scope) >= 0.9 * len(found)
        and not any(read.label == "optin" != one.label for one, read in rows)
        and not any(one.kind in FAULTLESS and one.label != read.label for one, read in rows)
    )


if __name__ == "__main__":
    sys.exit(main())
