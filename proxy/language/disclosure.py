"""Finds that a message tells somebody about another person's debt.

Owns who is spoken to and whose debt it is. Never knows who the recipient is, never raises.

How it works: a debt is named, and beside it stands somebody else's relation to the reader ("您的朋友何某"), a request
to pass it on, a third person who owes, or the public. Guarantors and co-borrowers are liable themselves. A request to
pass on "please call us" without a word of debt discloses nothing.
"""

import re
from collections.abc import Sequence
from typing import Final

from proxy.language.lexicon import Found, Lexicon
from proxy.language.views import View

Span = tuple[int, int]

_RELATION: Final = (
    "朋友|好友|亲友|同事|同学|同乡|邻居|室友|下属|员工|职工|领导|老板|家人|家属|家里人|亲属|亲戚|儿子|女儿|孩子|子女|爱人|老公|老婆|丈夫|妻子|先生|太太|男友|女友|父亲|母亲|爸爸|妈妈|爸|妈|父母"
    "|哥哥|弟弟|姐姐|妹妹|兄弟|姐妹|哥|姐|弟|妹|叔叔|舅舅|表哥|表弟|表姐|侄子|外甥|孙子|学生|徒弟|合伙人|租客|房东|客户|班上学生|配偶|前夫|前妻|岳父|婆婆|公公|女婿|儿媳"
)
_NAME: Final = "(?:[一-鿿]某{1,2}|[一-鿿]{2,3})"
#: Who is addressed so is nobody in particular: "尊敬的客户".
_NOBODY: Final = "(?<!尊敬)(?<!亲爱)(?<!敬爱)(?<!我行)(?<!我司)(?<!本行)(?<!广大)(?<!新老)"
#: "您的朋友何某…", "你老公…", "贵单位员工…": the reader's relation is who is spoken about.
_YOURS: Final = re.compile(
    f"(?:您|你|贵|本)(?:的|们|公司|单位|司|村|校|班上?|方|院|厂|店|家|处|部门|所在单位|小区){{0,2}}(?:的)?(?:{_RELATION})"
)
_YOUR_UNIT: Final = re.compile(
    f"(?:贵公司|贵单位|贵司|贵村|贵校|本村|您公司|您单位|你公司|你单位|贵处|你们公司|你们单位|本小区)(?:的)?(?!找|问|联|闹|见|要|去|上门|催|堵|收){_NAME}"
)
#: "吕某的同事您好": the reader is somebody's relation.
#: "丁某先生" and "张老板" are the readers themselves.
_THEIRS: Final = re.compile(
    f"{_NAME}(?:{_NOBODY}的(?:{_RELATION})|(?:同事|朋友|家人|家属|亲友|亲属|邻居|家里人|父母|爱人))(?:您好|你好|好|,|们)"
)
#: "员工林小满欠…": somebody's place beside a name and a debt.
_PLACED: Final = re.compile(
    f"(?:员工|职工|下属|学生|村民|同事|家属|孩子|儿子|女儿|租客|业主|邻居|朋友|好友){_NAME}(?:拖欠|欠|的?借|的?贷|逾期|在|未)"
)
_TOLD: Final = re.compile("(?:让|找|联系|通知|告诉|打给|给|和|连同|影响|爆|骚扰|上门找|请|群发|发给|包括|连累|及)$")
_THIRD: Final = re.compile(
    "(?:(?<![吉])他(?![人们的行处])|她|(?:^|,)ta(?![a-z])|(?:^|[,一-鿿])其(?:名下|所|借|欠|已|还|贷|在|拖|信|账|未|本人)|该(?:客户|用户|借款人|员工|人)|联系不到本人|本人失联|失联)"
)
_HE_OF: Final = re.compile("他的|她的")
_KEPT_NUMBER: Final = re.compile(
    "留了[你您]的|留为|登记为|填写[您你]|将[您你](?:登记|留|填|列)|把[您你](?:登记|留|填|列)|紧急联系人|预留联系人"
)
_NAMED_DEBTOR: Final = re.compile(f"{_NAME}(?:,|:)?(?:拖欠|欠|尚欠|逾期|拒不|借款|借钱|所欠|所借)")
_LOAN: Final = re.compile("借款|(?<!小额)贷款|欠|透支|债")
_OWN: Final = re.compile(
    "您(?:的|名下|尚|已|在|申请|所)?(?:[一-鿿]{0,6})(?:借款|贷款|逾期|欠|信用卡|房贷|账单)|你(?:的|名下|还|这|欠)"
)

