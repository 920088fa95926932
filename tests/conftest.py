"""What every test shares: the path of the test tools, profiles of property tests, logs of peers beside a failure."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import hypothesis
import pytest
from hypothesis.internal.conjecture import providers

ROOT = Path(__file__).resolve().parents[1]
# WHY: tests import `tests.tools…`, also when pytest is started by its own command, which does not put the root there.
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

LOG_TAIL_OCTETS = 4000
# A guard against a test that waits for ever, not a judgement of speed.
TEST_LIMIT_S = 300

# WHY no deadline: nothing here may depend on how fast the machine is.
hypothesis.settings.register_profile("default", deadline=None, max_examples=60)
# WHY derandomized: `make check` is asked often and must answer the same each time; `make test` looks further.
hypothesis.settings.register_profile("check", deadline=None, max_examples=15, derandomize=True)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=60, derandomize=True)
hypothesis.settings.register_profile(
    "fuzz", deadline=None, max_examples=5000, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "default")
hypothesis.settings.load_profile(PROFILE)
if PROFILE in ("check", "ci"):
    # WHY: what is drawn would depend on which modules the process has loaded, whose constants it reads seconds long.
    providers._get_local_constants = lambda: providers._local_constants


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: a file that takes more than a minute")
    config.addinivalue_line("markers", "soak: takes too long for every run; only `make soak` runs it")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves files without a unit test unread where only these are asked for: a third of all, to be compiled."""
    if config.option.markexpr != "unit" or not collection_path.name.startswith("test_"):
        return None
    return (collection_path.suffix == ".py" and "mark.unit" not in collection_path.read_text("utf-8")) or None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Looks for no garbage meanwhile: a million objects are made, all stay to the end, and each look takes longer."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begins with what takes long, so that no worker is alone with it in the end; leaves the soaks out unless asked."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    if "soak" in (config.option.markexpr or ""):
        return
    soaks = [item for item in items if item.get_closest_marker("soak")]
    if soaks:
        config.hook.pytest_deselected(items=soaks)
        items[:] = [item for item in items if item not in soaks]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Ends a test that hangs with a TimeoutError where it stands; soaks have no such limit."""
    if item.get_closest_marker("soak"):
        return (yield)

    def hangs(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the test took longer than {TEST_LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(TEST_LIMIT_S)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, object, None]:
    """In continuous integration a skip is a failure; beside a failed test, the end of every *.log below tmp_path."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome, report.longrepr = "failed", f"skipped, which is a failure where CI=true: {reason}"
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if not report.failed or folder is None:
        return
    for log in sorted(Path(folder).rglob("*.log")):
        content = log.read_bytes()
        if content:
            report.sections.append(
                (str(log.relative_to(folder)), content[-LOG_TAIL_OCTETS:].decode("utf-8", "replace"))
            )
