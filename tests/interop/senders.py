"""The senders of the tests with tdgate in between: one institution, an account for each stack and code map.

`acct0` (vendor codes), `acct-std` (codes of SMPP v3.4) and `acct-slow` (one message a second) send 江澜银行's marketing
from 10690001. The persons differ in what the registry knows of them.
"""

from __future__ import annotations

from tests.interop import invented
from tests.interop.peers.target import Target

PORT = "10690001"
UNKNOWN_PORT = "10690999"
CONSENTED = tuple(f"86138000000{n:02}" for n in range(1, 21))
SUPPRESSED = "8613800000090"
UNCONSENTED = "8613800000091"


def registry() -> dict[str, list[invented.Row]]:
    """The whole registry document."""
    rows = invented.base()
    rows["licences"] = [invented.licence("jianglan", ["marketing"])]
    rows["numbers"] = [invented.number(PORT, "jianglan", ["marketing"], extensible=True)]
    rows["accounts"] = [
        invented.account("acct0", "jianglan", ["marketing"]),
        invented.account("acct-std", "jianglan", ["marketing"], code_map="standard"),
        invented.account("acct-slow", "jianglan", ["marketing"], rate_per_s=1),
        invented.account("unreviewed", "jianglan", ["marketing"], reviewed_by=[]),
    ]
    rows["consents"] = [invented.consent(person, "jianglan") for person in (*CONSENTED, SUPPRESSED)]
    rows["suppressions"] = [invented.suppression(SUPPRESSED, "jianglan", ["marketing"])]
    return rows


def target(port: int, system_id: str = "acct0", password: str = "secret") -> Target:
    return Target("127.0.0.1", port, system_id, password)
