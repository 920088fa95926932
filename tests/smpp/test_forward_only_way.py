"""Only `forward.py` sends a message towards the carrier: held over the source of the rooms that write to sessions."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from proxy.smpp.codec import decode
from proxy.smpp.consts import CANCEL_SM
from proxy.smpp.withdrawal import Withdrawal
from tests.tools.source_tree import PROXY, all_sources, nodes, where

pytestmark = pytest.mark.unit

SMPP = PROXY / "smpp"

#: What may be queued for a carrier besides a permit's octets, by the function that builds it.
ANSWERS = {"response", "generic_nack", "refusal_answer"}
#: Places where octets of a peer are passed on, each with what makes it no message. A new one must be argued for here.
PASSED_ON = {
    ("forward.py", "forward"): "the permit's octets",
    ("deliveries.py", "alert"): "to the ESME: an alert_notification",
    ("relay.py", "_carrier_answered"): "to the ESME: the carrier's answer",
    ("deliveries.py", "_deliver"): "to the ESME: a delivery",
    (
        "relay.py",
        "answer",
    ): "to the ESME: the carrier's answer to a submit_multi, or what the same part was given before",
    ("deliveries.py", "deliver_spooled"): "to the ESME: a receipt of tdgate's own, out of the spool",
    ("deliveries.py", "esme_answered"): "to the carrier: an answer, its kind checked against the delivery",
    # A cancel_sm of tdgate's own: it carries no message to anybody, so no rule is there for it to pass. Its octets
    # come from `smpp/withdrawal.py` alone, which writes nothing but cancel_sm and never one without a message_id; its
    # ids are those that the carrier gave for permitted messages of the account whose bind it goes out on.
    ("relay.py", "withdraw"): "to the carrier: takes a message back from a person who refused",
    ("bind.py", "withdraw"): "to the carrier: the same in a pool, by the id that this route's carrier gave",
    ("mirror.py", "open"): "to the ESME: the carrier's answer to its bind",
    ("binding.py", "dial"): "to the carrier: the bind",
    ("desk.py", "_ended"): "to the ESME: the answer to its request",
    ("desk.py", "_answer_several"): "to the ESME: the joined answer to its submit_multi",
    ("deliveries.py", "hand_out"): "to the ESME: a delivery out of the spool",
    ("desk.py", "_ask_about"): "to the ESME: what tdgate itself says of a message that it still has",
    ("desk.py", "part_answered"): "to the ESME: the answer that the same part was given before",
}


def is_queued(node: ast.AST) -> bool:
    """Whether a node is a `….out.append(…)` or the like."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    queue = node.func.value
    name = getattr(queue, "attr", getattr(queue, "id", ""))
    return name == "out" and node.func.attr not in ("take",)


@cache
def appended(path: Path) -> list[tuple[str, str]]:
    """(function, what) of all that a file puts on the out queue of a session."""
    functions = [node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        (function.name, ast.unparse(node.args[0]))
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and is_queued(node)
    ]


SOURCES = [
    *sorted(SMPP.glob("*.py")),
    *sorted((PROXY / "pool").glob("*.py")),
    *sorted((PROXY / "judging").glob("*.py")),
    *sorted((PROXY / "binds").glob("*.py")),
    PROXY / "smpp_server.py",
]


def test_octets_of_a_peer_are_passed_on_in_known_places_only():
    passed_on = {
        (path.name, function)
        for path in where("out.", SOURCES)
        for function, what in appended(path)
        if what.split("(")[0] not in ANSWERS
    }
    assert passed_on == PASSED_ON.keys()


def test_forward_is_called_by_the_relay_only_and_with_a_permit():
    callers = [
        (path.name, ast.unparse(node.args[0]))
        for path in where("forward", SOURCES)
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "forward"
    ]
    assert sorted(callers) == [("bind.py", "ticket.permit"), *[("relay.py", "permit")] * 4, ("relay.py", "verdict")]


def test_what_is_withdrawn_is_a_cancel_sm_and_nothing_else():
    makers = [
        path.relative_to(PROXY).as_posix()
        for path in where("Withdrawal", all_sources())
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Withdrawal"
    ]
    assert set(makers) == {"smpp/withdrawal.py"}
    sources = (SMPP / "relay.py", PROXY / "pool" / "bind.py")
    withdrawn = [what for source in sources for name, what in appended(source) if name == "withdraw"]
    assert withdrawn == ["withdrawal.octets"] * 2
    for service_type, addresses in ((b"", b"\0\0\0\0\0\0"), (b"CMT", b"\1\1861\0\1\1862\0")):
        withdrawal = Withdrawal(b"A1", service_type, addresses, 1)
        for octets, message_id in ((withdrawal.octets, b"A1"), (withdrawal.under(b"C7").octets, b"C7")):
            assert decode(octets).command_id == CANCEL_SM
            assert decode(octets).values["message_id"] == message_id
    for no_id in (b"", b"\0", b"A\0"):
        with pytest.raises(ValueError, match="message_id"):
            Withdrawal(no_id, b"", b"\0\0\0\0\0\0", 1)


def test_a_permit_is_spent_in_one_place_for_messages_and_in_one_for_calls():
    spent = [
        path.name
        for path in where("spend", all_sources())
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "spend"
    ]
    # digest.py spends the counts of nonces.
    assert spent == ["digest.py", "forward.py", "outbound.py"]


def test_out_is_never_put_in_place_as_a_whole():
    for path in SOURCES:
        for node in nodes(path):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr == "out":
                    assert path.name == "session.py", f"{path.name}:{target.lineno}"
