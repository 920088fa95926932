"""What a case is: a permitted scene and a refused one that differ in one field."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from proxy.core.records import Period
from tests.rules.scene import NOON, Scene

Outcome = tuple[str, str, str]
ALLOW: Outcome = ("allow", "", "")
PAST = Period(0, int(NOON))
FUTURE = Period(int(NOON) + 1)


class Case(Struct, frozen=True):
    """`scene` is `base` with the field at `path` changed; `base` is permitted."""

    name: str
    base: Scene
    path: str
    value: Any
    expected: Outcome

    @property
    def scene(self) -> Scene:
        return self.base.but(self.path, self.value)


def refusing(base: Scene, path: str, value: Any, rule: str, detail: str, note: str = "") -> Case:
    return Case(f"{rule}/{detail}{note and ' ' + note}", base, path, value, ("deny", rule, detail))


def permitting(base: Scene, path: str, value: Any, name: str) -> Case:
    return Case(f"allow {name}", base, path, value, ALLOW)
