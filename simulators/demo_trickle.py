"""Traffic that goes on after the round, so that there is something to see on the page, until the demonstration ends.

Owns the cycle: good and bad messages and calls, a person who answers TD, one who presses the key in a call, what is
refused then, and the START that lifts it.
"""

import asyncio
from collections.abc import Callable
from itertools import cycle
from typing import Final

from proxy.core.addresses import masked
from proxy.smpp import consts
from simulators.demo_round import Ends, body_of
from simulators.demo_script import START, TD, XINGQIAO, YUNXIU, ZEHE, Call, Send, Writes
from simulators.demo_world import SENDERS, STRANGER, B, C
from simulators.watch import LIMIT_S

PACE_S: Final = 0.7
CYCLE: Final[tuple[Send | Call | Writes, ...]] = (
    Send("jianglan-mkt", "10690001", B),
    Call("jianglan-call", "95500", B),
    Send("yunxiu-mkt", "10690101", C, YUNXIU),
    Call("jianglan-call", "95500", C),
    Writes(B, "10690001", "jianglan-mkt", TD),
    Send("jianglan-mkt", "10690001", B),
    Call("jianglan-call", "95500", B),
    Send("zehe-mkt", "10690301", C, ZEHE),
    Call("zehe-call", "95533", C),
    Send("yuanlu-jl", "10690011", B),
    Send("yunxiu-mkt", "10690101", B, YUNXIU),
    Call("jianglan-call", "95500", C),
    Send("jianglan-mkt", "10690001", STRANGER),
    Call("jianglan-call", "95500", STRANGER),
    Send("xingqiao-mkt", "10690202", C, XINGQIAO),
    Writes(B, "10690001", "jianglan-mkt", START),
    Writes(C, "10690001", "jianglan-mkt", START),
)


async def trickle(ends: Ends, lang: str, say: Callable[[str], None]) -> None:
    """Goes round the cycle for ever, one act after the other; cancel it to end it."""
    for act in cycle(CYCLE):
        person = f"{act.person.name.of(lang)} {masked('86' + act.person.number)}"
        if isinstance(act, Writes):
            smsc = ends.handset.smsc
            status = await smsc.inject(act.person.number, act.number, act.text, system_id=act.account)
            say(f"{person} → {act.number}  “{act.text}”  0x{status:04X}")
        elif isinstance(act, Call):
            call = await ends.callers.call(act.account, act.source, act.person.number)
            # WHY not to its end: calls last a while, and other traffic goes on beside them.
            answered = await call.decided(LIMIT_S)
            mark = "✓" if answered == 200 else str(answered)
            say(f"{SENDERS[act.account].of(lang)} {act.source} ☎ {person}  {mark}")
        else:
            esme = await ends.senders.bound(act.account, act.bind)
            result = await esme.submit_body(consts.SUBMIT_SM, body_of(act))
            mark = "✓" if result.status == 0 else f"0x{result.status:04X}"
            say(f"{SENDERS[act.account].of(lang)} {act.source} → {person}  {mark}")
        await asyncio.sleep(PACE_S)
