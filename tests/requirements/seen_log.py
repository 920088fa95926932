"""What is seen of the log of all this: anyone verifies it, and no entry can be altered, removed or cut off unseen."""

from __future__ import annotations

import shutil

from proxy.evidence.keys import load_signing_key, public_pem
from tests.requirements.looking import Shelf
from tests.requirements.stage import Stage

LOG = Shelf()


@LOG.shows(
    "C6",
    "`tdgate evidence verify` proves the log of this run against a head held outside, with the public key alone; one "
    "octet changed, a record taken out or the end cut off, and it does not",
    "`tdgate evidence verify` 仅凭公钥和外存树头核验本次日志；改动一个字节、抽去一条记录或截去尾部均被发现",
)
async def anyone_verifies_the_log(stage: Stage) -> None:
    log, head, key = stage.folder / "log", stage.folder / "head.json", stage.folder / "evidence.pem"
    key.write_bytes(public_pem(load_signing_key(stage.house.state / "keys" / "evidence.pem").public_key()))
    # WHY up to three copies: the process goes on writing, and a copy may end within a batch.
    for _ in range(3):
        shutil.rmtree(log, ignore_errors=True)
        shutil.copytree(stage.house.state / "evidence", log)
        code, said = await stage.alone("evidence", "head", log, "--json")
        head.write_text(said, encoding="utf-8")
        if code == 0 and (await stage.alone("evidence", "verify", log, "--key", key, "--head", head))[0] == 0:
            break
    verdicts = {}
    for name in ("sound", "altered", "removed", "cut"):
        copy = stage.folder / f"log-{name}"
        shutil.copytree(log, copy)
        segment = max(copy.glob("*.seg"))
        octets = segment.read_bytes()
        second, last = octets.index(b"TDGB", octets.index(b"TDGB") + 4), octets.rindex(b"TDGB")
        third = octets.index(b"TDGB", second + 4)
        middle = len(octets) // 2
        changed = {
            "sound": octets,
            "altered": octets[:middle] + bytes((octets[middle] ^ 1,)) + octets[middle + 1 :],
            "removed": octets[:second] + octets[third:],
            "cut": octets[:last],
        }
        segment.write_bytes(changed[name])
        verdicts[name] = (await stage.alone("evidence", "verify", copy, "--key", key, "--head", head))[0]
    assert verdicts == {"sound": 0, "altered": 1, "removed": 1, "cut": 1}, verdicts
