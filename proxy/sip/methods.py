"""Methods: those that are known by name. They know upper and lower case (RFC 3261 §7.1)."""

from typing import Final

#: Methods of RFC 3261 and of the RFCs that extend it; a method that is not here is a token all the same.
METHODS: Final[dict[bytes, str]] = {
    each.encode(): each
    for each in (
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "INFO",
        "PRACK",
        "UPDATE",
        "REFER",
        "SUBSCRIBE",
        "NOTIFY",
        "MESSAGE",
        "PUBLISH",
    )
}
