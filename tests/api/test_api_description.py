"""The description of the HTTP interface has every endpoint with its methods, and points only at what is there."""

import json
import re
from pathlib import Path

import pytest

from proxy.api.service import Api
from proxy.console.openapi import document
from proxy.settings import Settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]


def test_every_endpoint_is_described_and_in_the_manual() -> None:
    more = Api(Settings(), Path()).extension()
    described = document(more)
    manual = (ROOT / "docs" / "manual" / "api.md").read_text("utf-8")
    for path, methods, _ in more.routes:
        assert {method.lower() for method in methods} == set(described["paths"][path])
        for method in methods:
            assert described["paths"][path][method.lower()]["security"] == [{"bearer": []}]
            assert f"`{method} {path}" in manual
    assert set(more.paths) == {path for path, _, _ in more.routes}


def test_every_reference_leads_somewhere() -> None:
    described = document(Api(Settings(), Path()).extension())
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)):
        assert name in described["components"]["schemas"]
