"""What happens in the demonstration, step by step, and what must come of each step.

Owns the script as data. Must never ask the product what it would do: what is expected stands here.
"""

from typing import Final, Literal

import msgspec

from simulators.demo_world import IMPORTED, PRESSES, STRANGER, A, Person, Words

MARKETING: Final = "【江澜银行】“安居贷”年化3.5%起，咨询400-000-1001，回T退订"
EAGER: Final = "【江澜银行】“轻松借”最高20万元，咨询400-000-1001，回T退订"
"""The message that person A answers."""
CODE: Final = "【江澜银行】验证码482913，5分钟内有效，请勿告诉他人。"
YUNXIU: Final = "【云岫消费金融】“轻享借”年化7.2%起，客服400-000-2002，拒收请回复R"
XINGQIAO: Final = "【星桥小贷】“税易贷”年化10.8%起，025-00004321，退订回TD"
ZEHE: Final = "【泽禾农商银行】“丰收稳盈”业绩比较基准3.3%，0571-00001234，回N退订"
TD: Final = "ＴＤ！"
START: Final = "START"
KEY: Final = "9"
"""What a person presses in a call who wants no more of them."""

PERMITTED: Final = ""


class Send(msgspec.Struct, frozen=True):
    """A sender submits a message. `raw` with `data_coding` instead of a text; `twice` puts a second text beside it."""

    account: str
    source: str
    person: Person
    text: str = MARKETING
    bind: Literal["trx", "tx"] = "trx"
    raw: bytes | None = None
    data_coding: int | None = None
    schedule: str = ""
    twice: bool = False


class Call(msgspec.Struct, frozen=True):
    """A caller calls a person."""

    account: str
    source: str
    person: Person


class Presses(msgspec.Struct, frozen=True):
    """In the call before, the person has pressed the key: what that was answered with."""

    person: Person
    number: str
    text: str


class Bind(msgspec.Struct, frozen=True):
    """A sender only tries to bind."""

    account: str


class Answered(msgspec.Struct, frozen=True):
    """The handset of a person has answered by itself: its answer is awaited at the carrier."""

    person: Person
    number: str
    text: str


class Writes(msgspec.Struct, frozen=True):
    """A person writes to a number, over the bind of an account."""

    person: Person
    number: str
    account: str
    text: str


class Reaches(msgspec.Struct, frozen=True):
    """What a person wrote is awaited at the sender."""

    person: Person
    number: str
    account: str
    text: str


class Step(msgspec.Struct, frozen=True):
    """One step: the act, what must come of it (a rule's id and status, or PERMITTED), and what a permit shows."""

    what: Words
    act: Send | Call | Bind | Answered | Presses | Writes | Reaches
    rule: str = PERMITTED
    status: int = 0
    why: Words = Words("", "")


def _refused(what: Words, act: Send | Call | Bind, rule: str, status: int) -> Step:
    return Step(what, act, rule, status)


