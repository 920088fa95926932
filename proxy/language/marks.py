"""Finds the marks of a message: signature, institution named, telephone, link, product.

Owns where each mark stands. Never decides whether an institution, a telephone or a product is registered, never raises.

How it works: the signature is read from the text itself; telephones, links and quotes by bounded patterns over the
marked view; names by their ends over the bare view. Every pattern is linear: repetitions are bounded or possessive by
their alphabets.
"""

import re
from collections.abc import Sequence
from typing import Final

from proxy.language.lexicon import Found, Lexicon, is_neutral
from proxy.language.views import View, view

Span = tuple[int, int]
SIGNATURE: Final = re.compile(r"【([^】]{0,80})】|\[([^\]]{0,80})\]|［([^］]{0,80})］")
_INVISIBLE: Final = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))

_S: Final = r"[-. \0|_]{0,2}"
_D: Final = rf"{_S}\d"
#: A digit of a telephone that is written in groups; "." stands in sums and dates.
_G: Final = r"(?:[- \0|_]{0,2}\d)"
#: A digit that stands alone, as in "4 0 0 0 …" and "4.0.0.0.…".
_ALONE: Final = r"(?:[-. \0|_]{1,2}\d)"
#: A telephone in the marked view, by its form alone.
PHONE: Final = re.compile(
    r"(?=[+(\d])(?<![\d@/a-z])(?<![a-z]-)(?:"
    rf"(?:\+?{_S}86{_S})?1{_S}[3-9](?:{_D}{{9}}|{_G}{{9}}|{_ALONE}{{9}})"  # mobile
    rf"|(?:\+?{_S}86{_S})?[48]{_S}0{_S}0(?:{_D}{{7}}|{_G}{{7}}|{_ALONE}{{7}})"  # 400, 800
    rf"|\(?0{_S}\d{_D}{{1,2}}\)?{_S}[0-9]{_D}{{6,7}}"  # area code and number
    rf"|0{_ALONE}{{2,3}}[- ]{{0,3}}{_ALONE}{{7,8}}"  # the same, digit by digit
    rf"|(?:\+?1{_S})?\(?[2-9]\d\d\)?[-. ]{{1,2}}\d{{3}}[-. ]\d{{4}}"  # North America
    rf"|(?:\+?1{_S})?[2-9]\d{{2}}[2-9]\d{{6}}"
    rf"|1{_S}8{_S}[06]{_S}0{_D}{{6,8}}"  # India, toll free
    rf"|\+\d{{1,3}}{_D}{{7,12}}"
    rf"|9{_S}[56]{_D}{{3,6}}|1{_S}0{_S}0{_D}{{2}}|1{_S}2{_S}3{_D}{{2}}"  # short numbers
    r")(?![\d%/])"
)
#: Digits of the shortest telephone.
_FEWEST: Final = 5
_UNIT: Final = re.compile(
    r"[ \0]{0,2}(?:元|万|块|股|份|点|积分|期|天|笔|\.\d|分|号码段"
    r"|人|次|rs|usd|rmb)"
)
#: What stands behind a code; whole telephones of eleven digits serve people ("13900000222为您服务").
_OF_CODES: Final = re.compile(r"[ \0]{0,2}(?:是您|为您|是你|,?为您的|is your|is the)")
#: What stands before figures that are no telephone.
_NO_PHONE: Final = re.compile(
    r"(?:尾号|账号|卡号|单号|工单|报案号|订单|编号|qq群?|验证码|校验码|动态码|密码|口令|otp|pin|码为?|微信"
    r"|威信|薇信|v信|vx|wx|加v|加微|\bv|[$¥€£]|rs\.?|code|id|金额|余额|支出|收入|消费|转账|to)[号:为是 \0|]{0,3}$"
)
_AFTER_TO: Final = re.compile(r"(?:send|text|sms|txt|stop|reply|发送?|编辑)[^;]{0,18}(?:to|至|到)[ :]{0,2}$")
_HAN_DIGITS: Final = re.compile(
    r"[零一二三四五六七八九幺0-9][零一二三四五六七八九幺0-9 \0.-]{5,22}[零一二三四五六七八九幺0-9]"
)
#: Figures that are written as words.
HAN_DIGITS: Final = str.maketrans("零一二三四五六七八九幺", "01234567891")
_HAN_DIGIT: Final = re.compile("[零一二三四五六七八九幺]")

