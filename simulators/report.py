"""The end of a run: what was checked and counted, as JSON, as JUnit, and as lines for a person.

Owns the formats. Must never print numbers of persons, texts or passwords.
"""

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec

from simulators.expectations import Check


class Summary(msgspec.Struct, frozen=True):
    """A run that has ended."""

    role: str
    name: str
    checks: tuple[Check, ...]
    figures: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether every check held."""
        return all(check.ok for check in self.checks)


def as_json(summary: Summary) -> str:
    """Write one line of JSON."""
    checks = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in summary.checks]
    document = {
        "event": "summary",
        "role": summary.role,
        "name": summary.name,
        "ok": summary.ok,
        "checks": checks,
        "figures": summary.figures,
    }
    return json.dumps(document, ensure_ascii=False)


def as_junit(summary: Summary) -> str:
    """Write a JUnit report: one test case a check."""
    failures = sum(not check.ok for check in summary.checks)
    suite = ElementTree.Element(
        "testsuite",
        name=summary.name or f"tdgate-sim {summary.role}",
        tests=str(len(summary.checks)),
        failures=str(failures),
        errors="0",
        time=str(summary.figures.get("seconds", 0)),
    )
    for check in summary.checks:
        case = ElementTree.SubElement(suite, "testcase", classname=f"tdgate-sim.{summary.role}", name=check.name)
        if not check.ok:
            ElementTree.SubElement(case, "failure", message=check.detail)
    out = ElementTree.SubElement(suite, "system-out")
    out.text = json.dumps(summary.figures, ensure_ascii=False)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def lines_of(figures: dict[str, Any], indent: str = "  ") -> list[str]:
    """Write figures for a person, a line each."""
    lines = []
    for key, value in figures.items():
        if isinstance(value, dict):
            inner = "  ".join(f"{name} {count}" for name, count in value.items())
            lines.append(f"{indent}{key:<18} {inner or '-'}")
        else:
            lines.append(f"{indent}{key:<18} {value}")
    return lines


def show(summary: Summary, *, json_lines: bool, junit: Path | None) -> None:
    """Print the summary to standard output and write the JUnit file, if asked for; OSError where it cannot."""
    if junit is not None:
        junit.write_text(as_junit(summary), encoding="utf-8")
    if json_lines:
        print(as_json(summary), flush=True)
        return
    print("\n".join(lines_of(summary.figures)))
    for check in summary.checks:
        print(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.detail}")
    sys.stdout.flush()


class Live:
    """Figures while a run lasts: one line that is written over on a terminal, plain lines elsewhere; standard error."""

    def __init__(self, *, quiet: bool) -> None:
        self.terminal = sys.stderr.isatty()
        self.every_s = 0.5 if self.terminal else 5.0
        self._quiet = quiet
        self._width = 0

    def show(self, line: str) -> None:
        """Show the figures of now."""
        if self._quiet:
            return
        if self.terminal:
            sys.stderr.write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the last line standing."""
        if self.terminal and self._width and not self._quiet:
            sys.stderr.write("\n")
