"""Makes the corpus from its families, and reads it: `python -m bench.messages.corpus` writes data/messages/*.jsonl.

Owns families, slots and labels. Never reads what the product says about a text. The same seed
gives the same files to the octet.
"""

import json
import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from bench.messages.evasions import EVASIONS

DATA: Final = Path(__file__).resolve().parents[2] / "data" / "messages"
SEED: Final = 20261122
#: How many undisguised and how many disguised texts one line of families.txt may give.
_PLAIN, _DISGUISED = 3, 3
_SLOT: Final = re.compile(r"\{(\w+)\}")
_SIGNATURE: Final = re.compile(r"【([^】]*)】|\[([^\]]*)\]|［([^］]*)］")
MARKS: Final = {
    "i": "has_identity",
    "c": "has_contact",
    "p": "has_product",
    "r": "has_refusal",
    "d": "discloses_debtor",
}


class Message(msgspec.Struct, frozen=True):
    """A labelled message, as a line of the corpus."""

    text: str
    category: str
    signature: str | None
    has_identity: bool
    has_contact: bool
    has_product: bool
    has_refusal: bool
    discloses_debtor: bool
    family: str
    evasion: str


class Family(msgspec.Struct, frozen=True):
    """Texts that say the same in the same way."""

    name: str
    category: str
    evasion: str
    texts: list[tuple[str, str]]


def families(source: str) -> Iterator[Family]:
    """The families of a file. Raises `ValueError` for a line that is none."""
    category, found = "", None
    for number, raw in enumerate(source.splitlines(), 1):
        line = raw.strip()
        if line.startswith("## "):
            category = line[3:]
        elif line.startswith("@ "):
            if found is not None:
                yield found
            name, _, evasion = line[2:].partition(" !")
            found = Family(f"{category}/{name}", category, evasion or "none", [])
        elif line and not line.startswith("#"):
            marks, bar, text = line.partition("|")
            if not bar or found is None or set(marks) - set(MARKS) - {"-"}:
                raise ValueError(f"line {number}: expected marks|text")
            found.texts.append((marks, text))
    if found is not None:
        yield found


def _digits(count: int, source: random.Random) -> str:
    return "".join(source.choice("0123456789") for _ in range(count))


def _amount(source: random.Random) -> str:
    return source.choice((f"{source.randint(50, 9900)}", f"{source.randint(5, 980)}.{_digits(2, source)}", "1,280.00"))


def _number(name: str, source: random.Random) -> str | None:
    """What a slot of figures holds; telephones are of ranges that nobody has."""
    if name == "tel":
        area = source.choice(("025", "0571", "021"))
        return source.choice((f"400-000-{_digits(4, source)}", f"{area}-0000{_digits(4, source)}", "95000", "950001"))
    made = {
        "mob": f"139000{_digits(5, source)}",
        "ustel": source.choice((f"800-555-01{_digits(2, source)}", f"(212) 555-01{_digits(2, source)}")),
        "code": _digits(source.choice((4, 6, 6)), source),
        "code3": _digits(3, source),
        "tail": _digits(4, source),
        "rate": f"{source.randint(2, 17)}.{source.randint(0, 9)}",
        "amt": _amount(source),
        "amt2": _amount(source),
        "wan": str(source.choice((5, 8, 10, 20, 30, 50))),
        "n": str(source.randint(2, 9)),
        "days": str(source.choice((30, 90, 180, 360))),
        "chat": f"{source.choice(('dk', 'vip', 'qian'))}{_digits(4, source)}",
        "qq": f"1000{_digits(2, source)}",
    }
    return made.get(name)


def _filled(text: str, slots: Mapping[str, list[str]], source: random.Random) -> str:
    female = source.random() < 0.5
    pronouns = {
        "ushe": "she" if female else "he",
        "ushim": "her" if female else "him",
        "usher": "her" if female else "his",
    }
    chosen: dict[str, str] = {}

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in chosen:
            return chosen[name]
        value = pronouns.get(name) or _number(name, source)
        if value is None and name == "banksp":
            value = " ".join(source.choice(slots["bank"]))
        chosen[name] = source.choice(slots[name]) if value is None else value
        return chosen[name]

    return _SLOT.sub(fill, text)


def labelled(text: str, family: Family, marks: str, evasion: str) -> Message:
    """A text with its labels: the signature is the first in brackets, inner spaces removed."""
    match = _SIGNATURE.search(text)
    signature = None if match is None else "".join(next(g for g in match.groups() if g is not None).split())
    held = {field: mark in marks for mark, field in MARKS.items()}
    return Message(text, family.category, signature or None, **held, family=family.name, evasion=evasion)


def _made(family: Family, slots: Mapping[str, list[str]], source: random.Random) -> Iterator[Message]:
    seen: set[str] = set()
    for marks, pattern in family.texts:
        for turn in range(_PLAIN + _DISGUISED):
            text = _filled(pattern, slots, source)
            # WHY: a refusal by telephone is a telephone, too.
            held = marks + "c" if re.search(r"(拒收请致电|退订拨打|退订请致电)", text) else marks
            evasion = family.evasion
            if turn >= _PLAIN:
                kinds = list(EVASIONS)
                source.shuffle(kinds)
                for kind in kinds:
                    disguised = EVASIONS[kind](text, source)
                    if disguised != text:
                        text, evasion = disguised, kind
                        break
            if text not in seen:
                seen.add(text)
                yield labelled(text, family, held, evasion)


def build() -> tuple[list[Message], list[Message]]:
    """The train and the blind part: each from families of its own, the blind one with names of its own."""
    slots = tomllib.loads((DATA / "slots.toml").read_text("utf-8"))
    return _part("families.txt", slots["all"] | slots["train"]), _part(
        "blind_families.txt", slots["all"] | slots["blind"]
    )


def _part(name: str, slots: Mapping[str, list[str]]) -> list[Message]:
    made: list[Message] = []
    for family in families((DATA / name).read_text("utf-8")):
        made.extend(_made(family, slots, random.Random(f"{SEED} {family.name}")))
    return made


def read(part: str) -> list[Message]:
    """A part of the corpus as it lies in data/messages: "train" or "blind"."""
    lines = (DATA / f"{part}.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Message) for line in lines]


def main() -> None:
    """Writes train.jsonl and blind.jsonl."""
    for part, messages in zip(("train", "blind"), build(), strict=True):
        lines = (json.dumps(msgspec.structs.asdict(m), ensure_ascii=False) + "\n" for m in messages)
        (DATA / f"{part}.jsonl").write_text("".join(lines), "utf-8")
        print(f"{part}: {len(messages)} messages, {len({m.family for m in messages})} families")


if __name__ == "__main__":
    main()
