"""The manual's page says what the files hold: a reader written from it alone, and the limits as they are."""

import asyncio
import hmac
import re
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proxy.spool.limits import Limits
from proxy.spool.spool import Spool
from tests.spool.disk_double import files_of

KEY = bytes(range(32))
PAGE = (Path(__file__).parents[2] / "docs/manual/spool.md").read_text("utf-8")


def derived(salt: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"tdgate spool 1 " + use).derive(KEY)


def records(octets: bytes, at: int, header: bytes, kind: bytes) -> list[object]:
    bodies: list[object] = []
    while at < len(octets):
        head = octets[at : at + 32]
        assert head[:4] == b"TDGR"
        size = int.from_bytes(head[4:8])
        sealed = octets[at + 32 : at + 32 + size]
        nonce = bytes(4) + head[24:32]
        body = AESGCM(derived(head[8:24], b"seal")).decrypt(nonce, sealed, header + kind + at.to_bytes(8) + head)
        bodies.append(msgspec.msgpack.decode(body))
        at += 32 + size
    return bodies


async def test_a_reader_from_the_manual_reads_it(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, KEY, clock=lambda: 1_700_000_000_000_000)
    loop = asyncio.get_running_loop()
    for octets in (b"one", b"two", b"three"):
        durable: asyncio.Future[OSError | None] = loop.create_future()
        assert spool.put("jianglan-01", octets, durable.set_result)
        await durable
    one, two = spool.take("jianglan-01", 2)
    assert spool.done(one)
    await spool.close()
    files = files_of(tmp_path)
    assert sorted(files) == ["00000000000000000001.done", "00000000000000000001.seg", "clean"]
    segment = files["00000000000000000001.seg"]
    header = segment[:56]
    assert header[:8] == b"TDGSPL01"
    assert int.from_bytes(header[8:16]) == 1
    assert header[16:24] == derived(b"", b"key id")[:8]
    assert header[40:] == hmac.digest(derived(b"", b"header"), header[:40], sha256)[:16]
    at_us = 1_700_000_000_000_000
    assert records(segment, 56, header, b"e") == [
        [[at_us, at_us, "jianglan-01", b"one"]],
        [[at_us + 1, at_us, "jianglan-01", b"two"]],
        [[at_us + 2, at_us, "jianglan-01", b"three"]],
    ]
    assert records(files["00000000000000000001.done"], 0, header, b"d") == [[one.id]]
    assert records(files["clean"], 0, b"", b"c") == [[at_us + 2, [two.id]]]


def test_the_limits_are_as_the_manual_says() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+)( MiB)?", PAGE, re.MULTILINE)
    assert len(rows) == 7
    for name, figure, unit in rows:
        assert getattr(Limits(), name) == int(figure.replace(",", "")) << (20 if unit else 0)