SCRIPT: Final[tuple[Step, ...]] = (
    Step(
        Words("marketing, and the person agreed to it", "营销，用户已同意"),
        Send("jianglan-mkt", "10690001", A),
        why=Words("consent, number, licence: all in order", "同意、号码、许可均有效"),
    ),
    Step(
        Words("a partner markets for the bank", "合作方代银行营销"),
        Send("yuanlu-jl", "10690011", A),
        why=Words("entrusted in writing, and in its period", "有书面委托且在有效期内"),
    ),
    _refused(
        Words("marketing to somebody who never agreed", "向未同意的用户营销"),
        Send("jianglan-mkt", "10690001", STRANGER),
        "consent.missing",
        0x0428,
    ),
    _refused(
        Words("from a number in nobody's library", "号码不在号码库"),
        Send("jianglan-mkt", "10699999", A),
        "number.unregistered",
        0x0418,
    ),
    _refused(
        Words("marketing from the number for codes", "用验证码号码发营销"),
        Send("jianglan-mkt", "10690002", A),
        "purpose.mismatch",
        0x041C,
    ),
    _refused(
        Words("a partner whose entrustment has ended", "合作方委托已过期"),
        Send("yuanlu-yx", "10690111", A, YUNXIU),
        "entrustment.expired",
        0x0415,
    ),
    _refused(
        Words("outside the hours (this pack never opens them)", "时段关闭（演示规则包对其全天关闭）"),
        Send("zehe-mkt", "10690301", A, ZEHE),
        "hours.closed",
        0x0440,
    ),
    _refused(
        Words("a text that nobody can read", "无法解码的内容"),
        Send("jianglan-mkt", "10690001", A, raw=bytes.fromhex("3021244e3022"), data_coding=5),
        "content.undecodable",
        0x0437,
    ),
    _refused(
        Words("marketing to be delivered later", "营销定时发送"),
        Send("jianglan-mkt", "10690001", A, schedule="000001000000000R"),
        "pdu.unsupported",
        0x61,
    ),
    _refused(
        Words("two texts in one message", "一条消息含两份文本"),
        Send("jianglan-mkt", "10690001", A, twice=True),
        "pdu.ambiguous",
        0x0402,
    ),
    _refused(
        Words("a transmitter that could not hear a refusal", "仅发送端绑定，收不到拒收回复"),
        Send("xingqiao-mkt", "10690202", A, XINGQIAO, bind="tx"),
        "account.oneway",
        0x0403,
    ),
    _refused(
        Words("bind of an account without review", "未审核账户绑定"),
        Bind("unreviewed"),
        "account.unreviewed",
        0x0D,
    ),
    Step(
        Words("a call, and the person agreed to calls", "外呼，用户已同意"),
        Call("jianglan-call", "95500", A),
        why=Words("the same rules, on the same registry", "同一登记库、同一套规则"),
    ),
    _refused(
        Words("a call from a number in nobody's library", "外呼号码不在号码库"),
        Call("jianglan-call", "95599", A),
        "number.unregistered",
        403,
    ),
    _refused(
        Words("a call outside the hours", "时段关闭时外呼"),
        Call("zehe-call", "95533", A),
        "hours.closed",
        603,
    ),
    Step(
        Words("one more advertisement …", "又一条广告……"),
        Send("jianglan-mkt", "10690001", A, EAGER),
        why=Words("still agreed", "仍已同意"),
    ),
    Step(
        Words("… and the person has had enough", "……用户不想再收"),
        Answered(A, "10690001", TD),
        why=Words("on disk before the carrier gets its answer", "落盘后才应答运营商"),
    ),
    Step(
        Words("the sender gets the reply too", "发送方也收到该回复"),
        Reaches(A, "10690001", "jianglan-mkt", TD),
        why=Words("replies pass unchanged", "回复原样转交"),
    ),
    _refused(
        Words("marketing after the refusal", "拒收后再营销"),
        Send("jianglan-mkt", "10690001", A),
        "suppression.active",
        0x0429,
    ),
    _refused(
        Words("the same from another extension", "换扩展号再发"),
        Send("jianglan-mkt", "1069000188", A),
        "suppression.active",
        0x0429,
    ),
    _refused(
        Words("the same through the partner", "改由合作方再发"),
        Send("yuanlu-jl", "10690011", A),
        "suppression.active",
        0x0429,
    ),
    _refused(
        Words("the same by telephone: one refusal, both channels", "改打电话：短信拒收同样生效"),
        Call("jianglan-call", "95500", A),
        "suppression.active",
        607,
    ),
    Step(
        Words("a verification code goes on", "验证码照常"),
        Send("jianglan-svc", "10690002", A, CODE),
        why=Words("a refusal of marketing closes no codes", "拒收营销不影响验证码"),
    ),
    Step(
        Words("another institution, to which A agreed", "另一家已获同意的机构"),
        Send("yunxiu-mkt", "10690101", A, YUNXIU),
        why=Words("A refused Jianglan Bank, nobody else", "甲拒绝的只是江澜银行"),
    ),
    Step(
        Words("the person wants it again", "用户本人要求恢复"),
        Writes(A, "10690001", "jianglan-mkt", START),
        why=Words("only the person can lift it", "仅本人可解除"),
    ),
    Step(
        Words("marketing, wanted again", "恢复后的营销"),
        Send("jianglan-mkt", "10690001", A),
        why=Words("lifted by the person's own message", "已由本人解除"),
    ),
    _refused(
        Words("a refusal that came by telephone, imported", "电话拒收，经导入"),
        Send("jianglan-mkt", "10690001", IMPORTED),
        "suppression.active",
        0x0429,
    ),
    Step(
        Words("START by that person", "该用户回复 START"),
        Writes(IMPORTED, "10690001", "jianglan-mkt", START),
        why=Words("taken, but lifts only what a reply closed", "已受理，但只解除本人短信拒收"),
    ),
    _refused(
        Words("so it stays closed", "因此仍然关闭"),
        Send("jianglan-mkt", "10690001", IMPORTED),
        "suppression.active",
        0x0429,
    ),
    Step(
        Words("a call to F", "外呼己"),
        Call("jianglan-call", "95500", PRESSES),
        why=Words("agreed so far", "此前已同意"),
    ),
    Step(
        Words("F presses the key", "己在通话中按拒绝键"),
        Presses(PRESSES, "95500", KEY),
        why=Words("on disk before the carrier gets its answer", "落盘后才应答运营商"),
    ),
    _refused(
        Words("a message to F after that", "随后向己发短信"),
        Send("jianglan-mkt", "10690001", PRESSES),
        "suppression.active",
        0x0429,
    ),
    _refused(
        Words("and another call", "再次外呼己"),
        Call("jianglan-call", "95500", PRESSES),
        "suppression.active",
        607,
    ),
)
