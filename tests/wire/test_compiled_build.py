"""The compiled build of `make fast` is held to what the plain one does: scenarios of the other files, on that command.

The build lies below `build/` and is made anew only when a source changed. A test that is imported here runs with this
file's fixtures.
"""

from __future__ import annotations

import ast
import asyncio
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio

from tests.tools.compiled_build import VENV, CompiledBuild
from tests.tools.wire import RESP, SUBMIT_SM, pdu
from tests.wire.bystander import Bystander
from tests.wire.house import ROOT, House, text
from tests.wire.test_bad_octets import (  # noqa: F401
    test_a_broken_bind_is_answered_and_closed,
    test_a_broken_field_is_answered_with_its_status_and_the_session_goes_on,
    test_a_length_that_cannot_be_is_nacked_and_the_connection_closed,
    test_a_request_before_bind_or_on_a_receiver_bind_is_told_so,
    test_a_response_to_nothing_is_noted_and_dropped_on_either_side,
    test_an_unknown_command_is_nacked_with_its_sequence,
    test_any_sequence_number_comes_back_as_it_was,
)
from tests.wire.test_losing_a_side import (  # noqa: F401
    test_a_carrier_that_sends_in_pieces_is_read_all_the_same,
    test_esmes_killed_with_full_windows_crash_nothing,
    test_the_smsc_is_killed_with_full_windows,
)
from tests.wire.test_mirror import (  # noqa: F401
    test_a_receipt_before_its_response_waits_for_it,
    test_a_window_that_is_exceeded_is_throttled_and_the_rest_answered,
    test_everything_passes_octet_for_octet_in_both_directions,
    test_sigterm_lets_open_windows_come_to_their_end,
)
from tests.wire.test_td_on_the_wire import (  # noqa: F401
    test_a_receipt_that_quotes_a_refusal_refuses_nothing,
    test_every_writing_binds_on_the_next_pdu_of_every_bind_of_the_institution,
    test_it_is_confirmed_once_and_the_receipt_of_that_is_swallowed,
    test_on_disk_before_it_is_answered,
    test_start_lifts_what_that_person_closed_and_nothing_that_was_imported,
)

pytestmark = [pytest.mark.wire, pytest.mark.asyncio(loop_scope="module")]

NO_COMPILER = 3
Node = TypeVar("Node", bound=ast.AST)


@pytest.fixture(scope="module")
def compiled(compiled_build: CompiledBuild) -> tuple[str, ...]:
    """The command of the compiled build of these sources."""
    status, said = compiled_build.wait()
    if status == NO_COMPILER:
        pytest.skip(said.strip().splitlines()[-1])
    assert status == 0, said
    return (str(VENV / "bin" / "tdgate"),)


@pytest_asyncio.fixture(loop_scope="module")
async def house(compiled: tuple[str, ...], template: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(template, tmp_path, compiled) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(
    compiled: tuple[str, ...], template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with House(template, tmp_path_factory.mktemp("compiled"), compiled) as made:
        await made.start(smpp={"session_init_timer_s": 0.6, "pdu_timer_s": 0.6, "response_timer_s": 30.0})
        yield made
        await made.end()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bystander(shared: House) -> AsyncIterator[Bystander]:
    async with Bystander(shared) as one:
        yield one


def listed() -> list[str]:
    """The paths of the modules that the build hook compiles."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return list(project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]["include"])


async def test_every_module_that_is_listed_is_compiled_and_nothing_else_is(compiled: tuple[str, ...]) -> None:
    (package,) = VENV.glob("lib/python*/site-packages/proxy")
    found = {str(path.relative_to(package.parent)).split(".")[0] + ".py" for path in package.rglob("*.so")}
    assert found == set(listed())


async def test_what_runs_here_is_that_build(house: House) -> None:
    await house.start()
    assert house.process is not None
    loaded = await asyncio.to_thread(Path(f"/proc/{house.process.pid}/maps").read_text)
    assert f"{VENV}/lib" in loaded
    assert "__mypyc" in loaded
    assert f"{ROOT}/proxy/" not in loaded
    await house.end()


async def test_the_checkout_is_not_compiled() -> None:
    assert list((ROOT / "proxy").rglob("*.so")) + list(ROOT.glob("*.so")) == []


def nodes(kind: type[Node]) -> Iterator[tuple[str, Node]]:
    """Everything of a kind in the modules that are compiled, and in which one it is."""
    for path in listed():
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
            if isinstance(node, kind):
                yield path, node


async def test_no_structure_is_compiled_that_would_be_another_one() -> None:
    """A compiled Struct loses the keywords of its class: without `frozen` and `gc` it is only less strict."""
    for path, node in nodes(ast.ClassDef):
        assert {keyword.arg for keyword in node.keywords} <= {"frozen", "gc"}, f"{path}: {node.name}"


async def test_no_slice_ends_at_what_may_not_be_found() -> None:
    """Compiled, a slice of bytes that ends before it begins raises SystemError: `raw[16 : raw.find(0, 16)]` may."""
    for path, node in nodes(ast.Slice):
        called = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
        names = {each.attr if isinstance(each, ast.Attribute) else ast.unparse(each) for each in called}
        assert not names & {"find", "rfind", "index"}, f"{path}: {ast.unparse(node)}"


@pytest.mark.parametrize("body", [b"", b"\0", b"without end"], ids=["none", "empty", "no NUL"])
async def test_a_message_id_that_is_none_harms_no_session(body: bytes, shared: House, bystander: Bystander) -> None:
    asked = text("106900018")
    shared.smsc.answer = lambda frame, _: (
        pdu(SUBMIT_SM | RESP, body, sequence=frame.sequence) if frame.body == asked else None
    )
    esme = await shared.bind("jl")
    for _ in range(2):
        answer = await esme.request(SUBMIT_SM, asked)
        assert (answer.status, answer.body) == (0, body)
    shared.smsc.answer = None
    await bystander.goes_on()
    await esme.close()