_URL: Final = re.compile(
    r"(?:https?[ \0]?:[ \0]?/[ \0]?/[ \0]?|www\.)[a-z0-9_\-.~:/?#@!$&'*+=%\0]{1,200}"
    r"|(?<![\w@.])(?:[a-z0-9\-]{1,63}\.){1,4}"
    r"(?:com|cn|net|org|top|xyz|cc|vip|info|io|me|club|shop|site|online|link|ly|in|us|co|example|test|app|icu|ink)"
    r"(?:/[a-z0-9_\-./?=&%#]{0,200}|(?![a-z0-9_.]))"
    r"|(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?:[:/][a-z0-9_\-./?=&%#:]{0,200})?"
)
#: Without a scheme or "www.", a link has one of these.
_DOTTED: Final = re.compile(r"\.(?:[a-z]|\d{1,3}\.\d{1,3}\.\d)")
_QUOTED: Final = re.compile(r'"([^"\[\]]{2,16})"')
_NO_QUOTE: Final = re.compile(
    r"退订|拒收|账户|骗局|推送|短信|返利|优惠|刷单|诈骗|取消|同意|确认|验证|我要|点击|登录|办理|回复|^[a-z0-9]{1,6}$|是|公告|通知|活动|我的"
    r"|有礼|好礼|节$|季$|提额|提升|贷款|额度|渠道|账号|中心|套现|养卡|代还|修复|优化|收益|利率|门槛|申请|抵押|下款|包装"
)
#: What a quotation is called that names no product of the sender's.
_OF_OTHERS: Final = re.compile("(?:新股|股票|所谓|课程|图书|影片|小区|门店)$")

_NAMED_LOAN: Final = re.compile(r"([\u4e00-\u9fff]{1,3}[a-z]?贷)(?!款|k|后|出|到|前|不|也|了)")
_NAMED_OTHER: Final = re.compile(
    r"([\u4e00-\u9fff]{2}[借花])(?![款钱了随贷我你人条据到得出入来不呗一个点时]|网络|小贷|银行|消|普惠|金|信)"
)
_NO_LOAN: Final = frozenset("放借信网小能可想要办批秒款还的需套催申转再不免多你我他您来去房抵无也前后")
_NO_OTHER: Final = frozenset("台可能想再出复来要人先去民钱送零网你我他您的不会多少天所他她某名其张李王何您笔万元友外")
_LOAN_EN: Final = re.compile(r"\b([a-z]{4,14}) loans?\b")
_CARD_EN: Final = re.compile(r"\b([a-z]{4,14}) (?:card|visa|mastercard)\b")
_NO_CARD_EN: Final = frozenset(
    (
        "your",
        "gift",
        "gifts",
        "this",
        "that",
        "bank",
        "with",
        "from",
        "business",
        "the",
        "card",
        "update",
        "lost",
        "same",
    )
)


def first_signature(text: str) -> tuple[str | None, Span | None]:
    """The first string in 【】, [] or ［］ with inner spaces removed, and its place."""
    match = SIGNATURE.search(text)
    if match is None:
        return None, None
    inner = next(group for group in match.groups() if group is not None)
    return "".join(inner.translate(_INVISIBLE).split()) or None, match.span()


def phones(seen: View) -> list[Span]:
    """Telephones, in spans of the marked view."""
    marked = seen.marked
    found: list[Span] = []
    if _HAN_DIGIT.search(marked) is not None:
        read = _HAN_DIGITS.sub(_as_digits, marked)
        if read != marked:
            return [match.span() for match in PHONE.finditer(read) if is_phone(read, match)]
    if seen.digits < _FEWEST:
        return found
    # WHY one by one: a telephone begins with a run of digits, or with the sign or bracket before it, and they are few.
    over = 0
    for at in seen.figures:
        if at < over or not _has_digits(marked, at):
            continue
        start = _before(marked, at, over)
        while start <= at:
            match = PHONE.match(marked, start)
            if match is not None:
                over = match.end()
                if is_phone(marked, match):
                    found.append(match.span())
                break
            start += 1
    return found


def _has_digits(marked: str, at: int) -> bool:
    """Whether enough digits for a telephone begin at a place, with nothing between them but what may be in one."""
    digits = 0
    for i in range(at, len(marked)):
        code = ord(marked[i])
        if 0x30 <= code <= 0x39:
            digits += 1
            if digits == _FEWEST:
                return True
        elif marked[i] not in "-. \0|_()":
            return False
    return False


def _before(marked: str, at: int, over: int) -> int:
    """Where a telephone may begin whose first digit is at a place: signs, brackets and gaps before it count."""
    start = at
    while start > over and at - start < 4 and marked[start - 1] in "+(-. \0|_":
        start -= 1
    return start


def _as_digits(run: re.Match[str]) -> str:
    return run.group().translate(HAN_DIGITS)


