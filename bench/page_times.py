"""How long it takes until a person who watches the page sees a TD, and the refusal of the next message after it.

    python -m bench.page_times [--rounds 10]

The real product with the demonstration's registry and simulators on both sides, the page open in Chromium. Measured is
from just before the carrier sends the person's reply (or the sender submits the message) until the row stands in the
page, by the page's own observer; both clocks are this machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct
from selenium.webdriver.chrome.webdriver import WebDriver as Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import presence_of_element_located
from selenium.webdriver.support.ui import WebDriverWait

from bench import browser
from proxy.core.addresses import masked
from proxy.smpp import consts
from simulators.demo_house import House
from simulators.demo_round import body_of, senders_of
from simulators.demo_script import START, TD, Send
from simulators.demo_world import B
from simulators.handset import Handset

WAIT_S: Final = 30
NUMBER: Final = "10690001"
ACCOUNT: Final = "jianglan-mkt"


class PageTimes(Struct, frozen=True):
    """Milliseconds of each round."""

    td_ms: tuple[float, ...]
    refusal_ms: tuple[float, ...]

    def __str__(self) -> str:
        return "\n".join(
            f"the page shows {what} after {statistics.median(times):,.0f} ms (median of {len(times)}; "
            f"slowest {max(times):,.0f} ms)"
            for what, times in (("a TD", self.td_ms), ("the refusal of the next message", self.refusal_ms))
        )


def measure(rounds: int) -> PageTimes:
    """So many rounds on one open page. RuntimeError without Chromium; TimeoutException where the page stays silent."""
    missing = browser.missing()
    if missing:
        raise RuntimeError(f"the page cannot be watched: {missing} missing (make peers)")
    with tempfile.TemporaryDirectory(prefix="tdgate-bench-") as folder, browser.opened(Path(folder)) as driver:
        return asyncio.run(_measure(Path(folder), driver, rounds))


async def _measure(folder: Path, driver: Chrome, rounds: int) -> PageTimes:
    async with Handset() as handset:
        house = House(folder, handset.smsc.port)
        await house.start()
        try:
            async with senders_of(house.port) as senders:
                esme = await senders.bound(ACCOUNT)
                await asyncio.to_thread(_open, driver, house.page)
                refused: list[float] = []
                denied: list[float] = []
                for _ in range(rounds):
                    began = time.time()
                    await handset.smsc.inject(B.number, NUMBER, TD, system_id=ACCOUNT)
                    refused.append(await _shown(driver, "refusals", masked("86" + B.number), began))
                    began = time.time()
                    await esme.submit_body(consts.SUBMIT_SM, body_of(Send(ACCOUNT, NUMBER, B)))
                    denied.append(await _shown(driver, "decisions", "suppression.active", began))
                    await handset.smsc.inject(B.number, NUMBER, START, system_id=ACCOUNT)
                return PageTimes(tuple(refused), tuple(denied))
        finally:
            await house.stop()


def _open(driver: Chrome, page: str) -> None:
    driver.get(f"{page}?lang=en")
    WebDriverWait(driver, WAIT_S).until(presence_of_element_located((By.CSS_SELECTOR, "#live-state[data-is=on]")))
    browser.watch_rows(driver)


async def _shown(driver: Chrome, region: str, saying: str, began: float) -> float:
    """Milliseconds from `began` until a row of that region appeared that says so."""
    found: Callable[[Chrome], float | bool] = lambda _: _first(driver, region, saying, began * 1000)  # noqa: E731
    at = await asyncio.to_thread(WebDriverWait(driver, WAIT_S, 0.05).until, found)
    return float(at) - began * 1000


def _first(driver: Chrome, region: str, saying: str, since_ms: float) -> float | bool:
    rows = browser.shown_rows(driver).values()
    return min((at for at, where, text in rows if at >= since_ms and where == region and saying in text), default=False)


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m bench.page_times", description=(__doc__ or "").partition("\n")[0])
    ask.add_argument("--rounds", type=int, default=10)
    print(measure(ask.parse_args().rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
