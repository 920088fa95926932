"""Each way around the policy of calls by its name, tried at the real process with the real registry and rules.

Whatever is written, either nobody is called, or the person is called who was judged, by the number that was judged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.sip.message import SipRequest, SipResponse
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import Peer, asking
from tests.wire.house import House, make_template
from tests.wire.people import IMPORTED, PERSONS, account, number, registry

pytestmark = pytest.mark.wire

EVER = {"since": "2026-01-01", "until": "2099-12-31"}
WELCOME = PERSONS[1]
"""Agreed to be called; `IMPORTED` did too, and then refused."""
BARE = IMPORTED.removeprefix("86")
SPOOFED = "13912345678"
"""Nobody's number here: it must not leave, wherever it stands."""
SHOWN = "江澜银行（虚构）".encode()
REGISTRY = registry(
    numbers=[
        number("95500", "jianglan", "marketing", channels=["sms", "voice"]),
        number("95566", "yunxiu", "marketing", channels=["voice"]),
    ],
    licences=[
        {"institution": each, "purposes": ["marketing"], "channels": ["voice"], **EVER}
        for each in ("jianglan", "yunxiu")
    ],
    accounts=[
        account("jl-voice", "jianglan", "marketing"),
        account("jl-says", "jianglan", "marketing", asserts_identity=True),
        account("jl-cap", "jianglan", "marketing", calls_most=2),
        account("yx-voice", "yunxiu", "marketing"),
    ],
    consents=[
        {"recipient": each, "institution": whose, "channels": ["voice"], "source": "虚构", "given": "2026-03-01",
         "until": "2099-12-31"}
        for each in (WELCOME, PERSONS[2], IMPORTED) for whose in ("jianglan", "yunxiu")
    ],
)  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("around") / "template", REGISTRY)


class Around:
    """The process between a trunk and a carrier; `call` makes one call and tells what became of it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.carrier = Peer("127.0.0.3")
        self.trunk, self.says, self.cap = Peer(), Peer("127.0.0.2"), Peer("127.0.0.5")
        self.port = 0
        self.made = 0

    async def start(self, *further: Peer, **sip: Any) -> None:
        """`further` are the carrier's next gateways."""
        tables: dict[str, Any] = {
            "sip": {"listeners": [{"port": 0}], **sip},
            "sip.trunks.callcentre": {"account": "jl-voice", "addresses": ["127.0.0.1/32"]},
            "sip.trunks.says": {"account": "jl-says", "addresses": ["127.0.0.2/32"]},
            "sip.trunks.cap": {"account": "jl-cap", "addresses": ["127.0.0.5/32"]},
            "sip.trunks.other": {
                "account": "yx-voice", "addresses": ["127.0.0.6/32"], "username": "other", "password": "Wire-P4s"
            },
            "sip.carriers.default": {
                "options_s": 0.0, "no_answer_s": 3.0, "gateways": [
                    {"host": each.host, "port": each.port, "priority": place}
                    for place, each in enumerate((self.carrier, *further), start=1)
                ]
            },
        }  # fmt: skip
        await self.house.start(**tables)
        self.port = await self.house.until(lambda: self.house.ports.get("sip"))

    def invite(self, peer: Peer, person: str = WELCOME, caller: str = "95500", **parts: Any) -> bytes:
        self.made += 1
        parts.setdefault("uri", person if ":" in person else f"sip:{person}@127.0.0.1")
        parts.setdefault("caller", caller if ":" in caller else f'"Somebody" <sip:{caller}@pbx.example>;tag=a')
        parts.setdefault("called", f"<sip:{WELCOME}@pbx.example>")
        parts.setdefault("call_id", f"around-{self.made}")
        octets = asking(peer, branch=str(self.made), **parts)
        peer.send(octets, self.port)
        return octets

    async def refused(self, peer: Peer, octets: bytes) -> SipResponse:
        """The final response, acknowledged; nothing has come to the carrier."""
        while True:
            answer = await peer.new()
            assert isinstance(answer, SipResponse)
            if answer.status != 100:
                break
        peer.send(acknowledging(octets, answer), self.port)
        assert self.carrier.nothing()
        return answer

    async def connected(self) -> SipRequest:
        """What the carrier is asked; it is busy."""
        asked = await self.carrier.asked("INVITE")
        self.carrier.send(a_response(asked, 486, to_tag="b").octets(), self.port)
        await self.carrier.asked("ACK")
        return asked

    async def talking(self, **parts: Any) -> tuple[SipRequest, str]:
        """A call that was answered: the carrier's INVITE, and To with our tag."""
        octets = self.invite(self.trunk, **parts)
        asked = await self.carrier.asked("INVITE")
        self.answer(asked, 200, "b")
        answer = await self.trunk.answered(200)
        await self.carrier.asked("ACK")
        self.trunk.send(acknowledging(octets, answer).replace(b"branch=", b"branch=z9hG4bKack"), self.port)
        return asked, (answer.first("to") or b"").decode()

    def answer(self, asked: SipRequest, status: int, tag: str, **parts: Any) -> None:
        contact = f"<sip:b@127.0.0.3:{self.carrier.port}>"
        self.carrier.send(a_response(asked, status, to_tag=tag, contact=contact, **parts).octets(), self.port)


