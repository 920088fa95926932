"""Password checks: one answer and one time for every failure, guesses in a line, and what is remembered."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import argon2
import msgspec
import pytest
from argon2 import PasswordHasher

import proxy.binds.credentials
from proxy.binds.credentials import HASHER, Credentials, TooManyChecksError, hash_of_nobody
from proxy.core.records import Account
from tests.binds.still_clock import StillClockLoop, run_still
from tests.rules.scene import ACCOUNT

pytestmark = pytest.mark.unit

PEER, ELSEWHERE = "192.0.2.1", "192.0.2.2"
KNOWN = msgspec.structs.replace(ACCOUNT, id="jl", password_hash="hash of right")
FIRST_S, MOST_S = 0.5, 4.0


@pytest.fixture(autouse=True)
def checks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """The checks that were made: (hash, password). `right` is right for `hash of right`, and so on."""
    made: list[tuple[str, bytes]] = []

    def verify(known: str, password: bytes) -> bool:
        made.append((known, password))
        return known == f"hash of {password.decode()}"

    monkeypatch.setattr(proxy.binds.credentials, "_verify", verify)
    return made


@pytest.fixture
def credentials() -> Iterator[Credentials]:
    made = make()
    yield made
    made.close()


def make(pending_most: int = 100) -> Credentials:
    return Credentials(at_once=1, pending_most=pending_most, delay_first_s=FIRST_S, delay_most_s=MOST_S)


async def guess(
    who: Credentials, account: Account | None = KNOWN, password: bytes = b"wrong", peer: str = PEER
) -> bool:
    return await who.check(account, "jl", password, peer)


@pytest.mark.parametrize("work_s", [0.0, 0.03, 0.7])
def test_an_unknown_system_id_and_a_wrong_password_have_the_same_answers_at_the_same_moments(
    work_s: float, checks: list[tuple[str, bytes]]
) -> None:
    async def moments(loop: StillClockLoop, account: Account | None) -> list[tuple[bool, float]]:
        who = make()
        found = []
        for _ in range(7):
            began = loop.time()
            found.append((await guess(who, account), round(loop.time() - began, 6)))
        who.close()
        return found

    wrong = run_still(lambda loop: moments(loop, KNOWN), work_s)
    made = len(checks)
    unknown = run_still(lambda loop: moments(loop, None), work_s)
    assert wrong == unknown
    # Both took a full check each time.
    assert (made, len(checks)) == (7, 14)
    growing = [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]
    assert wrong == [(False, max(delay, work_s)) for delay in growing]


def test_what_an_unknown_one_is_checked_against_costs_as_much_and_is_nobodys() -> None:
    known, other = hash_of_nobody(), hash_of_nobody()
    assert argon2.extract_parameters(known) == argon2.extract_parameters(HASHER.hash("right"))
    assert set(known.split("$")[-2:]).isdisjoint(other.split("$")[-2:])
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        argon2.PasswordHasher().verify(known, "right")


def test_guesses_of_one_pair_wait_for_each_other_whenever_they_come() -> None:
    """Ten at once, and ten more while they wait: no guess is begun before the one ahead was answered."""

    async def main(loop: StillClockLoop) -> float:
        who = make()
        early = [asyncio.ensure_future(guess(who)) for _ in range(10)]
        # Right after the first answer the line still stands: who comes now gets in it.
        await early[0]
        late = [asyncio.ensure_future(guess(who)) for _ in range(10)]
        assert await asyncio.gather(*early, *late) == [False] * 20
        assert loop.most_working == 1
        assert (len(who._guesses), len(who._checks)) == (0, 0)
        who.close()
        return loop.time()

    # 0.5 + 1 + 2 + 17 × 4: as if they had come one after the other.
    assert run_still(main, work_s=0.03) == pytest.approx(0.5 + 1 + 2 + 17 * MOST_S)


def test_another_peer_and_another_system_id_wait_for_nobody() -> None:
    async def main(loop: StillClockLoop) -> None:
        who = make()
        slow = [asyncio.ensure_future(guess(who)) for _ in range(3)]
        await asyncio.sleep(FIRST_S * 1.5)
        began = loop.time()
        assert not await guess(who, peer=ELSEWHERE)
        assert loop.time() - began == pytest.approx(FIRST_S)
        assert not await who.check(None, "other", b"x", PEER)
        assert loop.time() - began == pytest.approx(2 * FIRST_S)
        assert await guess(who, password=b"right", peer=ELSEWHERE)
        assert loop.time() - began == pytest.approx(2 * FIRST_S)
        await asyncio.gather(*slow)

    run_still(main)


def test_a_right_password_is_answered_at_once_and_ends_the_growing() -> None:
    async def main(loop: StillClockLoop) -> None:
        who = make()
        for _ in range(4):
            await guess(who)
        began = loop.time()
        assert await guess(who, password=b"right")
        assert loop.time() == began
        assert not await guess(who)
        assert loop.time() - began == pytest.approx(FIRST_S)

    run_still(main)


def test_a_right_password_is_remembered_until_the_accounts_hash_changes(checks: list[tuple[str, bytes]]) -> None:
    async def main(_: StillClockLoop) -> None:
        who = make()
        assert await guess(who, password=b"right")
        assert await guess(who, password=b"right", peer=ELSEWHERE)
        assert len(checks) == 1
        changed = msgspec.structs.replace(KNOWN, password_hash="hash of other")
        assert not await guess(who, changed, b"right")
        assert len(checks) == 2
        assert await guess(who, changed, b"other")
        assert not await guess(who, KNOWN, b"other")
        assert not await guess(who, msgspec.structs.replace(KNOWN, id="jl-two", password_hash="x"), b"other")

    run_still(main)


def test_what_was_right_for_an_account_is_nothing_for_an_unknown_one(checks: list[tuple[str, bytes]]) -> None:
    """So a bind from a wrong address, which is asked about as unknown, learns nothing of a password it has right."""

    async def main(loop: StillClockLoop) -> None:
        who = make()
        assert await guess(who, password=b"right")
        assert not await guess(who, None, b"right")
        assert loop.time() == pytest.approx(FIRST_S)
        assert len(checks) == 2

    run_still(main)


def test_of_five_hundred_that_bind_at_once_one_is_checked(checks: list[tuple[str, bytes]]) -> None:
    async def main(loop: StillClockLoop) -> None:
        who = make(pending_most=500)
        assert all(await asyncio.gather(*(guess(who, password=b"right") for _ in range(500))))
        assert len(checks) == 1
        assert loop.time() == pytest.approx(0.03)

    run_still(main, work_s=0.03)


def test_who_waits_is_bounded_alike_for_known_and_unknown_and_frees_its_place() -> None:
    async def main(_: StillClockLoop) -> None:
        who = make(pending_most=3)
        waiting = [asyncio.ensure_future(who.check(None, str(one), b"x", PEER)) for one in range(3)]
        await asyncio.sleep(0)
        for account in (KNOWN, None):
            with pytest.raises(TooManyChecksError):
                await guess(who, account)
        # It is that address alone that has too many; and who was right before passes without a check.
        assert await guess(who, password=b"right", peer=ELSEWHERE)
        assert await guess(who, password=b"right")
        await asyncio.gather(*waiting)
        assert not await guess(who)
        assert (len(who._guesses), len(who._checks)) == (0, 0)

    run_still(main, work_s=0.03)


def test_who_waits_for_a_late_answer_or_behind_one_takes_nobodys_place() -> None:
    async def main(loop: StillClockLoop) -> None:
        who = make(pending_most=1)
        guessing = [asyncio.ensure_future(guess(who)) for _ in range(20)]
        await asyncio.sleep(FIRST_S / 2)
        # One was checked and waits for its answer, nineteen stand behind it: from that very address another gets in.
        other = msgspec.structs.replace(KNOWN, id="jl-two")
        assert await who.check(other, "jl-two", b"right", PEER)
        assert loop.time() == pytest.approx(FIRST_S / 2 + 0.03)
        for one in guessing:
            one.cancel()

    run_still(main, work_s=0.03)


@pytest.mark.parametrize("account", [KNOWN, None], ids=["known", "unknown"])
def test_of_a_pair_that_failed_few_may_wait(account: Account | None, checks: list[tuple[str, bytes]]) -> None:
    async def main(loop: StillClockLoop) -> None:
        who = make(pending_most=1000)
        many = [asyncio.ensure_future(guess(who, account)) for _ in range(1000)]
        # All stand in line until the first has failed; then those that are too many go, without a check.
        assert not await many[0]
        with pytest.raises(TooManyChecksError):
            await guess(who, account)
        await asyncio.sleep(0)
        assert not await many[-1]
        answers = await asyncio.gather(*many, return_exceptions=True)
        assert Counter(map(type, answers)) == {TooManyChecksError: 1000 - 33, bool: 33}
        assert len(checks) == 33
        # Nor may more come while so many stand there: constant, and alike for known and unknown.
        again = [asyncio.ensure_future(guess(who, account)) for _ in range(100)]
        answers = await asyncio.gather(*again, return_exceptions=True)
        assert Counter(map(type, answers)) == {TooManyChecksError: 67, bool: 33}

    run_still(main, work_s=0.03)


def test_one_address_with_a_thousand_guesses_holds_up_another_for_one_check_only() -> None:
    async def main(loop: StillClockLoop) -> None:
        who = make(pending_most=1000)
        flood = [asyncio.ensure_future(who.check(None, str(one), b"x", PEER)) for one in range(1000)]
        await asyncio.sleep(0.01)
        assert await guess(who, password=b"right", peer=ELSEWHERE)
        assert loop.time() == pytest.approx(0.06)
        for one in flood:
            one.cancel()

    run_still(main, work_s=0.03, threads=1)


def test_five_hundred_accounts_of_one_address_that_come_at_once_all_get_in() -> None:
    async def main(loop: StillClockLoop) -> None:
        who = make(pending_most=1000)
        crowd = [msgspec.structs.replace(KNOWN, id=str(one)) for one in range(500)]
        assert all(await asyncio.gather(*(who.check(one, one.id, b"right", PEER) for one in crowd)))
        assert loop.time() == pytest.approx(500 * 0.03)

    run_still(main, work_s=0.03, threads=1)


def test_a_guesser_that_hangs_up_frees_its_place_and_its_failure_stays() -> None:
    async def main(loop: StillClockLoop) -> None:
        who = make(pending_most=2)
        hung_up = asyncio.ensure_future(guess(who))
        behind = asyncio.ensure_future(guess(who))
        await asyncio.sleep(FIRST_S / 2)
        hung_up.cancel()
        await asyncio.gather(hung_up, return_exceptions=True)
        began = loop.time()
        assert not await behind
        assert loop.time() - began == pytest.approx(2 * FIRST_S)
        assert (len(who._guesses), len(who._checks)) == (0, 0)

    run_still(main)


def test_the_memory_of_failures_is_bounded_and_keeps_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy.binds.credentials, "_KEPT", 5)

    async def main(_: StillClockLoop) -> None:
        who = make()
        for number in range(40):
            await who.check(None, str(number), b"x", PEER)
            assert len(who._failures) <= 5
        assert set(who._failures) == {(str(number), PEER) for number in range(35, 40)}

    run_still(main)


def test_no_password_is_logged_or_kept(caplog: pytest.LogCaptureFixture) -> None:
    async def main(_: StillClockLoop) -> None:
        who = make()
        assert await guess(who, password=b"right")
        await guess(who, password=b"secret-guess")
        kept: dict[str, Any] = vars(who)
        assert "secret-guess" not in repr(kept)
        assert "b'right'" not in repr(kept)

    with caplog.at_level(logging.DEBUG):
        run_still(main)
    assert "secret-guess" not in caplog.text


class TestHashes:
    """With Argon2 itself."""

    @pytest.fixture(autouse=True)
    def real(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()

    @pytest.mark.parametrize(
        "hasher", [PasswordHasher(1, 8, 1), PasswordHasher(2, 64, 2), HASHER], ids=["least", "more", "ours"]
    )
    def test_a_hash_of_whatever_cost_is_checked(self, hasher: PasswordHasher) -> None:
        known = hasher.hash(b"secret")
        assert proxy.binds.credentials._verify(known, b"secret")
        for wrong in (b"", b"Secret", b"secret\0", b"\xff\xfe"):
            assert not proxy.binds.credentials._verify(known, wrong)

    @pytest.mark.parametrize(
        "damaged", ["", "secret", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$é$é", "$argon2id$v=19$m=8,t=1,p=1$xx$yy"]
    )
    def test_a_damaged_hash_opens_nothing(self, damaged: str) -> None:
        for password in (b"", b"secret", damaged.encode()):
            assert not proxy.binds.credentials._verify(damaged, password)

    def test_nobodys_password_is_hashed_like_those_of_accounts(self, credentials: Credentials) -> None:
        assert credentials._nobody.split("$")[:4] == HASHER.hash("secret").split("$")[:4]
        assert credentials._nobody != make()._nobody
