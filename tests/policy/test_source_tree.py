"""What the source tree itself promises: one maker of permits, one way for calls, and rooms without input or output."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.tools.source_tree import PROXY, nodes, where

pytestmark = pytest.mark.unit

SANS_IO = ("core", "smpp", "rules", "language", "routing", "policy.py", "optout_parser.py", "explain.py")
WITH_IO = frozenset(("asyncio", "socket", "ssl", "sqlite3", "time", "os", "threading", "subprocess", "selectors"))
#: Sets of rooms that a room may import from; a room that is not named here is not held by this test.
MAY_IMPORT = {
    "core": {"core"},
    "smpp": {"core", "smpp"},
    "language": {"core", "language"},
    "routing": {"core", "routing"},
    "rules": {"core", "language", "rules"},
    "policy": {"core", "rules"},
}


def sources(name: str = "") -> Iterator[Path]:
    place = PROXY / name
    yield from (place.rglob("*.py") if place.is_dir() else [place] if place.exists() else [])


def imported(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def called(path: Path) -> frozenset[str]:
    functions = [node.func for node in nodes(path) if isinstance(node, ast.Call)]
    return frozenset(one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in functions)


def callers_of(name: str) -> set[str]:
    """The files in which something of this name is called."""
    return {path.relative_to(PROXY).as_posix() for path in where(name, sources()) if name in called(path)}


@pytest.mark.parametrize("name", ["Seal", "Permit"])
def test_only_the_policy_makes_permits(name: str) -> None:
    assert callers_of(name) == {"policy.py"}


def test_only_one_place_connects_a_call_and_only_with_what_outbound_wrote() -> None:
    connecting = {file for file in callers_of("connect") if file.startswith(("sip", "trunks"))}
    # `sip_b2bua.py` makes connections of TCP by a function of this name.
    assert connecting == {"trunks/trying.py", "sip_b2bua.py"}
    assert callers_of("invite") == {"trunks/trying.py"}
    assert callers_of("Outbound") == {"trunks/desk.py"}


def test_only_outbound_writes_an_invite_that_begins_a_call() -> None:
    """Others are built by a dialog, are an OPTIONS of the supervision, or an INVITE that only a trunk gets."""
    makers = callers_of("SipRequest")
    assert makers == {"sip/head.py", "sip/message.py", "sip/dialog.py", "sip/transaction/invite_client.py"} | {
        "trunks/outbound.py",
        "trunks/supervision.py",
    }
    assert callers_of("write_invite") == {"trunks/outbound.py", "trunks/inward.py"}
    assert callers_of("Inward") == {"trunks/inbound.py"}


def test_only_the_policy_and_its_types_know_the_seal() -> None:
    """Under another name or in another's hands a seal would be as good."""
    users = set()
    for path in where("Seal", sources()) + where("_SEAL", sources()):
        names = {node.id for node in nodes(path) if isinstance(node, ast.Name)}
        attributes = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
        classes = {node.name for node in nodes(path) if isinstance(node, ast.ClassDef)}
        if {"Seal", "_SEAL"} & (names | attributes | classes) or any(one.endswith(".Seal") for one in imported(path)):
            users.add(path.relative_to(PROXY).as_posix())
    assert users == {"policy.py", "core/decision.py"}


def test_nobody_gives_a_permit_other_octets() -> None:
    """What is sent is what was judged: only a permit itself lets go of its octets."""
    writers = set()
    knowing = where("Permit", sources()) + where("evaluate", sources())
    for path in where("octets", knowing):
        if not any(name.endswith((".Permit", ".evaluate")) for name in imported(path)) and path.name != "decision.py":
            continue
        for node in nodes(path):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(one, ast.Attribute) and one.attr in ("octets", "_octets") for one in targets):
                writers.add(path.relative_to(PROXY).as_posix())
    assert writers <= {"core/decision.py"}


def test_no_permit_is_subclassed() -> None:
    for path in where("Permit", sources()) + where("Seal", sources()):
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                bases = {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
                assert not bases & {"Permit", "Seal"}, path


@pytest.mark.parametrize("room", SANS_IO)
def test_rooms_without_input_and_output(room: str) -> None:
    for path in sources(room):
        found = {name.partition(".")[0] for name in imported(path)} & WITH_IO
        assert not found, f"{path}: {found}"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_from_below_only(room: str) -> None:
    files = [*sources(room), *sources(f"{room}.py")]
    assert files
    for path in files:
        rooms = {name.split(".")[1] for name in imported(path) if name.startswith("proxy.")}
        assert rooms <= MAY_IMPORT[room], f"{path}: {rooms - MAY_IMPORT[room]}"


def test_no_clock_is_read_in_them() -> None:
    for room in SANS_IO:
        for path in sources(room):
            assert not {"now", "today", "utcnow", "monotonic"} & called(path), path
