"""Two houses and what may lie between them: lost, repeated, reordered, forged and broken documents."""

import base64
import random
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from proxy.lists.document import Kind, key_id_of, read_document, write_document
from proxy.lists.entry import ListEntry
from proxy.lists.following import Acknowledge, Ask, Following, Rejected, Step, TakeIn
from proxy.lists.publication import Publication
from tests.lists.list_rows import entry, whole_lists

pytestmark = pytest.mark.unit

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
KEYS = {key_id_of(KEY.public_key()): KEY.public_key()}
NOW = 1_790_000_000


class House:
    """A follower with a store: what it takes in, it keeps."""

    def __init__(self) -> None:
        self.following = Following("jiangsu", KEYS)
        self.rows: dict[bytes, ListEntry] = {}
        self.rejected: list[str] = []
        self.acknowledged: list[Acknowledge] = []

    def receive(self, octets: bytes) -> list[int]:
        """What it asks for."""
        return self.carry_out(self.following.receive(octets))

    def carry_out(self, steps: list[Step]) -> list[int]:
        asked: list[int] = []
        while steps:
            step = steps.pop(0)
            if isinstance(step, TakeIn):
                if step.document.heading.kind == "snapshot":
                    self.rows.clear()
                for key in step.document.removed:
                    self.rows.pop(key)
                self.rows |= {each.key(): each for each in step.document.put}
                steps += self.following.taken()
            elif isinstance(step, Ask):
                asked.append(step.first)
            elif isinstance(step, Acknowledge):
                self.acknowledged.append(step)
            else:
                self.rejected.append(step.reason)
        return asked


class Issuer:
    """A publisher with its folder."""

    def __init__(self, every: int = 100) -> None:
        self.publication = Publication("jiangsu", KEY, every)
        self.documents: dict[tuple[Kind, int], bytes] = {}

    def publish(self, rows: list[ListEntry]) -> list[bytes]:
        made = self.publication.publish(rows, NOW)
        self.documents |= {(kind, number): octets for kind, number, octets in made}
        return [octets for _, _, octets in made]

    def answer(self, first: int) -> list[bytes]:
        """All from a number on, from the newest whole list where that is asked for."""
        begin = self.publication.snapshot if first == 0 else first - 1
        whole = [self.documents["snapshot", begin]] if first == 0 else []
        return whole + [self.documents["delta", each] for each in range(begin + 1, self.publication.number + 1)]


def settled(issuer: Issuer, house: House) -> None:
    """The way is whole again: the newest is told, and what is asked for comes."""
    asked = house.carry_out(house.following.reconnected()) + house.receive(issuer.publication.head())
    for _ in range(5):
        if not asked:
            break
        asked = [each for octets in issuer.answer(asked[0]) for each in house.receive(octets)]
    assert {each.key(): each for each in house.rows.values()} == house.rows
    assert house.following.number == issuer.publication.number
    assert house.following.digest == issuer.publication.digest


@given(st.lists(whole_lists, min_size=1, max_size=8), st.integers(1, 4), st.randoms(use_true_random=False))
def test_whatever_the_way_does_both_hold_the_same_list(
    states: list[list[ListEntry]], every: int, chance: random.Random
) -> None:
    issuer, house = Issuer(every), House()
    under_way: list[bytes] = []
    for state in states:
        for octets in issuer.publish(state):
            under_way += [octets] * chance.choice((0, 1, 1, 2))
        chance.shuffle(under_way)
        while under_way and chance.random() < 0.7:
            for first in house.receive(under_way.pop()):
                if chance.random() < 0.5:
                    under_way += issuer.answer(first)
    settled(issuer, house)
    assert set(house.rows.values()) == set(states[-1])
    assert not house.rejected


def test_documents_in_order_are_taken_in_and_acknowledged_one_by_one() -> None:
    issuer, house = Issuer(), House()
    lists = [[entry(1)], [entry(1), entry(2)], [entry(2)]]
    for rows in lists:
        for octets in issuer.publish(rows):
            assert house.receive(octets) == []
        assert list(house.rows.values()) == rows
    assert [each.number for each in house.acknowledged] == [1, 2, 3]
    assert issuer.publish(lists[-1]) == [], "nothing changed, nothing is published"


def test_a_gap_is_asked_for_once_and_then_filled() -> None:
    issuer, house = Issuer(), House()
    made = [octets for count in range(1, 6) for octets in issuer.publish([entry(n) for n in range(count)])]
    assert house.receive(made[0]) == []
    assert house.receive(made[2]) == [2]
    assert house.receive(made[3]) == []
    assert house.receive(made[1]) == []
    assert house.following.number == 4, "what came early was kept"
    assert house.receive(made[4]) == []


def test_who_has_nothing_asks_for_the_whole_list() -> None:
    issuer, house = Issuer(every=2), House()
    for count in range(1, 5):
        issuer.publish([entry(n) for n in range(count)])
    assert house.receive(issuer.publication.head()) == [0]
    settled(issuer, house)


