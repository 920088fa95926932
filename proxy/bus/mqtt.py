"""Shared lists over MQTT 5: a retained head and whole list, deltas at QoS 1, questions, answers, acknowledgements.

Owns topics and connections; documents are proved elsewhere, so a broker can lose, repeat, reorder or invent without
harm. Below `TOPIC/ISSUER`: `head` and `snapshot` (retained), `delta`, `ask/RECIPIENT`, `answer/RECIPIENT`,
`acknowledged/RECIPIENT`. Which client may write where is the broker's own list of rights. Must never take a lost
connection for an end: it is made anew with growing pauses, until `stopping` is set.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import aiomqtt
import msgspec

from proxy.binds.tls import client_context
from proxy.list_settings import LIST_NAME, ListBroker
from proxy.lists.document import Kind
from proxy.lists.folder import name_of
from proxy.lists.following import Acknowledge, Ask
from proxy.sharing.ending import first_of, until_stopped
from proxy.sharing.follower import Follower
from proxy.sharing.publisher import Publisher

Log = Callable[..., None]
_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 15.0)
_QUESTION_MOST_OCTETS: Final = 512
#: For how long a follower that is behind waits before it asks again.
_PATIENCE_S: Final = 5.0
#: MQTT's own limit of a packet is 256 MB; a list that long has to be fetched.
_PUBLISH_TIMEOUT_S: Final = 60.0
_QUEUED_MOST: Final = 1000


async def serve_list(publisher: Publisher, broker: ListBroker, stopping: asyncio.Event, log: Log) -> None:
    """Pass on what is published, answer what is asked, note what is acknowledged, until `stopping` is set."""
    desk = _PublisherDesk(publisher, broker)
    await _always(broker, desk.run, stopping, log)


async def follow_list(
    follower: Follower, broker: ListBroker, recipient: str, stopping: asyncio.Event, log: Log
) -> None:
    """Follow one list until `stopping` is set."""
    desk = _FollowerDesk(follower, broker, recipient)
    await _always(broker, desk.run, stopping, log)


async def _always(
    broker: ListBroker,
    run: Callable[[aiomqtt.Client, Callable[[], None]], Awaitable[None]],
    stopping: asyncio.Event,
    log: Log,
) -> None:
    attempt = 0

    def stands() -> None:
        nonlocal attempt
        attempt = 0

    async def connection() -> None:
        async with _client(broker) as client:
            await run(client, stands)

    while not stopping.is_set():
        try:
            await until_stopped(connection(), stopping)
        except (aiomqtt.MqttError, OSError) as error:
            log("list.unreachable", error=error, host=broker.host, port=broker.port)
            await _pause(stopping, _PAUSES_S[min(attempt, len(_PAUSES_S) - 1)])
            attempt += 1


def _client(broker: ListBroker) -> aiomqtt.Client:
    tls = client_context(broker.tls) if broker.tls is not None else None
    password = Path(broker.password_file).read_text(encoding="utf-8").strip() if broker.password_file else None
    return aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username or None,
        password=password,
        protocol=aiomqtt.ProtocolVersion.V5,
        # WHY no session: what was missed is noticed by its number and asked for, however long ago it was.
        clean_start=True,
        tls_context=tls,
        keepalive=30,
        timeout=_PUBLISH_TIMEOUT_S,
        # WHY bounded: what is dropped here is missed by its number, and asked for.
        max_queued_incoming_messages=_QUEUED_MOST,
    )


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


class _Arriving:
    """What has come and waits for its turn. WHY apart from who acts on it: a lost connection is told where messages
    are waited for, and whoever waits for an answer of a broker that is gone would not hear of it.
    """

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(_QUEUED_MOST)

    async def listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if isinstance(message.payload, bytes):
                await self._waiting.put((message.topic.value, message.payload))

    async def next(self) -> tuple[str, bytes]:
        """The topic and the octets of the next one."""
        return await self._waiting.get()


class _PublisherDesk:
    def __init__(self, publisher: Publisher, broker: ListBroker) -> None:
        self._publisher: Final = publisher
        self._base: Final = f"{broker.topic}/{publisher.publication.issuer}"
        #: The newest document, and the newest whole list, that this connection was given.
        self._told = 0
        self._whole = 0

    async def run(self, client: aiomqtt.Client, stands: Callable[[], None]) -> None:
        await client.subscribe([(f"{self._base}/ask/+", 1), (f"{self._base}/acknowledged/+", 1)])
        # WHY no deltas of before: whoever missed them learns it from the head, and asks.
        self._told, self._whole = self._publisher.publication.number, 0
        await self._tell(client)
        stands()
        arriving = _Arriving()
        await first_of(arriving.listen(client), self._watch(client), self._act(client, arriving))

    async def _watch(self, client: aiomqtt.Client) -> None:
        while True:
            await self._publisher.newer_than(self._told)
            await self._tell(client)

    async def _tell(self, client: aiomqtt.Client) -> None:
        """What is new: deltas first, since who follows needs no whole list and has not to wait behind one."""
        publication, folder = self._publisher.publication, self._publisher.folder
        number, whole = publication.number, publication.snapshot
        for place in range(self._told + 1, number + 1):
            await self._give(client, "delta", folder.read(name_of("delta", place)))
        if whole > self._whole:
            await self._give(client, "snapshot", folder.read(name_of("snapshot", whole)))
        await self._give(client, "head", folder.read(name_of("head", number)))
        self._told, self._whole = number, whole

    async def _give(self, client: aiomqtt.Client, kind: Kind, octets: bytes | None) -> None:
        if octets is not None:
            await client.publish(f"{self._base}/{kind}", octets, qos=1, retain=kind != "delta")

    async def _act(self, client: aiomqtt.Client, arriving: _Arriving) -> None:
        while True:
            topic, payload = await arriving.next()
            parts = topic.removeprefix(f"{self._base}/").split("/")
            if len(payload) > _QUESTION_MOST_OCTETS or len(parts) != 2:
                continue
            what, recipient = parts
            if LIST_NAME.fullmatch(recipient) is None:
                continue
            try:
                if what == "ask":
                    asked = msgspec.json.decode(payload, type=Ask)
                    await self._answer(client, recipient, asked.first)
                else:
                    self._publisher.acknowledged(recipient, msgspec.json.decode(payload, type=Acknowledge))
            except msgspec.DecodeError:
                # WHY nothing more: whoever asks like this is none of ours, and a line for each would be a gift.
                continue

    async def _answer(self, client: aiomqtt.Client, recipient: str, first: int) -> None:
        for _, octets in self._publisher.folder.since(first):
            await client.publish(f"{self._base}/answer/{recipient}", octets, qos=1)


class _FollowerDesk:
    def __init__(self, follower: Follower, broker: ListBroker, recipient: str) -> None:
        self._follower: Final = follower
        self._base: Final = f"{broker.topic}/{follower.following.issuer}"
        self._recipient: Final = recipient
        self._has_asked_whole = False

    async def run(self, client: aiomqtt.Client, stands: Callable[[], None]) -> None:
        self._has_asked_whole = False
        topics = [f"{self._base}/{each}" for each in ("head", "delta", f"answer/{self._recipient}")]
        await client.subscribe([(topic, 1) for topic in topics])
        await self._send(client, await self._follower.reconnected())
        stands()
        arriving = _Arriving()
        await first_of(arriving.listen(client), self._act(client, arriving), self._insist(client))

    async def _act(self, client: aiomqtt.Client, arriving: _Arriving) -> None:
        while True:
            _, octets = await arriving.next()
            await self._send(client, await self._follower.receive(octets))

    async def _insist(self, client: aiomqtt.Client) -> None:
        """Ask again while something is missing: the answer may have been lost."""
        while True:
            before = self._follower.following.number
            await asyncio.sleep(_PATIENCE_S)
            following = self._follower.following
            if following.behind and following.number == before:
                await self._send(client, await self._follower.reconnected())

    async def _send(self, client: aiomqtt.Client, back: list[Ask | Acknowledge]) -> None:
        for each in back:
            if isinstance(each, Acknowledge):
                topic = f"{self._base}/acknowledged/{self._recipient}"
            elif each.first == 0 and not self._has_asked_whole:
                # WHY a subscription: the retained whole list is there even while its issuer is not.
                self._has_asked_whole = True
                await client.subscribe(f"{self._base}/snapshot", qos=1)
                continue
            else:
                topic = f"{self._base}/ask/{self._recipient}"
            await client.publish(topic, msgspec.json.encode(each), qos=1)
