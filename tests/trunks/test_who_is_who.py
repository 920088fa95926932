"""Who a peer is: by address, by certificate, by both; and which identities a certificate has."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.sip_settings import Sip, SipCarrier, SipGateway, SipTrunk
from proxy.trunks.certificate import identities_of, normal_identity
from proxy.trunks.peers import Peer, Peers
from proxy.wire_faults import call_faults

pytestmark = pytest.mark.unit

HASH = "sha256:" + "ab" * 32
PBX = "pbx.jianglan.example"
HERE, THERE = b"192.0.2.10", b"192.0.2.99"


def names(peer: Peer) -> set[str]:
    return {each.name for each in peer.trunks}


def peers(**trunks: SipTrunk) -> Peers:
    return Peers(trunks, {"default": SipCarrier(gateways=[SipGateway("192.0.2.30")])})


def identities(*san: tuple[str, str], subject: str = "", der: bytes = b"der") -> set[str]:
    certificate: dict[str, Any] = {"subjectAltName": san} if san else {}
    certificate["subject"] = ((("commonName", subject),),)
    return {each for each in identities_of(certificate, der) if not each.startswith("sha256:")}


# RFC 5922 §7.1


def test_a_sip_uri_in_the_certificate_is_its_domain_and_then_no_name_of_the_dns_is() -> None:
    assert identities(("DNS", "other.example"), ("URI", "sip:PBX.Jianglan.example")) == {PBX}
    assert identities(("URI", f"sip:{PBX};transport=tls"), ("URI", "sip:two.example:5061")) == {PBX, "two.example"}


def test_names_of_the_dns_count_where_there_is_none() -> None:
    assert identities(("DNS", PBX + "."), ("IP Address", "192.0.2.10"), ("email", "a@b.example")) == {PBX}
    assert identities(("DNS", PBX), ("URI", "https://web.example/")) == {PBX}


@pytest.mark.parametrize(
    "uri",
    [
        f"sips:{PBX}",
        f"sip:{PBX}:x@other.example",
        f"sip:95500@{PBX}",
        f"sip:a%40@{PBX}",
        "sip:",
        "sip:*.example",
        PBX,
        "sip",
    ],
)
def test_other_uris_are_no_domain(uri: str) -> None:
    assert identities(("URI", uri)) == set()


def test_neither_a_common_name_nor_a_wildcard_is_a_domain() -> None:
    assert identities(subject=PBX) == set()
    assert identities(("DNS", "*.jianglan.example"), subject=PBX) == set()
    assert identities(("DNS", HASH)) == set()


def test_the_fingerprint_is_that_of_the_octets() -> None:
    digits = "5050d80d22ecd471ea55df7034042c1e041341ff4066e7f6ff38e20b720df8ea"
    found = identities_of({}, b"der")
    assert found == {"sha256:" + digits}
    assert found != identities_of({}, b"red")


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (f" {PBX.upper()}. ", PBX),
        ("SHA256:" + ":".join(["AB"] * 32), HASH),
        (HASH, HASH),
        *(
            (each, "")
            for each in ("", "*.example", "a b", "sha256:12", "-a.example", "a..example", "sip:x.example", "江澜")
        ),
    ],
)
def test_an_identity_is_written_one_way(written: str, normal: str) -> None:
    assert normal_identity(written) == normal


def test_what_is_no_identity_is_told() -> None:
    sip = Sip(trunks={"a": SipTrunk(account="a", certificates=["*.example", PBX])})
    assert [line.partition(":")[0] for line in call_faults(sip)] == ["sip.trunks.a.certificates"]


# Whose it is


def test_a_trunk_with_certificates_is_it_only_where_one_was_shown() -> None:
    one = peers(a=SipTrunk(certificates=[PBX]), b=SipTrunk(certificates=[HASH]))
    assert names(one.shown(THERE, frozenset((PBX, "sha256:x")))) == {"a"}
    assert names(one.shown(THERE, frozenset((HASH,)))) == {"b"}
    assert one.shown(THERE, frozenset(("other.example",))).stranger
    assert one.at(THERE).stranger


def test_address_and_certificate_must_both_hold() -> None:
    one = peers(a=SipTrunk(addresses=["192.0.2.10/32"], certificates=[PBX]))
    assert names(one.shown(HERE, frozenset((PBX,)))) == {"a"}
    assert one.shown(THERE, frozenset((PBX,))).stranger
    assert one.shown(HERE, frozenset(("other.example",))).stranger
    assert one.at(HERE).stranger


def test_whose_certificate_was_shown_nobody_else_is_meant() -> None:
    by_address, by_digest = SipTrunk(addresses=["192.0.2.10/32"]), SipTrunk(username="u", password="p")
    one = peers(a=SipTrunk(certificates=[PBX]), b=by_address, c=by_digest)
    assert names(one.shown(HERE, frozenset((PBX,)))) == {"a"}
    assert names(one.shown(HERE, frozenset(("other.example",)))) == {"b", "c"}
    assert names(one.at(HERE)) == {"b", "c"}


def test_who_is_in_a_call_is_told_by_trunk_or_carrier() -> None:
    one = peers(
        a=SipTrunk(addresses=["192.0.2.10/31"], gateways=[SipGateway("192.0.2.50")]),
        b=SipTrunk(addresses=["192.0.2.20/32"]),
        c=SipTrunk(certificates=[PBX]),
        d=SipTrunk(username="u", password="p"),
    )
    here, beside, pbx = one.at(HERE), one.at(b"192.0.2.11"), one.at(b"192.0.2.50")
    assert here.shares(beside)
    assert here.shares(pbx)
    assert pbx.shares(here)
    assert not here.shares(one.at(b"192.0.2.20"))
    assert not here.shares(one.at(b"192.0.2.30"))
    assert one.at(b"192.0.2.30").shares(one.at(b"192.0.2.30"))
    shown = one.shown(THERE, frozenset((PBX,)))
    assert shown.shares(one.shown(HERE, frozenset((PBX,))))
    assert not shown.shares(one.at(THERE))
    # Digest alone says nothing of an address.
    assert not one.at(THERE).shares(one.at(THERE))


def test_an_address_of_a_trunk_and_a_carrier_needs_both() -> None:
    one = Peers(
        {"a": SipTrunk(addresses=["192.0.2.30/31"])},
        {"default": SipCarrier(gateways=[SipGateway("192.0.2.30"), SipGateway("192.0.2.40")])},
    )
    both, trunk, carrier = one.at(b"192.0.2.30"), one.at(b"192.0.2.31"), one.at(b"192.0.2.40")
    assert not both.shares(trunk)
    assert not both.shares(carrier)
    assert trunk.shares(both)
