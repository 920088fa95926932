"""The compiled build that tests run against: begun when the tests are known, and made beside those that come first.

WHY beside: a compiler needs a minute of one core, and most tests leave the other one idle.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "build" / "compiled" / "venv"


class CompiledBuild:
    """One run of `scripts/compiled_install.py`; nothing is done where VENV is of these sources already."""

    def __init__(self) -> None:
        # WHY the lowest priority: no test is to be slowed by it while it has a core of its own.
        command = ["nice", "-n", "19", sys.executable, str(ROOT / "scripts" / "compiled_install.py"), str(VENV), "0"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def wait(self) -> tuple[int, str]:
        """The exit status, and what was said on stderr, once it has ended."""
        _, said = self._process.communicate()
        return self._process.returncode, said

    def stop(self) -> None:
        """Ends it with all that it started, if it runs still."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