@pytest.mark.parametrize("kind", ["delta", "snapshot", "head"])
def test_what_somebody_else_signed_changes_nothing(kind: Kind) -> None:
    issuer, house = Issuer(), House()
    house.receive(issuer.publish([entry(1)])[0])
    heading = read_document(issuer.documents["snapshot", 1], "jiangsu", KEYS).heading
    forged = msgspec.structs.replace(heading, kind=kind, number=2, before=heading.digest)
    octets = write_document(forged, OTHER, [] if kind == "head" else [entry(9)])
    assert house.receive(octets) == []
    assert house.rejected
    assert "not known" in house.rejected[0]
    line, _, rest = octets.partition(b"\n")
    other, mine = key_id_of(OTHER.public_key()).encode(), key_id_of(KEY.public_key()).encode()
    assert house.receive(line.replace(other, mine) + b"\n" + rest) == []
    assert "signature" in house.rejected[1]
    assert house.following.number == house.following.newest == 1


def test_no_octet_of_a_document_can_be_changed() -> None:
    issuer = Issuer()
    octets = issuer.publish([entry(n) for n in range(3)])[0]
    for place in range(len(octets)):
        house = House()
        house.receive(octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :])
        assert (len(house.rejected), house.rows) == (1, {}), place


@pytest.mark.parametrize("cut", [0, 1, 10, 200, -1])
def test_half_a_document_is_none(cut: int) -> None:
    house = House()
    house.receive(Issuer().publish([entry(1)])[0][:cut])
    assert house.rejected
    assert not house.rows


def signed(**changed: Any) -> bytes:
    """A document that the right key signed, which is wrong all the same."""
    issuer = Issuer()
    heading = read_document(issuer.publish([entry(1)])[0], "jiangsu", KEYS).heading
    rows = changed.pop("rows_in_it", [entry(1)])
    return write_document(msgspec.structs.replace(heading, **changed), KEY, rows)


@pytest.mark.parametrize(
    "octets",
    [
        signed(digest="0" * 64),
        signed(issuer="zhejiang"),
        signed(rows=7),
        signed(rows_in_it=[entry(1), entry(2)]),
        signed(rows_in_it=[entry(1, until=1)]),
        signed(rows_in_it=[entry(1, telecom="x" * 600)]),
        signed(rows_in_it=[entry(1, channels=("voice", "sms"))]),
    ],
)
def test_the_right_signature_does_not_make_a_wrong_list_right(octets: bytes) -> None:
    house = House()
    house.receive(octets)
    assert house.rejected
    assert not house.rows
    assert house.following.number == 0


def test_rows_that_are_longer_than_they_say_are_not_unpacked() -> None:
    whole = Issuer().publish([entry(n) for n in range(50)])[0]
    line, _, rest = whole.partition(b"\n")
    heading = msgspec.json.decode(line)
    heading["plain_octets"] = 10
    shorter = msgspec.json.encode(heading)
    signature = base64.b64encode(KEY.sign(b"tdgate-list\0" + shorter))
    house = House()
    house.receive(b"\n".join((shorter, signature, rest.partition(b"\n")[2])))
    assert house.rejected == ["the rows are not as long as they say"]


def test_another_list_under_the_same_number_is_told() -> None:
    one, other, house = Issuer(), Issuer(), House()
    house.receive(one.publish([entry(1)])[0])
    house.receive(other.publish([entry(2)])[0])
    assert house.rejected == ["number 1 names another list than the one that is held"]
    other.publish([entry(2), entry(3)])
    house.receive(other.documents["delta", 2])
    assert house.rejected[-1] == "document 2 continues another list"
    assert list(house.rows.values()) == [entry(1)]


def test_what_the_store_could_not_take_comes_again() -> None:
    issuer = Issuer()
    first = issuer.publish([entry(1)])[0]
    second = issuer.publish([entry(2)])[0]
    following = Following("jiangsu", KEYS)
    for octets in (first, second):
        before = following.digest
        assert isinstance(following.receive(octets)[0], TakeIn)
        assert following.failed() == []
        assert following.digest == before
        assert isinstance(following.receive(octets)[0], TakeIn)
        following.taken()
    assert following.digest == issuer.publication.digest


def test_an_older_whole_list_does_not_turn_the_list_back() -> None:
    issuer, house = Issuer(), House()
    old = issuer.publish([entry(1)])[0]
    house.receive(old)
    house.receive(issuer.publish([entry(1, disposed=True)])[0])
    assert house.receive(old) == []
    assert [each.disposed for each in house.rows.values()] == [True]
    assert not house.rejected


def test_a_publisher_goes_on_where_its_folder_ends() -> None:
    issuer = Issuer(every=3)
    for count in range(1, 6):
        issuer.publish([entry(n) for n in range(count)])
    again = Publication("jiangsu", KEY, 3)
    begin = issuer.publication.snapshot
    stands = [issuer.documents["snapshot", begin]]
    stands += [issuer.documents["delta", each] for each in range(begin + 1, 6)]
    again.resume(read_document(octets, "jiangsu", KEYS) for octets in stands)
    assert (again.number, again.digest, again.snapshot) == (5, issuer.publication.digest, begin)
    assert again.publish([entry(n) for n in range(5)], NOW) == []
    with pytest.raises(ValueError, match="missing"):
        Publication("jiangsu", KEY).resume([read_document(issuer.documents["delta", 3], "jiangsu", KEYS)])


def test_rejected_names_its_reason() -> None:
    assert Following("jiangsu", KEYS).receive(b"") == [Rejected("not a document")]
