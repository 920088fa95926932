"""Pictures that say a word: a cross or a crossed-out thing refuses, an envelope is a message, a receiver a call.

Owns which pictures say something, and the text with words in their place. Never decides what a reply says, never raises
on any `str`, takes linear time.

How it works: to folding pictures are separators, so that they disguise nothing ("T❌D"). Only a reply that holds one of
these is read a second time, with words of the grammar written out.
A cross that stands between letters or digits multiplies ("3×12") and is none.
"""

import re
from typing import Final

#: The sign of refusal that folding keeps and the grammar takes for a cross.
_REFUSING: Final = "⛔"
_SIGN: Final = "[❌❎✖✗✘☒╳⛔🙅📵🈲🔕🔇🚷]"
_LETTER: Final = "[✉📧📨📩📬📭📪📮💌💬🗨📲]"
_PHONE: Final = "[☎☏📞🤙📱]"
#: What may follow a picture and belongs to it: a colour of skin, a variant, a joiner with a sex.
_REST: Final = "(?:\ufe0f|\ufe0e|[\U0001f3fb-\U0001f3ff]|\u200d[♀♂])*"
#: The sign of multiplication is a cross where it multiplies nothing.
_TIMES: Final = "(?<![0-9A-Za-z])[×✕⨯](?![0-9A-Za-z])"
_WORDS: Final = re.compile(
    f"(?P<sign>(?:(?:{_SIGN}|{_TIMES}){_REST})+)|(?P<sms>{_LETTER}{_REST})|(?P<call>{_PHONE}{_REST})"
)
#: Spoken as the grammar's own words.
_SPOKEN: Final = {"sign": _REFUSING, "sms": "短信", "call": "电话"}


def spoken(text: str) -> str | None:
    """The text with words for its pictures; None where none says a word."""
    written = _WORDS.sub(lambda found: _SPOKEN[found.lastgroup or "sign"], text)
    return written if written != text else None
