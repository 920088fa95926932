"""No refusal in a call is acknowledged before it is on disk: the real process, a database that somebody else holds."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.evidence.records import Call
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import asking
from tests.wire.house import House, make_template
from tests.wire.talk import PERSON, Talk
from tests.wire.test_calls_judged import VOICE

pytestmark = pytest.mark.wire

DTMF = "Content-Type: application/dtmf"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("keeping") / "template", VOICE)


@pytest.fixture
async def talk(template: Path, tmp_path: Path) -> AsyncIterator[Talk]:
    async with House(template, tmp_path) as house:
        yield Talk(house)


async def test_a_bye_for_607_is_answered_once_the_disk_has_it(talk: Talk) -> None:
    await talk.begin(end_user=True)
    await talk.talking()
    with talk.held():
        talk.from_b("BYE", 1, "Reason: SIP;cause=607")
        await talk.agreed(talk.a, "BYE")
        await talk.house.event("refusal.failed", reason="store")
        talk.from_b("BYE", 1, "Reason: SIP;cause=607")
        await talk.binds()
        assert talk.b.nothing(), "the caller was told that it is over, the person not that it is kept"
        assert talk.house.suppressions() == []
    await talk.b.answered(200)
    await talk.is_there_after_a_kill()


async def test_a_607_is_acknowledged_once_the_disk_has_it(talk: Talk) -> None:
    await talk.begin(end_user=True)
    with talk.held():
        talk.answer(607)
        await talk.binds()
        talk.answer(607)
        await talk.binds()
        assert talk.b.nothing()
        assert talk.house.suppressions() == []
    await talk.b.asked("ACK")
    await talk.a.answered(607)
    await talk.is_there_after_a_kill()


async def test_a_key_is_answered_once_the_disk_has_it(talk: Talk) -> None:
    await talk.begin()
    await talk.talking()
    with talk.held():
        talk.from_b("INFO", 1, DTMF, body=b"9")
        talk.from_b("INFO", 1, DTMF, body=b"9")
        await talk.binds()
        assert talk.a.nothing()
        assert talk.b.nothing()
    await talk.agreed(talk.a, "INFO")
    await talk.b.answered(200)
    # The call goes on: it is not configured otherwise.
    talk.from_b("INFO", 2, DTMF, body=b"1")
    await talk.agreed(talk.a, "INFO")
    await talk.b.answered(200)
    talk.from_a("BYE", 2)
    await talk.a.answered(200)
    await talk.agreed(talk.b, "BYE")
    await talk.is_recorded("keypad")


async def test_the_call_is_released_where_that_is_configured(talk: Talk) -> None:
    await talk.begin({"release": True})
    await talk.talking()
    with talk.held():
        talk.from_b("INFO", 1, DTMF, body=b"9")
        await talk.binds()
        assert talk.a.nothing()
        assert talk.b.nothing()
    await talk.b.answered(200)
    for side in (talk.a, talk.b):
        bye = await side.asked("BYE")
        assert bye.first("reason") == b'Q.850;cause=21;text="suppression.active"'
        side.send(a_response(bye, 200).octets(), talk.port)
    (ended,) = await talk.house.record(lambda one: isinstance(one, Call))
    assert (ended.side, ended.cause) == ("us", "refused")
    await talk.is_recorded("keypad")


async def test_a_607_that_crosses_the_callers_cancel_counts(talk: Talk) -> None:
    await talk.begin(end_user=True)
    talk.answer(180)
    await talk.a.answered(180)
    talk.a.send(asking(talk.a, "CANCEL", uri=f"sip:{PERSON}@127.0.0.1", cseq="1 CANCEL"), talk.port)
    await talk.a.answered(200)
    await talk.a.answered(487)
    await talk.agreed(talk.b, "CANCEL")
    talk.answer(607)
    await talk.b.asked("ACK")
    await talk.is_recorded("607")


async def test_a_key_and_a_607_that_cross_the_callers_bye_count(talk: Talk) -> None:
    await talk.begin(end_user=True)
    await talk.talking()
    talk.from_a("BYE", 2)
    await talk.a.answered(200)
    bye = await talk.b.asked("BYE")
    talk.from_b("INFO", 1, DTMF, body=b"9")
    await talk.b.answered(481)
    talk.from_b("BYE", 2, "Reason: SIP;cause=607")
    await talk.b.answered(200)
    talk.b.send(a_response(bye, 200).octets(), talk.port)
    await talk.is_recorded("keypad")


async def test_an_orderly_end_waits_for_a_refusal_that_is_not_on_disk_yet(talk: Talk) -> None:
    await talk.begin(end_user=True)
    await talk.talking()
    with talk.held():
        talk.from_b("BYE", 1, "Reason: SIP;cause=607")
        await talk.agreed(talk.a, "BYE")
        talk.house.send_signal(signal.SIGTERM)
        await talk.house.event("process.draining")
        assert talk.b.nothing()
    await talk.b.answered(200)
    assert await talk.house.exit_code() == 0
    assert [one.source for one in talk.house.suppressions()] == ["607"]


async def test_a_key_before_the_answer_counts_where_that_is_configured(talk: Talk) -> None:
    await talk.begin({"early": True, "keys": "#"})
    talk.answer(183)
    await talk.a.answered(183)
    with talk.held():
        talk.from_b("INFO", 1, "Content-Type: application/dtmf-relay", body=b"Signal=#\r\nDuration=160\r\n")
        await talk.binds()
        assert talk.b.nothing()
    await talk.b.answered(200)
    talk.answer(603)
    await talk.b.asked("ACK")
    await talk.a.answered(603)
    await talk.is_recorded("keypad")


async def test_what_is_not_the_persons_word_is_answered_at_once_and_closes_nothing(talk: Talk) -> None:
    """A rule of tdgate's on the way, the caller's own keys, and whoever the call was diverted to."""
    await talk.begin(end_user=True)
    await talk.talking()
    talk.from_b("INFO", 1, DTMF, 'Reason: Q.850;cause=21;text="suppression.active"', body=b"9")
    await talk.agreed(talk.a, "INFO")
    await talk.b.answered(200)
    talk.from_b("BYE", 2, 'Reason: SIP;cause=607;text="suppression.active"')
    await talk.b.answered(200)
    await talk.agreed(talk.a, "BYE")

    await talk.call("diverted@192.0.2.10")
    talk.answer(181)
    await talk.a.answered(181)
    await talk.talking()
    talk.from_b("INFO", 1, DTMF, body=b"9")
    await talk.agreed(talk.a, "INFO")
    await talk.b.answered(200)
    talk.from_b("BYE", 2, "Reason: SIP;cause=607")
    await talk.b.answered(200)
    await talk.agreed(talk.a, "BYE")
    assert talk.house.suppressions() == []
    await talk.house.end()
