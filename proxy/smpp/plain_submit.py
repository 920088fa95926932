"""Reads the plain submit_sm, which nearly all are: no TLVs, no options, no schedule, nothing that wants a second look.

Owns the shortest way from octets to what a request needs; it is the hottest function of the product. Must never accept
what `short_message.read_sm` would refuse, nor call plain what `submit` would look at with care: a property test holds
both. Whatever is not plain is None, and is read with care.
"""

from typing import Final

#: source_key (service_type to source_addr as on the wire), dest TON, dest NPI, dest, data_coding, short_message
Plain = tuple[bytes, int, int, bytes, int, bytes]

#: What is given for a PDU that is not plain: no submit_sm has an empty source_key.
_NOT_PLAIN: Final[Plain] = (b"", 0, 0, b"", 0, b"")
_MOBILE_OCTETS: Final = 13


def read_plain(raw: bytes, likely: bytes, esm_class: int = 0) -> Plain:
    """What a submit_sm (SMPP v3.4 §4.4.1) says in which all options are zero, but for this esm_class.

    An empty source_key for any other. `likely` is a source_key that was read before, or empty: most messages of a
    bind come from one number.
    """
    size = len(raw)
    if likely and raw.startswith(likely, 16):
        # A prefix with the same octets has its NULs in the same places.
        b = 15 + len(likely)
    else:
        a = raw.find(0, 16, 22)
        b = raw.find(0, a + 3, a + 24)
        if not 15 < a < b:
            return _NOT_PLAIN
    at = b + 3
    c = at + _MOBILE_OCTETS
    dest = raw[at:c]
    # WHY a guess: a look is cheaper than a search, and where all are digits no other NUL stands before it.
    if c + 11 > size or raw[c] or not dest.isdigit():
        c = raw.find(0, at, at + 21)
        if c < at or c + 11 > size:
            return _NOT_PLAIN
        dest = raw[at:c]
    # esm_class, protocol_id, [priority], the NULs of both times, [registered], replace, [coding], default id, length
    options = raw[c + 1] ^ esm_class | raw[c + 2] | raw[c + 4] | raw[c + 5] | raw[c + 7] | raw[c + 9]
    length = raw[c + 10]
    # WHY 254: sm_length 255 is reserved; and the text must be all that is left, so that there are no TLVs.
    if options or length == 255 or c + 11 + length != size:
        return _NOT_PLAIN
    return raw[16 : b + 1], raw[b + 1], raw[b + 2], dest, raw[c + 8], raw[c + 11 :]
