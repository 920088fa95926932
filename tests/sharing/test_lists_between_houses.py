"""One house publishes its number list, another follows it: real processes, a real broker, and all that goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.evidence.keys import load_public_key
from proxy.lists.document import Heading, key_id_of, read_heading, write_document
from proxy.sharing.fetching import HttpSource
from tests.lists.list_rows import entry
from tests.sharing.two_houses import INSTITUTIONS, Broker, Command, ask, number, take_in
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, make_template, tdgate, text, toml
from tests.wire.people import REGISTRY

TOKEN = "a-token-of-the-second-house"


class Shared:
    """A publisher's and a follower's configuration, in folders of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.there = folder / "there.toml"
        self.here = folder / "here.toml"
        self.key = folder / "there" / "keys" / "lists.public.pem"

    def configure(self, source: str, *, broker: Broker | None = None, **publishing: Any) -> None:
        bus = {"lists.broker": {"port": broker.port}} if broker is not None else {}
        publisher = {"issuer": "donggang", "look_s": 0.1, **publishing}
        self.there.write_text('state = "there"\n' + toml({"lists": publisher, **bus}), encoding="utf-8")
        followed = {"public_keys": [str(self.key)], "source": source, "recipient": "nangang", "poll_s": 0.1}
        followed["token_file"] = str(self.folder / "token")
        (self.folder / "token").write_text(TOKEN + "\n")
        here = {"lists.follow.donggang": followed, **bus}
        self.here.write_text('state = "here"\n' + toml(here), encoding="utf-8")

    def publish(self) -> Command:
        return Command(self.there, "registry", "publish", "--serve")

    def follow(self) -> Command:
        return Command(self.here, "registry", "follow")

    async def change(self, **sections: Any) -> None:
        await take_in(self.there, self.folder, **sections)

    async def head(self) -> Heading:
        """What is the newest, as the folder says."""
        public = load_public_key(self.key)
        octets = (self.folder / "there" / "lists" / "head").read_bytes()
        return read_heading(octets, "donggang", {key_id_of(public): public})[0]

    async def held(self) -> tuple[int, str]:
        """Number and hash of what the follower's store has."""
        row = (await ask(self.here, "list.followed"))["rows"][0]
        return row["number"], row["digest"]


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    return Shared(tmp_path)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(tmp_path) as made:
        yield made


async def through_faults(shared: Shared, broker: Broker, numbers: int) -> None:
    """A list of so many numbers through a broker's restart, repeated, reordered and forged documents, and absence."""
    shared.configure("mqtt", broker=broker, snapshot_every=4)
    await shared.change(institutions=INSTITUTIONS, numbers=[number(place) for place in range(numbers)])
    topic = "tdgate/lists/donggang"
    async with shared.publish() as there:
        await there.told("list.published", document=1)
        async with shared.follow() as here:
            await here.told("list.taken_in", document=1, kind="snapshot")
            # Deletions: a period that is over takes a number out of the list.
            await shared.change(numbers=[number(place, until="2026-03-01") for place in range(5)])
            await here.told("list.taken_in", document=2, kind="delta")
            await broker.stop()
            await shared.change(numbers=[number(numbers + 1)])
            await there.told("list.published", document=3)
            await there.told("list.unreachable")
            await here.told("list.unreachable")
            await broker.start()
            await here.told("list.taken_in", document=3)
            await _disturbed(shared, broker, topic, here)
            await shared.change(numbers=[number(numbers + 2)])
            await here.told("list.taken_in", document=4)
            await there.told("list.acknowledged", follower="nangang", document=4)
        # Away while more is published than is kept as deltas beside the whole list.
        for place in range(5):
            await shared.change(numbers=[number(numbers + 10 + place), number(place, until="2026-03-01")])
            await there.told("list.published", document=5 + place)
        behind = json.loads((await tdgate("registry", "recipients", "--json", "--config", shared.there))[1])["rows"]
        assert [(row["recipient"], row["documents"]) for row in behind] == [("nangang", 5)]
        async with shared.follow() as here:
            await here.told("list.taken_in", document=9)
            await there.told("list.acknowledged", follower="nangang", document=9)
        assert not here.lines or not [one for one in here.lines if one.get("event") == "list.rejected"]
    head = await shared.head()
    assert head.rows == numbers - 5 + 7
    assert await shared.held() == (9, head.digest)


async def _disturbed(shared: Shared, broker: Broker, topic: str, here: Command) -> None:
    """Somebody on the broker repeats, reorders and invents."""
    folder = shared.folder / "there" / "lists"
    head = await shared.head()
    async with aiomqtt.Client("127.0.0.1", broker.port) as attacker:
        for name in ("00000003.delta", "00000002.delta", "00000003.delta"):
            await attacker.publish(f"{topic}/delta", (folder / name).read_bytes(), qos=1)
        forged = msgspec.structs.replace(head, kind="delta", number=4, before=head.digest)
        other = Ed25519PrivateKey.generate()
        await attacker.publish(f"{topic}/delta", write_document(forged, other, [entry(1)]), qos=1)
        octets = write_document(forged, other, [entry(1)])
        stolen = octets.replace(key_id_of(other.public_key()).encode(), head.key.encode(), 1)
        await attacker.publish(f"{topic}/delta", stolen, qos=1)
        await attacker.publish(f"{topic}/ask/nangang", b"not a question", qos=1)
        rejected = await here.told("list.rejected", count=2)
    assert ["not known" in rejected[0]["reason"], "signature" in rejected[1]["reason"]] == [True, True]
    assert (await shared.held())[0] == 3


