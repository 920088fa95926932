"""How a sender stands in a record that nobody can take back.

Owns what of a source address goes into the evidence. A registered sender is an institution's and stands in clear; so
does what can only be a port or a name. All else may be a person's number (a client that swapped its two addresses, a
spoofed mobile) and must never stand there whole: it is masked, and a keyed hash follows, by which whoever shows the
number and the key finds it again. Pure; judged once for each ground, never for each message.
"""

import re
from collections.abc import Iterable
from typing import Final

from proxy.core.addresses import masked
from proxy.core.persons import PersonKey
from proxy.core.records import Number

#: What begins as no subscriber's number does, in any country: ports of 10… and 11…, 95…, 400… and 800….
_PORT: Final = re.compile(r"1[01]\d*|95\d{3,6}|[48]00\d{7}")
#: A Chinese mobile as the last extension digits of a port, where some systems put whom they write to.
_MOBILE_AT_THE_END: Final = re.compile(r"(?<=\d)1[3-9]\d{9}$")
#: Seven digits or more, whatever stands between them but a letter: the shortest subscriber numbers have seven.
_MANY_DIGITS: Final = re.compile(r"\d(?:[\W_]*\d){6}")


def on_record(sender: str, listed: Iterable[Number], key: PersonKey) -> str:
    """A canonical sender as the evidence keeps it; `listed` are the rows of the library for it or the port it extends.

    What may be a person's becomes `MASK#HASH`: the mask as on screens, and in hex `PersonKey.digest` of the number as a
    recipient, so that it is the `person` of other records about that number. A port that it extends stands before it.
    """
    addresses = {row.address for row in listed}
    if sender in addresses:
        return sender
    if addresses or _PORT.fullmatch(sender):
        mobile = _MOBILE_AT_THE_END.search(sender)
        return sender if mobile is None else sender[: mobile.start()] + _hidden("86" + mobile.group(), key)
    return _hidden(_as_recipient(sender), key) if _MANY_DIGITS.search(sender) else sender


def _hidden(recipient: str, key: PersonKey) -> str:
    return f"{masked(recipient)}#{key.digest(recipient).hex()}"


def _as_recipient(sender: str) -> str:
    """The same number in the form of `addresses.recipient`: E.164 digits."""
    return "86" + sender[1:] if sender.startswith("0") else sender.removeprefix("+")
