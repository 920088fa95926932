"""A Chromium without a window, driven by selenium: for those who need to know what the page shows to a person.

Owns how it is found and started. Must never download one: it is the system's, or there is none.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

CHROMIUM: Final = "/usr/bin/chromium"
DRIVER: Final = "/usr/bin/chromedriver"
_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)
# Notes, for each row of the page that has a key, when it was first there (Unix time in ms) and what it says.
_WATCH: Final = """
window.shown = {};
const look = () => document.querySelectorAll("tr[data-key]").forEach(row => {
  if (!(row.dataset.key in window.shown)) {
    const region = row.closest("[data-region]");
    window.shown[row.dataset.key] = [Date.now(), region ? region.dataset.region : "", row.innerText];
  }
});
new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
look();
"""


def missing() -> str:
    """What has to be installed before `opened` works; empty if nothing."""
    return ", ".join(path for path in (CHROMIUM, DRIVER) if not shutil.which(path))


@contextmanager
def opened(folder: Path) -> Iterator[webdriver.Chrome]:
    """A browser with a profile of its own below `folder`; ended at the end."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*_OPTIONS, f"--user-data-dir={folder / 'chromium'}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, log_output=str(folder / "chromedriver.log")))
    try:
        yield driver
    finally:
        driver.quit()


def watch_rows(driver: webdriver.Chrome) -> None:
    """From now on notes when each row of the page's tables appears."""
    driver.execute_script(_WATCH)


def shown_rows(driver: webdriver.Chrome) -> dict[str, tuple[float, str, str]]:
    """Key of each row seen so far → (Unix time in ms, region of the page, text)."""
    seen: dict[str, list[object]] = driver.execute_script("return window.shown")
    return {key: (float(str(at)), str(region), str(text)) for key, (at, region, text) in seen.items()}
