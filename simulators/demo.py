"""The demonstration: invented senders on one side, a simulated carrier with people on the other, the product between.

Owns its beginning and its end: a state folder that is thrown away (or kept), the carrier's side in this process, the
product in its own, one round with a table, then traffic until it is interrupted. All ports are free ones of 127.0.0.1;
the round holds at any hour of any day.
"""

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from simulators.demo_calls import callers_of, phones
from simulators.demo_house import House, HouseError
from simulators.demo_round import Ends, Round, RoundResult, person_with_a_handset, senders_of
from simulators.demo_script import SCRIPT, Step
from simulators.demo_table import screen, show
from simulators.demo_trickle import trickle
from simulators.demo_world import Words
from simulators.esme import BindRefused

_STARTING: Final = Words("starting tdgate, a carrier and senders …", "正在启动 tdgate、运营商与发送方……")
_PAGE: Final = Words("the page: {page}", "监控页面：{page}")
_STEP: Final = Words("step {done} of {all}", "第 {done} / {all} 步")
_GOES_ON: Final = Words(
    "Traffic goes on; look at {page} and press Ctrl-C to end.", "流量持续中；请查看 {page} ，按 Ctrl-C 结束。"
)
_KEPT: Final = Words("kept: {folder}", "已保留：{folder}")


async def run_demo(
    *, once: bool, lang: str, keep: Path | None = None, script: Sequence[Step] = SCRIPT, console: Console | None = None
) -> int:
    """The whole demonstration; exit code 0 where every outcome of the round was the expected one, else 1.

    `lang` is `en` or `zh`. Without `once` traffic goes on after the table until SIGINT or SIGTERM. `keep` is a new
    folder for configuration, registry, log and evidence, which otherwise are thrown away.
    """
    out = console or screen()
    folder = _folder(keep)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    work = asyncio.create_task(_demonstrate(folder, once=once, lang=lang, script=script, out=out))
    interrupted = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait((work, interrupted), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
        return await work
    except (HouseError, BindRefused, TimeoutError, OSError) as wrong:
        sys.stderr.write(f"tdgate demo: {wrong or type(wrong).__name__}\n")
        return 1
    except asyncio.CancelledError:
        return 1
    finally:
        interrupted.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            out.print(_KEPT.of(lang).format(folder=folder))


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="tdgate-demo-"))
    keep.mkdir(mode=0o700, parents=True)
    return keep.resolve()


async def _demonstrate(folder: Path, *, once: bool, lang: str, script: Sequence[Step], out: Console) -> int:
    out.print(_STARTING.of(lang))
    async with person_with_a_handset() as handset, phones() as called_side:
        house = House(folder, handset.smsc.port, called_side.port)
        try:
            await house.start()
            out.print(_PAGE.of(lang).format(page=house.page))
            async with senders_of(house.port) as senders, callers_of(house.calls_port) as callers:
                ends = Ends(handset, senders, called_side, callers)
                with out.status("") as status:
                    result: RoundResult = await Round(house, ends).run(
                        script, lambda done: status.update(_STEP.of(lang).format(done=done, all=len(script)))
                    )
                show(out, result, lang)
                if not once:
                    out.print(_GOES_ON.of(lang).format(page=house.page))
                    # WHY suppressed: an interruption is how this part ends in order.
                    with contextlib.suppress(asyncio.CancelledError):
                        await trickle(ends, lang, out.print)
        finally:
            left = await house.stop()
        if left != 0:
            raise HouseError(f"tdgate did not end in order: exit code {left}")
    return 0 if result.ok else 1