def acknowledging(octets: bytes, answer: SipResponse) -> bytes:
    ack = octets.partition(b"Content-Type")[0].replace(b"INVITE", b"ACK")
    to = b"To: " + (answer.first("to") or b"")
    return re.sub(rb"(?m)^To: [^\r]*", lambda _: to, ack, count=1) + b"Content-Length: 0\r\n\r\n"


@pytest.fixture
async def around(template: Path, tmp_path: Path) -> AsyncIterator[Around]:
    async with House(template, tmp_path) as house:
        yield Around(house)


def escaped(text: str) -> str:
    return "".join(f"%{ord(each):02X}" for each in text)


#: How somebody who refused is written, and what the answer is: 607 it is he, 484 it is nobody, 400 it is no URI.
WRITINGS = {
    "plain": (f"sip:{IMPORTED}@h", 607),
    "at home": (f"sip:{BARE}@h", 607),
    "plus": (f"sip:+{IMPORTED}@h", 607),
    "abroad": (f"sip:00{IMPORTED}@h", 607),
    "trunk prefix": (f"sip:0{BARE}@h", 607),
    "carrier selection": (f"sip:17951{BARE}@h", 607),
    "percent escapes": (f"sip:{escaped('+' + IMPORTED)}@h", 607),
    "one escape": (f"sip:{IMPORTED[:5]}{escaped(IMPORTED[5])}{IMPORTED[6:]}@h", 607),
    "escaped twice": (f"sip:{escaped(escaped(IMPORTED))}@h", 484),
    "visual separators": (f"sip:+86-138.{BARE[3:7]}({BARE[7:]})@h", 607),
    "user=phone": (f"sip:{IMPORTED}@h;user=phone", 607),
    "user=ip": (f"sip:{IMPORTED}@h;user=ip", 607),
    "sips": (f"sips:{IMPORTED}@h", 607),
    "scheme in capitals": (f"SIP:{IMPORTED}@h", 607),
    "password": (f"sip:{IMPORTED}:1234@h", 607),
    "another user behind the host": (f"sip:{IMPORTED}@h;user={WELCOME}", 607),
    "an escaped at": (f"sip:{IMPORTED}%40{WELCOME}@h", 484),
    "two at": (f"sip:{IMPORTED}@{WELCOME}@h", 400),
    "tel": (f"tel:+{IMPORTED}", 607),
    "tel with separators": (f"tel:+86-138-{BARE[3:7]}-{BARE[7:]}", 607),
    "tel, local": (f"tel:{BARE};phone-context=+86", 607),
    "tel, local with the trunk prefix": (f"tel:0{BARE};phone-context=+86", 607),
    "tel, of a domain": (f"tel:{BARE};phone-context=example.com", 607),
    "tel, in capitals": (f"TEL:+{IMPORTED}", 607),
    "phone-context in a sip user": (f"sip:{BARE};phone-context=+86@h;user=phone", 607),
    "phone-context escaped": (f"sip:{BARE}%3Bphone-context=%2B86@h", 607),
    "phone-context that makes it whole": (f"tel:{BARE[3:]};phone-context=+86138", 484),
    "phone-context twice": (f"tel:{BARE};phone-context=+86;phone-context=+1", 400),
    "phone-context of nowhere": (f"tel:{BARE};phone-context=+999", 484),
    "rn": (f"tel:+{IMPORTED};npdi;rn=+8613900000000", 607),
    "rn in a sip user": (f"sip:+{IMPORTED};npdi;rn=+{WELCOME}@h;user=phone", 607),
    "rn twice": (f"sip:+{IMPORTED};rn=+861;rn=+862@h", 484),
    "isub": (f"tel:+{IMPORTED};isub=12345", 607),
    "ext": (f"tel:+{IMPORTED};ext=1", 607),
    "post-dial by p": (f"sip:{BARE}p{WELCOME}@h", 607),
    "post-dial by w": (f"sip:{BARE}w1@h", 607),
    "post-dial by a comma": (f"sip:{BARE},1@h", 607),
    "postd": (f"tel:+{IMPORTED};postd=pp22", 607),
    "Arabic digits": (f"sip:{escaped_utf8}@h" if (escaped_utf8 := "%D9%A1%D9%A3%D9%A8") else "", 484),
    "fullwidth digits": ("sip:%EF%BC%91%EF%BC%93%EF%BC%98@h", 484),
    "an escaped NUL": (f"sip:{BARE}%00{WELCOME}@h", 484),
    "an escaped line end": (f"sip:{WELCOME}%0D%0ATo:%20x@h", 484),
    "a space": (f"sip:{BARE[:3]}%20{BARE[3:]}@h", 484),
    "digits too many": (f"sip:{BARE}9@h", 484),
    "letters of a keypad": ("sip:1380013TIME@h", 484),
    "an emergency number": ("sip:110@h", 484),
    "a service number": ("sip:urn%3Aservice%3Asos@h", 484),
    "another scheme": ("urn:service:sos", 416),
    "headers in the URI": (f"sip:{WELCOME}@h?To={IMPORTED}", 400),
    "a method in the URI": (f"sip:{IMPORTED}@h;method=MESSAGE", 607),
    "maddr": (f"sip:{IMPORTED}@h;maddr=127.0.0.3", 607),
}


