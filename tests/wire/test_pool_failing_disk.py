"""Pool mode on a disk that fails: no id leaves that a kill could make unknown, and others go on."""

from __future__ import annotations

import resource

import pytest

from tests.tools.raw_smsc import RawSession
from tests.tools.wire import RESP, SUBMIT_SM, Frame, cstring, pdu
from tests.wire.house import text
from tests.wire.people import PERSONS
from tests.wire.pool_house import PoolHouse

pytestmark = pytest.mark.wire
ENQUIRE_LINK = 0x15


async def test_no_id_leaves_before_it_is_on_disk(pool: PoolHouse) -> None:
    def overlong(frame: Frame, session: RawSession) -> bytes | None:
        return pdu(SUBMIT_SM | RESP, cstring("a" * 60), sequence=frame.sequence) if frame.command == SUBMIT_SM else None

    pool.smsc.answer = pool.other.answer = overlong
    await pool.open()
    segments = [one.stat().st_size for one in (pool.state / "trail").iterdir()]
    assert pool.process is not None
    esme = await pool.bind("pool-jl")
    # A write beyond the limit fails as on a full disk.
    resource.prlimit(pool.process.pid, resource.RLIMIT_FSIZE, (max(segments), resource.RLIM_INFINITY))
    await esme.submit(SUBMIT_SM, text("10690001", PERSONS[10]))
    await pool.event("trail.failed")
    await esme.submit(ENQUIRE_LINK)
    await pool.event("trail.failed", 3)
    assert not [one for one in esme.received if one.command == SUBMIT_SM | RESP]
    resource.prlimit(pool.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert (await esme.expect(SUBMIT_SM | RESP)).status == 0
