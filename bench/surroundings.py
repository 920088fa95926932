"""What stands around a hop while it is measured: the simulated carrier, stunnel in front, the reader of the page."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.hops import SEARCH_PATH, Certificate

STUNNEL = """\
foreground = yes
pid =
debug = err
[hop]
client = yes
accept = 127.0.0.1:{front}
connect = 127.0.0.1:{hop}
verifyChain = yes
CAfile = {cert}
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
"""


def certificate(folder: Path) -> Certificate:
    """A fresh self-signed certificate for 127.0.0.1, valid for a day."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Certificate(folder / "hop.key", folder / "hop.crt", folder / "hop.pem")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files.key.write_bytes(pem)
    files.cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files.both.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    for path in (files.key, files.both):
        path.chmod(0o600)
    return files


def start_stunnel(folder: Path, front: int, hop: int, cert: Path) -> subprocess.Popen[bytes]:
    """stunnel as TLS client: plain SMPP in on `front`, TLS out to the hop."""
    program = shutil.which("stunnel4", path=SEARCH_PATH)
    if program is None:
        raise FileNotFoundError("stunnel4 is missing: make peers")
    config = folder / "stunnel.conf"
    config.write_text(STUNNEL.format(front=front, hop=hop, cert=cert))
    with (folder / "stunnel.log").open("ab") as log:
        return subprocess.Popen([program, config], stdout=log, stderr=log, start_new_session=True)


def start_simulator(program: Path, port: int, options: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """The carrier's end of the bench."""
    return subprocess.Popen(
        [program, "-p", str(port), "-q", *options], stderr=subprocess.DEVNULL, start_new_session=True
    )


def start_page_reader(folder: Path, url: str, per_s: int) -> subprocess.Popen[bytes]:
    """Loads the page so many times a second until it is ended; its failures stand in page.log."""
    with (folder / "page.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bench.page_reader", url, str(per_s)], stdout=log, stderr=log, start_new_session=True
        )
