"""Reads the plain submit_sm, which nearly all are: no TLVs, no options, no schedule, nothing that wants a second look.

Owns the shortest way from octets to what a request needs; it is the hottest function of the product. Must never accept
what `short_message.read_sm` would refuse, nor call plain what `submit` would look at with care: a property test holds
both. Whatever is not plain is None, and is read with care.
"""

import struct
from typing import Final

#: source_key (service_type to source_addr as on the wire), dest TON, dest NPI, dest, data_coding, short_message
Plain = tuple[bytes, int, int, bytes, int, bytes]

_TAIL: Final = struct.Struct(">HBHBBBBB").unpack_from


def read_plain(raw: bytes) -> Plain | None:
    """The parts of a submit_sm (SMPP v3.4 §4.4.1) in which all options are zero, None for any other."""
    find = raw.find
    a = find(0, 16, 22)
    b = find(0, a + 3, a + 24)
    c = find(0, b + 3, b + 24)
    size = len(raw)
    # INVARIANT: each `find` that fails gives -1; the offsets only grow where none did.
    if 15 < a < b < c and c + 11 <= size:
        # esm_class and protocol_id, priority, the NULs of both times, registered, replace, coding, default id, length
        options, _, times, _, replace, coding, default, length = _TAIL(raw, c + 1)
        # WHY 254: sm_length 255 is reserved; and the text must be all that is left, so that there are no TLVs.
        if not (options or times or replace or default) and length < 255 and c + 11 + length == size:
            return raw[16 : b + 1], raw[b + 1], raw[b + 2], raw[b + 3 : c], coding, raw[c + 11 :]
    return None
