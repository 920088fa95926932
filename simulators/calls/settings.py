"""What calls are made of and how they are answered: the tables `[uac]`, `[uas]`, `[[call]]`, `[[answer]]`.

Owns names, defaults and limits. Must never read a file: `scenario` does. Times are seconds; -1 stands for never.
"""

from typing import Final, Literal

import msgspec

Transport = Literal["udp", "tcp", "tls"]
KEYS: Final = frozenset("0123456789*#ABCD")


class CallFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a side does wrong, on demand; the defaults are nothing at all."""

    loss: float = 0.0
    """Share of datagrams that are thrown away, of those that leave and of those that come; UDP only."""
    repeat_share: float = 0.0
    """Share of datagrams that leave twice; UDP only."""
    lose_ack: int = 0
    """So many ACKs of a call's 2xx do not leave; -1: none does."""
    lose_200: int = 0
    """So many 200s of a call's first INVITE do not leave; -1: none does."""
    late_200_s: float = -1.0
    """uas: a cancelled INVITE is answered 200 after so long, instead of 487."""
    silent_share: float = 0.0
    """uas: share of calls whose INVITE is not answered at all, not with a 100 either."""
    ignore_bye: bool = False
    """A BYE is not answered."""

    def __post_init__(self) -> None:
        if any(not 0.0 <= share <= 1.0 for share in (self.loss, self.repeat_share, self.silent_share)):
            raise ValueError("shares of faults lie between 0 and 1")


class InCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a side does once a call stands; times are from the answer on."""

    talk_s: float = -1.0
    """After this it ends the call; -1: it leaves that to the other side."""
    bye_reason: str = ""
    """Reason of its BYE, as `SIP;cause=607`."""
    press: str = ""
    """Keys that it presses, by INFO."""
    press_s: float = 0.0
    press_body: Literal["relay", "plain"] = "relay"
    """application/dtmf-relay, or application/dtmf."""
    reinvite_s: float = -1.0
    """When it sends an INVITE with a new description."""
    hold_s: float = -1.0
    """When it puts the call on hold (sendonly)."""
    resume_s: float = -1.0

    def __post_init__(self) -> None:
        if set(self.press.upper()) - KEYS:
            raise ValueError("press: keys are 0-9, *, #, A-D")
        if any(char in self.bye_reason for char in "\r\n"):
            raise ValueError("bye_reason: one line")


class CallShape(InCall, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every call of a load, or one of a script, is made of. Numbers are patterns."""

    talk_s: float = 0.0
    caller: str = "95500"
    """The user of From."""
    asserted: str = ""
    """The user of P-Asserted-Identity; empty: there is none."""
    display: str = ""
    domain: str = ""
    """The host of From, To and P-Asserted-Identity; empty: our own address."""
    callee: str = "1380013####"
    scheme: Literal["sip", "tel"] = "sip"
    """Of the Request-URI."""
    headers: tuple[str, ...] = ()
    """`Name: value`, in this order, after ours."""
    offer: bool = True
    """False: the description comes with the ACK (delayed offer)."""
    cancel_s: float = -1.0
    """It is cancelled after so long without a final response."""

    def __post_init__(self) -> None:
        InCall.__post_init__(self)
        read_headers(self.headers)


class UacSettings(CallShape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[uac]`: where the calls go, how many, and what each of a load is made of."""

    host: str = "127.0.0.1"
    port: int = 5060
    transport: Transport = "udp"
    local_host: str = ""
    """The own address, UDP; empty: the one from which the target is reached."""
    local_port: int = 0
    username: str = ""
    """Answers challenges (RFC 8760)."""
    password: str = ""
    follow_contact: bool = True
    """UDP: requests inside a call go where Contact or Route say; False: where the INVITE went."""
    count: int | None = None
    duration_s: float | None = None
    rate: float | None = None
    """Calls a second; absent: as many as `at_once` lets."""
    at_once: int | None = None
    """Calls under way; absent: 1 without a rate, else without bound."""
    limit_s: float = 60.0
    """How long the last calls may take to end."""
    t1_s: float = 0.5
    faults: CallFaults = CallFaults()


class CallStep(CallShape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[[call]]` of a caller's script: made one after the other, each ended before the next."""

    status: int | None = None
    """The final response that it must get."""
    rule: str | None = None
    """The text of the Reason that it must bear."""
    repeat: int = 1


class Answering(InCall, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a call is answered."""

    status: int = 200
    ring_status: int = 180
    """0: it does not ring."""
    ring_s: float = 0.0
    """From the INVITE to the final response."""
    early_media: bool = False
    """It rings with 183 and a description."""
    reason: str = ""
    """Reason of a final response that is no 2xx, as `Q.850;cause=17`."""
    headers: tuple[str, ...] = ()
    """`Name: value` of the final response: Contact of a 302, Retry-After of a 503."""

    def __post_init__(self) -> None:
        InCall.__post_init__(self)
        read_headers(self.headers)
        if not 200 <= self.status <= 699 or not (self.ring_status == 0 or 101 <= self.ring_status <= 199):
            raise ValueError("status is 200 to 699, ring_status 101 to 199, or 0")


class UasSettings(Answering, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[uas]`: how calls are answered for which no `[[answer]]` is written."""

    transport: Transport = "udp"
    username: str = ""
    """With a password: who calls must prove to be this user (401)."""
    password: str = ""
    algorithms: tuple[Literal["MD5", "SHA-256", "SHA-512-256"], ...] = ("SHA-256", "MD5")
    follow_contact: bool = True
    t1_s: float = 0.5
    faults: CallFaults = CallFaults()


class Answer(Answering, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[[answer]]`: the first that fits a call says how it is answered."""

    to: str = ""
    """The called number; `*` at its end: begins so; empty: any."""
    sender: str = ""
    """The calling number, likewise."""
    times: int = 0
    """How many calls it answers; 0: all."""


def read_headers(written: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """Read `Name: value` lines; ValueError says which is wrong."""
    found = []
    for each in written:
        name, colon, value = each.partition(":")
        if not colon or not name.strip() or any(char in each for char in "\r\n"):
            raise ValueError(f"header {each!r}: write Name: value")
        found.append((name.strip(), value.strip().encode()))
    return found
