"""Documents that an onboarding names: kept in the state folder, each under the SHA-256 of its octets (Z8 J5).

Must never change or replace a document: what stands there under a hash has that hash. Files are for the owner only.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from proxy.registry import fields
from proxy.registry.ports import VerbError

#: A scanned licence or contract has a few megabytes.
_OCTETS_MOST: Final = 50_000_000


def keep_document(folder: Path, written: str) -> str:
    """NAME=SHA256 of what was written as NAME=FILE (kept then) or NAME=SHA256 (as it is); raises VerbError."""
    name, _, rest = written.partition("=")
    try:
        return f"{name}={fields.sha256_text(rest)}"
    except ValueError:
        pass
    if not name or not rest:
        raise VerbError("documents: write each as NAME=FILE or NAME=SHA256", usage=True)
    path = Path(rest)
    try:
        if path.stat().st_size > _OCTETS_MOST:
            raise VerbError(f"documents: {path}: larger than {_OCTETS_MOST // 1_000_000} MB", usage=True)
        octets = path.read_bytes()
        digest = sha256(octets).hexdigest()
        _keep(folder, digest, octets)
    except OSError as error:
        raise VerbError(
            f"documents: {path}: {error.strerror}; it is neither a file nor a SHA-256", usage=True
        ) from error
    return f"{name}={digest}"


def _keep(folder: Path, digest: str, octets: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept, fresh = folder / digest, folder / f"{digest}.{os.getpid()}.new"
    if kept.exists():
        return
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, kept)
