"""Traffic that goes on after the round, so that there is something to see on the page, until the demonstration ends.

Owns the cycle: good and bad messages, a person who answers TD, what is refused then, and the START that lifts it.
"""

import asyncio
from collections.abc import Callable
from itertools import cycle
from typing import Final

from proxy.core.addresses import masked
from proxy.smpp import consts
from simulators.demo_round import Senders, body_of
from simulators.demo_script import START, TD, XINGQIAO, YUNXIU, ZEHE, Send, Writes
from simulators.demo_world import SENDERS, STRANGER, B, C
from simulators.handset import Handset

PACE_S: Final = 0.7
CYCLE: Final[tuple[Send | Writes, ...]] = (
    Send("jianglan-mkt", "10690001", B),
    Send("yunxiu-mkt", "10690101", C, YUNXIU),
    Writes(B, "10690001", "jianglan-mkt", TD),
    Send("jianglan-mkt", "10690001", B),
    Send("zehe-mkt", "10690301", C, ZEHE),
    Send("yuanlu-jl", "10690011", B),
    Send("yunxiu-mkt", "10690101", B, YUNXIU),
    Send("jianglan-mkt", "10690001", STRANGER),
    Send("xingqiao-mkt", "10690202", C, XINGQIAO),
    Writes(B, "10690001", "jianglan-mkt", START),
)


async def trickle(senders: Senders, handset: Handset, lang: str, say: Callable[[str], None]) -> None:
    """Goes round the cycle for ever, one message after the other; cancel it to end it."""
    for act in cycle(CYCLE):
        person = f"{act.person.name.of(lang)} {masked('86' + act.person.number)}"
        if isinstance(act, Writes):
            status = await handset.smsc.inject(act.person.number, act.number, act.text, system_id=act.account)
            say(f"{person} → {act.number}  “{act.text}”  0x{status:04X}")
        else:
            esme = await senders.bound(act.account, act.bind)
            result = await esme.submit_body(consts.SUBMIT_SM, body_of(act))
            mark = "✓" if result.status == 0 else f"0x{result.status:04X}"
            say(f"{SENDERS[act.account].of(lang)} {act.source} → {person}  {mark}")
        await asyncio.sleep(PACE_S)
