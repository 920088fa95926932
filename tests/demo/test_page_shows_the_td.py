"""The page in Chromium while the demonstration runs: a TD, and the refusal after it, appear on it by themselves."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import browser
from proxy.core.addresses import masked
from simulators.demo_world import B

pytestmark = pytest.mark.interop

WAIT_S = 60
PERSON = masked("86" + B.number)
ANSWERED = "“ＴＤ！”  0x0000"


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Any]:
    missing = browser.missing()
    if missing:
        pytest.skip(f"not installed: {missing}")
    with browser.opened(tmp_path) as driver:
        yield driver


@pytest.fixture
def demo() -> Iterator[subprocess.Popen[str]]:
    """The running demonstration, its round behind it; it ends in order."""
    with subprocess.Popen(
        [sys.executable, "-m", "proxy", "demo"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as run:
        yield run
        run.send_signal(signal.SIGINT)
        assert run.stdout is not None
        run.stdout.read()
        assert run.wait(60) == 0


def until(lines: Iterator[str], text: str) -> str:
    """The next line that has this in it."""
    found = next((line for line in lines if text in line), None)
    assert found is not None, f"the demonstration ended before: {text}"
    return found


def test_a_td_and_the_refusal_after_it_appear(chromium: Any, demo: subprocess.Popen[str]) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.expected_conditions import presence_of_element_located
    from selenium.webdriver.support.ui import WebDriverWait

    assert demo.stdout is not None
    lines = iter(demo.stdout)
    page = until(lines, "http://").partition("http://")[2].strip()
    wait = WebDriverWait(chromium, WAIT_S, 0.05)
    chromium.get(f"http://{page}?lang=en")
    wait.until(presence_of_element_located((By.CSS_SELECTOR, "#live-state[data-is=on]")))
    browser.watch_rows(chromium)
    before = set(browser.shown_rows(chromium))

    def appears(region: str, since: float, *saying: str) -> tuple[float, str, str]:
        def look(_: Any) -> tuple[float, str, str] | None:
            for key, row in browser.shown_rows(chromium).items():
                if (
                    key not in before
                    and row[0] >= since
                    and row[1] == region
                    and all(part in row[2] for part in saying)
                ):
                    return row
            return None

        found: tuple[float, str, str] = wait.until(look)
        return found

    until(lines, ANSWERED)
    td = appears("refusals", 0, PERSON, "jianglan")
    refused = appears("decisions", td[0], PERSON, "suppression.active", "10690001")
    assert refused[2] != td[2]
    appears("decisions", td[0], PERSON, "suppression.active", "95500", "calls")
    assert chromium.get_log("browser") == []
