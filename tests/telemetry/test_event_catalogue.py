"""The catalogue of events is closed: names and ids once each, and no id ever means something else."""

import ast
import json
from pathlib import Path

import pytest

from proxy.telemetry import events
from proxy.telemetry.events import BY_NAME, EVENTS
from proxy.telemetry.redaction import FORBIDDEN_FIELDS

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
GIVEN_OUT = ROOT / "tests" / "data" / "telemetry" / "event_ids.json"
SOURCES = sorted((ROOT / "proxy").rglob("*.py"))


def test_names_and_ids_stand_once() -> None:
    assert len({event.id for event in EVENTS}) == len(EVENTS) == len(BY_NAME)


def test_an_id_that_was_given_out_keeps_its_name() -> None:
    """A new event is added to the register; one that is no longer used stays in it."""
    register = {int(number): name for number, name in json.loads(GIVEN_OUT.read_text()).items()}
    assert len(set(register.values())) == len(register)
    assert {event.id: event.name for event in EVENTS} == {event.id: register.get(event.id) for event in EVENTS}


def test_every_event_is_emitted_somewhere() -> None:
    """A counter that stands at nought for ever says that all is well where nobody looks."""
    sources = "".join(path.read_text() for path in SOURCES if path.name != "events.py")
    constants = {id(value): name for name, value in vars(events).items() if isinstance(value, events.Event)}
    silent = [one.name for one in EVENTS if f'"{one.name}"' not in sources and constants[id(one)] not in sources]
    assert silent == []


def test_every_event_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "manual" / "metrics.md").read_text()
    rows = {line.split("|")[1].strip().strip("`") for line in manual.splitlines() if line.startswith("| `")}
    assert {event.name for event in EVENTS} <= rows


def test_no_page_speaks_of_an_event_that_is_no_more() -> None:
    gone = set(json.loads(GIVEN_OUT.read_text()).values()) - BY_NAME.keys()
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert [(page.name, name) for page in pages for name in gone if f"`{name}`" in page.read_text("utf-8")] == []


def test_no_line_of_the_product_logs_a_forbidden_field() -> None:
    logged: list[str] = []
    for source in SOURCES:
        text = source.read_text("utf-8")
        # WHY first: few files emit anything, and reading all of them takes seconds.
        for node in ast.walk(ast.parse(text)) if "emit" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "emit":
                names = {keyword.arg for keyword in node.keywords} & FORBIDDEN_FIELDS
                logged += [f"{source.relative_to(ROOT)}:{node.lineno}: {name}" for name in names]
    assert logged == []
