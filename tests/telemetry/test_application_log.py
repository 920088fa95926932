"""What every part of the house logs through the application: a defect too, by its type and place."""

import fcntl
import io
import json
import logging
import os
import threading

import pytest

from proxy.app import Application
from proxy.telemetry.counters import Counters
from proxy.telemetry.log import EventLog, JsonLines, NeverWaiting

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


def test_a_log_that_nobody_reads_holds_nobody_up_and_what_was_left_out_is_told() -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, b"\n" * 4096)
    logger = logging.Logger("of-the-test", logging.DEBUG)
    with open(reading, "rb") as reader, open(writing, "w") as stream:
        lines = NeverWaiting(stream)
        lines.setFormatter(JsonLines())
        logger.addHandler(lines)
        events = EventLog(Counters(), logger, strict=True)
        app = object.__new__(Application)
        app._events = events

        def two() -> None:
            app.log("bind.refused")
            app.log("bind.refused")

        # WHY a thread: without the mend it would wait for ever.
        thread = threading.Thread(target=two, daemon=True)
        thread.start()
        thread.join(30)
        waits = thread.is_alive()
        reader.read(4096)
        thread.join()
        assert not waits
        app.log("bind.accepted")
        first = json.loads(reader.readline())
        app.log("bind.closed")
        second = json.loads(reader.readline())
    assert (first["event"], first["left_out"]) == ("bind.accepted", 2)
    assert (second["event"], "left_out" in second) == ("bind.closed", False)
