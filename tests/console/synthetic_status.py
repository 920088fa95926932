"""A status as the wire would write it, with invented institutions and numbers: for tests, and to look at the page."""

import sys
import time
from pathlib import Path

import msgspec

from proxy.core.addresses import masked
from proxy.core.catalogue import CATALOGUE
from proxy.core.ground import OUTCOME_NA, OUTCOME_PASS, OUTCOME_REFUSE, OUTCOME_SHADOW, Effect
from proxy.core.purposes import ALL_MARKETING, COLLECTION_SMS, Purpose
from proxy.rules.table import RULE_IDS
from proxy.telemetry.counters import Counters
from proxy.telemetry.pack_rows import PackRow, PackValue
from proxy.telemetry.rows import refusal_row
from proxy.telemetry.status import (
    BindRow,
    CountRow,
    DecisionRow,
    EvidenceRow,
    GatewayRow,
    ListenerRow,
    RefusalRow,
    RouteRow,
    SipRow,
    Status,
    StatusFile,
    TrunkRow,
    status_path,
)

BOOT = 7
BEGAN_US = time.time_ns() // 1000
_ASKED: tuple[tuple[str, str, str, Purpose, str, str], ...] = (
    ("jianglan-mkt", "jianglan", "1069000188", "marketing", "", ""),
    ("jianglan-mkt", "jianglan", "1069000188", "marketing", "suppression.active", "refused"),
    ("yunxiu-collect", "yunxiu", "1069000233", "collection", "hours.closed", "closed"),
    ("xingqiao-sms", "xingqiao", "1069000999", "marketing", "number.unregistered", "unknown"),
    ("zehe-bank", "zehe", "1069000377", "service", "", ""),
    ("jianglan-otp", "jianglan", "1069000155", "verification", "", ""),
    ("lanhai-bank", "lanhai", "1069000410", "marketing", "consent.missing", "none"),
    ("lanhai-bank", "lanhai", "1069000410", "marketing", "throughput.account", "rate"),
)


_PACK = PackRow(
    "cn-invented", 1, "CN-NX", "虚构的通知", "2026-01-01", "in force", "CN-NX", False, 1.0,
    (PackValue("hours.closed", "collection sms: 08:00-20:00", "product default", ""),),
)  # fmt: skip
_SIP = (
    ListenerRow("127.0.0.1", 5060, False, "sip"),
    ListenerRow("127.0.0.1", 5060, False, "sip+tcp"),
    ListenerRow("127.0.0.1", 5061, True, "sip+tls"),
)
_TRUNKS = (
    TrunkRow("callcentre", "jianglan-call", "jianglan", 7, 61, 1_902, 1_412, 480, 10, 1_177, 143, 41, 44, 12),
    TrunkRow("zehe", "zehe-call", "zehe"),
)
_GATEWAYS = (
    GatewayRow("default", "198.51.100.1", 5060, "udp", 1, 2, True, True, asked=941),
    GatewayRow("default", "198.51.100.2", 5061, "tls", 2, 1, False, True, asked=471),
    GatewayRow("callcentre", "192.0.2.10", 5060, "udp", 1, 1, True, False, of_trunk=True, asked=12),
)


def row(number: int, at_us: int, *, shadow: str = "") -> DecisionRow:
    """The row of a synthetic decision; what was asked depends on `number`."""
    account, principal, sender, purpose, rule, detail = _ASKED[number % len(_ASKED)]
    outcomes = bytearray(OUTCOME_PASS if place % 5 else OUTCOME_NA for place in range(len(RULE_IDS)))
    effect: Effect = "allow"
    if rule:
        effect = "deny" if CATALOGUE[rule].kind == "final" else "defer"
        outcomes[RULE_IDS.index(rule)] = OUTCOME_REFUSE
    if shadow:
        outcomes[RULE_IDS.index(shadow)] = OUTCOME_SHADOW
    return DecisionRow(
        channel="voice" if number % 5 == 3 else "sms",
        id=f"{BOOT << 32 | number:016x}",
        at_us=at_us,
        account=account,
        sender=sender,
        recipient=masked(f"86138{number % 10**8:08d}"),
        principal=principal,
        purpose=purpose,
        effect=effect,
        rule=rule,
        detail=detail,
        shadow=(shadow,) if shadow else (),
        outcomes=bytes(outcomes).hex(),
    )


def refusal(number: int, at_us: int) -> RefusalRow:
    """The row of a synthetic refusal."""
    return refusal_row(
        at_us=at_us,
        person=f"86138{number:08d}",
        institutions=("jianglan",) if number % 3 else ("yunxiu",),
        label="optout",
        matched_words="TD" if number % 2 else "退订",
        closes=ALL_MARKETING if number % 3 else ALL_MARKETING | COLLECTION_SMS,
        latency_us=700 + number * 13,
    )


def status(*, decisions: int = 24, refusals: int = 6, at_us: int | None = None) -> Status:
    """A whole status of now, with so many decisions and refusals."""
    now = time.time_ns() // 1000 if at_us is None else at_us
    counters = Counters()
    counters.counts["refusal.recorded"] = counters.counts["suppression.recorded"] = refusals
    counters.counts["reply.received"] = decisions * 2
    latest = []
    for number in range(decisions):
        one = row(number, now - (decisions - number) * 730_000, shadow="licence.expired" if number % 9 == 4 else "")
        counters.decisions[one.channel, one.effect, one.rule] += 1
        latest.insert(0, one)
    bind = BindRow(
        account="jianglan-mkt",
        principal="jianglan",
        kind="trx",
        state="bound",
        peer="127.0.0.1:52104",
        since_us=now - 3_600_000_000,
        route="default",
        esme_in_flight=4,
        carrier_in_flight=3,
        submitted=18_442,
        permitted=17_020,
        refused=1_402,
        deferred=20,
        replies=37,
    )
    binds = [bind]
    for account, principal, kind in (
        ("yunxiu-collect", "yunxiu", "tx"),
        ("yunxiu-collect", "yunxiu", "rx"),
        ("zehe-bank", "zehe", "trx"),
    ):
        binds.append(msgspec.structs.replace(bind, account=account, principal=principal, kind=kind))
    return Status(
        at_us=now,
        pid=4242,
        boot=BOOT,
        version="0.1.0",
        revision=41,
        pack="cn-default",
        pack_version=3,
        ready=True,
        ready_reason="",
        draining=False,
        listeners=(ListenerRow("127.0.0.1", 2775, False), ListenerRow("127.0.0.1", 3550, True), *_SIP),
        binds=tuple(binds),
        routes=(RouteRow("default", "127.0.0.1", 2776, 4, "connected", False),),
        decisions=counters.decided(),
        counters=counters.counted(),
        evidence=EvidenceRow(decisions * 2, "5d" * 32, 3, False),
        latest=tuple(latest[:50]),
        refusals=tuple(refusal(number, BEGAN_US - number * 41_000_000) for number in range(refusals)),
        rules=RULE_IDS,
        counts=(CountRow("jianglan-mkt", "default", 9, 6, 2, 1, 4, 1, 0, 3, 2),),
        sip=SipRow(calls=7, attempts=7, places=7, dialogs=14, transactions=20, timers=31, connections=1),
        trunks=_TRUNKS,
        packs=(_PACK,),
        gateways=_GATEWAYS,
    )


if __name__ == "__main__":
    # A window to look at: python -m tests.console.synthetic_status STATE-FOLDER SECONDS
    file = StatusFile(status_path(Path(sys.argv[1])))
    for beat in range(int(sys.argv[2]) * 2):
        file.write(status(decisions=24 + beat))
        time.sleep(0.5)
