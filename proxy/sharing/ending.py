"""What runs beside something else, and ends with it. Must never wait for ever for who was told to end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

#: After which time whoever did not end is cancelled once more.
_CANCEL_AGAIN_S: Final = 0.5


async def first_of(*running: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends or fails; the others are ended. Raises what the one that failed raised."""
    tasks = [asyncio.create_task(each) for each in running]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        undone = set(tasks)
        while undone:
            for task in undone:
                task.cancel()
            # WHY again and again: before Python 3.12 a cancellation is lost where what `wait_for` waits for comes in
            # the same turn of the loop, and a client of MQTT waits so for every answer of its broker.
            _, undone = await asyncio.wait(undone, timeout=_CANCEL_AGAIN_S)
        # WHY: what the others raised while they were ended is of no interest, and asyncio would report it.
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_stopped(work: Coroutine[Any, Any, None], stopping: asyncio.Event) -> None:
    """Work, ended when `stopping` is set: an end must not wait for a peer that neither connects nor answers."""

    async def told() -> None:
        await stopping.wait()

    await first_of(work, told())
