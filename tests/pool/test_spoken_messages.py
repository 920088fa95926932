"""The id in what an ESME says about a message is exchanged, and nothing else; what is asked goes one way only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.decision import Permit
from proxy.judging.in_force import InForce
from proxy.judging.pool_names import PoolNames
from proxy.policy import evaluate
from proxy.pool.spoken import named_in, renamed
from proxy.pool.ticket import Errand
from proxy.smpp.codec import decode, encode
from proxy.smpp.consts import CANCEL_SM, CANCEL_SM_RESP, QUERY_SM, REPLACE_SM
from proxy.smpp.pdu import Pdu, response
from proxy.trail.message import Message, esme_id
from tests.pool.dispatch_play import NOON, REQUEST, RESPONSE_S, SNAPSHOT, Play
from tests.rules.scene import PERSON
from tests.tools.slotted import changed

pytestmark = pytest.mark.unit

IDS = st.binary(min_size=1, max_size=16).map(lambda octets: octets.replace(b"\0", b"x"))


@given(st.sampled_from([QUERY_SM, CANCEL_SM, REPLACE_SM]), IDS, IDS, st.sampled_from([b"", b"CMT"]))
def test_the_id_is_exchanged_and_nothing_else(command: int, ours: bytes, theirs: bytes, service_type: bytes) -> None:
    fields: dict[str, object] = {"message_id": ours, "source_addr": b"10690001"}
    if command == CANCEL_SM:
        fields |= {"service_type": service_type, "destination_addr": b"8613800130001"}
    if command == REPLACE_SM:
        fields |= {"short_message": b"text"}
    raw = encode(command, 0, 7, fields)
    assert named_in(raw) == ours
    there = renamed(Pdu(command, 0, 7, raw), theirs)
    assert decode(there.raw).values["message_id"] == theirs
    assert renamed(there, ours).raw == raw


@given(st.binary(max_size=40), st.sampled_from([QUERY_SM, CANCEL_SM]))
def test_any_octets_name_something_or_nothing(body: bytes, command: int) -> None:
    assert b"\0" not in named_in(response(command, 0, 1, body))


class Trail:
    def __init__(self, *messages: Message) -> None:
        self.messages = messages

    def all_shown_as(self, shown: int) -> tuple[Message, ...]:
        return tuple(one for one in self.messages if one.shown == shown)


def finder(*messages: Message) -> Callable[..., tuple[str, bytes] | None]:
    in_force = InForce(SNAPSHOT, cast(Any, None), cast(Any, None), 0.0)
    names = PoolNames(Trail(*messages), Play(1, 0.0).dispatch, in_force)

    def find(account: str, message_id: bytes, to: str = "") -> tuple[str, bytes] | None:
        command = CANCEL_SM if to else QUERY_SM
        fields: dict[str, Any] = {"message_id": message_id}
        if to:
            fields |= {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": to.encode()}
        found = names.find(account, Pdu(command, 0, 1, encode(command, 0, 1, fields)))
        return None if found is None else (found.route, found.carrier_id)

    return find


def test_a_message_is_named_for_its_own_account_only() -> None:
    mine = Message(0xAB, "jl", "a", b"c1", bytes(16), 0, "")
    nameless = Message(0xAC, "jl", "a", b"", bytes(16), 0, "")
    find = finder(mine, nameless)
    assert find("jl", esme_id(0xAB)) == ("a", b"c1")
    assert find("yx", esme_id(0xAB)) is None
    assert find("jl", esme_id(0xAC)) is None
    assert find("jl", b"c1") is None
    assert find("jl", b"") is None


def test_of_several_persons_under_one_id_the_one_that_is_named_is_meant() -> None:
    digest = SNAPSHOT.person_key.digest
    one = Message(0xAB, "jl", "a", b"c1", digest(PERSON), 0, "", 0xA0)
    other = Message(0xAC, "jl", "b", b"c9", digest("8613900139001"), 0, "", 0xA0)
    find = finder(one, other)
    assert find("jl", esme_id(0xA0)) is None
    assert find("jl", esme_id(0xAB)) is None
    assert find("jl", esme_id(0xA0), "00" + PERSON) == ("a", b"c1")
    assert find("jl", esme_id(0xA0), "8613900139001") == ("b", b"c9")
    assert find("jl", esme_id(0xA0), "8613900139002") is None
    # One carrier has both: it knows them by one id.
    assert finder(one, Message(0xAC, "jl", "a", b"c1", bytes(16), 0, "", 0xA0))("jl", esme_id(0xA0)) == ("a", b"c1")


def errand(play: Play, route: str, number: int = 90) -> Errand:
    raw = encode(CANCEL_SM, 0, number, {"message_id": b"c1"})
    verdict = evaluate(changed(REQUEST, id=number, octets=raw), SNAPSHOT, NOON)
    assert isinstance(verdict, Permit)
    return Errand(play.askers[0], Pdu(CANCEL_SM, 0, number, raw), verdict, route, 0xAB, play.now)


def test_an_errand_takes_the_route_that_has_the_message_or_none() -> None:
    play = Play(1, 0.0)
    play.bind("a")
    play.bind("b")
    play.dispatch.send(errand(play, "b"), play.now)
    assert [bool(bind.session.out) for bind in play.binds] == [False, True]
    play.dispatch.send(errand(play, "nowhere", 91), play.now)
    play.dispatch.send(errand(play, "c", 92), play.now)
    # It waits where there is no room, and is never sent by another route.
    play.dispatch.send(errand(play, "b", 93), play.now)
    play.lose(1)
    assert play.askers[0].ends == {90: ["unknown"], 91: ["unroutable"], 92: ["unroutable"], 93: ["unroutable"]}
    assert not play.books.written


def test_the_end_of_an_errand_is_no_end_of_a_message() -> None:
    play = Play(4, 0.0)
    play.bind("a")
    play.dispatch.send(errand(play, "a"), play.now)
    play.dispatch.from_carrier(play.binds[0], Pdu(CANCEL_SM_RESP, 0, 1, response(CANCEL_SM_RESP, 0, 1)), play.now)
    assert play.askers[0].octets[90] == response(CANCEL_SM_RESP, 0, 90)
    play.dispatch.send(errand(play, "a", 91), play.now)
    play.wait(RESPONSE_S + 1)
    play.dispatch.from_carrier(play.binds[0], Pdu(CANCEL_SM_RESP, 0, 2, response(CANCEL_SM_RESP, 0, 2)), play.now)
    assert play.askers[0].ends == {90: ["answered"], 91: ["unknown"]}
    assert not play.books.written
