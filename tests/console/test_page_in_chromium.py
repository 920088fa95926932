"""The page in Debian's Chromium, served by the real process: what happens appears on it without a reload."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.telemetry.status import StatusFile, status_path
from tests.console.synthetic_status import refusal, row, status
from tests.tools.chromium import chromium

pytestmark = pytest.mark.interop

WAIT_S = 60
#: A status that stays fresh for the whole test: nobody writes it again but the test.
AHEAD_US = 50_000_000


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path) as driver:
        yield driver


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """The address of a console in a process of its own, over the state folder `tmp_path/state`."""
    state = tmp_path / "state"
    state.mkdir()
    config = tmp_path / "tdgate.toml"
    config.write_text('state = "state"\n[console]\nport = 0\n')
    with (tmp_path / "console.log").open("wb") as log:
        console = subprocess.Popen(
            [sys.executable, "-m", "proxy.console", "--config", str(config)], stdout=subprocess.PIPE, stderr=log
        )
        try:
            assert console.stdout is not None
            line = console.stdout.readline().decode()
            assert line.startswith("console: http://"), line
            yield line.removeprefix("console: ").strip()
        finally:
            console.send_signal(signal.SIGTERM)
            assert console.wait(20) == 0


def test_what_happens_appears_and_opens_into_its_rules(browser: Any, page: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.expected_conditions import (
        presence_of_element_located,
        text_to_be_present_in_element,
    )
    from selenium.webdriver.support.ui import WebDriverWait

    def appears(selector: str) -> Any:
        return WebDriverWait(browser, WAIT_S, 0.02).until(presence_of_element_located((By.CSS_SELECTOR, selector)))

    file = StatusFile(status_path(tmp_path / "state"))
    made = status(at_us=time.time_ns() // 1000 + AHEAD_US)
    file.write(made)

    browser.get(f"{page}?lang=en")
    appears("#live-state[data-is=on]")
    appears(f'tr[data-key="{made.latest[0].id}"]')
    browser.execute_script("window.sameDocument = true")

    # The person refuses, and the next message to them is refused: both appear where the reader looks.
    td = refusal(4001, made.at_us)
    after = row(8 * 500 + 1, made.at_us)
    assert after.rule == "suppression.active"
    file.write(msgspec.structs.replace(made, latest=(after, *made.latest), refusals=(td, *made.refusals)))
    decision = appears(f'tr[data-key="{after.id}"]')
    assert "suppression.active" in decision.text
    assert after.recipient in decision.text
    assert td.person in appears('[data-region="refusals"] tr:first-child').text

    # It opens into its rules, and stays open and the same element when more comes.
    decision.find_element(By.CSS_SELECTOR, "a.open").click()
    opened = appears("tr.opened")
    assert opened.find_element(By.CSS_SELECTOR, "tr.decided").text.startswith("refuses")
    assert "Z16" in opened.text
    later = row(8 * 500 + 2, made.at_us)
    file.write(msgspec.structs.replace(made, latest=(later, after, *made.latest)))
    appears(f'tr[data-key="{later.id}"]')
    assert opened.is_displayed()
    assert browser.execute_script("return arguments[0].previousElementSibling === arguments[1]", opened, decision)
    assert browser.execute_script("return window.sameDocument")

    # The wire goes: the page says so.
    file.path.write_bytes(b"{")
    WebDriverWait(browser, WAIT_S, 0.02).until(
        text_to_be_present_in_element((By.CSS_SELECTOR, ".notice.bad"), "The status file cannot be read.")
    )
    # Nothing was blocked by the page's own security policy, and no script failed.
    assert browser.get_log("browser") == []


def test_a_window_that_nobody_reads_can_be_paused(browser: Any, page: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.expected_conditions import presence_of_element_located
    from selenium.webdriver.support.ui import WebDriverWait

    def appears(selector: str) -> Any:
        return WebDriverWait(browser, WAIT_S, 0.02).until(presence_of_element_located((By.CSS_SELECTOR, selector)))

    file = StatusFile(status_path(tmp_path / "state"))
    made = status(at_us=time.time_ns() // 1000 + AHEAD_US)
    file.write(made)
    browser.get(f"{page}?lang=zh")
    appears("#live-state[data-is=on]")
    appears("#live-pause").click()
    appears("#live-state[data-is=paused]")
    after = row(4001, made.at_us)
    file.write(msgspec.structs.replace(made, latest=(after, *made.latest)))
    appears("#live-pause").click()
    appears("#live-state[data-is=on]")
    assert "该用户已明确拒绝" in appears(f'tr[data-key="{after.id}"]').text
