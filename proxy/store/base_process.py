"""Writes one base of persons in a process of its own: `python -m proxy.store.base_process DATABASE TABLE STORE KEY CODE
PATH` says its checksum on standard output. For the owner of the store, who alone may put it to use.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proxy.registry.ports import StoreError
from proxy.store.person_base import BaseIdentity, ValueCode, write_base
from proxy.store.person_load import STATE_TABLES

#: WHY: it has time, and traffic has none.
_NICE: Final = 10
_CODES: Final[dict[str, ValueCode]] = {"B": "B", "I": "I"}


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 where the base cannot be written, and then the former one stays."""
    database, table, store_id, key_id, code, path = arguments
    if table not in STATE_TABLES or code not in _CODES:
        sys.stderr.write(f"{table} {code}: no such states\n")
        return 1
    os.nice(_NICE)
    try:
        _, checksum = write_base(
            Path(database), table, BaseIdentity(bytes.fromhex(store_id), int(key_id), _CODES[code]), Path(path)
        )
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{checksum.hex()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