def is_phone(marked: str, match: re.Match[str]) -> bool:
    """Whether what has the form of a telephone is none by what stands beside it."""
    start, end = match.span()
    size = sum([char.isdigit() for char in match.group()])
    if _UNIT.match(marked, end) is not None or (size < 11 and _OF_CODES.match(marked, end) is not None):
        return False
    if size < 9 and marked[end : end + 1] == "," and marked[end + 1 : end + 4].isdigit():
        return False
    before = marked[max(0, start - 24) : start].rstrip("+(")
    if _NO_PHONE.search(before) is not None and not (before.endswith("to") and size >= 9):
        return False
    # WHY: the short code that takes the word STOP is no telephone of the institution.
    return size >= 9 or _AFTER_TO.search(before) is None


def links(seen: View) -> list[Span]:
    """Links, in spans of the marked view."""
    marked = seen.marked
    if "." not in marked and "http" not in marked:
        return []
    if "www." not in marked and "http" not in marked and _DOTTED.search(marked) is None:
        return []
    return [match.span() for match in _URL.finditer(marked)]


def product(seen: View, found: Sequence[Found], signed: Span | None, lexicon: Lexicon) -> Span | None:
    """The first product or concrete kind that is named, as a span of the text."""
    barred: list[Span] = []
    no_product, product_kind = lexicon.bits.get("no_product", 0), lexicon.bits.get("product_kind", 0)
    for hit in found:
        if hit.mask & no_product:
            barred.append((hit.start, hit.end))
        elif hit.mask & product_kind:
            span = seen.of_bare(hit.start, hit.end)
            # WHY: "蓝渚小额贷款" is a house, though 小额贷款 is a product.
            house = seen.bare[hit.start : hit.end] in lexicon.identity["suffixes"]
            if not _in_signature(span, signed) and not (
                house and _name_before(seen.bare, hit.start, lexicon) is not None
            ):
                return span
    bare = seen.bare
    if "贷" in bare:
        for match in _NAMED_LOAN.finditer(bare):
            word = match.group(1)
            before = word[-2] if not word[-2].isascii() else word[-3:-2]
            span = seen.of_bare(*match.span(1))
            if (
                before
                and before not in _NO_LOAN
                and not _within(match.end(), barred)
                and not _in_signature(span, signed)
            ):
                return span
    if "借" in bare or "花" in bare:
        for match in _NAMED_OTHER.finditer(bare):
            word = match.group(1)
            if word[0] == word[2] or (word[0] == "随" and word[2] == "借"):
                continue
            span = seen.of_bare(*match.span(1))
            if _NO_OTHER.isdisjoint(word[:2]) and not _within(match.end(), barred) and not _in_signature(span, signed):
                return span
    for match in _QUOTED.finditer(seen.marked) if '"' in seen.marked else ():
        inner = "".join(char for char in match.group(1) if char not in "\0 ")
        span = seen.of_marked(*match.span(1))
        # WHY: 《》 hold titles of books and contracts.
        titled = span[0] > 0 and seen.text[span[0] - 1] in "《〈"
        if (
            len(inner) >= 2
            and not titled
            and sum(char > "\x7f" for char in inner) >= 2
            and _NO_QUOTE.search(inner) is None
            and _OF_OTHERS.search(seen.marked, max(0, match.start() - 4), match.start()) is None
        ):
            return span
    return _english_product(seen, lexicon)


def _english_product(seen: View, lexicon: Lexicon) -> Span | None:
    bare = seen.bare
    if " loan" not in bare and " card" not in bare and " visa" not in bare and " mastercard" not in bare:
        return None
    barred = lexicon.identity["not_names_en"]
    for pattern, excluded in ((_LOAN_EN, barred), (_CARD_EN, _NO_CARD_EN)):
        for match in pattern.finditer(seen.bare):
            word = match.group(1)
            if word not in excluded and _capital(seen, match.start(1)):
                return seen.of_bare(*match.span())
    return None


def _in_signature(span: Span, signed: Span | None) -> bool:
    return signed is not None and signed[0] <= span[0] < signed[1]


def _within(at: int, spans: Sequence[Span]) -> bool:
    return any(start < at <= end for start, end in spans)


def _capital(seen: View, bare_index: int) -> bool:
    return seen.text[seen.bare_at[bare_index]].isupper()


_HEAD: Final = re.compile(r"[ \0]{0,3}([a-z][\w&' \0.\-]{1,40}?)[ \0]{0,2}:")
_WORDS_EN: Final = re.compile(r"[a-z][a-z&]*(?: [a-z][a-z&]*){0,2}")


def identity(seen: View, signed: Span | None, lexicon: Lexicon) -> Span | None:
    """Where a specific institution is named, in signature or body, as a span of the text."""
    if signed is not None:
        name = view(seen.text[signed[0] + 1 : signed[1] - 1], lexicon.parts).bare
        if _names_somebody(name, lexicon):
            return signed
    return _han_name(seen, lexicon) or _english_name(seen, lexicon)


