"""Digest: the examples of the RFC, replays, stale nonces, a table that is full, and both sides against each other."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.digest import Proof, Scheme, challenges, verify
from proxy.sip.digest_client import DigestClient
from proxy.sip.digest_hash import digest_pairs, hash_of_secret, response_of
from proxy.sip.error import SipError
from proxy.sip.message import SipRequest
from proxy.sip.nonces import Nonces
from tests.tools.sip_messages import SDP, a_request

pytestmark = pytest.mark.unit

REALM = b"tdgate.example"
USERS = {b"jianglan": b"an invented password"}
URI = "sip:13800138000@192.0.2.20"


def secrets(username: bytes, algorithm: str) -> bytes | None:
    password = USERS.get(username)
    return None if password is None else hash_of_secret(algorithm, username, REALM, password)


class Server:
    def __init__(self, scheme: Scheme | None = None, *, lifetime_s: float = 30.0, most: int = 100) -> None:
        self.scheme = scheme or Scheme(REALM)
        self.nonces = Nonces(b"k" * 32, lifetime_s, most)

    def challenge(self, now: float = 100.0) -> list[bytes]:
        return challenges(self.scheme, self.nonces, now, stale=False)

    def judge(self, request: SipRequest, now: float = 100.0) -> Proof:
        return verify(request, "proxy-authorization", self.scheme, self.nonces, secrets, now)


def with_credentials(client: DigestClient, *, uri: str = URI, body: bytes = b"") -> SipRequest:
    request = a_request(uri=uri, body=body)
    request.append("proxy-authorization", client.credentials("INVITE", URI.encode(), body, b"c-nonce"))
    return request


def a_client(server: Server, now: float = 100.0, **parts: object) -> DigestClient:
    client = DigestClient(b"jianglan", USERS[b"jianglan"], **parts)  # type: ignore[arg-type]
    assert client.challenged(server.challenge(now), answered=False)
    return client


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", b"8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, response: bytes) -> None:
    secret = hash_of_secret(algorithm, b"Mufasa", b"http-auth@example.org", b"Circle of Life")
    nonce = b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    cnonce = b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    assert (
        response_of(algorithm, secret, "GET", b"/dir/index.html", nonce, b"00000001", cnonce, b"auth", b"") == response
    )


def test_the_older_form_without_qop() -> None:
    """RFC 2617 §3.5 gives the pieces: H(A1) and H(A2) of its example, and KD without qop."""
    secret = hash_of_secret("MD5", b"Mufasa", b"testrealm@host.com", b"Circle Of Life")
    assert secret == b"939e7578ed9e3c518a452acee763bce9"
    nonce = b"dcd98b7102dd2f0e8b11d0f600bfb0c093"
    assert (
        response_of("MD5", secret, "GET", b"/dir/index.html", nonce, b"", b"", b"", b"")
        == b"670fd8c2df070c60b045671b8b24ff02"
    )


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_each_algorithm_proves_who_it_is(algorithm: str) -> None:
    server = Server()
    proof = server.judge(with_credentials(a_client(server, algorithms=(algorithm,))))
    assert (proof.outcome, proof.username) == ("proved", b"jianglan")


def test_the_best_challenge_stands_first_and_is_answered() -> None:
    server = Server()
    values = server.challenge()
    assert [(digest_pairs(each) or {})[b"algorithm"] for each in values] == [b"SHA-512-256", b"SHA-256", b"MD5"]
    assert len({(digest_pairs(each) or {})[b"nonce"] for each in values}) == 1
    client = DigestClient(b"jianglan", b"x")
    assert client.challenged([b"Bearer x", b'Digest realm="a", nonce="n", algorithm=NOVEL', *values], answered=False)
    assert b"algorithm=SHA-512-256" in client.credentials("INVITE", b"sip:a@b", b"", b"c")


def test_nothing_that_we_understand_is_absent() -> None:
    server = Server()
    assert server.judge(a_request()).outcome == "absent"
    for value in (
        'Digest realm="other", nonce="x"',
        "NoOneKnowsThisScheme opaque-data=here",
        'Digest realm="tdgate.example", algorithm=MD5-sess',
    ):
        assert server.judge(a_request(headers=(f"Proxy-Authorization: {value}",))).outcome == "absent"
    only_best = Server(Scheme(REALM, algorithms=("SHA-256",)))
    assert only_best.judge(with_credentials(a_client(server, algorithms=("MD5",)))).outcome == "absent"


def test_a_replay_is_stale_and_a_rising_count_is_not() -> None:
    server = Server()
    client = a_client(server)
    first = with_credentials(client)
    second = with_credentials(client)
    assert server.judge(first).outcome == "proved"
    assert server.judge(first).outcome == "stale"
    assert server.judge(second).outcome == "proved"
    assert server.judge(first).outcome == "stale"
    assert server.judge(second).outcome == "stale"


def test_a_nonce_ages_and_its_successor_is_answered() -> None:
    server = Server()
    client = a_client(server)
    assert server.judge(with_credentials(client), 130.0).outcome == "proved"
    assert server.judge(with_credentials(client), 130.1).outcome == "stale"
    again = challenges(server.scheme, server.nonces, 131.0, stale=True)
    assert client.challenged(again, answered=True)
    assert server.judge(with_credentials(client), 131.0).outcome == "proved"
    assert not client.challenged(server.challenge(132.0), answered=True)


def test_a_nonce_of_a_process_before_is_stale_with_the_right_password_and_refused_with_another() -> None:
    before = Server()
    client = a_client(before)
    after = Server()
    after.nonces = Nonces(b"n" * 32, 30.0, 100)
    assert after.judge(with_credentials(client)).outcome == "stale"
    wrong = DigestClient(b"jianglan", b"guess")
    wrong.challenged(before.challenge(), answered=False)
    assert after.judge(with_credentials(wrong)).outcome == "refused"


@pytest.mark.parametrize("change", [b"response", b"nonce", b"username", b"uri", b"cnonce", b"nc"])
def test_whatever_is_changed_proves_nothing(change: bytes) -> None:
    server = Server()
    value = a_client(server).credentials("INVITE", URI.encode(), b"", b"c-nonce")
    place = value.index(b" " + change + b"=") + len(change) + 2
    place += value[place : place + 1] == b'"'
    changed = value[:place] + (b"0" if value[place : place + 1] != b"0" else b"1") + value[place + 1 :]
    request = a_request()
    request.append("proxy-authorization", changed)
    assert server.judge(request).outcome == "refused"
    assert len(server.nonces) == 0


def test_a_name_that_nobody_has_is_refused_whatever_its_response() -> None:
    server = Server()
    nonce = (digest_pairs(server.challenge()[0]) or {})[b"nonce"]
    for secret in (b"0", b"", b"None"):
        response = response_of("MD5", secret, "INVITE", URI.encode(), nonce, b"00000001", b"c", b"auth", b"")
        request = a_request(uri=URI)
        request.append(
            "proxy-authorization",
            b'Digest username="nobody", realm="tdgate.example", nonce="%s", uri="%s", response="%s", '
            b'qop=auth, nc=00000001, cnonce="c", algorithm=MD5' % (nonce, URI.encode(), response),
        )
        assert server.judge(request).outcome == "refused"


def test_credentials_do_not_fit_another_method_person_or_body() -> None:
    server = Server()
    client = a_client(server)
    assert server.judge(with_credentials(client, uri="sip:13900139000@192.0.2.20")).detail == "uri"
    other = a_request("BYE", uri=URI)
    other.append("proxy-authorization", client.credentials("INVITE", URI.encode(), b"", b"c"))
    assert server.judge(other).outcome == "refused"
    same = with_credentials(client, uri="sip:13800138000@192.0.2.20;newparam=1")
    assert server.judge(same).outcome == "proved"


def test_auth_int_covers_the_body() -> None:
    server = Server(Scheme(REALM, integrity=True))
    values = [each.replace(b'"auth,auth-int"', b'"auth-int"') for each in server.challenge()]
    client = DigestClient(b"jianglan", USERS[b"jianglan"])
    assert client.challenged(values, answered=False)
    request = with_credentials(client, body=SDP)
    assert b"qop=auth-int" in (request.first("proxy-authorization") or b"")
    assert server.judge(request).outcome == "proved"
    request = with_credentials(client, body=SDP)
    request.body = SDP.replace(b"6000", b"6002")
    assert server.judge(request).outcome == "refused"
    assert Server().judge(request).detail == "qop"


def test_without_qop_only_where_it_is_allowed_and_once() -> None:
    for allowed in (False, True):
        server = Server(Scheme(REALM, without_qop=allowed))
        client = DigestClient(b"jianglan", USERS[b"jianglan"])
        client.challenged([each.replace(b', qop="auth"', b"") for each in server.challenge()], answered=False)
        outcomes = [server.judge(with_credentials(client)).outcome for _ in range(2)]
        assert outcomes == (["proved", "stale"] if allowed else ["refused", "refused"])


def test_a_full_table_forgets_without_letting_a_replay_through() -> None:
    server = Server(most=3)
    clients = [a_client(server, 100.0 + index) for index in range(5)]
    requests = [with_credentials(client) for client in clients]
    assert [server.judge(each, 106.0).outcome for each in requests] == ["proved"] * 5
    assert len(server.nonces) == 3
    assert [server.judge(each, 106.0).outcome for each in requests] == ["stale"] * 5
    late = a_client(server, 100.5)
    assert server.judge(with_credentials(late), 106.0).outcome == "stale"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), max_size=40), st.integers(1, 4))
def test_no_count_is_good_twice_however_small_the_table(uses: list[tuple[int, int]], most: int) -> None:
    nonces = Nonces(b"k" * 16, 30.0, most)
    issued = [nonces.issue(100.0 + index) for index in range(6)]
    good: set[tuple[int, int]] = set()
    for which, count in uses:
        if nonces.spend(issued[which], count, 110.0) == "good":
            assert all(count > other for each, other in good if each == which)
            good.add((which, count))
        assert len(nonces) <= most


@pytest.mark.parametrize(
    "value",
    [
        "Digest",
        "Digest username",
        'Digest username="a',
        "Digest realm=a, realm=b",
        'Digest realm="tdgate.example", nc=1, qop=auth, cnonce=x',
        "Digest a=b=c",
    ],
)
def test_what_is_malformed_is_refused_with_400(value: str) -> None:
    with pytest.raises(SipError) as caught:
        Server().judge(a_request(headers=(f"Proxy-Authorization: {value}",)))
    assert caught.value.status == 400


@given(st.text('Digestrealmnonce=",\\ 0x', max_size=60))
def test_any_credentials_prove_nothing_or_raise(written: str) -> None:
    request = a_request()
    request.append("proxy-authorization", b'Digest realm="tdgate.example", ' + written.encode())
    with contextlib.suppress(SipError):
        assert Server().judge(request).outcome in ("absent", "refused")
