"""A state folder, a clock that stands still, and the console over both."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from proxy.console import page
from proxy.console.app import build
from proxy.console.sight import Window
from proxy.settings import Settings
from proxy.telemetry.status import Status, StatusFile, status_path
from tests.console.asgi_asker import Answer, ask
from tests.console.synthetic_status import status

NOON_US = 1_800_000_000_000_000


class _Compiled(BytecodeCache):
    """Keeps what templates compile to, which a console's own environment does once for each process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@pytest.fixture(autouse=True)
def compiled_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """WHY: each test has a console of its own, and compiling its templates takes ten times as long as a page."""
    environment = page._environment

    def with_compiled() -> Environment:
        made = environment()
        made.bytecode_cache = _COMPILED
        return made

    monkeypatch.setattr(page, "_environment", with_compiled)


class Scene:
    """A console at a fixed time over one state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.now = NOON_US / 1e6
        self.file = StatusFile(status_path(state))
        self.settings = Settings(state=str(state))
        self.app = build(self.settings, window=Window(self.file.path, clock=lambda: self.now))

    def shows(self, **changes: Any) -> Status:
        """Writes a status of this moment with some fields changed."""
        made = msgspec.structs.replace(status(at_us=NOON_US), **changes)
        self.file.write(made)
        return made

    def ask(self, path: str, **how: Any) -> Answer:
        return ask(self.app, path, **how)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def described(scene: Scene) -> Callable[[], Any]:
    return lambda: scene.ask("/api/v1/openapi.json").json
