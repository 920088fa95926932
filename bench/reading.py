"""What reading costs: a new message, one of a known template, a reply; and whether hostile texts cost more than others.

    python -m bench.reading [--hostile 2000] [--json]

Measured in the build that `make bench` measures. New messages and replies are those of the corpora, known ones the
templates of `bench/smpp/texts.txt` with fresh figures. Hostile texts are made of what the patterns look for, begun over
and over; they are read once and twice as long, and the CPU of both is compared (the least of five readings; where they
are more than 10,000, of one).
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from msgspec.structs import asdict

from bench import replies, tdgate_hop
from bench.bound_figures import Figure, all_met, told
from bench.cases import TEXTS
from bench.messages.corpus import read

HERE: Final = Path(__file__).resolve().parent
HOSTILE: Final = 2_000
_SEED: Final = 6
_LENGTH: Final = 400
_LIMIT_S: Final = 3_600
#: What a message is made of that a pattern begins with, and what nearly continues it.
_PIECES: Final = (
    *(
        "1",
        "95",
        "400-",
        "0",
        "86 ",
        "+",
        "(",
        "138 ",
        "0571-",
        "一",
        "零",
        "幺",
        "-",
        ".",
        " ",
        "|",
        "\u200b",
        "\ufe0f",
    ),
    *("【", "】", "[", "]", "“", "”", "http://", "www.", "a.", "com", "1.2.3.", "@", "/", "%", "$", "元", "万"),
    *("警惕", "请勿点击", "短信", "是骗局", "冒充", "为由", "凡是", "承诺", "不再收到", "，", "。", "优惠", "余额"),
    *("退订", "回", "回复", "T", "td", "reply ", "to ", "stop ", "2 ", "0000", "拒收", "请", "无法", "不"),
    *(
        "您的",
        "朋友",
        "某",
        "他",
        "欠",
        "贷",
        "借",
        "花",
        "您",
        "其",
        "转告",
        "逾",
        "逾期",
        "yq",
        "代",
        "贝",
        "辶",
        "俞",
    ),
    *(
        "bank ",
        "loan ",
        "your ",
        "brother ",
        "tell ",
        "him ",
        "a",
        "A",
        "é",
        "ｗ",
        "Т",
        "ﷺ",
        "ﬃ",
        "👨‍👩‍👧",
        "\ud800",
        "别",
        "再发",
    ),
    # Nested quotations, marks upon marks, pictures, numerals, negations of negations, footers, half letters.
    *(
        "“【(",
        "【】",
        "【自动】",
        "a\u0301\u0301\u0301\u0301",
        "T\u0336",
        "❌\ufe0f",
        "📩🙅🏻",
        "×",
        "🇹",
        "零二",
        "1%",
        "¥1,",
        "不是不",
        "别再",
    ),
    *(
        "发自我的",
        "sent from my ",
        "转发：",
        "ᄀ",
        "ก็",
        "क्",
        "\u202e",
        "b fa ",
        "unsubscrib",
        "re sub",
        "之前退了",
        "T,",
        "?",
        "\n",
    ),
)


def hostile(number: int, length: int = _LENGTH) -> list[str]:
    """Texts that patterns have to look at often: one, two or three pieces over and over, or many in disorder."""
    source = random.Random(_SEED)
    texts = []
    for place in range(number):
        pieces = source.choices(_PIECES, k=(1, 2, 3, 40)[place % 4])
        text = "".join(pieces)
        texts.append((text * (length // len(text) + 1))[:length])
    return texts


def interpreter() -> Path:
    """The interpreter of the build that is measured."""
    compiled = tdgate_hop.COMPILED.parent / "python"
    return compiled if tdgate_hop.command() != tdgate_hop.PURE else Path(sys.executable)


def measure(number: int = HOSTILE) -> list[Figure]:
    """The figures; raises RuntimeError where the build cannot be asked."""
    source = random.Random(_SEED)

    def filled(text: str) -> str:
        return "".join(source.choice("0123456789") if char == "#" else char for char in text)

    lines = TEXTS.read_text("utf-8").splitlines()
    asked = {
        "new": [message.text for message in read("blind")],
        "known": [filled(text) for _ in range(3) for text in lines],
        "ask": [filled(text) for text in lines],
        "replies": [one.text for one in replies.examples(replies.FOLDER / "blind.jsonl")],
        "hostile": hostile(number),
    }
    found = _asked(interpreter(), asked)
    build = "compiled" if found["compiled"] else "not compiled"
    return [
        Figure(f"a new message, median ({build})", found["new"], "µs", 60),
        Figure("a new message, p99", found["new p99"], "µs"),
        Figure("a message of a known template, median", found["known"], "µs", 8),
        Figure("a message of a known template, p99", found["known p99"], "µs"),
        Figure("messages of known templates that were not known", 1 - found["known share"], "share", 0.1),
        Figure("a reply, median", found["replies"], "µs", 150),
        Figure("a reply, p99", found["replies p99"], "µs"),
        Figure(f"{number:,} hostile texts twice as long cost", found["growth"], "times", 2.3),
        Figure(f"{number:,} hostile replies twice as long cost", found["growth of replies"], "times", 2.3),
        Figure("the dearest hostile text", found["a hostile character"], "µs a character", 20),
    ]


def _asked(python: Path, asked: dict[str, list[str]]) -> dict[str, Any]:
    # WHY -P and another folder: the checkout must not stand before what is installed.
    pure = python == Path(sys.executable)
    command = [str(python), *([] if pure else ["-P"]), str(HERE / "reading_process.py")]
    done = subprocess.run(
        command,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        cwd=HERE.parent if pure else HERE,
        env={"PYTHONPATH": str(HERE.parent)} if pure else {},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Prints the figures; exit code 1 where one is beyond its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hostile", type=int, default=HOSTILE, help=f"how many hostile texts (default {HOSTILE})")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    found = measure(parsed.hostile)
    print(json.dumps([asdict(one) for one in found], indent=1) if parsed.json else told(found))
    return int(not all_met(found))


if __name__ == "__main__":
    sys.exit(main())
