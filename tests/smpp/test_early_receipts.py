"""Which receipts wait for a response: the memory of addresses says the same as a look at every open request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxy.smpp.early_receipts
from proxy.core.decision import Decision
from proxy.smpp import consts
from proxy.smpp.asked import TAIL, Asked, AskedToCancel
from proxy.smpp.early_receipts import DELIVER, WAITS, EarlyReceipts
from proxy.smpp.pdu import Pdu
from proxy.smpp.window import Window
from tests.tools.relay_play import message

pytestmark = pytest.mark.unit

DECISION = Decision(1, b"", None)  # type: ignore[arg-type]
NUMBERS = ("8613900000001", "8613900000002", "13900000001", "8613900000003")
STEPS = st.lists(st.tuples(st.sampled_from(("open", "answer", "receipt")), st.integers(0, 7)), max_size=60)


@given(STEPS, st.sampled_from((0, 0x7FFFFFFF - 1)))
def test_a_receipt_waits_exactly_while_a_request_to_its_address_is_open(
    steps: list[tuple[str, int]], begin: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proxy.smpp.early_receipts, "_KNOWN_MOST", 2)
        patch.setattr(proxy.smpp.early_receipts, "_MANY", 3)
        window: Window[Asked | AskedToCancel] = Window(100, 10.0)
        window._last = begin
        early = EarlyReceipts(window)
        open_: list[tuple[int, str]] = []
        for what, which in steps:
            number = NUMBERS[which % len(NUMBERS)]
            if what == "open":
                raw = message("submit", 1, source="10690001", dest=number, text=b"x")
                sequence = window.open(Asked(Pdu(consts.SUBMIT_SM, 0, 1, raw), DECISION), 0.0)
                open_.append((sequence, number))
            elif what == "answer" and open_:
                window.close(open_.pop(which % len(open_))[0])
            elif what == "receipt":
                same = [sequence for sequence, to in open_ if to[-TAIL:] == number[-TAIL:]]
                said = early.take(Pdu(consts.DELIVER_SM, 0, 1, b""), number.encode())
                assert said == (WAITS if same else DELIVER)
                if same:
                    assert early.waiting[-1].last == same[-1]
