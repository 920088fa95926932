"""tdgate's state and configuration for the bench of calls: an institution with a number for voice, persons who agreed,
and persons who refused afterwards. All invented.

Owns how they become a registry: by the product's own import command. All rules and the evidence are on; the pack is
open all day. No cap is set: what is measured is the question, not the answer.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.calls.scenarios import CALLER

AGREED: Final = [f"1380014{number:04d}" for number in range(4000)]
REFUSED: Final = [f"1380015{number:04d}" for number in range(1000)]
_ROOT: Final = Path(__file__).resolve().parents[2]
_EVER: Final = {"since": "2020-01-01", "until": "2099-12-31"}
_GIVEN: Final = {"given": "2026-01-02", "until": "2099-12-31"}


def _registry() -> dict[str, Any]:
    bank = "jianglan"
    return {
        "about": "虚构 invented, for the bench",
        "institutions": [{"id": bank, "name": "江澜银行（虚构）", "kind": "bank", "short_names": ["江澜银行"]}],
        "licences": [{"institution": bank, "purposes": ["marketing"], "channels": ["voice"], **_EVER}],
        "numbers": [
            {
                "address": CALLER,
                "principal": bank,
                "operator": bank,
                "telecom": "示例通信（虚构）",
                "channels": ["voice"],
                "purposes": ["marketing"],
                **_EVER,
            }
        ],
        "accounts": [
            {
                "id": "callcentre",
                "principal": bank,
                "operator": bank,
                "purposes": ["marketing"],
                "password": "secret",
                "reviewed_by": ["审核甲（虚构）", "审核乙（虚构）"],
                "telecom_licence_since": "2020-01-01",
                "telecom_licence_until": "2099-12-31",
                "responsible": "责任人（虚构）",
            }
        ],
        "consents": [
            {"recipient": one, "institution": bank, "channels": ["voice"], "source": "虚构", **_GIVEN}
            for one in (*AGREED, *REFUSED)
        ],
        "suppressions": [
            {"recipient": one, "institution": bank, "channels": ["voice"], "source": "虚构", "at": "2026-02-01"}
            for one in REFUSED
        ],
    }


def prepare(folder: Path, command: Sequence[str], listen: int, gateway: int) -> Path:
    """A fresh state and a configuration on it, which is returned."""
    config, file = folder / "tdgate.toml", folder / "registry.json"
    config.write_text(
        "\n".join(
            (
                f"state = {json.dumps(str(folder / 'var'))}",
                "[[smpp.listeners]]",
                "port = 0",
                "[smpp.routes.default]",
                "port = 1",
                "[policy]",
                'pack = "cn-open"',
                "[console]",
                "enabled = false",
                "[sip]",
                "calls_most = 10000",
                "[[sip.listeners]]",
                f"port = {listen}",
                "[sip.trunks.callcentre]",
                'account = "callcentre"',
                'addresses = ["127.0.0.1/32"]',
                "[sip.carriers.default]",
                # WHY: the called side of the bench answers calls and nothing else.
                "options_s = 0",
                "[[sip.carriers.default.gateways]]",
                f"port = {gateway}",
                "",
            )
        ),
        "utf-8",
    )
    file.write_text(json.dumps(_registry(), ensure_ascii=False), "utf-8")
    done = subprocess.run(
        [*command, "registry", "import", "--config", str(config), str(file)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the registry was not taken: {(done.stderr or done.stdout).strip()[-500:]}")
    return config
