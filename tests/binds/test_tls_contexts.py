"""TLS of both sides: no old versions, no peer without the certificate that was asked for, no wrong authority."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.binds.tls import client_context, server_context
from proxy.settings import Tls
from tests.wire.certificates import Authority

pytestmark = pytest.mark.unit


class Ends:
    """An authority, what it signed for tdgate and for an ESME, and another authority's certificate."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = Authority(folder / "ours"), Authority(folder / "theirs", "another invented authority")
        self.ca, self.other_ca = str(ours.file), str(theirs.file)
        self.gate, self.esme, self.stranger = ours.sign("gate"), ours.sign("esme"), theirs.sign("stranger")
        self.server = Tls(certificate=str(self.gate.certificate), key=str(self.gate.key))


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends(tmp_path_factory.mktemp("certificates"))


def talk(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "127.0.0.1") -> str:
    """Lets both ends talk in memory, until each has read what the other said; the version they agreed on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    asking = client.wrap_bio(to_client, to_server, server_hostname=name)
    steps: list[Callable[[], object]] = [asking.do_handshake, answering.do_handshake]
    steps += [lambda: answering.write(b"hello"), lambda: asking.read(5), lambda: asking.write(b"hello")]
    steps += [lambda: answering.read(5)]
    waiting = list(steps)
    for _ in range(20):
        for step in tuple(waiting):
            try:
                step()
            except ssl.SSLWantReadError:
                break
            waiting.remove(step)
        for step in tuple(waiting):
            if step == answering.do_handshake:
                try:
                    step()
                except ssl.SSLWantReadError:
                    continue
                waiting.remove(step)
        if not waiting:
            version = asking.version()
            assert version is not None
            return version
    raise AssertionError("the ends never agree")


def test_both_ends_agree_on_a_version_of_today(ends: Ends) -> None:
    assert talk(server_context(ends.server), client_context(Tls(ca=ends.ca))) in ("TLSv1.2", "TLSv1.3")


def test_an_authority_of_somebodys_own_making_is_taken_by_every_python(tmp_path: Path) -> None:
    """One without keyUsage: strict verification, which Python 3.13 sets by itself, refuses it."""
    plain = Authority(tmp_path / "plain", says_usage=False)
    gate, esme = plain.sign("gate"), plain.sign("esme")
    server = server_context(Tls(str(gate.certificate), str(gate.key), str(plain.file)))
    client = client_context(Tls(str(esme.certificate), str(esme.key), str(plain.file)))
    assert talk(server, client)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    with pytest.raises(ssl.SSLCertVerificationError, match="key usage"):
        talk(server, client)


@pytest.mark.parametrize("old", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_are_refused_by_either_end(ends: Ends, old: ssl.TLSVersion) -> None:
    server, client = server_context(ends.server), client_context(Tls(ca=ends.ca))
    for context in (server, client):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    outdated = client_context(Tls(ca=ends.ca))
    # WHY the level too: without it the library itself refuses old versions, and the test could not fail.
    outdated.set_ciphers("ALL:@SECLEVEL=0")
    outdated.minimum_version = outdated.maximum_version = old
    with pytest.raises(ssl.SSLError):
        talk(server, outdated)


def test_a_listener_with_an_authority_asks_every_esme_for_a_certificate(ends: Ends) -> None:
    asking = server_context(Tls(ends.server.certificate, ends.server.key, ends.ca))
    esme = Tls(str(ends.esme.certificate), str(ends.esme.key), ends.ca)
    assert talk(asking, client_context(esme))
    with pytest.raises(ssl.SSLError):
        talk(asking, client_context(Tls(ca=ends.ca)))
    stranger = Tls(str(ends.stranger.certificate), str(ends.stranger.key), ends.ca)
    with pytest.raises(ssl.SSLError):
        talk(asking, client_context(stranger))


def test_a_carrier_of_another_authority_is_refused(ends: Ends) -> None:
    server = server_context(ends.server)
    with pytest.raises(ssl.SSLCertVerificationError):
        talk(server, client_context(Tls(ca=ends.other_ca)))
    with pytest.raises(ssl.SSLCertVerificationError):
        talk(server, client_context(Tls()))


def test_a_carrier_of_another_name_is_refused(ends: Ends) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        talk(server_context(ends.server), client_context(Tls(ca=ends.ca)), "carrier.invalid")


@pytest.mark.parametrize("make", [server_context, client_context])
def test_a_file_that_is_missing_or_wrong_is_an_error_at_once(
    make: Callable[[Tls], ssl.SSLContext], ends: Ends, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    gate = ends.server
    for tls in (
        Tls(str(tmp_path / "missing"), gate.key),
        Tls(gate.certificate, str(ends.esme.key)),
        Tls(str(wrong), gate.key),
        Tls(gate.certificate, gate.key, str(tmp_path / "missing")),
        Tls(gate.certificate, gate.key, str(wrong)),
    ):
        with pytest.raises(OSError):
            make(tls)
