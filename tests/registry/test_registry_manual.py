"""The manual names every table, column and command, and the tables' Chinese headings mean one column each."""

from pathlib import Path

import pytest

from proxy.commands.registry import _GROUPS
from proxy.registry.tables import TABLES
from proxy.rules import person
from proxy.store import consent_ledger

pytestmark = pytest.mark.unit

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "manual" / "registry.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", list(TABLES))
def test_every_table_and_column_is_in_the_manual(table: str) -> None:
    (line,) = (line for line in MANUAL.splitlines() if line.startswith(f"| `{table}`"))
    for column in TABLES[table].columns:
        assert (f"**{column.name}**" if column.required else column.name) in line
    (line,) = (line for line in MANUAL.splitlines() if line.startswith(f"- `{table}`: "))
    assert line.partition(": ")[2].split(", ") == [f"{one.zh} {one.name}" for one in TABLES[table].columns if one.zh]


@pytest.mark.parametrize(("group", "members"), [(group, members) for group, _, members in _GROUPS])
def test_every_command_is_in_the_manual(group: str, members: tuple[tuple[str, str, tuple[str, ...]], ...]) -> None:
    lines = " ".join(line for line in MANUAL.splitlines() if line.startswith(f"| `tdgate {group} "))
    assert all(word in lines for command, _, _ in members for word in command.split())


@pytest.mark.parametrize("table", list(TABLES))
def test_a_heading_means_one_column(table: str) -> None:
    headings = [
        heading for column in TABLES[table].columns for heading in {column.name, column.zh, *column.aliases} if heading
    ]
    assert len(headings) == len(set(headings))


def test_the_day_of_a_consent_stands_where_the_rule_reads_it() -> None:
    assert f"<< {person.CONSENT_DAY_SHIFT})" in consent_ledger._DERIVE