_EN_DEBT: Final = re.compile(
    r"\b(?:owes?|debt|past due|overdue|late on|in default|delinquent|not paid|unpaid|behind on|defaulted|default)\b"
)
_EN_YOURS: Final = re.compile(
    r"\byour (?:sister|brother|friend|neighbou?r|co ?worker|colleague|husband|wife|spouse|son|daughter|mother|father"
    r"|mom|dad|roommate|employee|cousin|boss|partner|tenant|aunt|uncle|parent|girlfriend|boyfriend|relative|student"
    r"|nephew|niece|family member|staff member|flatmate|fianc[e]e?)s?\b"
)
_EN_PASS: Final = re.compile(
    r"\b(?:tell|let|ask|have|make|remind|get|urge|inform) (?:him|her|them|[a-z]+ (?:[a-z]+ )?(?:know|call|to call"
    r"|to pay|pay|that))\b|\bpass (?:this|it|along)\b|\btrying to reach [a-z]+|\bgave you as a reference\b"
    r"|\blisted you as\b|\bto the (?:employer|family|parents|relatives|landlord|manager|friends) of [a-z]+"
    r"|\b(?:mr|ms|mrs|miss) [a-z]+ (?:has|is|owes|still)\b"
)


def disclosure(seen: View, found: Sequence[Found], concepts: int, collecting: bool, lexicon: Lexicon) -> Span | None:
    """Where another person's debt is told, as a span of the text; None where nobody's is.

    `concepts` holds the bits of all that was found, be it in `found` or by form.
    """
    bare, bits = seen.bare, lexicon.bits
    overdue = concepts & bits.get("overdue", 0) != 0
    if (not overdue and not collecting) or concepts & bits.get("guarantor", 0):
        return None
    english = _english(bare)
    if english is not None:
        return seen.of_bare(*english)
    if not overdue and _LOAN.search(bare) is None:
        return None
    for pattern in (_YOURS, _YOUR_UNIT):
        for match in pattern.finditer(bare):
            if _TOLD.search(bare, max(0, match.start() - 4), match.start()) is None:
                return seen.of_bare(*match.span())
    for pattern in (_THEIRS, _PLACED, _KEPT_NUMBER, _HE_OF, _THIRD):
        spoken = pattern.search(bare)
        if spoken is not None:
            return seen.of_bare(*spoken.span())
    pass_on = bits.get("pass_on", 0)
    if concepts & pass_on:
        for hit in found:
            if hit.mask & pass_on:
                return seen.of_bare(hit.start, hit.end)
    if not concepts & bits.get("public", 0) or _OWN.search(bare) is not None:
        return None
    named = _NAMED_DEBTOR.search(bare)
    return None if named is None else seen.of_bare(*named.span())


def speaks_of_another(seen: View, concepts: int, lexicon: Lexicon) -> bool:
    """Whether somebody else than the reader is spoken of, with a word of debt or without; may say yes too often."""
    if concepts & lexicon.bits.get("pass_on", 0):
        return True
    patterns = (_YOURS, _YOUR_UNIT, _THEIRS, _PLACED, _KEPT_NUMBER, _HE_OF, _THIRD, _EN_YOURS, _EN_PASS)
    return any(pattern.search(seen.bare) is not None for pattern in patterns)


def _english(bare: str) -> Span | None:
    if _EN_DEBT.search(bare) is None:
        return None
    match = _EN_YOURS.search(bare) or _EN_PASS.search(bare)
    return None if match is None else match.span()
