"""The pages of review in Debian's Chromium, without a script: signing in, passing a template, a page in Chinese."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.chromium import chromium
from tests.wire.api_house import ApiHouse
from tests.wire.house import make_template
from tests.wire.people import REGISTRY

pytestmark = pytest.mark.interop

WORDING = "【江澜银行】{name}女士您好，夏季理财{digits}期，详询柜台，拒收请回复TD"
ROW = {"id": "summer", "institution": "jianglan", "purposes": ["marketing"], "text": WORDING, "state": "submitted",
       "submitted_by": "甲（虚构）"}  # fmt: skip


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path, scripts=False) as driver:
        yield driver


def review(driver: Any, address: str, token: str) -> str:
    """Signs in, ticks two boxes, passes the template; the page after it."""
    from selenium.webdriver.common.by import By

    driver.get(f"{address}review/templates?lang=zh")
    driver.find_element(By.NAME, "token").send_keys(token)
    driver.find_element(By.CSS_SELECTOR, "main button.act").click()
    waiting = driver.find_element(By.CSS_SELECTOR, 'article[data-template="summer"]')
    assert [one.text for one in waiting.find_elements(By.CSS_SELECTOR, ".var")] == ["{name}", "{digits}"]
    for name in ("identity", "refusal"):
        waiting.find_element(By.CSS_SELECTOR, f'input[value="{name}"]').click()
    waiting.find_element(By.CSS_SELECTOR, 'button[value="pass"]').click()
    assert "已通过" in driver.find_element(By.CSS_SELECTOR, ".notice.good").text
    assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "zh-CN"
    return str(driver.find_element(By.CSS_SELECTOR, 'tr[data-template="summer"]').text)


async def test_a_template_is_passed_without_a_script(browser: Any, tmp_path: Path) -> None:
    template = await asyncio.to_thread(make_template, tmp_path / "template", {**REGISTRY, "templates": [ROW]})
    async with ApiHouse(template, tmp_path / "house") as house:
        await house.open()
        made = await house.token("乙（虚构）", "jianglan", "templates:review")
        shown = await asyncio.to_thread(review, browser, house.console, made["token"])
        assert "审核人：乙（虚构）" in shown
        # Nothing was blocked by the page's own security policy; that one had to sign in is no fault.
        assert [one for one in browser.get_log("browser") if "401" not in one["message"]] == []
        await house.end()
