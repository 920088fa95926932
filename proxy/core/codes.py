"""Which command_status a refusal has on SMPP: per code map, rule and detail; data, never code.

Owns the meaning of a code table (`config/codes.toml`); reading TOML is somebody else's work. Must never leave a rule of
the catalogue without a status: a table that does is refused whole. How it works: what `load_codes` checked is laid out
as dictionaries, so that an answer costs two look-ups.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from proxy.core.catalogue import CATALOGUE
from proxy.core.records import Account

MAPS: Final = ("vendor", "standard")
#: Rules that do not occur on SMPP.
CALLS_ONLY: Final = frozenset(("caller.identity",))
#: Rules that are also asked at a bind.
BIND_RULES: Final = ("account.unreviewed", "telecom.licence")

_MOST: Final = 0xFFFF_FFFF
_RELATIVE: Final = re.compile(r"base\+0x([0-9A-Fa-f]{1,4})")


class CodeTableError(ValueError):
    """The table is wrong; `errors` are lines `MAP.RULE: REASON`, all of them."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class CodeMaps:
    """The code maps of one table. INVARIANT: made by `load_codes` only, so that every rule has a status."""

    __slots__ = ("_binds", "_maps")

    def __init__(self, maps: Mapping[str, Mapping[str, Mapping[str, int]]], binds: Mapping[str, int]) -> None:
        # map → rule → detail → status; "" is the detail of all others. Relative ones are kept as -1 - offset.
        self._maps = {name: {rule: dict(each) for rule, each in rules.items()} for name, rules in maps.items()}
        self._binds = dict(binds)

    def status(self, account: Account, rule: str, detail: str = "") -> int:
        """The command_status (never 0) of a refusal for one account; raises KeyError on a rule SMPP does not have."""
        details = self._maps[account.code_map][rule]
        status = details.get(detail)
        if status is None:
            status = details[""]
        return status if status >= 0 else account.vendor_base - 1 - status

    def bind_status(self, rule: str) -> int:
        """The command_status of a refused bind; raises KeyError on a rule that is not asked at a bind."""
        return self._binds[rule]


def load_codes(table: Mapping[str, Any]) -> CodeMaps:
    """Checks a table and lays it out; raises CodeTableError with every error in it."""
    errors = [
        f"{name}: unknown map; known are bind, {', '.join(MAPS)}" for name in table if name not in (*MAPS, "bind")
    ]
    maps = {}
    for name in MAPS:
        read = _Reader(name, errors)
        maps[name] = read.rules(table.get(name), [rule for rule in CATALOGUE if rule not in CALLS_ONLY])
    reader = _Reader("bind", errors)
    binds = reader.rules(table.get("bind"), list(BIND_RULES))
    errors += [f"bind.{rule}: no details and nothing relative here" for rule in binds if not _is_plain(binds[rule])]
    if errors:
        raise CodeTableError(errors)
    return CodeMaps(maps, {rule: details[""] for rule, details in binds.items()})


def _is_plain(details: Mapping[str, int]) -> bool:
    return len(details) == 1 and details[""] > 0


class _Reader:
    """Reads one map; appends what is wrong to `errors`."""

    def __init__(self, name: str, errors: list[str]) -> None:
        self._name = name
        self._errors = errors

    def rules(self, table: Any, wanted: list[str]) -> dict[str, dict[str, int]]:
        if not isinstance(table, Mapping):
            self._errors.append(f"{self._name}: missing or not a table")
            return {}
        found: dict[str, dict[str, int]] = {}
        for key in sorted(table, key=lambda key: key.endswith(".*")):
            family = key[:-1] if key.endswith(".*") else None
            named = [rule for rule in wanted if rule.startswith(family)] if family else [key] if key in wanted else []
            if not named:
                self._errors.append(f"{self._name}.{key}: unknown rule")
                continue
            details = self._details(key, table[key])
            for rule in named:
                found.setdefault(rule, details)
        self._errors += [f"{self._name}.{rule}: missing" for rule in wanted if rule not in found]
        return found

    def _details(self, rule: str, value: Any) -> dict[str, int]:
        table = value if isinstance(value, Mapping) else {"default": value}
        if "default" not in table:
            self._errors.append(f"{self._name}.{rule}.default: missing")
        # WHY "" for "default": no detail is called that, so a rule's detail can never hit it by chance.
        found = {("" if detail == "default" else detail): self._one(rule, one) for detail, one in table.items()}
        return {"": _MOST, **found}

    def _one(self, rule: str, value: Any) -> int:
        if isinstance(value, str) and (relative := _RELATIVE.fullmatch(value)):
            if self._name == "vendor":
                return -1 - int(relative[1], 16)
            self._errors.append(f"{self._name}.{rule}: relative codes are of the vendor map")
        elif isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST:
            self._errors.append(f"{self._name}.{rule}: must be 0x1 to 0x{_MOST:X}, or base+0x…")
        else:
            return value
        return _MOST
