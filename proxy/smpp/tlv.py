"""The optional part of a PDU: tag, length, value, and again until the PDU ends.

Owns the TLV stream and the kinds of the known tags. Order and duplicates are kept and values are octets, so that a
stream can be written back as it came; the typed view is for people to look at. Must never decide what a tag means.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal

from proxy.smpp import consts
from proxy.smpp.consts import ESME_RINVTLVLEN, ESME_RINVTLVSTREAM, ESME_RINVTLVVAL
from proxy.smpp.pdu import PduError

type_: Final = None
