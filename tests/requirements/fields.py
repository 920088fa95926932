"""The fields of a submit_sm and of an INVITE by name, read from their octets: in which of them do two requests differ?

A reader of the tests' own. Never imports the product: a mistake there must not hide here.
"""

from __future__ import annotations

import re


def fields_of_submit(body: bytes) -> dict[str, str]:
    """The fields of a submit_sm by name (SMPP v3.4 §4.4.1); TLVs by tag."""
    at = 0
    found: dict[str, str] = {}

    def text(name: str) -> None:
        nonlocal at
        end = body.index(0, at)
        found[name], at = body[at:end].decode("latin-1"), end + 1

    def octet(name: str) -> int:
        nonlocal at
        found[name], at = str(body[at]), at + 1
        return body[at - 1]

    text("service_type")
    for side in ("source", "destination"):
        for part in ("ton", "npi"):
            octet(f"{side}_addr_{part}")
        text(f"{side}_addr")
    for name in ("esm_class", "protocol_id", "priority_flag"):
        octet(name)
    for name in ("schedule_delivery_time", "validity_period"):
        text(name)
    for name in ("registered_delivery", "replace_if_present_flag", "data_coding", "sm_default_msg_id"):
        octet(name)
    length = octet("sm_length")
    found["short_message"], at = body[at : at + length].hex(), at + length
    while at < len(body):
        tag, size = int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 4], "big")
        found[f"TLV 0x{tag:04X}"], at = body[at + 4 : at + 4 + size].hex(), at + 4 + size
    return found


def fields_of_invite(octets: bytes) -> dict[str, str]:
    """Request-URI, header fields and body of an INVITE.

    Left out, as sequence_number is of a PDU: the names that each request has for itself (Call-ID, branch).
    """
    head, _, body = octets.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    found = {"Request-URI": first.split(" ")[1], "body": body}
    for line in lines:
        name, _, value = line.partition(": ")
        found[name] = re.sub(r"branch=\S+", "branch=", value)
    del found["Call-ID"]
    return found


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """The names of the fields in which two requests differ; the length of a text goes with the text."""
    names = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    return sorted(names - ({"sm_length"} if "short_message" in names else set()))
