"""How one field of a record is read from JSON or CSV, kept in a column, and written again.

Owns the kinds of fields. Reading raises `ValueError` whose text is the reason shown to whoever wrote the file; it never
repeats a value that could be a person's number or a password. Pure.
"""

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any, Final, get_args

from msgspec import Struct

from proxy.core import addresses
from proxy.core.debtors import NOBODY
from proxy.core.pack import DebtRole
from proxy.core.purposes import CHANNELS, STRICTEST_FIRST
from proxy.core.records import FOREVER, InstitutionKind, OnboardingState, ReviewState, TelecomKind
from proxy.core.regions import COUNTRY, WRITINGS
from proxy.core.wording import Wording
from proxy.registry import damage, dates

SqlValue = str | int | bytes | None

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SEPARATORS: Final = re.compile(r"[;；,，、|]")
_TRUE: Final = frozenset(("true", "yes", "y", "1", "是"))
_FALSE: Final = frozenset(("false", "no", "n", "0", "", "否"))
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-5][0-9])(?::00)?")
_TEXT_MOST: Final = 400
_PASSAGE_MOST: Final = 2000
_PAGE: Final = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:[/?](?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)?")
#: A datagram has to hold the rest of the INVITE, too.
_PAGE_MOST: Final = 200
_HASH: Final = re.compile(r"[0-9a-f]{64}")
#: As Chinese spreadsheets have them under Chinese headings (J18).
PURPOSE_WRITINGS: Final[dict[str, str]] = {
    "营销": "marketing",
    "催收": "collection",
    "法律文书": "legal",
    "服务": "service",
    "服务通知": "service",
    "验证码": "verification",
}
CHANNEL_WRITINGS: Final[dict[str, str]] = {"短信": "sms", "语音": "voice", "电话": "voice"}


class Field(Struct, frozen=True):
    """One kind of field: `read` makes the column's value of what a file says, `write` the reverse for JSON."""

    read: Callable[[Any], SqlValue]
    write: Callable[[Any], Any]