async def test_whoever_refused_is_not_called_however_he_is_written(around: Around) -> None:
    await around.start()
    for name, (uri, status) in WRITINGS.items():
        octets = around.invite(around.trunk, uri)
        assert (await around.refused(around.trunk, octets)).status == status, name
    # To says whom somebody meant: it is neither asked nor passed on.
    around.invite(around.trunk, called=f"<sip:{IMPORTED}@h>")
    asked = await around.connected()
    assert asked.uri.startswith(f"sip:{WELCOME}@".encode())
    assert asked.to.uri.startswith(f"sip:{WELCOME}@".encode())
    assert IMPORTED.encode() not in asked.octets()
    await around.trunk.answered(486)
    assert set(around.house.refused_by()) == {"suppression.active", "address.invalid"}
    await around.house.end()


def line(*lines: str) -> dict[str, Any]:
    return {"headers": lines}


SAYS = f"<sip:{SPOOFED}@h>"
OURS = "<sip:95500@h>"
PAI = "P-Asserted-Identity: "
#: What an INVITE of somebody says of himself, and what becomes of it: the refusal, or 0 where it passes as judged.
IDENTITIES: dict[str, tuple[dict[str, Any], int]] = {
    "another number": ({"caller": SPOOFED}, 403),
    "another institution's number": ({"caller": "95566"}, 403),
    "no number": ({"caller": "anonymous"}, 403),
    "anonymous as RFC 3323 says": ({"caller": '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=a'}, 403),
    "a number as the name": ({"caller": f'"{SPOOFED}" <sip:95500@h>;tag=a'}, 0),
    "a name without quotes": ({"caller": f"Bank {SPOOFED} <sip:95500@h>;tag=a"}, 0),
    "a name beyond ASCII": ({"caller": '"银行客服" <sip:95500@h>;tag=a'}, 0),
    "a URI without brackets": ({"caller": "sip:95500@h;tag=a"}, 0),
    "a tel URI": ({"caller": "<tel:95500;phone-context=+86>;tag=a"}, 0),
    "an escaped number": ({"caller": "<sip:%39%35500@h>;tag=a"}, 0),
    "a URI within the name": ({"caller": f'"<sip:95500@h>" <sip:{SPOOFED}@h>;tag=a'}, 403),
    "two From": ({"caller": f"<sip:95500@h>;tag=a\r\nFrom: <sip:{SPOOFED}@h>;tag=a"}, 400),
    "a compact From beside it": (line(f"f: <sip:{SPOOFED}@h>;tag=a"), 400),
    "two addresses in one From": ({"caller": f"<sip:95500@h>;tag=a, <sip:{SPOOFED}@h>;tag=b"}, 400),
    "a folded From": ({"caller": "\r\n <sip:95500@h>\r\n ;tag=a"}, 0),
    "an asserted identity of who may assert none": (line(PAI + SAYS), 0),
    "the same in small letters, folded": (line(f"p-asserted-identity :\r\n {SAYS}"), 0),
    "a preferred identity": (line(f"P-Preferred-Identity: {SAYS}"), 0),
    "a remote party": (line(f'Remote-Party-ID: "{SPOOFED}" {SAYS};party=calling;screen=yes;privacy=off'), 0),
    "a diversion": (line(f"Diversion: {SAYS}", f"History-Info: {SAYS};index=1"), 0),
    "a referrer": (line(f"b: {SAYS}", f"Reply-To: {SAYS}", f"Call-Info: {SAYS};purpose=icon"), 0),
    "a served user": (line(f"P-Served-User: {SAYS}", f"P-Charge-Info: {SAYS}", f"P-Associated-URI: {SAYS}"), 0),
    "more identities": (line(f"Additional-Identity: {SAYS}", f"P-Profile-Key: {SAYS}", f"P-User-Database: {SAYS}"), 0),
    "a signed identity": (line(f"Identity: {SPOOFED};info=<https://h/c>;alg=ES256", f"y: {SPOOFED}"), 0),
    "another number to call back": (line(f"P-Called-Party-ID: {SAYS}", f"Contact: {SAYS}"), 400),
    "words for the screen": (line(f"s: {SPOOFED}", f"Organization: {SPOOFED}", f"Alert-Info: {SAYS}"), 0),
    "privacy": (line("Privacy: id"), 403),
    "privacy in a second line": (line("Privacy: none", "Privacy: user;critical"), 403),
    "no privacy": (line("Privacy: none"), 0),
    "two asserted identities": (line(f"P-Asserted-Identity: <sip:95500@h>, {SAYS}"), 403),
    "two lines of asserted identities": (line(PAI + OURS, PAI + SAYS), 403),
    "an asserted identity twice written": (line(f"{PAI}{OURS}, <tel:95500;phone-context=+86>"), 0),
    "an asserted identity that is not his": (line(PAI + SAYS), 403),
    "an asserted identity without number": (line("P-Asserted-Identity: <sip:bank@h>"), 403),
    "an asserted identity that is none": (line('P-Asserted-Identity: "<sip:95500@h>'), 403),
    "an asserted identity to be kept": (line(PAI + OURS, "Privacy: id"), 403),
}  # fmt: skip
#: These are tried from the trunk that may assert an identity.
ASSERTED = ("two asserted", "two lines", "an asserted identity t", "an asserted identity w")


