"""Who somebody is to a debt, as one small number per person and institution (J7).

Owns the form of that number, which is stored on disk: the role in the low octet, and above it the Asia/Shanghai day on
which it was verified last. A role's number is never reused for another meaning. Pure.
"""

from collections.abc import Iterable
from typing import Final

from proxy.core.pack import DebtRole

ROLES: Final[dict[DebtRole, int]] = {"debtor": 1, "guarantor": 2, "contact": 3}
#: What a record says of somebody who was found not to be liable, or is no more: a number like any other's.
NOBODY: Final = "none"
_DAY_SHIFT: Final = 8
_ROLE: Final = (1 << _DAY_SHIFT) - 1


def role_in(value: int) -> int:
    """The role's number, 0 for nobody."""
    return value & _ROLE


def verified_day_in(value: int) -> int:
    """The Asia/Shanghai day number on which the role was verified."""
    return value >> _DAY_SHIFT


#: Where nobody may be reached: the number of no role.
NOBODYS: Final = frozenset((-1,))


def numbers_of(roles: Iterable[DebtRole]) -> frozenset[int]:
    """The numbers of several roles."""
    return frozenset(ROLES[role] for role in roles)
