"""The refusal key: in its window, in sequence, once."""

from __future__ import annotations

import pytest

from proxy.judging.keypad import Keypad, KeypadSettings

pytestmark = pytest.mark.unit


def open_pad(**settings: object) -> Keypad:
    pad = Keypad(KeypadSettings(**settings))  # type: ignore[arg-type]
    pad.answered(100.0)
    return pad


def test_the_key_counts_once() -> None:
    pad = open_pad()
    assert [pad.pressed(key, 101.0) for key in "1299"] == [False, False, True, False]
    pad.again()
    assert pad.pressed("9", 101.5)


def test_nothing_counts_before_the_answer_unless_it_may() -> None:
    pad = Keypad(KeypadSettings())
    assert not pad.pressed("9", 99.0)
    assert Keypad(KeypadSettings(early=True)).pressed("9", 99.0)


@pytest.mark.parametrize(("at", "counts"), [(104.9, False), (105.0, True), (114.9, True), (115.0, False)])
def test_the_window(at: float, counts: bool) -> None:
    assert open_pad(opens_s=5.0, open_s=10.0).pressed("9", at) is counts
    assert open_pad(opens_s=5.0, open_s=10.0, early=True).pressed("9", at) is counts


def test_without_an_end_it_is_open_to_the_end_of_the_call() -> None:
    assert open_pad().pressed("9", 9999.0)


def test_a_second_answer_opens_nothing_anew() -> None:
    pad = open_pad(open_s=10.0)
    pad.answered(200.0)
    assert not pad.pressed("9", 201.0)


def test_a_sequence_comes_without_long_pauses() -> None:
    assert [open_pad(keys="*9").pressed(key, 101.0) for key in "9"] == [False]
    pad = open_pad(keys="*9")
    assert [pad.pressed(key, at) for key, at in (("*", 101.0), ("9", 104.1), ("*", 105.0), ("9", 107.0))] == [
        False,
        False,
        False,
        True,
    ]
    pad = open_pad(keys="*9")
    assert [pad.pressed(key, 101.0) for key in "*19**9"] == [False] * 5 + [True]


def test_without_keys_nothing_is_a_refusal() -> None:
    pad = open_pad(keys="")
    pad.again()
    assert not any(pad.pressed(key, 101.0) for key in "0123456789*#")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (KeypadSettings(keys="12345"), "keys"),
        (KeypadSettings(keys="x"), "keys"),
        (KeypadSettings(opens_s=-1.0), "opens_s"),
        (KeypadSettings(open_s=float("nan")), "open_s"),
        (KeypadSettings(gap_s=0.0), "gap_s"),
    ],
)
def test_wrong_settings(settings: KeypadSettings, fault: str) -> None:
    assert [one.partition(":")[0] for one in settings.faults()] == [fault]
    assert KeypadSettings().faults() == []