async def test_what_leaves_as_an_identity_is_what_was_judged(around: Around) -> None:
    await around.start()
    for name, (parts, status) in IDENTITIES.items():
        peer = around.says if name.startswith(ASSERTED) else around.trunk
        octets = around.invite(peer, **parts)
        if status:
            answer = await around.refused(peer, octets)
            assert answer.status == status, (name, answer.octets())
            continue
        asked = await around.connected()
        await peer.answered(486)
        peer.send(acknowledging(octets, a_response(asked, 486)), around.port)
        for key in ("from", "p-asserted-identity"):
            (one,) = asked.addresses(key)
            assert (one.name, one.uri.partition(b"@")[0]) == (SHOWN, b"sip:95500"), (name, one.written)
        assert SPOOFED.encode() not in asked.octets(), (name, asked.octets())
        assert not asked.has("privacy"), name
    # The identity of another trunk proves nothing at this address.
    octets = around.invite(around.trunk, caller="95566", headers=('Proxy-Authorization: Digest username="other"',))
    assert (await around.refused(around.trunk, octets)).status == 403
    await around.house.end()


async def test_a_trunk_is_who_it_is_and_no_other_trunk_by_its_digest(around: Around) -> None:
    """The credentials of another trunk, stolen and right, sent from here."""
    await around.start()
    other = Peer("127.0.0.6")
    around.invite(other, caller="95566", uri=f"sip:{WELCOME}@127.0.0.1")
    challenge = (await other.answered(407)).first("proxy-authenticate") or b""
    pairs = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.decode().partition(" ")[2]))

    def h(text: str) -> str:
        return hashlib.new("sha512_256", text.encode()).hexdigest()

    uri = f"sip:{WELCOME}@127.0.0.1"
    secret = h(f"other:{pairs['realm']}:Wire-P4s")
    response = h(f"{secret}:{pairs['nonce']}:00000001:c:auth:{h('INVITE:' + uri)}")
    proof = (
        f'Proxy-Authorization: Digest username="other", realm="{pairs["realm"]}", nonce="{pairs["nonce"]}", '
        f'uri="{uri}", response="{response}", qop=auth, nc=00000001, cnonce="c", algorithm=SHA-512-256'
    )
    octets = around.invite(around.trunk, caller="95566", uri=uri, headers=(proof,))
    assert (await around.refused(around.trunk, octets)).status == 403
    octets = around.invite(other, caller="95500", uri=uri, headers=(proof,))
    assert (await around.refused(other, octets)).status == 403
    assert around.house.refused_by() == ["entrustment.missing", "entrustment.missing"]
    await around.house.end()
