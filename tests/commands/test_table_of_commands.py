"""The table of commands: each module adds what the table says, and a command loads no other's module."""

import argparse
import subprocess
import sys
from importlib import import_module

import pytest

from proxy.cli import COMMANDS, parser_for

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("module", COMMANDS)
def test_a_module_adds_the_commands_that_the_table_names(module: str) -> None:
    commands = argparse.ArgumentParser().add_subparsers()
    import_module(module).add_arguments(commands)
    assert set(commands.choices) == set(COMMANDS[module])


@pytest.mark.parametrize("words", [[], ["--help"], ["no-such-command"]])
def test_who_names_no_command_is_shown_all(words: list[str]) -> None:
    text = parser_for(words).format_help()
    assert all(name in text for names in COMMANDS.values() for name in names)


def test_the_proxy_loads_neither_page_nor_tables_nor_broker() -> None:
    """What `tdgate run` does not need costs time at every start."""
    found = "import sys; from proxy.cli import parser_for; parser_for(['run']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True).stdout.split()
    assert "proxy.app" in loaded
    assert not {"jinja2", "starlette", "uvicorn", "rich", "aiomqtt"} & set(loaded)
