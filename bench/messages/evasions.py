"""Disguises a message the way senders do who do not want to be read by machines.

Owns the kinds of disguise, each a pure function of text and random source. Never touches signature, telephones or
links, so that the labels of the text stay what they are. A kind that finds nothing to disguise gives the text back.
"""

import random
import re
from collections.abc import Callable
from typing import Final

#: What stays as it is: signatures, telephones, links, amounts and codes.
_KEPT: Final = re.compile(r"(【[^】]*】|\[[^\]]*\]|［[^］]*］|https?://\S+|[a-z0-9.-]+\.example\S*|[\d.,-]{3,})")
#: Words that are worth hiding; none of them is a product, an institution or part of a refusal line.
_WORDS: Final = re.compile(
    "贷款|逾期|还款|欠款|借款|利率|年化|额度|放款|催收|优惠|免息|提额|到账|转账|验证码|账户|余额|红包|征信|保证金|信用"
    "|抵押|联系|转告|利息|账单|红利|理财|提现|拖欠|债务|欠债|送|领取|专享|消费|入账|卡号|密码|登录|注销|申请|办理"
)
_SOUNDS: Final = {
    "贷款": "代款", "逾期": "余期", "还款": "环款", "欠款": "欠kuan", "借款": "jie款", "利率": "力率", "额度": "鹅度",
    "放款": "放kuan", "征信": "zheng信", "优惠": "优会", "免息": "免xi", "转账": "转zhang", "利息": "利西",
    "红包": "红苞", "理财": "理材", "抵押": "低押", "提现": "提xian", "保证金": "保证jin", "催收": "催shou",
}  # fmt: skip
_INITIALS: Final = {
    "逾期": "yq", "还款": "hk", "贷款": "dk", "欠款": "qk", "借款": "jk", "额度": "ed", "放款": "fk", "验证码": "yzm",
    "征信": "zx", "利息": "lx", "账单": "zd", "转账": "zz",
}  # fmt: skip
_PARTS: Final = {
    "贷": "代贝", "逾": "辶俞", "期": "其月", "款": "匕示欠", "债": "亻责", "催": "亻崔", "借": "亻昔", "额": "客页",
    "验": "马佥", "证": "讠正", "转": "车专", "银": "钅艮", "钱": "钅戋", "信": "亻言", "利": "禾刂", "群": "君羊",
    "码": "石马", "费": "弗贝", "优": "亻尤", "财": "贝才", "账": "贝长", "惠": "叀心", "注": "氵主", "领": "令页",
}  # fmt: skip
_TRADITIONAL: Final = str.maketrans(
    "贷还额账转验证码个钱银们单优领现级计户费请电点击联系话订购从这发实办经营业务险报财证询险陆号录绑",
    "貸還額賬轉驗證碼個錢銀們單優領現級計戶費請電點擊聯繫話訂購從這發實辦經營業務險報財證詢險陸號錄綁",
)
_LOOKALIKE: Final = str.maketrans("aeopcyxTBHKMPCAEOX", "аеорсухТВНКМРСАЕОХ")
_GAPS: Final = {"spaced": " ", "dotted": "·.*_-~", "zero-width": "\u200b\u200c\u2060\ufeff"}


def _outside(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if i % 2 else change(part) for i, part in enumerate(_KEPT.split(text)))


def _gapped(kind: str) -> Callable[[str, random.Random], str]:
    def evade(text: str, source: random.Random) -> str:
        gap = source.choice(_GAPS[kind])
        return _outside(text, lambda part: _WORDS.sub(lambda word: gap.join(word.group()), part))

    return evade


def _by_word(table: dict[str, str]) -> Callable[[str, random.Random], str]:
    wanted = re.compile("|".join(table))

    def evade(text: str, _source: random.Random) -> str:
        return _outside(text, lambda part: wanted.sub(lambda word: table[word.group()], part))

    return evade


def _split(text: str, source: random.Random) -> str:
    return _outside(text, lambda part: "".join(_PARTS[c] if c in _PARTS and source.random() < 0.7 else c for c in part))


def _wide(text: str, _source: random.Random) -> str:
    return _outside(
        text, lambda part: "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in part)
    )


def _wide_digits(text: str, _source: random.Random) -> str:
    """Telephones in full width: the one disguise that is meant for them."""
    return re.sub(r"\d{3,}", lambda run: "".join(chr(ord(c) + 0xFEE0) for c in run.group()), text)


EVASIONS: Final[dict[str, Callable[[str, random.Random], str]]] = {
    "spaced": _gapped("spaced"),
    "dotted": _gapped("dotted"),
    "zero-width": _gapped("zero-width"),
    "full-width": _wide,
    "wide-digits": _wide_digits,
    "look-alike": lambda text, _: _outside(text, lambda part: part.translate(_LOOKALIKE)),
    "traditional": lambda text, _: _outside(text, lambda part: part.translate(_TRADITIONAL)),
    "split": _split,
    "homophone": _by_word(_SOUNDS),
    "initials": _by_word(_INITIALS),
}
