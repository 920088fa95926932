"""Writes the corpus of replies, data/replies/{train,blind,unread}.jsonl, from the phrases in data/replies/phrases.

How it works: a family of phrases ("@ …") has one construction; its lines are expanded at their choices, keywords get
their disguises, messages their offered keywords. A family goes to one part as a whole, by the hash of its name; a text
that two parts would have stays in the first of them. Everything is seeded: two runs write the same octets.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "data" / "replies"
#: Variants that one line of phrases gives at most.
MOST_VARIANTS: Final = 4
BLIND_SHARE: Final = 0.3
_CHOICE: Final = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")

_KEYWORDS: Final = {
    "td": ("TD", "optout"),
    "tuiding": ("退订", "optout"),
    "jushou": ("拒收", "optout"),
    "quxiao": ("取消订阅", "optout"),
    "stop": ("STOP", "optout"),
    "unsubscribe": ("UNSUBSCRIBE", "optout"),
    "t": ("T", "optout"),
    "r": ("R", "optout"),
    "n": ("N", "optout"),
    "zeros": ("0000", "optout"),
    "quit": ("QUIT", "optout"),
    "cancel": ("CANCEL", "optout"),
    "biefa": ("别再发了", "optout"),
    "dontcall": ("stop texting me", "optout"),
    "start": ("START", "optin"),
    "huifu": ("恢复订阅", "optin"),
    "help": ("HELP", "help"),
    "zenme": ("怎么退订", "help"),
    "no": ("明天还款", "none"),
    "card": ("cancel my card", "none"),
}
_LOOK_ALIKE: Final = str.maketrans("TDSOPRNHELCAIUBQ", "ТᎠЅОРꓣΝНЕꓡСАІՍВԚ")
_EMOJI: Final = ("🙏", "👍🏽", "😡😡", "👋", "❗❗")
_FOOTERS: Final = (
    "\n发自我的iPhone",
    "\nSent from my Samsung Galaxy smartphone.",
    "\n来自华为手机",
    "\nGet Outlook for iOS",
)
_AROUND: Final = ("“{}”", "【{}】", "({})", "{}。。。", "!!{}!!", "{}~~", "  {}  ", "*{}*", "{};")


def _styled(text: str, start: int) -> str:
    return "".join(chr(start + ord(c) - 0x41) if "A" <= c <= "Z" else c for c in text.upper())


def _no_word(held: str) -> str:
    """A keyword with a letter held down, but for the one that is a word of its own."""
    return held if held != "TDD" else "TDDD"


def _dressed(text: str, kind: str, chance: random.Random) -> Iterator[str]:
    ascii_only = text.isascii()
    match kind:
        case "full-width":
            if ascii_only:
                yield "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else "\u3000" for c in text)
                yield "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else "\u3000" for c in text.lower())
        case "zero-width":
            for between in ("\u200b", "\u00ad", "\u2060", "\u200d"):
                yield between.join(text)
        case "look-alike":
            if ascii_only and text.isupper():
                yield text.translate(_LOOK_ALIKE)
                yield text.replace("T", "Т").replace("O", "О").replace("C", "С")
        case "styled":
            if ascii_only and " " not in text and text.isalpha():
                yield from (_styled(text, start) for start in (0x1D400, 0x1D5A0, 0x1F130, 0x1F170, 0x24B6))
        case "spaced":
            if " " not in text and not text.isdigit() and len(text) > 1:
                yield from (gap.join(text) for gap in (" ", ".", "-", " . ", "·", "、", "_"))
        case "emoji":
            for _ in range(3):
                yield text + chance.choice(_EMOJI)
            yield chance.choice(_EMOJI) + text
        case "repeated":
            if ascii_only and text.isalpha() and text not in ("N", "Q"):
                yield _no_word(text + text[-1] * chance.randint(1, 4))
                at = chance.randrange(len(text))
                yield _no_word(text[:at] + text[at] * chance.randint(2, 4) + text[at + 1 :])
        case "footer":
            yield from (text + footer for footer in _FOOTERS)
        case "around":
            yield from (around.format(text) for around in chance.sample(_AROUND, 5))
        case "case":
            if ascii_only:
                yield from (text.lower(), text.title(), text.swapcase())


_DRESSES: Final = (
    "full-width",
    "zero-width",
    "look-alike",
    "styled",
    "spaced",
    "emoji",
    "repeated",
    "footer",
    "around",
    "case",
)


def _expanded(line: str, chance: random.Random) -> list[str]:
    parts = _CHOICE.split(line)
    choices = [part.split("|") if i % 2 else [part] for i, part in enumerate(parts)]
    every = list(itertools.islice(itertools.product(*choices), 256))
    chosen = every if len(every) <= MOST_VARIANTS else chance.sample(every, MOST_VARIANTS)
    return [re.sub(r"  +", " ", "".join(each)).strip() for each in chosen]


def _from_phrases() -> Iterator[dict[str, Any]]:
    for path in sorted((FOLDER / "phrases").glob("*.txt")):
        head: dict[str, Any] = {}
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("@ "):
                family, label, scope, language, kind = line[2:].split()
                head = {"label": label, "scope": None if scope == "-" else scope, "language": language}
                head |= {"family": family, "kind": kind}
            elif line and not line.startswith("#"):
                chance = random.Random(f"{head['family']}/{line}")
                for text in _expanded(line.replace("\\n", "\n"), chance):
                    yield {"text": text} | head


def _from_keywords() -> Iterator[dict[str, Any]]:
    for name, (word, label) in _KEYWORDS.items():
        language = "en" if " " in word or (word.isascii() and word.isalpha() and len(word) > 3) else "zh"
        head = {"label": label, "scope": "sms" if label in ("optout", "optin") else None, "language": language}
        yield {"text": word} | head | {"family": f"bare-{name}", "kind": "bare"}
        for kind in _DRESSES:
            chance = random.Random(f"{name}/{kind}")
            for text in _dressed(word, kind, chance):
                yield {"text": text} | head | {"family": f"dress-{kind}-{name}", "kind": kind}


_OFFERS: Final = (
    ("Y", "【江澜银行】您有一笔专享额度待领取，不需要请回复Y退订"),
    ("88", "【云岫消费金融】新客免息30天，拒收请回复88"),
    ("QX", "【禾川信贷】周年庆活动火热进行中，退订回QX"),
    ("BYE", "Jianglan Bank (invented): 2.9% APR until Sunday. Reply BYE to opt out"),
    ("M", "【江澜银行】理财节开幕，拒收请回M"),
    ("7", "【云岫消费金融】额度已提升，回7退订"),
    ("JS", "【禾川信贷】车主贷低至三厘，拒收回复JS"),
)
_ANSWERS: Final = (
    ("optout", "{}"), ("optout", "{}谢谢"), ("optout", "回复{}"), ("optout", "{}！"), ("optout", "我回{}"),
    ("optout", "“{}”"), ("none", "{}是什么意思"), ("none", "{}元可以吗"), ("none", "好的{}x"), ("none", "{}%的利息?"),
    ("none", "我选方案{}号"),
)  # fmt: skip


def _from_offers() -> Iterator[dict[str, Any]]:
    for word, message in _OFFERS:
        for i, (label, shape) in enumerate(_ANSWERS):
            for text in dict.fromkeys((shape.format(word), shape.format(word.lower()))):
                yield {
                    "text": text, "label": label, "scope": "sms" if label == "optout" else None,
                    "language": "en" if word == "BYE" else "zh", "family": f"offered-{word}-{i // 3}",
                    "kind": "offered", "message": message,
                }  # fmt: skip
        yield {
            "text": message, "label": "none", "scope": None, "language": "zh", "family": f"quoted-{word}",
            "kind": "quotation", "message": message,
        }  # fmt: skip
        for own in ("别再发了", "TD", "stop texting me"):
            yield {
                "text": f"{own}\n{message}", "label": "optout", "scope": "sms", "language": "zh",
                "family": f"quoted-own-{word}", "kind": "quotation", "message": message,
            }  # fmt: skip


PARTS: Final = ("train", "blind", "unread")


def _part(family: str) -> int:
    """The index in `PARTS`."""
    if family.endswith("-seen"):
        return 0  # WHY: the grammar was corrected by these, so they cannot measure it.
    if family.startswith("unread-"):
        return 2  # WHY: written when the grammar was finished, measured once.
    if family.startswith("late-"):
        return 1  # WHY: written when an earlier grammar was finished, to measure it.
    return int(int.from_bytes(hashlib.sha256(family.encode()).digest()[:4]) < BLIND_SHARE * 2**32)


def corpus() -> tuple[list[dict[str, Any]], ...]:
    """The parts, in the order of `PARTS`. Raises `ValueError` where one text would have two labels."""
    parts: tuple[list[dict[str, Any]], ...] = tuple([] for _ in PARTS)
    rows = list(itertools.chain(_from_phrases(), _from_keywords(), _from_offers()))
    rows.sort(key=lambda row: _part(row["family"]))
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        earlier = seen.setdefault((row["text"], row.get("message", "")), row)
        if earlier is row:
            parts[_part(row["family"])].append(row)
        elif (earlier["label"], earlier["scope"]) != (row["label"], row["scope"]):
            raise ValueError(f"{row['text']!r} in {row['family']} and {earlier['family']}: two labels")
    return parts


def written(rows: list[dict[str, Any]]) -> str:
    """The rows as they stand in a file, one a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main() -> int:
    for name, rows in zip(PARTS, corpus(), strict=True):
        (FOLDER / f"{name}.jsonl").write_text(written(rows), "utf-8")
        families = len({row["family"] for row in rows})
        print(f"{name}: {len(rows)} replies, {families} families")
    return 0


if __name__ == "__main__":
    sys.exit(main())
