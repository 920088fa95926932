"""Takes the sender's own text out of a reply, so that only the person's words are read.

Owns the finding of quoted text. Never decides what a reply says, never raises on any `str`, takes linear time.

How it works: the message that was sent, where it is known, is cut out wherever the reply repeats it. Without it a
signature in black brackets before words that offer a keyword is the mark: senders must sign so, and people hardly ever
do. What stands before the signature, and on later lines, is the person's own. A signature around the whole reply
("【TD】") quotes nothing, nor does one that a telephone's automatic answer puts there, or that a person copied to say
whom the words are for ("【江澜银行】别再发了").
"""

import re
from typing import Final

from proxy.language.instructions import offered_keyword

#: Fewer characters of the message repeated are a coincidence: keywords stand in every message.
_LEAST: Final = 12
#: Characters behind a signature from which on it is a message and no emphasis.
_LEAST_BODY: Final = 6
_SIGNATURE: Final = re.compile("[\u3010\uff3b][^\u3010\u3011\uff3b\uff3d\\n]{2,20}[\u3011\uff3d]")
_AUTOMATIC: Final = ("自动", "自動", "auto", "Auto", "AUTO", "来电", "系统")
#: What introduces a quotation and says nothing itself.
_LEADS: Final = (
    "转发", "轉發", "转", "轉", "原文", "原短信", "你们发的", "引用", "fwd", "fw", "forwarded", "forwarded message",
    "original message", "quote", "you wrote", "you sent", "re", "短信内容", "内容", "收到短信", "收到",
)  # fmt: skip
_EDGES: Final = " \t\r\n:：>|/\\\"“”'‘’「」『』()（）-—=*…"


def own_words(text: str, message: str | None = None) -> str | None:
    """The reply without what it quotes; None where nothing is quoted, empty where nothing else stands there."""
    if message:
        # WHY also without its signature: people copy the body alone.
        for quoted in (message, _SIGNATURE.sub("", message, count=1)):
            rest = _without_message(text, quoted)
            if rest is not None:
                return rest
    found = _SIGNATURE.search(text)
    if found is None or any(word in found.group() for word in _AUTOMATIC):
        return None
    body, _, after = text[found.end() :].lstrip().partition("\n")
    if len(body.strip(_EDGES)) < _LEAST_BODY or offered_keyword(body) is None:
        return None
    return _joined(text[: found.start()], after)


def signed(text: str) -> bool:
    """Whether words stand behind a signature, as they do in what senders write."""
    found = _SIGNATURE.search(text)
    return found is not None and len(text[found.end() :].strip(_EDGES)) >= _LEAST_BODY


def _without_message(text: str, message: str) -> str | None:
    message = message.strip()
    if len(message) < _LEAST:
        return None
    at = text.find(message)
    if at >= 0:
        return _joined(text[:at], text[at + len(message) :])
    # WHY: telephones cut a quotation off; its beginning, as far as it goes to a line's end, is quoted all the same.
    begun = _beginning(message)
    at = text.find(begun) if begun else -1
    if at < 0:
        return None
    end = at + len(begun)
    while end < len(text) and end - at < len(message) and text[end] == message[end - at]:
        end += 1
    return _joined(text[:at], text[end:])


def _beginning(message: str) -> str:
    """So much of a message that nobody begins alike by chance: twelve Han characters, or twice as many letters."""
    weight = 0
    for i, char in enumerate(message):
        weight += 2 if char > "\u2e7f" else 1
        if weight >= 2 * _LEAST:
            return message[: i + 1]
    return ""


def _joined(before: str, after: str) -> str:
    before, after = before.strip(_EDGES), after.strip(_EDGES)
    if before.lower() in _LEADS:
        before = ""
    else:
        for lead in _LEADS:
            # WHY: "别再发了 转：【…】": the lead stands last, behind the person's own words.
            if before.lower().endswith(lead) and before[: -len(lead)].rstrip(_EDGES) != before[: -len(lead)]:
                before = before[: -len(lead)].rstrip(_EDGES)
                break
    return f"{before}\n{after}" if before and after else before or after
