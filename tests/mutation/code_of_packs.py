"""What is changed in the code of packs, hours and caps, place by place: as in `code_of_calls`."""

from __future__ import annotations

from tests.mutation.changed_code import Change

_CONTACTS = ("tests.core.test_contacts",)
_TIMES = ("tests.core.test_timetable",)
_PACKS = ("tests.policy.test_policy_packs",)
_ATTACKED = ("tests.policy.test_packs_attacked",)
_BOOK = ("tests.judging.test_contact_book",)
_REPLAY = ("tests.policy.test_pack_replay",)
_MANY = ("tests.policy.test_evaluate_many",)

TABLE: tuple[tuple[tuple[str, ...], str, tuple[tuple[str, str], ...]], ...] = (
    (_CONTACTS, "proxy.core.contacts:second_of", (("ceil(at)", "int(at)"),)),
    (_CONTACTS, "proxy.core.contacts:Contacts.reached", (("found >= cap.most", "found > cap.most"),)),
    (_CONTACTS, "proxy.core.contacts:Contacts.is_full", (("self.persons >= self._persons_most", "False"),)),
    (_CONTACTS, "proxy.core.contacts:Contacts.use", (
        ("table.width = max(table.width, cap.most)", "pass"),
        ("table.horizon_s = max(table.horizon_s, cap.window_s)", "pass"),
    )),
    (_CONTACTS, "proxy.core.contacts:ContactTable._rebuilt", (
        ("second and second >= after", "second"),
        ("self.persons += len(left) - shard.taken", "pass"),
    )),
    (_CONTACTS, "proxy.core.contacts:ContactsAnd.reached", (
        ("who == person and ", ""),
        ("bit in cap.bits and ", ""),
        ("found += table.count(person or 1, after)", "pass"),
    )),
    (_TIMES, "proxy.core.timetable:Timetable.is_open", (
        ("return bool(zones)", "return True"),
        ("if self.always:", "if False:"),
        ("return False", "pass"),
    )),
    (_TIMES, "proxy.core.timetable:Timetable.on", (
        ('if kind == "unknown":', "if False:"),
        ('if kind == "holiday"', "if True"),
    )),
    (_TIMES, "proxy.core.timetable:timetable_of", (
        ("holiday.within(own)", "holiday"),
        ("if own is not None and (purpose, channel) in PURPOSE_BITS:", "if False:"),
    )),
    (_TIMES, "proxy.core.workdays:Calendar.kind", (
        ("if day.year not in self.years:", "if False:"),
        ("if number in self.worked:", "if False:"),
        ("number in self.off or ", ""),
        (" or day.weekday() >= _SATURDAY", ""),
    )),
    (_TIMES, "proxy.core.place:place_of", (("province_of(recipient)", "CHINA"),)),
    (_PACKS, "proxy.core.bound:bound", (
        ("(shelf.region, *regions)", "(shelf.region,)"),
        (" or base]", "]"),
        ("*(pack for pack in shelf.packs if pack.id == base.id)", ""),
        ("pack is not None and any(_covers(pack.region, place) for place in places)", "pack is not None"),
    )),
    (_PACKS, "proxy.core.bound:_in_force", (("one.since <= now", "True"),)),
    (_PACKS, "proxy.core.bound:_strictest", (
        ('if pack.mode_for("", account) == "enforce"', ""),
        ("frozenset.intersection(*named)", "frozenset.union(*named)"),
        ("min(pack.validity_cap_s for pack in held)", "packs[0].validity_cap_s"),
    )),
    (_ATTACKED, "proxy.core.bound:_strictest", (("bool(named) and not roles", "False"),)),
    (_ATTACKED, "proxy.rules.binding:packs_of", (("if row.period.holds(now)", "if True"),)),
    (_PACKS, "proxy.core.bound:Bound.mode", (
        ("if each or own or rule in pack.rules", "if each or own"),
        ("if each or own or rule in pack.rules", "if each or rule in pack.rules"),
    )),
    (_PACKS, "proxy.core.pack:Pack.mode_for", (
        ("if own is not None:", "if False:"),
        (", self.share)", ", 1.0)"),
    )),
    (_PACKS, "proxy.rules.binding:_first", (
        ('("enforce", "shadow")', '("shadow", "enforce")'),
        ('wanted == "shadow"', "False"),
    )),
    (_PACKS, "proxy.rules.binding:counted_caps", (
        ('mode == "shadow",', "False,"),
    )),
    (_PACKS, "proxy.rules.disturbance:_often", (
        ("if request.counted:", "if False:"),
        ("if contacts.failing or contacts.is_full:", "if contacts.failing:"),
        ("if contacts.failing or contacts.is_full:", "if contacts.is_full:"),
    )),
    (_PACKS, "proxy.policy:_ground_of", (
        (" or (whose is not None and whose.shadow)", ""),
        ("pack=lane.ground.pack if whose is None else whose.pack", "pack=lane.ground.pack"),
    )),
    (_MANY, "proxy.policy:evaluate_many", (("< len(requests):", "< 0:"),)),
    (_MANY, "proxy.policy:_one_by_one", (('if decision.effect == "allow" and bit:', "if False:"),)),
    (_BOOK, "proxy.judging.contact_book:ContactBook.bit_of", (
        ('ground.effect != "allow" or ', ""),
        (" or ground.asks != ASKS_MESSAGE", ""),
    )),
    (_BOOK, "proxy.judging.contact_book:ContactBook.permitted", (
        ("self._keep(bit, person, second, ADDED)", "pass"),
        ("if len(new) >= _REMEMBERED:", "if False:"),
    )),
    (_BOOK, "proxy.judging.contact_book:ContactBook.taken_back", (
        ("self._keep(bit, person, second, TAKEN_BACK)", "pass"),
        (" or self._old.pop(decision_id, None)", ""),
    )),
    (_BOOK, "proxy.judging.journal:Journal.outcome", (("if result == REJECTED:", "if True:"),)),
    (_BOOK, "proxy.judging.journal:Journal.renew", (("self._forms.clear()", "pass"),)),
    (_REPLAY, "proxy.pack_replay:Replay.decision", (
        ("if record.asks != ASKS_MESSAGE:", "if False:"),
        ('record.mode == "bypass" or ', ""),
        ('if effect == "allow":', "if False:"),
    )),
    (_REPLAY, "proxy.pack_replay:Replay.outcome", (('if record.result == "rejected":', "if True:"),)),
    (_REPLAY, "proxy.pack_replay:Replay.call", (("not record.rang_us and ", ""),)),
    (_REPLAY, "proxy.pack_replay:Replay._judged", (("_is_floor(rule) or ", ""),)),
)  # fmt: skip

CHANGES: tuple[Change, ...] = tuple(
    Change(where, old, new, tests) for tests, where, places in TABLE for old, new in places
)
