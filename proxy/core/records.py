"""The records of the registry as the policy sees them: immutable, in memory, without I/O.

Times are UTC epoch seconds; a period holds from `since` inclusive to `until` exclusive. Identifiers are short strings
chosen by the registry's owner (`jianglan`, `yuanlu-tech`). Nothing here names a person but by digest.
"""

from typing import Final, Literal, get_args

from msgspec import Struct

from proxy.core.purposes import Channel, Purpose

FOREVER: Final = 1 << 40

InstitutionKind = Literal[
    "bank", "consumer_finance", "microloan", "guarantee", "insurer", "securities", "fund", "leasing", "other"
]

TelecomKind = Literal["carrier", "sms_platform", "call_centre"]

#: Where an account stands on its way to being approved (Z8).
OnboardingState = Literal["submitted", "reviewed", "approved", "rejected"]
#: Where a template or campaign stands in its review (Z5).
ReviewState = Literal["draft", "submitted", "reviewed", "rejected"]

#: The types that are "lawfully in lending or loan-related business": only these may collect (Z3).
LENDING_KINDS: Final[frozenset[InstitutionKind]] = frozenset(
    ("bank", "consumer_finance", "microloan", "guarantee", "leasing")
)


#: The types that are financial institutions: numbers of a special segment serve these only (J20).
FINANCIAL_KINDS: Final[frozenset[InstitutionKind]] = frozenset(get_args(InstitutionKind)) - {"other"}

#: How a number comes into the library, and where it stands on the way (J21).
IntakePath = Literal["application", "report"]
IntakeState = Literal["submitted", "accepted", "returned"]
#: Where a list that an institution submits stands (J19 J23), and a number that two claim.
SubmissionState = Literal["draft", "submitted", "received", "accepted", "returned", "merged", "replaced"]
CaseState = Literal["open", "settled"]


class Period(Struct, frozen=True, gc=False):
    """From `since` inclusive to `until` exclusive, UTC epoch seconds."""

    since: int = 0
    until: int = FOREVER

    def holds(self, now: float) -> bool:
        return self.since <= now < self.until


class Institution(Struct, frozen=True, gc=False):
    """A financial institution: the principal for whom everything is sent. Caps of its calls over all its trunks, 0 = no
    cap: `calls_per_s` new ones a second, `calls_most` at once, `call_s_most` how long one may last. `region` is where
    it is registered (`core.regions`), empty where nobody said. `page` is the URI of its page, which its calls bear in
    Call-Info (J11).
    """

    id: str
    name: str
    kind: InstitutionKind
    short_names: tuple[str, ...] = ()
    calls_per_s: int = 0
    calls_most: int = 0
    call_s_most: int = 0
    region: str = ""
    page: str = ""


class Licence(Struct, frozen=True, gc=False):
    """What an institution may do: purposes × channels × validity (Z2 J3).

    `region` is the province of a local licence, empty for one of a central authority, which holds everywhere (Z4).
    """

    institution: str
    purposes: frozenset[Purpose]
    channels: frozenset[Channel]
    period: Period
    region: str = ""
    issuer: str = ""


class Telecom(Struct, frozen=True, gc=False):
    """A telecom enterprise of the chain with its telecom licence (Z7 J5); `region` is empty for a nationwide one."""

    id: str
    name: str
    kind: TelecomKind
    licence: Period
    licence_no: str = ""
    region: str = ""


class Partner(Struct, frozen=True, gc=False):
    """An entrusted unit; without a contract it can do nothing (Z6)."""

    id: str
    name: str
    contract: Period


class Entrustment(Struct, frozen=True, gc=False):
    """A written authorisation: institution × partner × purposes × channels × regions × period (Z11 J4).

    No `regions`: everywhere. `parent` is the partner that passed on what it was entrusted with itself (J9), empty where
    the institution entrusted directly.
    """

    institution: str
    partner: str
    purposes: frozenset[Purpose]
    channels: frozenset[Channel]
    period: Period
    document_hash: str = ""
    regions: frozenset[str] = frozenset()
    parent: str = ""


class Number(Struct, frozen=True, gc=False):
    """One row of a number library (Z9 Z11 J18).

    `address` is canonical. With `extensible` it is a port under which any extension digits may be sent. `operator` is
    the institution itself or a partner. `disposed` is a suspension or closure by a telecom enterprise (Z14). `telecom`
    names the telecom enterprise that owns it, by id or name. `refusal_keywords` are those that its texts offer (Z18).
    """

    address: str
    principal: str
    operator: str
    channels: frozenset[Channel]
    purposes: frozenset[Purpose]
    period: Period
    extensible: bool = False
    binary: bool = False
    disposed: bool = False
    telecom: str = ""
    refusal_keywords: tuple[str, ...] = ()


class Segment(Struct, frozen=True, gc=False):
    """Numbers that an authority set apart for finance (J20): those that begin with digits from `first` to `last`."""

    id: str
    first: str
    last: str
    channels: frozenset[Channel]
    purposes: frozenset[Purpose]
    period: Period

    def covers(self, address: str) -> bool:
        """Whether a canonical sending number lies in it."""
        digits = address[: len(self.first)]
        return len(digits) == len(self.first) and address.isdigit() and self.first <= digits <= self.last


class Account(Struct, frozen=True, gc=False):
    """The authenticated sender: an SMPP system_id, or a SIP trunk, with what was agreed for it.

    `operator` binds, for `principal`. Units: `rate_per_s` submits a second (0 = no limit), `window` unanswered submits,
    `vendor_base` the first command_status of the vendor map. `addresses` are IP networks; empty = any. Of a trunk:
    `calls_per_s` new calls a second, `calls_most` at once, `call_s_most` seconds one may last (0 = no cap), `call_map`
    the statuses of refused calls, `asserts_identity` whether it may name the caller in P-Asserted-Identity.
    `telecoms` are ids of the telecom enterprises through which it sends; `telecom_licence` is what was noted without
    naming one.
    """

    id: str
    principal: str
    operator: str
    purposes: frozenset[Purpose]
    password_hash: str
    reviewed: bool
    telecom_licence: Period
    responsible: str
    route: str = "default"
    addresses: tuple[str, ...] = ()
    max_binds: int = 4
    rate_per_s: int = 0
    window: int = 500
    code_map: Literal["vendor", "standard"] = "vendor"
    vendor_base: int = 0x0400
    status_text: bool = False
    binary: bool = False
    own_receiver: bool = False
    replace_sm: bool = False
    client_certificate: str = ""
    calls_per_s: int = 0
    calls_most: int = 0
    call_s_most: int = 0
    call_map: Literal["precise", "legacy"] = "precise"
    asserts_identity: bool = False
    telecoms: tuple[str, ...] = ()


class Liaison(Struct, frozen=True, gc=False):
    """Who submits for an institution to the authorities, and until when (J19)."""

    institution: str
    name: str
    period: Period


class Template(Struct, frozen=True, gc=False):
    """A text that somebody reviewed for these purposes (Z5), and passed, rejected, or neither yet."""

    id: str
    institution: str
    purposes: frozenset[Purpose]
    text: str
    reviewed: bool
    rejected: bool = False


class Hold(Struct, frozen=True, gc=False):
    """A fraud hold on an account or on a sending number (Z23)."""

    kind: Literal["account", "number"]
    target: str
    reason: str = ""
