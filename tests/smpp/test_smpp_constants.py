"""The names of the wire are those of the specification's table, each with its number."""

from __future__ import annotations

import pytest
from smpplib import consts as peer

from proxy.smpp import codec, consts
from tests.tools.smpp_octets import COMMANDS, FIELDS, STATUSES, TAGS

pytestmark = pytest.mark.unit


def test_the_table_was_read_whole() -> None:
    assert (len(COMMANDS), len(STATUSES), len(TAGS)) == (33, 67, 65)


@pytest.mark.parametrize(("name", "number"), COMMANDS.items())
def test_command_ids(name: str, number: int) -> None:
    assert getattr(consts, name.upper()) == number
    assert consts.COMMAND_NAMES[number] == name


@pytest.mark.parametrize(("name", "number"), STATUSES.items())
def test_statuses(name: str, number: int) -> None:
    assert getattr(consts, name) == number
    assert consts.STATUS_NAMES[number] == name


@pytest.mark.parametrize("name", TAGS)
def test_tags(name: str) -> None:
    number, _ = TAGS[name]
    assert getattr(consts, f"TAG_{name.upper()}") == number
    if not name.startswith("failed_"):
        assert consts.TAG_NAMES[number] == name


def test_no_name_is_without_a_row() -> None:
    assert set(consts.COMMAND_NAMES) == set(COMMANDS.values()) == set(codec.LAYOUTS)
    assert set(consts.STATUS_NAMES) == set(STATUSES.values())
    assert set(consts.TAG_NAMES) == {number for number, _ in TAGS.values()}


@pytest.mark.parametrize("name", FIELDS)
def test_mandatory_fields_stand_in_the_order_of_the_table(name: str) -> None:
    assert [field for field, _ in codec.LAYOUTS[COMMANDS[name]]] == [field for field, _ in FIELDS[name]]


def test_an_independent_list_agrees_on_the_statuses() -> None:
    ours = {name: number for number, name in consts.STATUS_NAMES.items()}
    theirs = {name.removeprefix("SMPP_"): getattr(peer, name) for name in dir(peer) if name.startswith("SMPP_ESME_")}
    shared = ours.keys() & theirs.keys()
    assert len(shared) > 40
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}


def test_command_sets() -> None:
    assert {consts.COMMAND_NAMES[each] for each in consts.BROADCAST_COMMANDS} == {
        name for name in COMMANDS if "broadcast" in name
    }
    assert {consts.COMMAND_NAMES[each] for each in consts.BIND_COMMANDS} == {
        "bind_receiver",
        "bind_transmitter",
        "bind_transceiver",
    }
