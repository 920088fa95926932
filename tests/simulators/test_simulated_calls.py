"""`uac` and `uas` against each other over real sockets on loopback; every wait is for an event."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from proxy.sip.reply import reply
from simulators.calls.load import CallLoad, Numbers
from simulators.calls.settings import Answer, CallFaults, UacSettings, UasSettings
from simulators.calls.uac import Uac
from simulators.calls.uas import Uas
from tests.tools.sip_peer import Peer, asking

pytestmark = pytest.mark.wire

#: T1 where a call is to be given up, and where it is to get through however busy the machine is.
FAST_S, PATIENT_S = 0.02, 0.1
REFUSED = 'Q.850;cause=21;text="suppression.active"'


@contextlib.asynccontextmanager
async def ends(
    uas: dict[str, Any] | None = None, answers: Sequence[Answer] = (), seed: int = 0, **uac: Any
) -> AsyncIterator[tuple[Uac, Uas]]:
    """Both ends, started; `uac` are settings of the caller."""
    both = {key: uac[key] for key in ("transport", "t1_s") if key in uac}
    async with (
        Uas(UasSettings(**both, **(uas or {})), answers) as taker,
        Uac(UacSettings(port=taker.port, **uac), seed=seed) as caller,
    ):
        yield caller, taker


async def test_a_call_is_what_its_settings_say() -> None:
    shape: dict[str, Any] = {"caller": "95500", "asserted": "95501", "display": "江澜银行", "domain": "pbx.example"}
    async with ends(headers=("X-Purpose: collection", "Subject: 虚构"), **shape) as (uac, uas):
        call = await uac.call("13800138000").ended()
        [came] = await uas.called()
    assert (call.status, call.phrase, call.ended_by, came.ended_by) == (200, "OK", "us", "peer")
    assert [each.status for each in call.provisional] == [180]
    assert (came.callee, came.caller) == ("13800138000", "95500")
    request = came.request
    assert request.first("p-asserted-identity") == '"江澜银行" <sip:95501@pbx.example>'.encode()
    assert request.first("x-purpose") == b"collection"
    assert request.first("subject") == "虚构".encode()
    assert b"m=audio" in request.body
    assert uac.figures.as_dict()["retransmissions"] == {"sent": 0, "received": 0}


async def test_answers_by_the_called_number() -> None:
    answers = [
        Answer(to="1380013*", status=403, reason=REFUSED, ring_status=0),
        Answer(to="1390013*", times=1, status=302, headers=("Contact: <sip:elsewhere@198.51.100.9>",)),
        Answer(sender="95533", status=607, ring_status=183),
    ]
    async with ends(answers=answers) as (uac, uas):
        refused = await uac.call("13800138000").ended()
        moved = await uac.call("13900138000").ended()
        unwanted = await uac.call("13900138000", "95533").ended()
        permitted = await uac.call("13900138000").ended()
    assert [call.status for call in (refused, moved, unwanted, permitted)] == [403, 302, 607, 200]
    assert (refused.rule, refused.ended_by, refused.provisional) == ("suppression.active", "never", [])
    assert moved.response is not None
    assert moved.response.first("contact") == b"<sip:elsewhere@198.51.100.9>"
    assert [each.status for each in unwanted.provisional] == [183]
    assert uac.figures.rules == {"suppression.active": 1}
    assert uas.figures.statuses == {200: 1, 302: 1, 403: 1, 607: 1}


async def test_early_media_and_a_delayed_offer() -> None:
    async with ends({"early_media": True, "ring_s": 0.01}) as (uac, uas):
        early = await uac.call("1").ended()
        assert [(each.status, b"m=audio" in each.body) for each in early.provisional] == [(183, True)]
        delayed = uac.call("2", shape=UacSettings(offer=False))
        await delayed.ended()
        assert [(each.status, each.body) for each in delayed.provisional] == [(183, b"")]
        assert delayed.response is not None
        assert b"m=audio" in delayed.response.body
        assert uas.calls[1].request.body == b""


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
async def test_credentials(algorithm: str) -> None:
    asks = {"username": "callcentre", "password": "invented", "algorithms": (algorithm,)}
    async with ends(asks, username="callcentre", password="invented") as (uac, uas):
        assert (await uac.call("1").ended()).status == 200
        assert (uac.figures.challenged, uas.figures.challenged, len(uas.calls)) == (1, 1, 1)
    async with ends(asks, username="callcentre", password="wrong") as (uac, uas):
        assert (await uac.call("1").ended()).status == 401
        assert uas.calls == []


async def test_a_call_is_cancelled() -> None:
    async with ends({"ring_s": 60.0}, cancel_s=0.01) as (uac, uas):
        call = await uac.call("1").ended()
        assert (call.status, call.was_cancelled, uas.calls[0].status) == (487, True, 487)


async def test_a_200_after_the_cancel_is_acknowledged_and_ended() -> None:
    async with ends({"ring_s": 60.0, "faults": CallFaults(late_200_s=0.01)}) as (uac, uas):
        call = uac.call("1")
        await call.rang()
        call.hang_up()
        await call.ended()
        await uas.calls[0].ended()
        assert (call.status, call.was_cancelled, call.answered) == (200, True, False)
        assert (uas.calls[0].answered, uas.calls[0].ended_by) == (True, "peer")
        assert (uac.figures.late_answers, uac.figures.ended_by) == (1, {"us": 1})


async def test_lost_acks_and_200s_are_made_good() -> None:
    lossy = CallFaults(lose_200=2)
    async with ends({"faults": lossy}, t1_s=PATIENT_S, talk_s=-1.0, faults=CallFaults(lose_ack=2)) as (uac, uas):
        call = uac.call("1")
        await (await uas.called())[0].stood()
        call.hang_up()
        await call.ended()
        assert (uas.figures.dropped, uac.figures.dropped) == (2, 2)
        assert uas.figures.sent_again >= 4
        assert uac.figures.came_again == 2
        assert uas.figures.ack_missing == 0
        assert uas.endpoint.withheld == {}


async def test_the_lost_ack_of_a_reinvite_is_made_good() -> None:
    async with ends({"reinvite_s": 0.0, "faults": CallFaults(lose_ack=1)}, t1_s=PATIENT_S, talk_s=-1.0) as (uac, uas):
        call = uac.call("1")
        came = await (await uas.called())[0].stood()
        await uas.endpoint.watch.until(lambda: came.reinvited == [200])
        call.hang_up()
        await call.ended()
        assert (uac.figures.ack_missing, uas.figures.came_again, call.ended_by) == (0, 1, "us")


async def test_without_any_ack_the_called_side_ends_the_call() -> None:
    async with ends(t1_s=FAST_S, talk_s=-1.0, faults=CallFaults(lose_ack=-1)) as (uac, uas):
        call = await uac.call("1").ended()
        came = await uas.calls[0].ended()
        assert (call.ended_by, came.ended_by, came.answered) == ("peer", "us", False)
        assert uas.figures.ack_missing == 1


async def test_nobody_answers() -> None:
    async with ends({"faults": CallFaults(silent_share=1.0)}, t1_s=FAST_S) as (uac, uas):
        call = await uac.call("1").ended()
        assert (call.status, call.failure, uac.figures.unanswered) == (0, "timeout", 1)
        assert (uas.figures.unanswered, uas.calls) == (1, [])
        assert 0 < uac.figures.sent_again <= 6  # T1 doubled, 64*T1 in all: seven INVITEs at most


async def test_a_bye_without_answer_is_a_lost_call() -> None:
    async with ends({"faults": CallFaults(ignore_bye=True)}, t1_s=FAST_S) as (uac, _):
        assert (await uac.call("1").ended()).ended_by == "lost"


async def test_calls_survive_loss() -> None:
    lossy = CallFaults(loss=0.1, repeat_share=0.05)
    async with ends(t1_s=PATIENT_S, faults=lossy, seed=7, count=40, at_once=20, limit_s=60.0) as (uac, uas):
        await CallLoad(uac, Numbers(uac.settings, 7)).run()
        assert uac.figures.calls == uac.figures.answered == 40
        assert uac.figures.ended_by == {"us": 40}
        assert min(uac.figures.dropped, uac.figures.sent_again, uas.figures.came_again) > 0


@pytest.mark.parametrize("body", ["relay", "plain"])
async def test_keys_are_heard(body: str) -> None:
    async with ends({"press": "9#", "press_body": body}, press="1aD*", press_body=body, talk_s=-1.0) as (uac, uas):
        call = uac.call("1")
        await uac.endpoint.watch.until(lambda: len(call.heard) == 2 and len(call.pressed) == 4)
        [came] = uas.calls
        await uas.endpoint.watch.until(lambda: len(came.pressed) == 2)
        call.hang_up()
        await call.ended()
        assert (came.heard, call.heard) == ("1AD*", "9#")
        assert (call.pressed, came.pressed) == ([200] * 4, [200] * 2)


async def test_a_bye_with_a_reason() -> None:
    async with ends({"talk_s": 0.0, "bye_reason": "SIP;cause=607"}, talk_s=-1.0) as (uac, _):
        call = await uac.call("1").ended()
        assert (call.ended_by, call.end_reason) == ("peer", "SIP;cause=607")
        assert uac.figures.end_reasons == {"SIP;cause=607": 1}


async def test_hold_resume_and_glare() -> None:
    async with ends(hold_s=0.0, resume_s=0.02, talk_s=0.05) as (uac, uas):
        call = await uac.call("1").ended()
        assert call.reinvited == [200, 200]
        assert uas.calls[0].directions == ["recvonly", "sendrecv"]
    async with ends(talk_s=-1.0) as (uac, uas):
        call = uac.call("1")
        came = await (await uas.called())[0].stood()
        for side in (call, came):
            side.reinvite("sendrecv", side.endpoint.time())
        for side in (call, came):
            side.endpoint.turn(side.endpoint.time())
        await uac.endpoint.watch.until(lambda: bool(call.reinvited))
        await uas.endpoint.watch.until(lambda: bool(came.reinvited))
        assert (call.reinvited, came.reinvited) == ([491], [491])
        came.hang_up()
        assert (await call.ended()).ended_by == "peer"


async def test_many_calls_at_once_stay_within_their_bound() -> None:
    async with ends({"ring_s": 0.01}, count=30, at_once=7, callee="1380013{n:04}") as (uac, uas):
        await CallLoad(uac, Numbers(uac.settings, 0)).run()
        assert (uac.figures.calls, uac.figures.most, uas.figures.most) == (30, 7, 7)
        assert [call.callee for call in uas.calls] == [f"1380013{n:04}" for n in range(30)]
        assert (uac.under_way, uac.figures.now, uas.figures.now) == (set(), 0, 0)


async def test_what_is_asked_outside_of_calls() -> None:
    peer = Peer()
    async with Uas() as uas:
        peer.send(asking(peer, "OPTIONS", "o", body=b""), uas.port)
        options = await peer.answered(200)
        assert options.first("allow") == b"INVITE, ACK, CANCEL, BYE, OPTIONS, INFO"
        peer.send(asking(peer, "BYE", "b", body=b""), uas.port)
        await peer.answered(481)
        peer.send(asking(peer, "MESSAGE", "m", body=b""), uas.port)
        await peer.answered(405)
        peer.send(asking(peer, "INVITE", "r", headers=("Require: 100rel, timer",)), uas.port)
        assert (await peer.answered(420)).first("unsupported") == b"100rel, timer"
        peer.send(b"INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKx\r\n\r\n", uas.port)
        await peer.answered(400)
        assert (uas.figures.options, uas.figures.strays, uas.figures.malformed) == (1, 1, 1)


async def test_a_second_fork_is_acknowledged_and_ended() -> None:
    peer = Peer()
    async with Uac(UacSettings(port=peer.port, talk_s=-1.0)) as uac:
        call = uac.call("1")
        invite = await peer.asked("INVITE")
        heard = []
        for tag in (b"one", b"two"):
            ok = reply(invite, 200, tag, [("contact", b"<sip:x@127.0.0.1:%d>" % peer.port)])
            peer.send(ok.octets(), invite.via.port)
            heard.append(await peer.asked("ACK"))
        bye = await peer.asked("BYE")
        assert [each.to.tag for each in heard] == [b"one", b"two"]
        assert bye.to.tag == b"two"
        assert (call.over, uac.figures.late_answers) == (False, 1)


@pytest.mark.parametrize(("listens", "called"), [("::1", "::1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "localhost")])
async def test_addresses_of_both_families_and_names(listens: str, called: str) -> None:
    async with Uas(host=listens) as uas, Uac(UacSettings(host=called, port=uas.port)) as uac:
        call = await uac.call("1").ended()
        assert call.response is not None
        own = f"[{called}]" if ":" in called else "127.0.0.1"
        assert call.response.first("contact") == f"<sip:sim@{own}:{uas.port}>".encode()
        assert (call.ended_by, uas.calls[0].ended_by) == ("us", "peer")


async def test_a_lost_connection_is_told() -> None:
    async with ends({"ring_s": 60.0}, transport="tcp") as (uac, uas):
        call = uac.call("1")
        await call.rang()
        await uas.stop()
        await asyncio.wait_for(call.ended(), 60)
        assert (call.failure, uac.figures.lost) == ("sending", 1)


def test_loss_is_for_datagrams() -> None:
    with pytest.raises(ValueError, match="UDP"):
        Uac(UacSettings(transport="tcp", faults=CallFaults(loss=0.1)))
