"""The corpus: for every rule and every detail, a permitted scene and a refused one that differ in one field.

The mutation check runs it with each rule of the table disabled, and demands that some outcome changes.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from proxy.core.bound import Shelf
from proxy.core.finding import Finding
from proxy.core.pack import Cap, Hours, Pack, RuleSetting
from proxy.core.preferences import preference
from proxy.core.purposes import ALL_MARKETING, COLLECTION_SMS, MARKETING_SMS, MARKETING_VOICE, OBJECTION
from proxy.core.records import Entrustment, Partner, Segment, Template
from proxy.core.workdays import Calendar
from tests.rules.case import FUTURE, PAST, Case, permitting, refusing
from tests.rules.scene import BASE, BOTH, CONSENT_FOREVER, DAY_S, NOON, PERSON, ROW, YEAR, Scene, at, value_of
from tests.rules.texts import TEXT_CASES

CASES: list[Case] = [*TEXT_CASES]


def _deny(base: Scene, path: str, value: Any, rule: str, detail: str, note: str = "") -> None:
    CASES.append(refusing(base, path, value, rule, detail, note))


def _allow(base: Scene, path: str, value: Any, name: str) -> None:
    CASES.append(permitting(base, path, value, name))


_only = frozenset
COLLECTION = BASE.but("row.purposes", _only(("collection",))).but("entrustment.purposes", _only(("collection",)))
SERVICE = BASE.but("row.purposes", _only(("service",))).but("entrustment.purposes", _only(("service",)))
VERIFICATION = BASE.but("row.purposes", _only(("verification",)))
LEGAL = BASE.but("row.purposes", _only(("legal",)))
PARTNER = BASE.but("account.operator", "yuanlu").but("row.operator", "yuanlu")
BINARY = (
    SERVICE.but("request.readings", ()).but("request.binary", True).but("account.binary", True).but("row.binary", True)
)
BY_ID = BASE.but("request.by_id", True).but("request.readings", ()).but("request.recipient", None)
VOICE = BASE.but("request.channel", "voice").but("request.readings", ())
PORT = BASE.but("request.sender", "1069000188")

# What the wire closes.
for _detail in ("replace_sm", "distribution_list", "command", "protocol_id"):
    _deny(BASE, "request.findings", (Finding("pdu.unsupported", _detail),), "pdu.unsupported", _detail)
for _detail in ("two_texts", "duplicate_tlv", "callback_num", "port", "receipt"):
    _deny(BASE, "request.findings", (Finding("pdu.ambiguous", _detail),), "pdu.ambiguous", _detail)
for _detail in ("sar", "header"):
    _deny(BASE, "request.findings", (Finding("message.partial", _detail),), "message.partial", _detail)
for _detail in ("query_sm", "cancel_sm", "replace_sm"):
    _deny(BY_ID, "request.findings", (Finding("message.foreign", _detail),), "message.foreign", _detail)
_deny(VOICE, "request.findings", (Finding("pdu.unsupported", "method"),), "pdu.unsupported", "method", "on a call")
_deny(VOICE, "request.findings", (Finding("pdu.ambiguous", "identity"),), "pdu.ambiguous", "identity", "on a call")
_deny(
    BY_ID, "request.findings", (Finding("pdu.ambiguous", "duplicate_tlv"),), "pdu.ambiguous", "duplicate_tlv", "by id"
)
_deny(BASE, "request.scheduled", True, "pdu.unsupported", "schedule")
_deny(COLLECTION, "request.scheduled", True, "pdu.unsupported", "schedule", "collection")
_allow(SERVICE, "request.scheduled", True, "a service notice may be scheduled")
_deny(BASE, "request.validity_s", DAY_S + 1, "pdu.unsupported", "validity")
_allow(BASE, "request.validity_s", DAY_S, "validity at the cap")
_deny(BASE.but("pack.validity_cap_s", 0), "request.validity_s", 1, "pdu.unsupported", "validity", "cap of none")
_deny(BASE, "request.sender", None, "address.invalid", "source")
_deny(BASE, "request.recipient", None, "address.invalid", "destination")
_deny(BASE, "request.findings", (Finding("address.invalid", "source"),), "address.invalid", "source", "found")
_deny(BASE, "request.readings", (), "content.undecodable", "text")
_deny(BASE, "request.findings", (Finding("content.undecodable", "national_shift"),), "content.undecodable",
      "national_shift")  # fmt: skip
_deny(BINARY, "account.binary", False, "content.undecodable", "binary", "account not registered")
_deny(BINARY, "row.binary", False, "content.undecodable", "binary", "number not registered")
_deny(BINARY, "request.binary", False, "content.undecodable", "text", "not binary by its data_coding")

# Who sends.
_deny(BASE, "account.reviewed", False, "account.unreviewed", "account")
_deny(BY_ID, "account.reviewed", False, "account.unreviewed", "account", "by id")
_deny(VERIFICATION, "institution", None, "account.unreviewed", "institution")
_deny(PARTNER, "partner", None, "account.unreviewed", "contract", "none")
_deny(PARTNER, "partner.contract", PAST, "account.unreviewed", "contract", "over")
_deny(PARTNER, "partner.contract", FUTURE, "account.unreviewed", "contract", "not yet")
_allow(BASE, "partner", None, "one's own operator needs no contract")
_deny(BASE, "account.telecom_licence", PAST, "telecom.licence", "platform", "over")
_deny(BASE, "account.telecom_licence", FUTURE, "telecom.licence", "platform", "not yet")
_deny(BASE, "request.has_receiver", False, "account.oneway", "transmitter")
_allow(VOICE, "request.has_receiver", False, "a call needs no receiver")
_deny(BASE, "held_accounts", _only(("jianglan-own",)), "fraud.hold", "account")
_allow(BASE, "held_accounts", _only(("jianglan",)), "another account is held")
_deny(BASE, "held_numbers", _only(("10690001",)), "fraud.hold", "number")
_deny(PORT, "held_numbers", _only(("10690001",)), "fraud.hold", "number", "the port above")
_deny(PORT, "held_numbers", _only(("1069000188",)), "fraud.hold", "number", "the extension alone")
_allow(BASE, "held_numbers", _only(("1069000188",)), "another extension is held")
CASES.append(Case("throughput.account/rate", BASE, "request.over_rate", True, ("defer", "throughput.account", "rate")))

# From what number.
_deny(BASE, "row", None, "number.unregistered", "unknown")
_deny(BASE, "request.sender", "JIANGLAN", "number.unregistered", "unknown", "alphanumeric")
_deny(BASE.but("row.address", "JIANGLAN").but("request.sender", "JIANGLAN"), "request.sender", "JIANGLAN1",
      "number.unregistered", "unknown", "alphanumeric has no extensions")  # fmt: skip
_deny(BASE.but("row.address", "JIANGLAN").but("request.sender", "JIANGLAN"), "request.sender", "Jianglan",
      "number.unregistered", "unknown", "alphanumeric is exact")  # fmt: skip
_deny(PORT, "row.extensible", False, "number.unregistered", "unknown", "no extensions")
_deny(BASE, "request.sender", "1069000", "number.unregistered", "unknown", "shorter than the port")
_deny(BASE, "row.channels", _only(("voice",)), "number.unregistered", "channel")
_deny(VOICE, "row.channels", _only(("sms",)), "number.unregistered", "channel", "on a call")
_deny(BASE, "row.period", PAST, "number.expired", "over")
_deny(BASE, "row.period", FUTURE, "number.expired", "not_yet")
_deny(BASE, "row.disposed", True, "number.disposed", "closed")
_deny(SERVICE, "row.disposed", True, "number.disposed", "closed", "for service too")
_deny(BASE.but("account.purposes", _only(("marketing",))), "row.purposes", _only(("service",)), "purpose.mismatch",
      "promised", "account and number share none")  # fmt: skip
_deny(SERVICE, "account.purposes", _only(("marketing", "verification")), "purpose.mismatch", "promised", "account")
_deny(BASE, "request.purpose", "service", "purpose.mismatch", "promised", "declared")
_allow(BASE, "request.purpose", "marketing", "declared as promised")
_allow(BASE.but("consent", 0).but("row.purposes", _only(("service", "verification"))), "request.purpose",
       "verification", "narrowed to one of several")  # fmt: skip

# For whom.
_deny(BASE, "row.principal", "yunxiu", "entrustment.missing", "number", "another principal")
_deny(BASE, "row.operator", "yuanlu", "entrustment.missing", "number", "another operator")
_deny(PARTNER, "entrustment", None, "entrustment.missing", "document")
_deny(PARTNER, "entrustment.purposes", _only(("collection",)), "entrustment.missing", "document", "purpose")
_deny(PARTNER, "entrustment.channels", _only(("voice",)), "entrustment.missing", "document", "channel")
_deny(PARTNER, "entrustment.period", PAST, "entrustment.expired", "period", "over")
_deny(PARTNER, "entrustment.period", FUTURE, "entrustment.expired", "period", "not yet")
_allow(BASE, "entrustment", None, "for oneself no entrustment")
_deny(BASE, "licence", None, "licence.scope", "purpose", "none at all")
_deny(BASE, "licence.purposes", _only(("collection",)), "licence.scope", "purpose")
_deny(BASE, "licence.channels", _only(("voice",)), "licence.scope", "purpose", "channel")
for _kind in ("fund", "insurer", "securities", "other"):
    _deny(COLLECTION, "institution.kind", _kind, "licence.scope", "kind", _kind)
    _allow(BASE, "institution.kind", _kind, f"marketing by {_kind}")
for _kind in ("consumer_finance", "microloan", "guarantee", "leasing"):
    _allow(COLLECTION, "institution.kind", _kind, f"collection by {_kind}")
_deny(BASE, "licence.period", PAST, "licence.expired", "period", "over")
_deny(COLLECTION, "licence.period", FUTURE, "licence.expired", "period", "not yet")
_allow(SERVICE, "licence", None, "service needs no licence")
_allow(VERIFICATION, "licence.period", PAST, "verification needs no licence")

# To whom, and when.
_deny(BASE, "refused", ALL_MARKETING, "suppression.active", "refused")
_deny(BASE, "refused", MARKETING_SMS, "suppression.active", "refused", "sms alone")
_allow(BASE, "refused", MARKETING_VOICE, "refused calls, keeps texts")
_deny(VOICE, "refused", MARKETING_VOICE, "suppression.active", "refused", "calls alone")
_allow(VOICE, "refused", MARKETING_SMS, "refused texts, keeps calls")
_allow(COLLECTION, "refused", ALL_MARKETING, "marketing refused, collection goes on")
_deny(COLLECTION, "refused", COLLECTION_SMS, "suppression.active", "refused", "collection")
for _name, _open in (("service", SERVICE), ("verification", VERIFICATION), ("legal", LEGAL)):
    _allow(_open, "refused", 0xFF, f"{_name} goes on after a refusal")
    _allow(_open, "consent", 0, f"{_name} needs no consent")
    _allow(_open, "now", at("2025-03-05 03:00:00"), f"{_name} at night")
_deny(BASE, "consent", 0, "consent.missing", "none")
_deny(BASE, "consent", CONSENT_FOREVER | MARKETING_VOICE, "consent.missing", "none", "to calls only")
_deny(BASE, "request.recipient", "8613900139000", "consent.missing", "none", "another person")
_TODAY = int((NOON + 8 * 3600) // DAY_S)
_deny(BASE, "consent", _TODAY << 8 | 0xFF, "consent.missing", "expired")

# What a person prefers, of one institution and of all, and do-not-call lists.
_deny(BASE, "prefers", preference(MARKETING_SMS), "preference.declined", "purpose")
_deny(BASE, "prefers_of_all", preference(MARKETING_SMS), "preference.declined", "purpose", "of all")
_allow(BASE, "prefers", preference(MARKETING_VOICE), "declined calls, takes texts")
_deny(VOICE, "prefers", preference(MARKETING_VOICE), "preference.declined", "purpose", "calls alone")
_deny(COLLECTION, "prefers", preference(COLLECTION_SMS), "preference.declined", "purpose", "collection")
_allow(SERVICE, "prefers", preference(0xFF, 1, 2), "service goes on whatever is preferred")
_deny(BASE, "prefers", preference(0, 12 * 60 + 1, 20 * 60), "preference.declined", "hour", "too early")
_deny(BASE, "prefers_of_all", preference(0, 8 * 60, 12 * 60), "preference.declined", "hour", "too late")
_allow(BASE, "prefers", preference(0, 12 * 60, 12 * 60 + 1), "in the minute that is left")
_deny(VOICE, "listed", MARKETING_VOICE, "preference.donotcall", "listed")
_allow(BASE, "listed", MARKETING_VOICE, "a list of calls closes no texts")
_deny(BASE, "listed", MARKETING_SMS, "preference.donotcall", "listed", "a list of texts")
_allow(BASE, "consent", (_TODAY + 1) << 8 | 0xFF, "consent on its last day")
_allow(COLLECTION, "consent", 0, "collection needs no consent")
_deny(BASE, "now", at("2025-03-05 22:00:00"), "hours.closed", "hour")
_deny(COLLECTION, "now", at("2025-03-05 07:59:59"), "hours.closed", "hour", "collection")

# The same on calls, and for requests about an earlier message.
VOICE_PARTNER = VOICE.but("account.operator", "yuanlu").but("row.operator", "yuanlu")
for _base, _path, _value, _rule, _detail in (
    (VOICE, "request.sender", None, "address.invalid", "source"),
    (VOICE, "account.reviewed", False, "account.unreviewed", "account"),
    (VOICE, "account.telecom_licence", PAST, "telecom.licence", "platform"),
    (VOICE, "held_numbers", _only(("10690001",)), "fraud.hold", "number"),
    (VOICE, "row.disposed", True, "number.disposed", "closed"),
    (VOICE, "row", None, "number.unregistered", "unknown"),
    (VOICE, "row.period", PAST, "number.expired", "over"),
    (VOICE, "row.principal", "yunxiu", "entrustment.missing", "number"),
    (VOICE_PARTNER, "entrustment.channels", _only(("sms",)), "entrustment.missing", "document"),
    (VOICE_PARTNER, "entrustment.period", PAST, "entrustment.expired", "period"),
    (VOICE, "licence.channels", _only(("sms",)), "licence.scope", "purpose"),
    (VOICE, "licence.period", PAST, "licence.expired", "period"),
    (VOICE, "request.purpose", "service", "purpose.mismatch", "promised"),
    (VOICE, "consent", CONSENT_FOREVER | MARKETING_SMS, "consent.missing", "none"),
    (VOICE, "now", at("2025-03-05 22:00:00"), "hours.closed", "hour"),
    (VOICE, "request.findings", (Finding("caller.identity", "ambiguous"),), "caller.identity", "ambiguous"),
    (VOICE, "request.findings", (Finding("address.invalid", "destination"),), "address.invalid", "destination"),
):
    _deny(_base, _path, _value, _rule, _detail, "on a call")
for _path, _value, _rule, _detail in (
    ("account.telecom_licence", PAST, "telecom.licence", "platform"),
    ("request.findings", (Finding("pdu.unsupported", "command"),), "pdu.unsupported", "command"),
    ("request.findings", (Finding("message.partial", "header"),), "message.partial", "header"),
    ("request.findings", (Finding("address.invalid", "source"),), "address.invalid", "source"),
    ("request.findings", (Finding("content.undecodable", "text"),), "content.undecodable", "text"),
):
    _deny(BY_ID, _path, _value, _rule, _detail, "by id")
CASES.append(
    Case(
        "throughput.account/calls",
        VOICE,
        "request.findings",
        (Finding("throughput.account", "calls"),),
        ("defer", "throughput.account", "calls"),
    )
)
# What only texts can have, found on a call, and the reverse: a defect of a reader, which never passes.
for _base, _rule in (
    (VOICE, "message.partial"),
    (VOICE, "message.foreign"),
    (VOICE, "content.undecodable"),
    (BASE, "caller.identity"),
):
    CASES.append(
        Case(
            f"internal.rule/{_rule} on the wrong channel",
            _base,
            "request.findings",
            (Finding(_rule, "detail"),),
            ("defer", "internal.rule", "pdu.unsupported"),
        )
    )
for _base, _note in ((BY_ID, "by id"), (VOICE, "on a call")):
    CASES.append(
        Case(
            f"throughput.account/rate {_note}",
            _base,
            "request.over_rate",
            True,
            ("defer", "throughput.account", "rate"),
        )
    )

# Several rows, several documents.
_OTHERS_PORT = replace(ROW, principal="yunxiu", operator="yunxiu")
_deny(BASE, "others", (replace(_OTHERS_PORT, disposed=True),), "number.disposed", "closed", "shared with another")
_allow(BASE, "others", (_OTHERS_PORT,), "a number shared by two institutions")
_deny(PORT, "others", (replace(_OTHERS_PORT, address="106900018"),), "entrustment.missing", "number",
      "the longest port is another's")  # fmt: skip
_allow(PORT, "others", (replace(_OTHERS_PORT, address="106900018", extensible=False),), "a number between, no port")
_allow(PORT, "others", (replace(_OTHERS_PORT, address="106900"),), "a shorter port of another")
_deny(PORT, "others", (replace(_OTHERS_PORT, address="106900", disposed=True),), "number.disposed", "closed",
      "the port above")  # fmt: skip
_deny(PORT, "others", (replace(_OTHERS_PORT, disposed=True, extensible=False),), "number.disposed", "closed",
      "the port, shared")  # fmt: skip
_allow(PORT, "others", (replace(_OTHERS_PORT, address="106900", disposed=True, extensible=False),),
       "a shorter number is closed, which is no port")  # fmt: skip
_allow(BASE.but("others", (ROW,)), "row.period", PAST, "a renewed period of a number")
_allow(BASE.but("others", (ROW,)), "row.channels", _only(("voice",)), "one row a channel")
_allow(BASE.but("more_licences", (BASE.licence,)), "licence.period", PAST, "a renewed licence")
_allow(PARTNER.but("more_entrustments", (PARTNER.entrustment,)), "entrustment.period", PAST, "a renewed entrustment")

# The chain: telecom enterprises, partners that pass on what they were entrusted with, provinces.
CHAIN = BASE.but("account.telecoms", ("tongxin",))
_deny(CHAIN, "telecom.licence", PAST, "telecom.licence", "chain", "over")
_deny(CHAIN, "telecom.licence", FUTURE, "telecom.licence", "chain", "not yet")
_deny(CHAIN, "telecom", None, "telecom.licence", "chain", "unknown")
_deny(CHAIN.but("request.by_id", True), "telecom.licence", PAST, "telecom.licence", "chain", "by id")
_deny(BASE.but("row.telecom", "tongxin"), "telecom.licence", PAST, "telecom.licence", "carrier")
_deny(BASE.but("row.telecom", "示例通信（虚构）"), "telecom.licence", PAST, "telecom.licence", "carrier", "by its name")
_allow(BASE, "telecom.licence", PAST, "a telecom enterprise that is not in the chain")
_allow(BASE.but("row.telecom", "another"), "telecom.licence", PAST, "a number of an enterprise without a record")

PASSED_ON = Entrustment("jianglan", "mingting", _only(("marketing",)), BOTH, YEAR)
TWO_LEVELS = (
    PARTNER.but("entrustment.parent", "mingting")
    .but("more_entrustments", (PASSED_ON,))
    .but("more_partners", (Partner("mingting", "明汀资产", YEAR),))
    .but("pack.entrustment_depth_most", 2)
)
_deny(TWO_LEVELS, "pack.entrustment_depth_most", 1, "entrustment.depth", "level")
_deny(TWO_LEVELS.but("request.channel", "voice"), "pack.entrustment_depth_most", 1, "entrustment.depth", "level",
      "on a call")  # fmt: skip
_deny(TWO_LEVELS, "more_entrustments", (), "entrustment.missing", "parent", "who passed it on has none")
_deny(TWO_LEVELS, "more_entrustments", (replace(PASSED_ON, purposes=_only(("collection",))),), "entrustment.missing",
      "parent", "who passed it on has none for this purpose")  # fmt: skip
_deny(TWO_LEVELS, "more_entrustments", (replace(PASSED_ON, period=PAST),), "entrustment.expired", "period",
      "of who passed it on")  # fmt: skip
_deny(TWO_LEVELS, "more_entrustments", (replace(PASSED_ON, parent="yuanlu"),), "entrustment.missing", "parent",
      "two that entrust each other")  # fmt: skip
_deny(TWO_LEVELS, "more_partners", (Partner("mingting", "明汀资产", PAST),), "entrustment.expired", "period",
      "contract of who passed it on")  # fmt: skip
_allow(TWO_LEVELS.but("more_entrustments", (PASSED_ON, replace(PASSED_ON, partner="yuanlu"))),
       "pack.entrustment_depth_most", 1, "entrusted directly too")  # fmt: skip

HANGZHOU, NANJING = "8657100000001", "862500000001"
LOCAL = BASE.but("licence.region", "CN-ZJ").but("row.purposes", _only(("marketing",))).but("licence.issuer", "省局")
LOCAL_TELECOM = LOCAL.but("account.telecoms", ("tongxin",)).but("telecom.region", "CN-ZJ")
LOCAL_COLLECTION = LOCAL.but("row.purposes", _only(("collection",)))
for _name, _collects in (("", LOCAL_COLLECTION), (" on a call", LOCAL_COLLECTION.but("request.channel", "voice"))):
    _deny(_collects, "request.recipient", NANJING, "licence.region", "recipient", f"a fixed line{_name}")
    _allow(_collects, "request.recipient", HANGZHOU, f"a fixed line of the province{_name}")
_allow(LOCAL, "request.recipient", PERSON, "a mobile number tells no province")
_deny(LOCAL_TELECOM, "telecom.region", "CN-JS", "licence.region", "telecom")
_deny(LOCAL_TELECOM.but("account.telecoms", ()).but("row.telecom", "tongxin"), "telecom.region", "CN-JS",
      "licence.region", "telecom", "of the number")  # fmt: skip
_allow(LOCAL_TELECOM, "telecom.region", "", "a nationwide telecom enterprise")
_allow(LOCAL_COLLECTION.but("request.recipient", HANGZHOU), "licence.region", "", "a central licence")
_deny(LOCAL_COLLECTION.but("request.recipient", NANJING).but("licence.region", ""), "licence.region", "CN-ZJ",
      "licence.region", "recipient", "a local licence in place of a central one")  # fmt: skip
_allow(LOCAL_COLLECTION.but("request.recipient", NANJING).but("licence.region", "CN-JS"), "more_licences",
       (LOCAL.licence,), "licences of two provinces")  # fmt: skip
_allow(LOCAL.but("row.purposes", _only(("service",))), "request.recipient", NANJING, "service goes anywhere")
_deny(LOCAL_COLLECTION.but("request.recipient", NANJING).but("licence.region", ""), "licence.period", PAST,
      "licence.expired", "period", "no province without a licence")  # fmt: skip

REGIONAL = PARTNER.but("entrustment.regions", _only(("CN-ZJ",))).but("entrustment.purposes", _only(("collection",)))
REGIONAL = REGIONAL.but("row.purposes", _only(("collection",))).but("request.recipient", HANGZHOU)
_deny(REGIONAL, "request.recipient", NANJING, "entrustment.missing", "region", "a fixed line")
_deny(REGIONAL.but("request.channel", "voice"), "request.recipient", NANJING, "entrustment.missing", "region",
      "on a call to a fixed line")  # fmt: skip
_allow(REGIONAL.but("request.recipient", NANJING).but("entrustment.regions", _only(("CN-JS",))), "more_entrustments",
       (REGIONAL.entrustment,), "one document a province")  # fmt: skip
_allow(REGIONAL, "request.recipient", PERSON, "a mobile number tells no province to a partner")

# Reviewed texts, where the pack asks for them.
_TEXT = BASE.request.readings[0]
_SPRING = Template("spring", "jianglan", _only(("marketing",)), _TEXT, reviewed=True)
TEMPLATED = BASE.but("pack.rules", {"template.unreviewed": RuleSetting()}).but("templates", (_SPRING,))
_deny(TEMPLATED, "request.readings", ("another text",), "template.unreviewed", "unknown")
_deny(TEMPLATED, "templates", (), "template.unreviewed", "unknown", "none at all")
_deny(TEMPLATED, "templates", (replace(_SPRING, reviewed=False),), "template.unreviewed", "review")
_deny(TEMPLATED, "templates", (replace(_SPRING, purposes=_only(("service",))),), "template.unreviewed", "review",
      "for another purpose")  # fmt: skip
_deny(TEMPLATED, "templates", (replace(_SPRING, institution="yunxiu"),), "template.unreviewed", "unknown",
      "of another institution")  # fmt: skip
_allow(TEMPLATED, "request.readings", (f" {_TEXT}\n",), "a reviewed text with spaces around it")
_deny(TEMPLATED.but("request.readings", ("éèà", _TEXT)).but("request.exact", 2), "request.exact", 1,
      "template.unreviewed", "unknown", "but for octets that are wrong")  # fmt: skip
_allow(BASE.but("templates", (_SPRING,)), "request.readings", ("any",), "an unreviewed text where no pack asks")

# Reviewed texts with variables: these hold figures and names, and nothing that a reader finds.
_WORDED = replace(
    _SPRING, text="【江澜银行】尊敬的{name}先生，“安居贷”额度{amount}元，编号{digits}，咨询400-000-1001，回T退订"
)


def _worded(name: str = "施", amount: str = "35000", digits: str = "20250305") -> tuple[str]:
    return (
        f"【江澜银行】尊敬的{name}先生，“安居贷”额度{amount}元，编号{digits}，咨询400-000-1001，回T退订",
    )  # fmt: skip


WORDED = TEMPLATED.but("templates", (_WORDED,)).but("reads", True).but("request.readings", _worded())
_allow(WORDED, "request.readings", _worded("陈", "1,280.50", "7"), "other values of the variables")
_allow(WORDED, "request.readings", _worded("欧阳", "9", "20250306123"), "longer names and shorter figures")
_deny(WORDED, "reads", False, "template.unreviewed", "unknown", "variables where no text is read")
_deny(WORDED, "templates", (replace(_WORDED, reviewed=False),), "template.unreviewed", "review", "variables")
for _name, _held in (
    ("a telephone", _worded(digits="13800138000")),
    ("a landline", _worded(digits="057188888888")),
    ("a phrase in a name", _worded(name="贷款")),
    ("too much for a name", _worded(name="施某某某某")),
    ("words for a sum", _worded(amount="1万")),
    ("another telephone of the wording", (_worded()[0].replace("1001", "1009"),)),
    ("words behind", (_worded()[0] + "。",)),
    ("a signature", _worded(name="施【越湖证券】")),
):
    _deny(WORDED, "request.readings", _held, "template.unreviewed", "unknown", _name)
_allow(TEMPLATED.but("row.purposes", _only(("service",))), "request.readings", ("any",), "an unreviewed service text")

# Rejected texts, whatever packs ask.
_NO_MORE = replace(_WORDED, id="no-more", reviewed=False, rejected=True)
REJECTED = BASE.but("templates", (_NO_MORE,)).but("reads", True).but("request.readings", ("【江澜银行】施先生",))
for _name, _held in (
    ("as it is", _worded()),
    ("with other values", _worded("陈", "1,280.50", "7")),
    ("with another telephone", (_worded()[0].replace("400-000-1001", "400 000 1009"),)),
    ("without a name", _worded(name="")),
    ("spaced and dotted", (_worded()[0].replace("额度", " 额 · 度 ").replace("银行", "銀\u200b行"),)),
    ("in another reading", ("any", _worded()[0])),
):
    _deny(REJECTED, "request.readings", _held, "template.unreviewed", "rejected", _name)
_allow(REJECTED, "request.readings", (_worded()[0].replace("额度", "利息"),), "another wording")
_allow(REJECTED, "request.readings", _worded(name="施" * 40), "more than a name can be")
_allow(REJECTED.but("templates", (replace(_NO_MORE, institution="yunxiu"),)), "request.readings", _worded(),
       "rejected of another institution")  # fmt: skip
_allow(REJECTED.but("templates", (_NO_MORE, _WORDED)), "request.readings", _worded(), "a reviewed one, too")
_deny(REJECTED.but("templates", (_NO_MORE, replace(_WORDED, purposes=_only(("service",))))), "request.readings",
      _worded(), "template.unreviewed", "rejected", "a reviewed one of another purpose")  # fmt: skip
_allow(BY_ID.but("templates", (replace(_SPRING, reviewed=False, rejected=True),)), "request.by_id", True,
       "a question about an earlier rejected text")  # fmt: skip
_allow(BY_ID.but("pack.rules", TEMPLATED.pack.rules), "request.by_id", True, "a question about an earlier text")

# The right person, told of the partner, without an open objection: where the pack asks for it.
_DEBTOR, _GUARANTOR, _CONTACT = (value_of(role, _TODAY) for role in ("debtor", "guarantor", "contact"))
KNOWN = COLLECTION.but("pack.rules", {"debtor.unknown": RuleSetting()}).but("debt", _DEBTOR)
ROLES = COLLECTION.but("pack.collection_roles", _only(("debtor",))).but("debt", _DEBTOR)
for _base, _name in ((KNOWN, ""), (KNOWN.but("request.channel", "voice"), "on a call"), (ROLES, "by its roles")):
    _deny(_base, "debt", 0, "debtor.unknown", "none", _name)
    _deny(_base, "debt", _CONTACT, "debtor.unknown", "role", _name)
_deny(ROLES, "debt", _GUARANTOR, "debtor.unknown", "role", "of the roles named")
_deny(KNOWN, "request.recipient", "8613900139000", "debtor.unknown", "none", "another person")
_allow(KNOWN, "debt", _GUARANTOR, "a guarantor is liable")
_deny(KNOWN.but("pack.debtor_verified_days", 30), "debt", value_of("debtor", _TODAY - 31), "debtor.unknown", "stale")
_allow(KNOWN.but("pack.debtor_verified_days", 30), "debt", value_of("debtor", _TODAY - 30), "verified in time")
_allow(COLLECTION, "debt", 0, "nobody asks for debtors")
_allow(KNOWN.but("row.purposes", _only(("marketing",))), "debt", 0, "marketing needs no debtor")

COLLECTOR = PARTNER.but("row.purposes", _only(("collection",))).but("entrustment.purposes", _only(("collection",)))
TOLD = COLLECTOR.but("pack.rules", {"debtor.uninformed": RuleSetting()}).but("informed", True)
_deny(TOLD, "informed", False, "debtor.uninformed", "notice")
_deny(TOLD.but("request.channel", "voice"), "informed", False, "debtor.uninformed", "notice", "on a call")
_deny(TOLD, "request.recipient", "8613900139000", "debtor.uninformed", "notice", "another person")
_allow(COLLECTOR, "informed", False, "nobody asks for notices")
_allow(COLLECTION.but("pack.rules", TOLD.pack.rules), "informed", False, "the institution itself needs no notice")
_deny(
    TOLD.but("account.operator", "mingting").but("row.operator", "mingting").but("informed", True)
    .but("more_partners", (Partner("mingting", "明汀资产", YEAR),))
    .but("more_entrustments", (replace(PASSED_ON, purposes=_only(("collection",))),)).but("pack.rules", {}),
    "pack.rules", TOLD.pack.rules, "debtor.uninformed", "notice", "told of another partner",
)  # fmt: skip

OBJECTIONS = COLLECTION.but("pack.rules", {"collection.objection": RuleSetting()})
_deny(OBJECTIONS, "refused", OBJECTION, "collection.objection", "open")
_deny(OBJECTIONS.but("request.channel", "voice"), "refused", OBJECTION | COLLECTION_SMS, "collection.objection", "open",
      "on the channel that was not closed")  # fmt: skip
_allow(COLLECTION, "refused", OBJECTION, "an objection where no pack asks")
_allow(BASE.but("pack.rules", OBJECTIONS.pack.rules), "refused", OBJECTION, "an objection to a collection")


# Not too often: contacts of this institution with this person, for this purpose, on both channels together.
def _contacts(count: int, channel: str = "sms", purpose: str = "collection", ago_s: float = 60.0) -> Any:
    return tuple((purpose, channel, NOON - ago_s - one) for one in range(count))


_deny(COLLECTION, "contacts", _contacts(3), "frequency.cap", "window")
_allow(COLLECTION, "contacts", _contacts(2), "one contact below the cap")
_deny(COLLECTION, "contacts", _contacts(1) + _contacts(2, "voice"), "frequency.cap", "window", "both channels")
_deny(COLLECTION, "contacts", _contacts(3, ago_s=-60), "frequency.cap", "window", "a clock that stepped back")
_deny(COLLECTION, "contacts", _contacts(3, ago_s=DAY_S - 3), "frequency.cap", "window", "in the window's last seconds")
_allow(COLLECTION, "contacts", _contacts(3, ago_s=DAY_S), "a day ago")
_deny(BASE, "contacts", _contacts(4, purpose="marketing", ago_s=6 * DAY_S), "frequency.cap", "window", "marketing")
_allow(BASE, "contacts", _contacts(9), "contacts for another purpose")
_VOICE_COLLECTION = VOICE.but("row.purposes", _only(("collection",)))
_deny(_VOICE_COLLECTION, "contacts", _contacts(3), "frequency.cap", "window", "on a call")
_PER_CHANNEL = (Cap("collection", frozenset(("sms",)), 2, DAY_S), Cap("collection", frozenset(("voice",)), 1, DAY_S))
_deny(COLLECTION.but("pack.caps", _PER_CHANNEL).but("contacts", _contacts(9, "voice")), "contacts",
      _contacts(2), "frequency.cap", "window", "per channel")  # fmt: skip
_deny(_VOICE_COLLECTION.but("pack.caps", _PER_CHANNEL), "contacts", _contacts(1, "voice"), "frequency.cap", "window",
      "per channel, on a call")  # fmt: skip

# Which packs bind, and the strictest of them.
_NINGXIA = Pack(
    "cn-ningxia",
    2,
    region="CN-NX",
    hours={("collection", "sms"): Hours(8 * 60, 20 * 60)},
    holiday_hours={("collection", "sms"): Hours(9 * 60, 18 * 60)},
    calendar=Calendar("test", frozenset((2025,)), off=frozenset((739320,)), worked=frozenset((739319,))),
    caps=(Cap("collection", BOTH, 1, DAY_S),),
)
_SHELF = Shelf((_NINGXIA,))
_EVENING = COLLECTION.but("now", at("2025-03-05 21:00:00"))
_BESIDE = _EVENING.but("shelf", _SHELF)
YINCHUAN, TOKYO, LONDON = "869515555666", "81312345678", "442071234567"
_deny(_BESIDE, "institution.region", "CN-NX", "hours.closed", "hour", "by the institution's pack")
_allow(_BESIDE, "institution.region", "CN-ZJ", "the pack of another province")
_deny(_BESIDE, "request.recipient", YINCHUAN, "hours.closed", "hour", "by the pack of the person's province")
_allow(_BESIDE, "request.recipient", HANGZHOU, "a person in another province")
_deny(_BESIDE.but("account.telecoms", ("tongxin",)), "telecom.region", "CN-NX", "hours.closed", "hour",
      "by the pack of a telecom enterprise of the account")  # fmt: skip
_deny(_BESIDE, "shelf.region", "CN-NX", "hours.closed", "hour", "by the installation's pack")
_deny(
    _BESIDE, "shelf", Shelf((replace(_NINGXIA, region="CN"),)), "hours.closed", "hour", "by a pack of the whole country"
)
_NINGXIA_BANK = COLLECTION.but("shelf", _SHELF).but("institution.region", "CN-NX")
_deny(_NINGXIA_BANK, "contacts", _contacts(1), "frequency.cap", "window", "by the strictest cap")
_deny(_NINGXIA_BANK, "now", at("2025-03-08 18:00:00"), "hours.closed", "hour", "on a Saturday")
_allow(_NINGXIA_BANK, "now", at("2025-03-08 17:59:59"), "on a Saturday")
_allow(_NINGXIA_BANK, "now", at("2025-03-07 19:59:59"), "on a Friday")
_deny(_NINGXIA_BANK, "now", at("2025-03-10 18:00:00"), "hours.closed", "hour", "on a public holiday")
_allow(_NINGXIA_BANK, "now", at("2025-03-09 19:59:59"), "on a Sunday that is worked")
_COMING = Shelf((replace(_NINGXIA, since=int(NOON)),), "CN-NX")
_deny(COLLECTION.but("shelf", _COMING).but("now", at("2025-03-05 11:59:59")), "now", at("2025-03-05 21:00:00"),
      "hours.closed", "hour", "by a pack that came into force")  # fmt: skip

# In the person's own time.
_deny(COLLECTION.but("request.recipient", TOKYO), "now", at("2025-03-05 21:00:00"), "hours.closed", "hour", "in Tokyo")
_LONDON = COLLECTION.but("request.recipient", LONDON).but("now", at("2025-03-05 16:00:00"))
_deny(_LONDON, "now", at("2025-03-05 15:59:59"), "hours.closed", "hour", "in London")
_deny(COLLECTION, "request.recipient", "80012345678", "hours.closed", "hour", "where nobody knows the time")

# Special segments, and whether the library was attested.
_FINANCE = Segment("finance", "10690", "10691", BOTH, _only(("marketing", "collection")), YEAR)
_IN_SEGMENT = BASE.but("segments", (_FINANCE,))
_deny(_IN_SEGMENT, "institution.kind", "other", "segment.misuse", "institution")
_deny(
    VERIFICATION.but("institution.kind", "other"),
    "segments",
    (_FINANCE,),
    "segment.misuse",
    "institution",
    "verification",
)
_deny(BASE, "segments", (replace(_FINANCE, channels=_only(("voice",))),), "segment.misuse", "channel")
_deny(BASE, "segments", (replace(_FINANCE, purposes=_only(("service",))),), "segment.misuse", "purpose")
_deny(BASE, "segments", (_FINANCE, replace(_FINANCE, purposes=_only(("service",)))), "segment.misuse", "purpose",
      "of one of two segments")  # fmt: skip
_deny(PORT.but("institution.kind", "other").but("licence.purposes", _only(("marketing",))), "segments",
      (replace(_FINANCE, first="1069000188", last="1069000188"),), "segment.misuse", "institution",
      "an extension")  # fmt: skip
_OTHER = BASE.but("institution.kind", "other")
_deny(
    _OTHER,
    "segments",
    (replace(_FINANCE, first="10690001", last="10690001"),),
    "segment.misuse",
    "institution",
    "first",
)
_deny(_OTHER, "segments", (replace(_FINANCE, first="10689", last="10690"),), "segment.misuse", "institution", "last")
_allow(_OTHER, "segments", (replace(_FINANCE, first="10691", last="10699"),), "below a segment")
_allow(_OTHER, "segments", (replace(_FINANCE, first="10680", last="10689"),), "above a segment")
_allow(_OTHER, "segments", (replace(_FINANCE, first="106900011", last="106900019"),), "shorter than a segment")
_allow(_OTHER, "segments", (replace(_FINANCE, period=PAST),), "a segment of before")
_allow(_OTHER, "segments", (replace(_FINANCE, period=FUTURE),), "a segment to come")
_ATTESTED = BASE.but("pack.library_attest_days", 30).but("attested", int(NOON) - 30 * DAY_S + 1)
_deny(_ATTESTED, "attested", None, "library.stale", "never")
_deny(_ATTESTED, "attested", int(NOON) - 30 * DAY_S, "library.stale", "age")
_deny(BASE, "pack.rules", {"library.stale": RuleSetting()}, "library.stale", "never", "the pack names the rule only")
_allow(BASE.but("attested", int(NOON) - 89 * DAY_S), "pack.rules", {"library.stale": RuleSetting()}, "attested in time")
_allow(SERVICE.but("pack.library_attest_days", 30), "attested", None, "a service notice of a stale library")
_allow(BASE, "attested", int(NOON) - 999 * DAY_S, "no pack asks for attestations")
_deny(VOICE.but("segments", (_FINANCE,)), "institution.kind", "other", "segment.misuse", "institution", "on a call")
_deny(
    VOICE.but("pack.library_attest_days", 30).but("attested", int(NOON)),
    "attested",
    None,
    "library.stale",
    "never",
    "on a call",
)
