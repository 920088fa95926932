"""The control socket: only its owner reaches it, broken requests hurt nobody, and the registry's verbs work over it."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from proxy.control import REQUEST_MOST_OCTETS, ControlError, ControlServer, NotRunningError, call
from proxy.core.purposes import OBJECTION
from proxy.core.snapshot import Snapshot
from proxy.registry.importing import Known
from proxy.registry.packs import read_packs
from proxy.registry.snapshots import SnapshotBuilder
from proxy.registry.verbs import Verbs
from tests.store.open_store import BANK, PERSON, SECRET, key_of, owned, stage
from tests.tools.words import reader


async def echo(verb: str, args: dict[str, Any]) -> dict[str, Any]:
    if verb == "refuse":
        raise ControlError("not now", usage=True)
    if verb == "break":
        raise RuntimeError("a secret detail")
    return {"verb": verb, **args}


async def asked(path: Path, verb: str, args: dict[str, Any]) -> dict[str, Any]:
    return await asyncio.to_thread(call, path, verb, args, 20.0)


async def raw(path: Path, octets: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 22)
    writer.write(octets)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_verb_gets_its_answer_or_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    server = ControlServer(path, echo)
    await server.start()
    try:
        assert path.stat().st_mode & 0o777 == 0o600
        assert await asked(path, "hello", {"text": "你好"}) == {"verb": "hello", "text": "你好"}
        with pytest.raises(ControlError, match="not now") as refused:
            await asked(path, "refuse", {})
        assert refused.value.usage
        with pytest.raises(ControlError, match="RuntimeError") as broken:
            await asked(path, "break", {})
        assert "secret" not in str(broken.value)
    finally:
        await server.stop()
    assert not path.exists()


@pytest.mark.parametrize(
    "octets",
    [b"\n", b"junk\n", b"[]\n", b'{"verb": 7}\n', b'{"verb": "x", "more": 1}\n', b'{"verb": "x", "args": []}\n'],
)
async def test_what_is_no_request_is_answered_as_such(tmp_path: Path, octets: bytes) -> None:
    server = ControlServer(tmp_path / "c", echo)
    await server.start()
    try:
        assert b'"ok":false' in await raw(tmp_path / "c", octets)
        assert (await asked(tmp_path / "c", "x", {}))["verb"] == "x"
    finally:
        await server.stop()


async def test_a_line_without_end_is_cut_off(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / "c", echo)
    await server.start()
    try:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "c"))
        writer.write(b"x" * (REQUEST_MOST_OCTETS * 2 + 1))
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        assert await raw(tmp_path / "c", b'{"verb": "half') == b""
        assert (await asked(tmp_path / "c", "x", {}))["verb"] == "x"
    finally:
        await server.stop()


async def test_more_than_so_many_conversations_are_turned_away(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / "c", echo, connections_most=1)
    await server.start()
    try:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "c"))
        writer.write(b'{"verb": "x"}\n')
        assert b"true" in await reader.readline()
        with pytest.raises(ControlError):
            await asked(tmp_path / "c", "x", {})
        writer.close()
    finally:
        await server.stop()


async def test_a_socket_left_by_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NotRunningError):
        await asked(path, "x", {})
    server = ControlServer(path, echo)
    await server.start()
    try:
        assert (await asked(path, "x", {}))["verb"] == "x"
    finally:
        await server.stop()
    with pytest.raises(NotRunningError):
        await asked(path, "x", {})


async def test_a_state_folder_may_lie_deep(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["folder-with-a-long-name"] * 6)
    deep.mkdir(parents=True)
    server = ControlServer(deep / "control.sock", echo)
    await server.start()
    try:
        assert (await asked(deep / "control.sock", "x", {}))["verb"] == "x"
    finally:
        await server.stop()
    assert list(deep.iterdir()) == []


async def test_an_import_reaches_the_running_owner_and_its_snapshot(tmp_path: Path) -> None:
    published: list[Snapshot] = []
    async with owned(tmp_path) as store:
        builder = SnapshotBuilder(store, SECRET.person_key, reader())

        async def changed() -> None:
            published.append(await builder.build(read_packs("cn-open")[0]))

        verbs = Verbs(store, SECRET, changed)
        server = ControlServer(tmp_path / "c", verbs.dispatch)
        await server.start()
        try:
            row = {"recipient": PERSON, "institution": "bank", "at": "2026-01-01"}
            path = stage(tmp_path, {"institutions": [BANK], "suppressions": [row]}, Known())
            result = await asked(tmp_path / "c", "registry.adopt", {"staged": path.name})
            assert result["changed"]["suppressions"] == 1
            (snapshot,) = published
            assert (snapshot.revision, set(snapshot.institutions)) == (1, {"bank"})
            assert snapshot.suppressions.get(key_of(PERSON, "bank")) == 3
            added = await asked(
                tmp_path / "c",
                "suppress.add",
                {"recipient": PERSON, "institution": "bank", "purposes": ["collection"], "channels": ["sms"]},
            )
            assert added == {"changed": True, "closes": ["collection/sms"], "recipient": "138******00"}
            assert snapshot.suppressions.get(key_of(PERSON, "bank")) == 7 | OBJECTION  # the same index, no new snapshot
            assert len(published) == 1
            for name in ("../registry.db", "x", "/etc/passwd.staged"):
                with pytest.raises(ControlError):
                    await asked(tmp_path / "c", "registry.adopt", {"staged": name})
            with pytest.raises(ControlError, match="no such verb"):
                await asked(tmp_path / "c", "registry.forget", {})
        finally:
            await server.stop()
