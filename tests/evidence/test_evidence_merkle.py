"""The tree against an independent recursive reading of RFC 6962 §2.1, and its published test vectors."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.evidence.merkle import EMPTY_ROOT, CompactRange, leaf_hash, node_hash
from proxy.evidence.proofs import (
    ProofError,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)

pytestmark = pytest.mark.unit

#: The leaves of the certificate-transparency reference tests, and the roots over the first 1 to 8 of them.
LEAVES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_consistency(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_consistency(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_consistency(m - k, leaves[k:], False), naive_root(leaves[:k])]


def numbered(count: int) -> list[bytes]:
    return [f"record {number}".encode() for number in range(count)]


def test_published_roots() -> None:
    assert CompactRange().root() == EMPTY_ROOT == sha256(b"").digest()
    tree = CompactRange()
    for count, (leaf, root) in enumerate(zip(LEAVES, ROOTS, strict=True), 1):
        tree.extend([leaf])
        assert tree.root().hex() == root == naive_root(LEAVES[:count]).hex()


@given(st.lists(st.integers(0, 70), max_size=6))
def test_any_grouping_gives_the_root_of_the_whole(groups: list[int]) -> None:
    records = numbered(sum(groups))
    tree = CompactRange()
    at = 0
    for group in groups:
        tree.extend(records[at : at + group])
        at += group
        tree = CompactRange(tree.size, tree.hashes())
    assert tree.size == len(records)
    assert tree.root() == naive_root(records)


def test_a_range_with_the_wrong_number_of_hashes_is_refused() -> None:
    with pytest.raises(ValueError, match="1-bit"):
        CompactRange(3, (b"\0" * 32,))


def test_leaf_and_node_differ_by_their_prefix() -> None:
    assert leaf_hash(b"a" * 64) != node_hash(b"a" * 32, b"a" * 32)


@given(st.integers(1, 130), st.data())
def test_inclusion_proofs(size: int, data: st.DataObject) -> None:
    records = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(records, index, size)
    root = naive_root(records)
    assert path == naive_path(index, records)
    assert verify_inclusion(records[index], index, size, path, root)
    assert not verify_inclusion(b"another", index, size, path, root)
    assert not verify_inclusion(records[index], index, size, [*path, root], root)
    assert not verify_inclusion(records[index], index, size, path, b"\0" * 32)
    if size > 1:
        assert not verify_inclusion(records[index], (index + 1) % size, size, path, root)
        assert not verify_inclusion(records[index], index, size, path[:-1], root)


@given(st.integers(1, 130), st.data())
def test_consistency_proofs(new: int, data: st.DataObject) -> None:
    records = numbered(new)
    old = data.draw(st.integers(1, new))
    path = consistency_proof(records, old, new)
    old_root, new_root = naive_root(records[:old]), naive_root(records)
    assert path == naive_consistency(old, records)
    assert verify_consistency(old, new, old_root, new_root, path)
    assert not verify_consistency(old, new, b"\0" * 32, new_root, path)
    assert not verify_consistency(old, new, old_root, b"\0" * 32, path)
    for place in range(len(path)):
        altered = [*path[:place], b"\1" * 32, *path[place + 1 :]]
        assert not verify_consistency(old, new, old_root, new_root, altered)


def test_proofs_that_do_not_exist() -> None:
    with pytest.raises(ProofError):
        inclusion_proof(numbered(3), 3, 3)
    with pytest.raises(ProofError):
        inclusion_proof(numbered(3), 0, 4)
    with pytest.raises(ProofError):
        consistency_proof(numbered(3), 0, 3)
    assert not verify_inclusion(b"", 0, 0, [], EMPTY_ROOT)
    assert not verify_consistency(0, 3, EMPTY_ROOT, naive_root(numbered(3)), [])
