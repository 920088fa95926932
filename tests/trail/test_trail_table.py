"""The table of open messages against dicts, with ids and keys that crowd in its indexes."""

import random

import pytest

from proxy.trail.layout import ACCEPTED, pack_accepted_head
from proxy.trail.table import Table, TableFullError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_found_while_others_come_and_go(seed: int) -> None:
    chance = random.Random(seed)
    table, model = Table(32), dict[int, int]()
    for _ in range(400):
        decision_id, key = chance.randrange(1 << 40), chance.choice((-5, -4, 3, 60, 61, 62, 63, 0))
        if len(model) == 32:
            with pytest.raises(TableFullError):
                table.add(decision_id, key, 1, b"")
        elif chance.random() < 0.6:
            head = pack_accepted_head(ACCEPTED, decision_id, 1, 2, 3, bytes(16), 0)
            table.add(decision_id, key, 1, head)
            model[decision_id] = key
        while len(model) > 31 or (model and chance.random() < 0.4):
            gone = chance.choice(list(model))
            table.remove(table.slot_of(gone))
            del model[gone]
            assert table.slot_of(gone) == 0
        for each in model:
            assert table.ids[table.slot_of(each)] == each
        for wanted in (-5, -4, 3, 60, 61, 62, 63):
            found = sorted(table.ids[slot] for slot in table.slots_of(wanted))
            assert found == sorted(each for each, its in model.items() if its == wanted)
    assert table.used == table.live[1] == len(model)
