"""Kinds of fields that texts are held against: signatures, telephones, domains, refusal keywords. As `fields`: pure."""

import re
from typing import Any, Final

from proxy.registry.fields import Field, as_list, filled, listed, same, sending_number

_SIGNATURE_MOST: Final = 20
#: As the parser of replies looks at them (`optout_parser`).
_KEYWORDS_MOST: Final = 16
_KEYWORD_MOST: Final = 12
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def _signature(value: Any) -> str:
    """A signature without its brackets."""
    text = filled(value)
    if text[0] in "【[" and text[-1] in "】]":
        text = text[1:-1].strip()
    if not 2 <= len(text) <= _SIGNATURE_MOST or any(mark in text for mark in "【】[]"):
        raise ValueError(f"a signature has 2 to {_SIGNATURE_MOST} characters, without brackets: 江澜银行")
    return text


def _signatures(value: Any) -> str:
    return "\n".join(dict.fromkeys(_signature(part) for part in listed(value)))


def _telephone(value: Any) -> str:
    """A number that people can call, in its canonical form: 4000001001, 95588, 057100001234."""
    found = sending_number(value)
    if not found.removeprefix("+").isdigit():
        raise ValueError("not a telephone number such as 400-000-1001 or 0571-88880000")
    return found


def _domain(value: Any) -> str:
    """A domain as a link holds it: lower case, ASCII (IDNA)."""
    text = filled(value).lower().rstrip(".")
    try:
        ascii_form = text.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError("no domain") from error
    labels = ascii_form.split(".")
    right = len(labels) > 1 and len(ascii_form) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    if not right or labels[-1].isdigit():
        raise ValueError("no domain; write it without a scheme or path: bank.example.cn")
    return ascii_form


def _keywords(value: Any) -> str:
    found = list(dict.fromkeys(listed(value)))
    if len(found) > _KEYWORDS_MOST or any(len(word) > _KEYWORD_MOST for word in found):
        raise ValueError(f"at most {_KEYWORDS_MOST} keywords of at most {_KEYWORD_MOST} characters")
    return "\n".join(found)


SIGNATURE: Final = Field(_signature, same)
SIGNATURES: Final = Field(_signatures, as_list("\n"))
TELEPHONE: Final = Field(_telephone, same)
DOMAIN: Final = Field(_domain, same)
KEYWORDS: Final = Field(_keywords, as_list("\n"))
