"""The child's half of a `JsonPeer` written in Python: commands in, events out. Runs inside the peer's process only."""

from __future__ import annotations

import json
import sys
from typing import Any


def emit(event: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()
