"""The table of open messages against dicts, with ids and keys that crowd in its indexes."""

import random

import pytest

from proxy.trail.layout import ACCEPTED, ACCEPTED_OCTETS, pack_accepted_head
from proxy.trail.table import Table, TableFullError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_found_while_others_come_and_go(seed: int) -> None:
    chance = random.Random(seed)
    table, model, records = Table(32), dict[int, int](), dict[int, bytes]()
    for _ in range(400):
        decision_id, key = chance.randrange(1 << 40), chance.choice((-5, -4, 3, 60, 61, 62, 63, 0))
        if len(model) == 32:
            with pytest.raises(TableFullError):
                table.add(decision_id, key, 1, b"")
        elif chance.random() < 0.6:
            # Ids of carriers as long as they may be, most of them within what a row has room for.
            carrier_id = chance.randbytes(chance.choice((0, 8, 23, 24, 25, 64)))
            record = pack_accepted_head(ACCEPTED, decision_id, 1, 2, 3, bytes(16), len(carrier_id)) + carrier_id
            table.add(decision_id, key, 1, record)
            model[decision_id], records[decision_id] = key, record
        while len(model) > 31 or (model and chance.random() < 0.4):
            gone = chance.choice(list(model))
            table.remove(table.slot_of(gone))
            del model[gone]
            assert table.slot_of(gone) == 0
        for each in model:
            slot = table.slot_of(each)
            assert table.ids[slot] == each
            assert table.record(slot) == records[each]
            assert table.row(slot) == (1, 2, 3, bytes(16), records[each][ACCEPTED_OCTETS:])
        for wanted in (-5, -4, 3, 60, 61, 62, 63):
            found = sorted(table.ids[slot] for slot in table.slots_of(wanted))
            assert found == sorted(each for each, its in model.items() if its == wanted)
    assert table.used == table.live[1] == len(model)
    for each in list(model):
        table.remove(table.slot_of(each))
    assert not table._ends
