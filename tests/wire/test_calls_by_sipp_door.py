"""SIPp at the door: what begins no call, what is not served, and who has to prove himself."""

from __future__ import annotations

import pytest

from tests.tools.sip_house import PERSON
from tests.tools.sipp import SDP, SIPP, Scenario, recv, send
from tests.wire.sipp_stage import PASSWORD, PROVING, USERNAME, SippStage
from tests.wire.sipp_words import (
    A_HANGS_UP,
    INVITE,
    basic_uas,
    failed_ack,
    ours,
)

pytestmark = [
    pytest.mark.wire,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)"),
]


def asks(method: str, status: int, *holds: str, tag: str = "", extra: str = "") -> Scenario:
    return Scenario(
        method.lower(),
        (
            send(
                f"""
                {method} sip:{PERSON}@[remote_ip]:[remote_port] SIP/2.0
                Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                Max-Forwards: 0
                From: <sip:95500@evil.example>;tag=[pid]a[call_number]
                To: <sip:{PERSON}@evil.example>{tag}
                Call-ID: [call_id]
                CSeq: 1 {method}
                {extra}
                """.rstrip(),
                retrans_ms=500,
            ),
            recv(status, *holds),
        ),
    )


@pytest.mark.parametrize(
    "uac",
    [
        asks("OPTIONS", 200, "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO", "Accept: application/sdp"),
        asks("BYE", 481, tag=";tag=nobody"),
        asks("BYE", 481),
        asks("CANCEL", 481),
        asks("MESSAGE", 405, "Allow: INVITE"),
        asks("REGISTER", 405, "Allow: INVITE"),
        asks("REFER", 405, extra="Refer-To: <sip:a@evil.example>"),
        asks("SING", 501),
    ],
    ids=["options", "bye", "bye-untagged", "cancel", "message", "register", "refer", "unknown"],
)
async def test_what_begins_no_call_has_its_answer(stage: SippStage, uac: Scenario) -> None:
    await stage.play(uac)


@pytest.mark.parametrize(
    ("change", "status", "holds"),
    [
        (("Max-Forwards: 20", "Max-Forwards: 0"), 483, ()),
        (("Max-Forwards: 20", "Require: 100rel"), 420, ("Unsupported: 100rel",)),
        (("Max-Forwards: 20", "Replaces: a;to-tag=b;from-tag=c"), 481, ()),
        (("INVITE sip:8613800138000@[remote_ip]:[remote_port]", "INVITE urn:service:sos"), 416, ()),
    ],
    ids=["hops", "extension", "replaces", "scheme"],
)
async def test_an_invite_that_is_not_served(
    stage: SippStage, change: tuple[str, str], status: int, holds: tuple[str, ...]
) -> None:
    uac = Scenario(
        "uac",
        (send(INVITE.replace(*change), SDP, retrans_ms=500), recv(status, *holds), send(failed_ack())),
    )
    await stage.play(uac)


async def test_a_trunk_proves_itself_by_digest(stage: SippStage) -> None:
    proof = f"[authentication username={USERNAME} password={PASSWORD}]"
    second = INVITE.replace("CSeq: 1", "CSeq: 2").rstrip() + f"\n{proof}\n"
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(407, 'Proxy-Authenticate: Digest realm="tdgate"', more='auth="true"'),
            send(failed_ack()),
            send(second, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180),
            recv(200, more='rrs="true"'),
            send(ours("ACK", 2)),
            *A_HANGS_UP,
        ),
    )
    # WHY: SIPp leaves the user out of the signed URI, and the user is who is called.
    uac.options = ("-auth_uri", f"{PERSON}@127.0.0.1:{stage.house.udp}")
    await stage.play(uac, (basic_uas("uas"), stage.first), host=PROVING)
    assert len(await stage.house.event("sip.unproved")) == 1


async def test_a_wrong_password_never_reaches_the_carrier(stage: SippStage) -> None:
    guess = f"[authentication username={USERNAME} password=guessed]"
    second = INVITE.replace("CSeq: 1", "CSeq: 2").rstrip() + f"\n{guess}\n"
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(407, more='auth="true"'),
            send(failed_ack()),
            send(second, SDP, retrans_ms=500),
            recv(407),
            send(failed_ack(2)),
        ),
    )
    await stage.play(uac, never=stage.first, host=PROVING)
