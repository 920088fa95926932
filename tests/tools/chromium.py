"""Debian's Chromium for tests of pages, driven by selenium; without it a test is skipped, in CI it fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
_OPTIONS = (
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


def _missing() -> str:
    missing = [path for path in (CHROMIUM, DRIVER) if not shutil.which(path)]
    try:
        import selenium  # noqa: F401
    except ImportError:
        missing.append("selenium")
    return ", ".join(missing)


@contextmanager
def chromium(folder: Path, *, scripts: bool = True) -> Iterator[Any]:
    """A driver whose profile and log are in `folder`; `scripts` says whether pages may run any."""
    missing = _missing()
    if missing:
        if os.environ.get("CI"):
            pytest.fail(f"needed in CI: {missing}")
        pytest.skip(f"not installed: {missing}")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*_OPTIONS, f"--user-data-dir={folder / 'chromium'}"):
        options.add_argument(option)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, log_output=str(folder / "driver.log")))
    try:
        yield driver
    finally:
        driver.quit()
