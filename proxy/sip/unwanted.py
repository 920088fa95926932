"""A person's 607: in a response, or as the reason of a BYE (RFC 8197, RFC 3326). Pure.

Owns what counts as the person's own word. Must never count a refusal of tdgate's, ours or another's on the way, nor
what came from somebody to whom the call was diverted: that is not the person who was called.
"""

from typing import Final

from proxy.core.catalogue import CATALOGUE
from proxy.sip.error import SipError
from proxy.sip.grammar import LWS, comma_values, parameter, parameters, unquoted
from proxy.sip.message import SipMessage, SipRequest, SipResponse

UNWANTED: Final = 607


def says_unwanted(message: SipMessage) -> bool:
    """Whether a final response is a 607, or a BYE says so in its Reason; not one that names a rule of tdgate's."""
    if isinstance(message, SipResponse):
        return message.status == UNWANTED and not names_rule(message)
    if not isinstance(message, SipRequest) or message.method != "BYE" or not message.has("reason"):
        return False
    said = any(protocol == b"sip" and cause == b"607" for protocol, cause, _ in _reasons(message))
    return said and not names_rule(message)


def names_rule(message: SipMessage) -> bool:
    """Whether a Reason names a rule of tdgate's: then it is not the person who says so."""
    return any(text.decode("utf-8", "replace").strip() in CATALOGUE for _, _, text in _reasons(message))


def is_diverted(message: SipResponse) -> bool:
    """Whether a response says that somebody else was called in place of the person: a 181, a Diversion, or a
    History-Info entry beyond the first (RFC 7044 §5).
    """
    if message.status == 181 or message.has("diversion"):
        return True
    try:
        return len([value for line in message.each("history-info") for value in comma_values(line) if value]) > 1
    except SipError:
        return True


def _reasons(message: SipMessage) -> list[tuple[bytes, bytes, bytes]]:
    """(protocol, cause, text) of every Reason that can be read."""
    read = []
    for line in message.each("reason"):
        try:
            for value in comma_values(line):
                protocol, semicolon, rest = value.partition(b";")
                params = parameters(semicolon + rest)
                cause, text = parameter(params, b"cause") or b"", unquoted(parameter(params, b"text") or b"")
                read.append((protocol.strip(LWS).lower(), cause.strip(LWS), text))
        except SipError:
            # WHY the others still count: one Reason that cannot be read says nothing, and takes nothing back.
            continue
    return read
