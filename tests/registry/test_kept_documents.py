"""Documents of an onboarding stand under their hash, once, for the owner only."""

from hashlib import sha256
from pathlib import Path

import pytest

from proxy.commands.kept_documents import keep_document
from proxy.registry.ports import VerbError

pytestmark = pytest.mark.unit


def test_a_file_is_kept_under_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "licence.pdf"
    file.write_bytes(b"a licence")
    digest = sha256(b"a licence").hexdigest()
    assert keep_document(tmp_path / "kept", f"licence={file}") == f"licence={digest}"
    assert keep_document(tmp_path / "kept", f"again={file}") == f"again={digest}"
    (kept,) = (tmp_path / "kept").iterdir()
    assert (kept.name, kept.read_bytes(), kept.stat().st_mode & 0o777) == (digest, b"a licence", 0o600)


def test_a_hash_is_taken_as_it_is(tmp_path: Path) -> None:
    assert keep_document(tmp_path / "kept", f"licence={'AB' * 32}") == f"licence={'ab' * 32}"
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("written", ["licence", "licence=", "=x", "licence=/nowhere/at/all"])
def test_what_is_neither_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(VerbError, match="documents"):
        keep_document(tmp_path / "kept", written)
