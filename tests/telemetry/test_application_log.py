"""What every part of the house logs through the application: a defect too, by its type and place."""

import io
import json
import logging

import pytest

from proxy.app import Application
from proxy.telemetry.counters import Counters
from proxy.telemetry.log import EventLog, JsonLines

pytestmark = pytest.mark.unit


def test_a_defect_is_logged_by_its_type_and_not_by_its_words() -> None:
    written, logger = io.StringIO(), logging.Logger("of-the-test", logging.DEBUG)
    out = logging.StreamHandler(written)
    out.setFormatter(JsonLines())
    logger.addHandler(out)
    app = object.__new__(Application)
    app._events = EventLog(Counters(), logger, strict=True)
    try:
        raise RuntimeError("13800138000")
    except RuntimeError as error:
        app.log("call.defect", error=error)
    line = json.loads(written.getvalue())
    assert (line["event"], line["error"]) == ("call.defect", "RuntimeError")
    assert "13800138000" not in written.getvalue()