def _string(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("must be text")
    text = str(value).strip()
    if len(text) > _TEXT_MOST:
        raise ValueError(f"longer than {_TEXT_MOST} characters")
    if not text.isprintable():
        raise ValueError("holds control characters")
    return damage.undamaged(text)


def filled(value: Any) -> str:
    text = _string(value)
    if not text:
        raise ValueError("empty")
    return text


def _id(value: Any) -> str:
    text = filled(value)
    if not _ID.fullmatch(text):
        raise ValueError("an id has 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit")
    return text


def _system_id(value: Any) -> str:
    """SMPP v3.4 §4.1.1: at most 15 octets and a NUL."""
    text = filled(value)
    if len(text) > 15 or not text.isascii() or " " in text:
        raise ValueError("a system_id has 1 to 15 ASCII characters without spaces")
    return text


def _flag(value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    text = _string(value).lower()
    if text in _TRUE:
        return 1
    if text in _FALSE:
        return 0
    raise ValueError("must be true or false")


def listed(value: Any) -> list[str]:
    if isinstance(value, list):
        return [filled(part) for part in value]
    return [part.strip() for part in _SEPARATORS.split(_string(value)) if part.strip()]


def _clock(value: Any) -> str:
    """A local time of the day, up to 24:00, as spreadsheets write it."""
    text = damage.narrowed(_string(value)).replace("：", ":")
    found = _CLOCK.fullmatch(text)
    if text and (found is None or int(found[1]) * 60 + int(found[2]) > 24 * 60):
        raise ValueError("must be HH:MM")
    return f"{int(found[1]):02}:{found[2]}" if found else ""


def _names(value: Any) -> str:
    return "\n".join(dict.fromkeys(listed(value)))


def _chosen(known: tuple[str, ...], writings: dict[str, str]) -> Callable[[Any], str]:
    """Some of several words; `writings` are others that mean one of them."""

    def read(value: Any) -> str:
        found = {writings.get(part, part) for part in map(str.lower, listed(value))}
        unknown = sorted(found - set(known))
        if unknown:
            raise ValueError(f"unknown {', '.join(unknown)}; known are {', '.join(known)}")
        if not found:
            raise ValueError(f"empty; name at least one of {', '.join(known)}")
        return ",".join(name for name in known if name in found)

    return read


def one_of(known: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = _string(value)
        if text not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return text

    return read


def _named(known: dict[str, str]) -> Callable[[Any], str]:
    """One of several words, each of which may have other writings."""
    words = tuple(dict.fromkeys(known.values()))

    def read(value: Any) -> str:
        found = known.get(_string(value))
        if found is None:
            raise ValueError(f"must be one of {', '.join(words)}")
        return found

    return read


def _region(value: Any) -> str:
    """A province's code; empty for the whole country."""
    found = WRITINGS.get(filled(value).lower())
    if found is None:
        raise ValueError("no such province; write it as CN-ZJ, zhejiang or 浙江, or CN for the whole country")
    return "" if found == COUNTRY else found


def _regions(value: Any) -> str:
    found = {_region(part) for part in listed(value)}
    return "" if "" in found else ",".join(sorted(found))


def _ids(value: Any) -> str:
    return "\n".join(dict.fromkeys(_id(part) for part in listed(value)))


def sha256_text(value: Any) -> str:
    """A SHA-256 in hexadecimal, as `sha256sum` writes it."""
    text = filled(value).lower().removeprefix("sha256:")
    if not _HASH.fullmatch(text):
        raise ValueError("must be a SHA-256: 64 hexadecimal digits, as sha256sum prints them")
    return text


def _page(value: Any) -> str:
    """An absolute URI of the web that a header field can hold between angle brackets (RFC 3986, RFC 3261 §20.9)."""
    text = _string(value)
    if text and (len(text) > _PAGE_MOST or not _PAGE.fullmatch(text)):
        raise ValueError(f"must be an https or http URI of ASCII characters, at most {_PAGE_MOST} of them")
    return text


def _since(value: Any) -> int:
    return dates.since_s(dates.parse_date(damage.narrowed(filled(value))))


def _until(value: Any) -> int:
    text = damage.narrowed(filled(value))
    return FOREVER if text.lower() in dates.FOREVER_WORDS else dates.until_s(dates.parse_date(text))


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        try:
            number = int(_string(value), 0)
        except ValueError as error:
            raise ValueError("must be a whole number") from error
        if not least <= number <= most:
            raise ValueError(f"must be from {least} to {most}")
        return number

    return read


def _networks(value: Any) -> str:
    found = []
    for part in listed(value):
        try:
            found.append(str(ip_network(part)))
        except ValueError as error:
            raise ValueError(f"no IP network: {error}") from error
    return "\n".join(dict.fromkeys(found))


def sending_number(value: Any) -> str:
    """The canonical form of a sending number: digits, or exact alphanumeric text."""
    text = damage.digits_of(filled(value))
    numeric = re.sub(r"[-+ ().\u00a0]", "", text).isdigit()
    ton = addresses.TON_UNKNOWN if numeric else addresses.TON_ALPHANUMERIC
    try:
        found = addresses.sender(ton, 0, text.encode("ascii"))
    except UnicodeEncodeError as error:
        raise ValueError("a sending number is ASCII") from error
    if found is None:
        raise ValueError("not a sending number: 3 to 20 digits, or text as handsets show it")
    return found


def recipient(value: Any) -> str:
    """The canonical form of a person's number."""
    try:
        octets = damage.digits_of(filled(value)).encode("ascii")
    except UnicodeEncodeError as error:
        raise ValueError("a subscriber number is ASCII digits") from error
    found = addresses.recipient(addresses.TON_UNKNOWN, 1, octets)
    if found is None:
        raise ValueError("not a subscriber number such as 13800138000")
    return found


def _pairs(value: Any) -> str:
    """Documents, each as NAME=SHA256."""
    found: dict[str, str] = {}
    for part in listed(value):
        name, _, digest = part.rpartition("=")
        if not name:
            raise ValueError("write each document as NAME=SHA256, such as licence=9f86…")
        if name in found:
            raise ValueError(f"{name} stands twice")
        found[name] = sha256_text(digest)
    return "\n".join(f"{name}={digest}" for name, digest in found.items())


def _passage(value: Any) -> str:
    """A text of several lines, as a person reads it."""
    if not isinstance(value, str):
        raise ValueError("must be text")
    text = value.replace("\r\n", "\n").strip()
    if not text or len(text) > _PASSAGE_MOST:
        raise ValueError(f"must have 1 to {_PASSAGE_MOST} characters")
    if not text.replace("\n", "").isprintable():
        raise ValueError("holds control characters")
    return text


def _worded(value: Any) -> str:
    """A passage that may have variables: see `proxy/core/wording.py`."""
    text = _passage(value)
    Wording(text)
    return text


def as_list(separator: str) -> Callable[[Any], list[str]]:
    return lambda kept: kept.split(separator) if kept else []


def same(kept: Any) -> Any:
    return kept


TEXT: Final = Field(_string, same)
FILLED: Final = Field(filled, same)
ID: Final = Field(_id, same)
SYSTEM_ID: Final = Field(_system_id, same)
FLAG: Final = Field(_flag, bool)
CLOCK: Final = Field(_clock, same)
NAMES: Final = Field(_names, as_list("\n"))
NETWORKS: Final = Field(_networks, as_list("\n"))
PURPOSES: Final = Field(_chosen(STRICTEST_FIRST, PURPOSE_WRITINGS), as_list(","))
CHANNEL_SET: Final = Field(_chosen(CHANNELS, CHANNEL_WRITINGS), as_list(","))
INSTITUTION_KIND: Final = Field(one_of(get_args(InstitutionKind)), same)
TELECOM_KIND: Final = Field(
    _named(
        {kind: kind for kind in get_args(TelecomKind)}
        | {"基础电信企业": "carrier", "短信平台": "sms_platform", "呼叫中心": "call_centre"}
    ),
    same,
)
DEBT_ROLE: Final = Field(
    _named(
        {role: role for role in (*get_args(DebtRole), NOBODY)}
        | {"债务人": "debtor", "担保人": "guarantor", "联系人": "contact", "无": NOBODY}
    ),
    same,
)
ISSUER_LEVEL: Final = Field(_named({"central": "central", "local": "local", "中央": "central", "地方": "local"}), same)
REGION: Final = Field(_region, same)
REGION_SET: Final = Field(_regions, as_list(","))
IDS: Final = Field(_ids, as_list("\n"))
HASH: Final = Field(sha256_text, same)
CODE_MAP: Final = Field(one_of(("vendor", "standard")), same)
CALL_MAP: Final = Field(one_of(("precise", "legacy")), same)
HOLD_KIND: Final = Field(one_of(("account", "number")), same)
BASIS: Final = Field(one_of(("consent", "request")), same)
PAGE: Final = Field(_page, same)
SINCE: Final = Field(_since, dates.since_text)
UNTIL: Final = Field(_until, dates.until_text)
MOMENT: Final = Field(lambda value: dates.parse_moment_us(filled(value)), dates.moment_text)
#: A moment that may not have come: kept as 0, written as nothing.
MOMENT_NOTED: Final = Field(MOMENT.read, lambda kept: dates.moment_text(kept) if kept else "")
DOCUMENTS: Final = Field(_pairs, as_list("\n"))
PASSAGE: Final = Field(_passage, same)
WORDED: Final = Field(_worded, same)
ONBOARDING_STATE: Final = Field(one_of(get_args(OnboardingState)), same)
REVIEW_STATE: Final = Field(one_of(get_args(ReviewState)), same)
SENDING_NUMBER: Final = Field(sending_number, same)
RECIPIENT: Final = Field(recipient, same)


def whole(least: int, most: int) -> Field:
    """A whole number within bounds; CSV may write it as 0x0400."""
    return Field(_whole(least, most), same)
