"""Shared lists over MQTT 5: a retained head and whole list, deltas at QoS 1, questions, answers, acknowledgements.

Owns topics and connections; documents are proved elsewhere, so a broker can lose, repeat, reorder or invent without
harm. Below `TOPIC/ISSUER`: `head` and `snapshot` (retained), `delta`, `ask/RECIPIENT`, `answer/RECIPIENT`,
`acknowledged/RECIPIENT`. Which client may write where is the broker's own list of rights. Must never take a lost
connection for an end: it is made anew with growing pauses, until `stopping` is set.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final

import aiomqtt
import msgspec

from proxy.list_settings import LIST_NAME, ListBroker
from proxy.lists.document import Kind
from proxy.lists.following import Acknowledge, Ask
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


async def serve_list(
    publisher: Publisher, broker: ListBroker, look_s: float, stopping: asyncio.Event, log: Log
) -> None:
    """Publish what changes, answer what is asked, note what is acknowledged, until `stopping` is set."""
    desk = _PublisherDesk(publisher, broker, look_s, stopping)
    await _always(broker, desk.run, stopping, log)


async def follow_list(
    follower: Follower, broker: ListBroker, recipient: str, stopping: asyncio.Event, log: Log
) -> None:
    """Follow one list until `stopping` is set."""
    desk = _FollowerDesk(follower, broker, recipient, stopping)
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

    while not stopping.is_set():
        try:
            async with _client(broker) as client:
                await run(client, stands)
        except (aiomqtt.MqttError, OSError) as error:
            log("list.unreachable", error=error, host=broker.host, port=broker.port)
            await _pause(stopping, _PAUSES_S[min(attempt, len(_PAUSES_S) - 1)])
            attempt += 1


def _client(broker: ListBroker) -> aiomqtt.Client:
    tls: ssl.SSLContext | None = None
    if broker.tls is not None:
        tls = ssl.create_default_context(cafile=broker.tls.ca or None)
        if broker.tls.certificate:
            tls.load_cert_chain(broker.tls.certificate, broker.tls.key)
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


async def _first_of(*running: Awaitable[None]) -> None:
    """Until one of them ends or fails; the others are ended."""
    tasks = [asyncio.ensure_future(each) for each in running]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _PublisherDesk:
    def __init__(self, publisher: Publisher, broker: ListBroker, look_s: float, stopping: asyncio.Event) -> None:
        self._publisher: Final = publisher
        self._base: Final = f"{broker.topic}/{publisher.publication.issuer}"
        self._look_s: Final = look_s
        self._stopping: Final = stopping

    async def run(self, client: aiomqtt.Client, stands: Callable[[], None]) -> None:
        await client.subscribe([(f"{self._base}/ask/+", 1), (f"{self._base}/acknowledged/+", 1)])
        await self._tell(client, self._publisher.folder.since(0))
        stands()
        await _first_of(self._watch(client), self._listen(client))

    async def _tell(self, client: aiomqtt.Client, documents: Iterable[tuple[str, bytes]]) -> None:
        """The newest whole list among them, then the head, both retained."""
        for name, octets in documents:
            if name.endswith("snapshot"):
                await client.publish(f"{self._base}/snapshot", octets, qos=1, retain=True)
        await self._head(client)

    async def _head(self, client: aiomqtt.Client) -> None:
        if self._publisher.publication.number:
            await client.publish(f"{self._base}/head", self._publisher.publication.head(), qos=1, retain=True)

    async def _watch(self, client: aiomqtt.Client) -> None:
        while not self._stopping.is_set():
            made: list[tuple[Kind, int, bytes]] = await self._publisher.look()
            for kind, _, octets in made:
                # WHY the delta first: who follows needs no whole list, and has not to wait behind one.
                await client.publish(f"{self._base}/{kind}", octets, qos=1, retain=kind == "snapshot")
            if made:
                await self._head(client)
            await _pause(self._stopping, self._look_s)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload
            parts = message.topic.value.removeprefix(f"{self._base}/").split("/")
            if not isinstance(payload, bytes) or len(payload) > _QUESTION_MOST_OCTETS or len(parts) != 2:
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
    def __init__(self, follower: Follower, broker: ListBroker, recipient: str, stopping: asyncio.Event) -> None:
        self._follower: Final = follower
        self._base: Final = f"{broker.topic}/{follower.following.issuer}"
        self._recipient: Final = recipient
        self._stopping: Final = stopping
        self._has_asked_whole = False

    async def run(self, client: aiomqtt.Client, stands: Callable[[], None]) -> None:
        self._has_asked_whole = False
        topics = [f"{self._base}/{each}" for each in ("head", "delta", f"answer/{self._recipient}")]
        await client.subscribe([(topic, 1) for topic in topics])
        await self._send(client, await self._follower.reconnected())
        stands()
        await _first_of(self._listen(client), self._insist(client), self._end())

    async def _end(self) -> None:
        await self._stopping.wait()

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if isinstance(message.payload, bytes):
                await self._send(client, await self._follower.receive(message.payload))

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