def _names_somebody(name: str, lexicon: Lexicon) -> bool:
    if len(name) < 2 or not any(char.isalpha() for char in name) or is_neutral(name, lexicon):
        return False
    return not (name[-1] in "贷借花" and len(name) <= 5)


def _han_name(seen: View, lexicon: Lexicon) -> Span | None:
    bare = seen.bare
    for suffix in lexicon.identity["suffixes"]:
        at = bare.find(suffix)
        while at >= 0:
            start = _name_before(bare, at, lexicon)
            # WHY: "银行卡" is no bank.
            if start is not None and bare[at + len(suffix) : at + len(suffix) + 1] not in _NOT_AFTER:
                return seen.of_bare(start, at + len(suffix))
            at = bare.find(suffix, at + len(suffix))
    return None


def _name_before(bare: str, end: int, lexicon: Lexicon) -> int | None:
    """Where two characters of a name begin that end at an index, the kind of house aside; None without a name."""
    for kind in lexicon.identity["kinds_before"]:
        if bare.endswith(kind, 0, end):
            end -= len(kind)
            break
    name = bare[max(0, end - 2) : end]
    if len(name) < 2 or not all("\u4e00" <= char <= "\u9fff" for char in name):
        return None
    if name in lexicon.identity["not_names"] or _PRONOUNS & set(name) or name[1] in _NO_NAME_END:
        return None
    return end - 2


_NOT_AFTER: Final = tuple("卡密柜流转")
_PRONOUNS: Final = frozenset("您你我他她它的是在本贵某各该这那每哪请")
_NO_NAME_END: Final = frozenset("向到去找从由为让把用给有是和与及或等绑办发定张")


def _english_name(seen: View, lexicon: Lexicon) -> Span | None:
    head = _HEAD.match(seen.marked)
    if head is not None and _is_head(head.group(1), lexicon):
        span = seen.of_marked(*head.span(1))
        if seen.text[span[0]].isupper():
            return span
    bare = seen.bare
    for suffix in (*lexicon.identity["suffixes_en"], *_OWNED):
        at = bare.find(" " + suffix)
        while at >= 0:
            end = at + 1 + len(suffix)
            start = max(bare.rfind(" ", max(0, at - 24), at), bare.rfind(",", max(0, at - 24), at)) + 1
            # WHY: at the beginning of a sentence a capital says nothing.
            begins = suffix in _OWNED and (not start or bare[start - 1] != " ")
            whole = not begins and not bare[end : end + 1].isalpha()
            if whole and _is_word(bare[start:at], lexicon) and _capital(seen, start):
                span = seen.of_bare(start, end)
                # WHY: "Ann's account" is a person's.
                if not any(mark in seen.text[span[0] : span[1]] for mark in "'’"):
                    return span
            at = bare.find(" " + suffix, end)
    return None


def _is_head(head: str, lexicon: Lexicon) -> bool:
    """Whether what stands before the first colon is a name: "Lanhai Bank:", "RVBANK-P:"."""
    words = head.replace("\0", "").replace("-", " ").replace(".", " ").split()
    if not 0 < len(words) <= 4 or not head.isascii() or words[0] in lexicon.identity["not_names_en"]:
        return False
    return _NO_HEAD.isdisjoint(words) and not is_neutral(" ".join(words), lexicon)


def _is_word(word: str, lexicon: Lexicon) -> bool:
    if not (word.isascii() and word.isalpha() and len(word) > 2):
        return False
    return word not in lexicon.identity["not_names_en"] and not is_neutral(word, lexicon)


_OWNED: Final = (
    *("loan", "car loan", "auto loan", "home loan", "personal loan", "student loan", "business loan"),
    *("account", "savings account", "checking account", "credit card", "debit card"),
)
_NO_HEAD: Final = frozenset(
    (
        "code",
        "otp",
        "pin",
        "notice",
        "reminder",
        "update",
        "important",
        "urgent",
        "alert",
        "warrant",
        "is",
        "are",
        "you",
        "we",
        "i",
        "office",
        "my",
    )
)


def second_signatures(text: str, signed: Span) -> list[Span]:
    """Signatures after the first one, at `signed`, that hold another name."""
    found: list[Span] = []
    match = SIGNATURE.search(text, signed[1])
    if match is not None:
        first = "".join(text[signed[0] + 1 : signed[1] - 1].split())
        while match is not None:
            start, end = match.span()
            if "".join(text[start + 1 : end - 1].split()) != first:
                found.append((start, end))
            match = SIGNATURE.search(text, end)
    return found