async def test_a_list_is_followed_through_a_brokers_faults(shared: Shared, broker: Broker) -> None:
    await through_faults(shared, broker, 300)


@pytest.mark.soak
async def test_a_hundred_thousand_numbers_are_followed_through_a_brokers_faults(shared: Shared, broker: Broker) -> None:
    await through_faults(shared, broker, 100_000)


async def test_over_http_a_recipient_proves_itself_and_its_lag_is_told(shared: Shared) -> None:
    http = {"port": 0, "recipients": {"nangang": hashlib.sha256(TOKEN.encode()).hexdigest()}}
    shared.configure("http://127.0.0.1:1/", http=http)
    await shared.change(institutions=INSTITUTIONS, numbers=[number(1), number(2)])
    async with shared.publish() as there:
        url = await there.line("lists:")
        shared.configure(url, http=http)
        async with shared.follow() as here:
            await here.told("list.taken_in", document=1)
            await shared.change(numbers=[number(1, until="2026-03-01")])
            await here.told("list.taken_in", document=2, kind="delta", rows=1)
            await there.told("list.acknowledged", follower="nangang", document=2)
        (shared.folder / "token").write_text("another token")
        async with shared.follow() as stranger:
            await stranger.told("list.unreachable")
        # A recipient that stops in the middle of what it says: the publisher ends when told, and waits for nobody.
        head = f"POST /acknowledged HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n"
        host, _, port = url.removeprefix("http://").strip("/").partition(":")
        told, stopped = await asyncio.open_connection(host, int(port))
        stopped.write(f"{head}Expect: 100-continue\r\n\r\n".encode())
        await stopped.drain()
        # WHY: it says so when the request is under way.
        assert (await told.readline()).startswith(b"HTTP/1.1 100")
    stopped.close()
    assert await shared.held() == (2, (await shared.head()).digest)


async def test_a_token_goes_to_nobody_but_the_issuer() -> None:
    asked: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        port = writer.get_extra_info("sockname")[1]
        head = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/other\r\nContent-Length: 0\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
    async with server:
        source = HttpSource(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/lists", TOKEN)
        with pytest.raises(OSError, match="302"):
            await asyncio.to_thread(source.get, "head")
    assert len(asked) == 1


async def test_a_folder_is_followed_once_and_again_without_change(shared: Shared) -> None:
    shared.configure(str(shared.folder / "there" / "lists"))
    await shared.change(institutions=INSTITUTIONS, numbers=[number(1), number(2)])
    for count in (1, 0):
        code, out, err = await tdgate("registry", "publish", "--config", shared.there)
        assert code == 0, err
        assert f"documents: {count}" in out
    for _ in range(2):
        code, out, err = await tdgate("registry", "follow", "--once", "--config", shared.here)
        assert (code, "behind: 0" in out) == (0, True), (out, err)
    assert await shared.held() == (1, (await shared.head()).digest)


async def test_what_the_first_house_disposed_of_the_second_refuses_on_its_wire(tmp_path: Path) -> None:
    template = await asyncio.to_thread(make_template, tmp_path / "template", REGISTRY)
    shared = Shared(tmp_path)
    shutil.copytree(template, tmp_path / "there")
    async with House(template, tmp_path / "house") as house:
        shared.configure(str(tmp_path / "there" / "lists"))
        followed = {"public_keys": [str(shared.key)], "source": str(tmp_path / "there" / "lists")}
        followed |= {"recipient": "nangang", "poll_s": 0.1}
        await tdgate("registry", "publish", "--config", shared.there)
        await house.start(**{"lists.follow.donggang": followed})
        shared.here = house.config
        esme = await house.bind("jl")
        assert (await esme.request(SUBMIT_SM, text("10690001"))).status == 0
        async with Command(house.config, "registry", "follow") as here, shared.publish() as there:
            await here.told("list.taken_in", document=1)
            assert (await esme.request(SUBMIT_SM, text("10690001"))).status == 0
            await ask(shared.there, "number.dispose", address="10690001", reason="complaints", by="authority")
            await there.told("list.published", document=2)
            await here.told("list.taken_in", document=2)
            assert (await esme.request(SUBMIT_SM, text("10690001"))).status != 0
            await ask(shared.there, "number.restore", address="10690001", reason="appeal", by="authority")
            await here.told("list.taken_in", document=3)
            assert (await esme.request(SUBMIT_SM, text("10690001"))).status == 0
        assert house.refused_by() == ["number.disposed"]
        await house.end()
