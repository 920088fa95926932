"""Registry files: every wrong row is named with row, column and reason; nothing wrong gets in."""

import json
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from proxy.registry.documents import DocumentError, RawRow, read_rows
from proxy.registry.importing import Known, RowCheck, RowFault, check_rows
from proxy.registry.ports import Row
from proxy.registry.tables import TABLES
from tests.store.open_store import NOW_US, SECRET
from tests.tools.naming import case_of

pytestmark = pytest.mark.unit

KNOWN = Known(
    {"institutions": {"bank", "lender"}, "partners": {"agency"}, "accounts": {"known"}, "submissions": {"known-sub"}}
)

INSTITUTION = {"id": "new", "name": "新机构（虚构）", "kind": "bank"}
LICENCE = {
    "institution": "bank",
    "purposes": ["marketing"],
    "channels": ["sms"],
    "since": "2026-01-01",
    "until": "2026-12-31",
}
TELECOM = {
    "id": "tongxin",
    "name": "示例通信（虚构）",
    "kind": "基础电信企业",
    "licence_no": "A2.B1-0001",
    "since": "2026-01-01",
    "until": "2026-12-31",
}
DIGEST = "ab" * 32
LIAISON = {
    "institution": "bank",
    "name": "林一（虚构）",
    "contact": "0571-88880000",
    "since": "2026-01-01",
    "until": "forever",
}
ONBOARDING = {
    "account": "known",
    "submitted": "2026-03-01",
    "submitted_by": "甲（虚构）",
    "documents": [f"licence={DIGEST}"],
}
CAMPAIGN = {
    "id": "spring",
    "institution": "bank",
    "name": "春季（虚构）",
    "responsible": "责任人（虚构）",
    "purposes": "marketing",
    "channels": "sms",
    "since": "2026-01-01",
    "until": "2026-12-31",
}
TEMPLATE = {"id": "spring-1", "institution": "bank", "purposes": "marketing", "text": "【示例银行】你好\n回T退订"}
SIGNATURE = {"owner": "bank", "signature": "示例银行"}
SERVICE_PHONE = {"owner": "agency", "phone": "400-000-1001"}
PRODUCT = {"institution": "bank", "name": "安居贷（虚构）"}
DOMAIN = {"owner": "bank", "domain": "bank.example"}
PARTNER = {"id": "p", "name": "合作方（虚构）", "since": "2026-01-01", "until": "forever"}
ENTRUSTMENT = {**LICENCE, "partner": "agency"}
NUMBER = {
    "address": "10690001",
    "principal": "bank",
    "operator": "bank",
    "telecom": "invented",
    "channels": "sms",
    "purposes": "marketing;service",
    "since": "2026-01-01",
    "until": "2026-12-31",
}
ACCOUNT = {
    "id": "acme",
    "principal": "bank",
    "operator": "bank",
    "purposes": "marketing",
    "password": "secret1",
    "reviewed_by": "甲;乙",
    "telecom_licence_since": "2026-01-01",
    "telecom_licence_until": "2026-12-31",
    "responsible": "责任人（虚构）",
}
SEGMENT = {
    "id": "finance",
    "first": "1069055",
    "last": "1069059",
    "channels": "sms",
    "purposes": "marketing",
    "department": "主管部门（虚构）",
    "since": "2026-01-01",
    "until": "forever",
}
ATTESTATION = {"institution": "bank", "attested": "2026-03-01", "attested_by": "甲", "numbers": 3}
INTAKE = {
    **NUMBER,
    "id": "app-1",
    "path": "application",
    "submitted": "2026-03-01",
    "submitted_by": "甲",
}
SUBMISSION = {"id": "sub-1", "institution": "bank", "department": "主管部门（虚构）"}
CLAIM = {name: value for name, value in NUMBER.items() if name != "principal"} | {"submission": "known-sub"}
CLAIM_CASE = {
    "id": "case-1",
    "address": "10690001",
    "holder": "bank",
    "claimant": "lender",
    "submission": "known-sub",
    "opened": "2026-03-01",
}
HOLD = {"kind": "number", "target": "10690001", "reason": "x"}
CONSENT = {
    "recipient": "13800138000",
    "institution": "bank",
    "channels": "sms",
    "given": "2026-03-01",
    "source": "form",
}
SUPPRESSION = {"recipient": "13800138000", "institution": "bank", "at": "2026-03-01"}
DEBTOR = {"recipient": "13800138000", "institution": "bank", "role": "债务人", "verified": "2026-03-01"}
NOTICE = {"recipient": "13800138000", "institution": "bank", "partner": "agency", "at": "2026-03-01"}
OBJECTED = {"recipient": "13800138000", "institution": "bank", "at": "2026-03-01"}
RIGHT: dict[str, dict[str, Any]] = {
    "institutions": INSTITUTION,
    "licences": LICENCE,
    "telecoms": TELECOM,
    "partners": PARTNER,
    "entrustments": ENTRUSTMENT,
    "numbers": NUMBER,
    "accounts": ACCOUNT,
    "liaisons": LIAISON,
    "onboardings": ONBOARDING,
    "campaigns": CAMPAIGN,
    "templates": TEMPLATE,
    "signatures": SIGNATURE,
    "service_phones": SERVICE_PHONE,
    "products": PRODUCT,
    "domains": DOMAIN,
    "segments": SEGMENT,
    "attestations": ATTESTATION,
    "intakes": INTAKE,
    "submissions": SUBMISSION,
    "claims": CLAIM,
    "claim_cases": CLAIM_CASE,
    "holds": HOLD,
    "consents": CONSENT,
    "suppressions": SUPPRESSION,
    "debtors": DEBTOR,
    "debtor_notices": NOTICE,
    "objections": OBJECTED,
    "preferences": {"recipient": "13800138000", "declines": "marketing", "at": "2026-03-01", "source": "app"},
}


APPROVED = {
    "state": "approved",
    "reviewed": "2026-03-02",
    "reviewed_by": "乙",
    "approved": "2026-03-03",
    "approved_by": "丙",
}
REVIEWED = {"state": "reviewed", "submitted_by": "甲", "reviewed": "2026-03-02", "reviewed_by": "乙"}


def checked(table: str, fields: dict[str, Any], known: Known = KNOWN) -> dict[str, Any]:
    row: Row = RowCheck(known, SECRET, NOW_US).check(RawRow(table, 1, fields))
    return dict(zip(TABLES[table].names, row, strict=False))


def faults(table: str, fields: dict[str, Any], known: Known = KNOWN) -> dict[str, str]:
    with pytest.raises(RowFault) as caught:
        checked(table, fields, known)
    return dict(caught.value.faults)


@pytest.mark.parametrize("table", list(TABLES))
def test_a_right_row_is_right(table: str) -> None:
    checked(table, RIGHT[table])


@pytest.mark.parametrize("table", list(TABLES))
def test_each_mandatory_column_is_demanded(table: str) -> None:
    for column in [each.name for each in TABLES[table].columns if each.required]:
        rest = {name: value for name, value in RIGHT[table].items() if name != column}
        for fields in (rest, {**rest, column: ""}, {**rest, column: None}):
            with case_of(column, fields.get(column, "left out")):
                assert faults(table, fields)[column] == "missing"


@pytest.mark.parametrize(
    ("table", "change", "column", "says"),
    [
        ("institutions", {"kind": "shop"}, "kind", "must be one of bank"),
        ("institutions", {"id": "-x"}, "id", "an id has"),
        ("institutions", {"id": "a b"}, "id", "an id has"),
        ("institutions", {"name": "a\nb"}, "name", "control characters"),
        ("institutions", {"name": ["x"]}, "name", "must be text"),
        ("institutions", {"name": True}, "name", "must be text"),
        ("licences", {"institution": "nobody"}, "institution", "none of institutions"),
        ("licences", {"purposes": ["spam"]}, "purposes", "unknown spam"),
        ("licences", {"channels": ["fax"]}, "channels", "unknown fax"),
        ("licences", {"until": "2025-12-31"}, "until", "lies before since"),
        ("licences", {"since": "2026-02-30"}, "since", "no such day"),
        ("licences", {"since": "soon"}, "since", "not a date"),
        ("institutions", {"region": "Atlantis"}, "region", "no such province"),
        ("licences", {"issuer_level": "local"}, "region", "names its province"),
        ("licences", {"region": "zhejiang"}, "region", "only a local licence"),
        ("licences", {"issuer_level": "village", "region": "浙江"}, "issuer_level", "one of central, local"),
        ("telecoms", {"kind": "shop"}, "kind", "one of carrier, sms_platform, call_centre"),
        ("telecoms", {"until": "2025-12-31"}, "until", "lies before since"),
        ("partners", {"document_hash": "invented"}, "document_hash", "SHA-256"),
        ("partners", {"due_diligence": "2036-01-01"}, "due_diligence", "in the future"),
        ("entrustments", {"parent": "nobody"}, "parent", "none of partners"),
        ("entrustments", {"parent": "agency"}, "parent", "does not entrust itself"),
        ("entrustments", {"regions": ["CN-ZJ", "xx"]}, "regions", "no such province"),
        ("accounts", {"telecoms": "nobody"}, "telecoms", "none of telecoms"),
        ("accounts", {"telecom_licence_since": ""}, "telecom_licence_since", "missing; or name"),
        ("accounts", {"telecom_licence_until": ""}, "telecom_licence_until", "missing; or name"),
        ("accounts", {"responsible": ""}, "responsible", "missing"),
        ("debtors", {"role": "friend"}, "role", "one of debtor, guarantor, contact, none"),
        ("debtors", {"verified": "2036-01-01"}, "verified", "in the future"),
        ("debtors", {"institution": "agency"}, "institution", "none of institutions"),
        ("debtor_notices", {"partner": "nobody"}, "partner", "none of partners"),
        ("debtor_notices", {"at": "2036-01-01"}, "at", "in the future"),
        ("objections", {"recipient": "12"}, "recipient", "not a subscriber number"),
        ("liaisons", {"institution": "nobody"}, "institution", "none of institutions"),
        ("liaisons", {"until": "2025-12-31"}, "until", "lies before since"),
        ("onboardings", {"account": "nobody"}, "account", "none of accounts"),
        ("onboardings", {"documents": ["licence"]}, "documents", "NAME=SHA256"),
        ("onboardings", {"documents": ["licence=xyz"]}, "documents", "SHA-256"),
        ("onboardings", {"documents": [f"a={DIGEST}", f"a={DIGEST}"]}, "documents", "stands twice"),
        ("onboardings", {"submitted": "2036-01-01"}, "submitted", "in the future"),
        ("onboardings", {"state": "done"}, "state", "must be one of"),
        ("onboardings", {"state": "reviewed"}, "reviewed_by", "needed once it is reviewed"),
        ("onboardings", APPROVED | {"approved": ""}, "approved", "needed once it is approved"),
        ("onboardings", APPROVED | {"approved_by": "乙"}, "approved_by", "two different people"),
        ("onboardings", {"state": "rejected"}, "rejected_by", "needed once it is rejected"),
        ("campaigns", {"responsible": ""}, "responsible", "missing"),
        ("campaigns", {"state": "submitted"}, "submitted_by", "needed once it is submitted"),
        ("templates", {"campaign": "nobody"}, "campaign", "none of campaigns"),
        ("templates", {"text": "x" * 2001}, "text", "1 to 2000"),
        ("templates", {"text": "a\x00b"}, "text", "control characters"),
        ("templates", {"state": "reviewed", "submitted_by": "甲"}, "reviewed_by", "needed once it is reviewed"),
        ("templates", REVIEWED | {"reviewed_by": "甲"}, "reviewed_by", "somebody else"),
        ("signatures", {"owner": "nobody"}, "owner", "none of institutions or partners"),
        ("signatures", {"signature": "行"}, "signature", "2 to 20"),
        ("signatures", {"signature": "示例】银行"}, "signature", "without brackets"),
        ("signatures", {"short_names": ["示例", "x" * 21]}, "short_names", "2 to 20"),
        ("service_phones", {"phone": "BANK"}, "phone", "not a telephone number"),
        ("service_phones", {"phone": "4.0E+9"}, "phone", "spreadsheet"),
        ("products", {"institution": "agency"}, "institution", "none of institutions"),
        ("domains", {"domain": "https://bank.example"}, "domain", "without a scheme"),
        ("domains", {"domain": "bank"}, "domain", "no domain"),
        ("domains", {"domain": "127.0.0.1"}, "domain", "no domain"),
        ("domains", {"domain": "a..example"}, "domain", "no domain"),
        ("domains", {"since": "2026-02-01", "until": "2026-01-01"}, "until", "lies before since"),
        ("numbers", {"refusal_keywords": "x" * 13}, "refusal_keywords", "at most 12"),
        ("numbers", {"refusal_keywords": [f"k{n}" for n in range(17)]}, "refusal_keywords", "at most 16"),
        ("entrustments", {"partner": "nobody"}, "partner", "none of partners"),
        ("numbers", {"principal": "nobody"}, "principal", "none of institutions"),
        ("numbers", {"principal": "agency"}, "principal", "none of institutions"),
        ("numbers", {"operator": "nobody"}, "operator", "none of institutions or partners"),
        ("numbers", {"operator": "lender"}, "operator", "principal itself or a partner"),
        ("numbers", {"address": "1.069E+07"}, "address", "spreadsheet"),
        ("numbers", {"address": "12"}, "address", "not a sending number"),
        ("numbers", {"address": "号码"}, "address", "ASCII"),
        ("numbers", {"extensible": "perhaps"}, "extensible", "true or false"),
        ("accounts", {"id": "sixteen-octets-x"}, "id", "15"),
        ("accounts", {"password": "ninechars"}, "password", "at most 8"),
        ("accounts", {"password": "密码"}, "password", "ASCII"),
        ("accounts", {"password": ""}, "password", "missing"),
        ("accounts", {"password_hash": "x"}, "password", "not both"),
        ("accounts", {"password": None, "password_hash": "md5:1234"}, "password_hash", "argon2"),
        ("accounts", {"reviewed_by": "甲"}, "reviewed_by", "two different people"),
        ("accounts", {"reviewed_by": "甲;甲"}, "reviewed_by", "two different people"),
        ("accounts", {"addresses": "10.0.0.1/8"}, "addresses", "no IP network"),
        ("accounts", {"window": 0}, "window", "from 1"),
        ("accounts", {"window": "many"}, "window", "whole number"),
        ("accounts", {"vendor_base": "0x0500"}, "vendor_base", "from 1024"),
        ("accounts", {"telecom_licence_until": "2025-01-01"}, "telecom_licence_until", "lies before"),
        ("segments", {"first": "10x"}, "first", "2 to 20 digits"),
        ("segments", {"first": "1.06E+6"}, "first", "exponent"),
        ("segments", {"last": "10690"}, "last", "as many digits"),
        ("segments", {"last": "1069054"}, "last", "lies before first"),
        ("segments", {"until": "2025-01-01"}, "until", "lies before since"),
        ("attestations", {"institution": "nobody"}, "institution", "none of institutions"),
        ("attestations", {"attested": "2036-01-01"}, "attested", "in the future"),
        ("intakes", {"path": "fax"}, "path", "must be one of"),
        ("intakes", {"principal": "nobody"}, "principal", "none of institutions"),
        ("intakes", {"operator": "lender"}, "operator", "principal itself or a partner"),
        ("intakes", {"state": "accepted"}, "decided_by", "needed once it is accepted"),
        ("intakes", {"state": "returned", "decided": "2026-03-02", "decided_by": "甲"}, "decided_by", "somebody else"),
        ("submissions", {"institution": "nobody"}, "institution", "none of institutions"),
        ("submissions", {"state": "lost"}, "state", "must be one of"),
        ("submissions", {"state": "submitted"}, "digest", "needed once it is submitted"),
        ("submissions", {"state": "received"}, "receipt", "needed once it is received"),
        ("submissions", {"state": "accepted"}, "decided_by", "needed once it is accepted"),
        ("submissions", {"state": "returned", "decided": "2026-03-02", "decided_by": "乙"}, "reason", "needed once"),
        ("submissions", {"state": "merged"}, "merged_by", "needed once it is merged"),
        ("submissions", {"submitted_by": "甲", "decided_by": "甲"}, "decided_by", "somebody else"),
        ("claims", {"submission": "nobody"}, "submission", "none of submissions"),
        ("claims", {"operator": "nobody"}, "operator", "none of institutions or partners"),
        ("claims", {"until": "2025-01-01"}, "until", "lies before since"),
        ("claim_cases", {"holder": "nobody"}, "holder", "none of institutions"),
        ("claim_cases", {"opened": "2036-01-01"}, "opened", "in the future"),
        ("claim_cases", {"state": "settled"}, "settled_for", "needed once it is settled"),
        ("holds", {"target": "1"}, "target", "not a sending number"),
        ("consents", {"given": "2026-12-01"}, "given", "in the future"),
        ("consents", {"basis": "request"}, "product", "needed for a request"),
        ("consents", {"basis": "rumour"}, "basis", "must be one of"),
        ("consents", {"purposes": "service"}, "purposes", "only marketing and collection"),
        ("consents", {"recipient": "12345"}, "recipient", "not a subscriber number"),
        ("suppressions", {"at": "2027-01-01"}, "at", "in the future"),
        ("suppressions", {"institution": "agency"}, "institution", "none of institutions"),
    ],
)
def test_a_wrong_field_is_named_with_its_reason(table: str, change: dict[str, Any], column: str, says: str) -> None:
    assert says in faults(table, RIGHT[table] | change)[column]


def test_all_reasons_of_a_row_are_told_at_once() -> None:
    found = faults("numbers", NUMBER | {"address": "1", "telecom": "", "until": "never"})
    assert set(found) == {"address", "telecom", "until"}


def test_a_reason_repeats_neither_a_password_nor_a_persons_number() -> None:
    told = str(faults("accounts", ACCOUNT | {"password": "hunter2-hunter2"}))
    told += str(faults("consents", CONSENT | {"recipient": "139171390171234567"}))
    assert "hunter2" not in told
    assert "1391713901" not in told


def test_a_period_holds_to_the_end_of_its_last_day_in_china() -> None:
    row = checked("licences", LICENCE)
    assert row["since"] == 1767196800  # 2026-01-01T00:00:00+08:00
    assert row["until"] == 1798732800  # 2027-01-01T00:00:00+08:00


def test_addresses_are_kept_in_canonical_form() -> None:
    assert checked("numbers", NUMBER | {"address": "+86 106-9000 1"})["address"] == "10690001"
    assert checked("numbers", NUMBER | {"address": 10690001})["address"] == "10690001"
    assert checked("numbers", NUMBER | {"address": "JLBANK"})["address"] == "JLBANK"
    assert checked("holds", HOLD | {"target": "86 10690001"})["target"] == "10690001"
    one = RowCheck(KNOWN, SECRET, NOW_US).check(RawRow("suppressions", 1, SUPPRESSION))
    for written in ("+86 138 0013 8000", "008613800138000", "17951 13800138000", 13800138000):
        other = RowCheck(KNOWN, SECRET, NOW_US).check(RawRow("suppressions", 1, SUPPRESSION | {"recipient": written}))
        assert other[1:3] == one[1:3]


def fits(kept: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(kept, password)
    except VerifyMismatchError:
        return False


def test_an_account_that_binds_nowhere_has_a_password_that_nobody_has() -> None:
    trunk = {name: value for name, value in ACCOUNT.items() if name != "password"} | {"password_hash": "none"}
    kept = checked("accounts", trunk)["password_hash"]
    assert str(kept).startswith("$argon2id$")
    assert kept != checked("accounts", trunk)["password_hash"]
    assert not any(fits(str(kept), guess) for guess in ("", "none"))


@pytest.mark.usefixtures("costly_hashes")
def test_a_password_is_kept_as_an_argon2_hash_only() -> None:
    kept = checked("accounts", ACCOUNT)["password_hash"]
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert fits(kept, "secret1")
    assert not fits(kept, "secret2")
    again = {name: value for name, value in ACCOUNT.items() if name != "password"} | {"password_hash": kept}
    assert checked("accounts", again)["password_hash"] == kept


def test_only_an_account_that_is_known_may_leave_its_password_out() -> None:
    without = {name: value for name, value in ACCOUNT.items() if name != "password"}
    assert checked("accounts", without | {"id": "known"})["password_hash"] == ""


def test_no_file_can_say_that_the_wire_heard_a_refusal() -> None:
    row = RowCheck(KNOWN, SECRET, NOW_US).check(RawRow("suppressions", 1, SUPPRESSION | {"source": "reply"}))
    assert "reply" not in row
    assert "import" in row


def test_a_row_may_refer_to_a_right_row_before_it_and_to_no_wrong_one() -> None:
    rows = [
        RawRow("institutions", 1, INSTITUTION),
        RawRow("institutions", 2, INSTITUTION | {"id": "bad", "kind": "shop"}),
        RawRow("licences", 1, LICENCE | {"institution": "new"}),
        RawRow("licences", 2, LICENCE | {"institution": "bad"}),
    ]
    report = check_rows(rows, RowCheck(Known(), SECRET, NOW_US))
    assert report.right == {"institutions": 1, "licences": 1}
    assert [(problem.table, problem.row, problem.column) for problem in report.problems] == [
        ("institutions", 2, "kind"),
        ("licences", 2, "institution"),
    ]


def test_the_same_row_twice_in_one_file_is_a_mistake() -> None:
    rows = [RawRow("numbers", 4, NUMBER), RawRow("numbers", 9, NUMBER | {"address": "8610690001", "telecom": "y"})]
    (problem,) = check_rows(rows, RowCheck(KNOWN, SECRET, NOW_US)).problems
    assert (problem.row, problem.reason) == (9, "the same address + principal + operator + since as row 4")


class Stage:
    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {}

    def add(self, table: str, rows: Any) -> int:
        self.rows.setdefault(table, []).extend(rows)
        return 0


def test_right_rows_are_staged_in_order_and_counted() -> None:
    rows = [RawRow("institutions", n, INSTITUTION | {"id": f"i{n}"}) for n in range(2500)]
    rows += [RawRow("partners", n, PARTNER | {"id": f"p{n}"}) for n in range(3)]
    stage, told = Stage(), list[int]()
    report = check_rows(rows, RowCheck(Known(), SECRET, NOW_US), stage, told.append)
    assert report.right == {"institutions": 2500, "partners": 3}
    assert [row[0] for row in stage.rows["institutions"]] == [f"i{n}" for n in range(2500)]
    assert len(stage.rows["partners"]) == 3
    assert told == [1000, 2000]


# ---- files -----------------------------------------------------------------------------------------------------------

HEADING = "address,principal,operator,telecom,channels,purposes,since,until"
LINE = "10690001,bank,bank,示例通信,sms,marketing;service,2026-01-01,2026-12-31"


def csv_rows(path: Path, octets: bytes, table: str = "numbers", encoding: str | None = None) -> list[RawRow]:
    path.write_bytes(octets)
    return list(read_rows(path, table, encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_is_read_in_any_of_its_encodings(tmp_path: Path, encoding: str) -> None:
    (row,) = csv_rows(tmp_path / "n.csv", f"{HEADING}\r\n{LINE}\r\n".encode(encoding))
    assert row.fields["address"] == "10690001"
    assert row.fields["telecom"] == "示例通信"
    assert (row.row, row.fault) == (2, "")


def test_a_csv_may_have_chinese_headings_and_blank_lines(tmp_path: Path) -> None:
    heading = "发送号码,服务机构,使用单位,电信企业,渠道,用途,起始日期,截止日期"
    rows = csv_rows(tmp_path / "n.csv", f"{heading}\n\n{LINE}\n,,,,,,,\n{LINE}\n".encode("gb18030"))
    assert [row.row for row in rows] == [3, 5]
    assert set(rows[0].fields) == set(HEADING.split(","))


def test_a_row_with_too_few_fields_is_one_wrong_row(tmp_path: Path) -> None:
    rows = csv_rows(tmp_path / "n.csv", f"{HEADING}\nonly,three,fields\n{LINE}\n".encode())
    assert [row.fault for row in rows] == ["3 fields where the heading has 8", ""]


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "mandatory columns are missing: address"),
        (f"{HEADING},colour\n".encode(), "unknown field colour"),
        (f"{HEADING},address\n".encode(), "a heading stands twice"),
        (f"{HEADING},number\n".encode(), "given twice: address"),
        (b"address\n", "mandatory columns are missing"),
        (f'{HEADING}\n"unclosed\n'.encode(), "line 2"),
        (b"\xff\xff\xff", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_csv_that_is_wrong_as_a_whole_says_why(tmp_path: Path, octets: bytes, says: str) -> None:
    with pytest.raises(DocumentError, match=says):
        csv_rows(tmp_path / "n.csv", octets)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "must be an object"),
        ('{"numbers": {}}', "numbers: must be a list"),
        ('{"colours": []}', "unknown section colours"),
        ("{", "not JSON"),
        ("\xff", "not JSON"),
    ],
)
def test_a_json_file_that_is_wrong_as_a_whole_says_why(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "r.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DocumentError, match=says):
        list(read_rows(tmp_path / "r.json"))


def test_json_sections_come_in_the_order_of_the_tables_with_faults_per_row(tmp_path: Path) -> None:
    document = {"numbers": [NUMBER, 7, NUMBER | {"colour": "red"}], "institutions": [INSTITUTION]}
    (tmp_path / "r.json").write_text(json.dumps(document), encoding="utf-8")
    rows = list(read_rows(tmp_path / "r.json"))
    assert [(row.table, row.row, row.fault[:13]) for row in rows] == [
        ("institutions", 1, ""),
        ("numbers", 1, ""),
        ("numbers", 2, "must be an ob"),
        ("numbers", 3, "unknown field"),
    ]


def test_a_missing_file_and_an_unknown_table_are_told(tmp_path: Path) -> None:
    for path, table in (
        (tmp_path / "no.csv", "numbers"),
        (tmp_path / "no.json", None),
        (tmp_path / "no.csv", "colours"),
        (tmp_path / "no.csv", None),
        (tmp_path / "no.json", "numbers"),
    ):
        with pytest.raises(DocumentError):
            list(read_rows(path, table))


def test_a_number_names_a_telecom_enterprise_of_the_registry_once_there_is_one() -> None:
    known = Known({**KNOWN.ids, "telecoms": {"tongxin", "示例通信（虚构）"}})
    assert checked("numbers", NUMBER | {"telecom": "tongxin"}, known)["telecom"] == "tongxin"
    assert checked("numbers", NUMBER | {"telecom": "示例通信（虚构）"}, known)["telecom"] == "示例通信（虚构）"
    assert "none of telecoms" in faults("numbers", NUMBER, known)["telecom"]
    assert checked("numbers", NUMBER)["telecom"] == "invented"


def test_a_telecom_enterprise_of_the_file_can_be_referred_to() -> None:
    check = RowCheck(KNOWN, SECRET, NOW_US)
    check.check(RawRow("telecoms", 1, TELECOM))
    check.check(RawRow("numbers", 1, NUMBER | {"telecom": TELECOM["name"]}))
    check.check(RawRow("accounts", 1, ACCOUNT | {"telecoms": ["tongxin"], "telecom_licence_since": "",
                                                 "telecom_licence_until": ""}))  # fmt: skip
    with pytest.raises(RowFault):
        check.check(RawRow("numbers", 2, NUMBER | {"address": "10690002"}))


@pytest.mark.parametrize(
    ("written", "kept"),
    [("CN-ZJ", "CN-ZJ"), ("cn-zj", "CN-ZJ"), ("浙江", "CN-ZJ"), ("浙江省", "CN-ZJ"), ("CN", ""), ("全国", "")],
)
def test_a_province_is_written_in_several_ways(written: str, kept: str) -> None:
    assert checked("institutions", INSTITUTION | {"region": written})["region"] == kept


def test_provinces_of_an_entrustment_are_a_set() -> None:
    assert checked("entrustments", ENTRUSTMENT | {"regions": "浙江;江苏;浙江"})["regions"] == "CN-JS,CN-ZJ"
    assert checked("entrustments", ENTRUSTMENT | {"regions": ["CN-ZJ", "全国"]})["regions"] == ""


def test_a_hash_is_kept_as_sha256sum_writes_it() -> None:
    assert checked("partners", PARTNER | {"document_hash": f"SHA256:{DIGEST.upper()}"})["document_hash"] == DIGEST


@pytest.mark.parametrize(
    ("table", "column", "written", "kept"),
    [
        ("signatures", "signature", "【示例银行】", "示例银行"),
        ("service_phones", "phone", "+86 571 8888 0000", "057188880000"),
        ("service_phones", "phone", "95588", "95588"),
        ("domains", "domain", "BANK.Example.", "bank.example"),
        ("domains", "domain", "示例.cn", "xn--fsq092h.cn"),
        ("templates", "text", " a\r\nb ", "a\nb"),
        ("numbers", "refusal_keywords", "T、TD", "T\nTD"),
        ("onboardings", "documents", f"licence=SHA256:{DIGEST.upper()}", f"licence={DIGEST}"),
    ],
)
def test_what_texts_are_held_against_has_one_form(table: str, column: str, written: object, kept: str) -> None:
    assert checked(table, RIGHT[table] | {column: written})[column] == kept


def test_an_approved_onboarding_is_right() -> None:
    assert checked("onboardings", ONBOARDING | APPROVED)["state"] == "approved"


def test_a_number_comes_into_use_with_a_liaison_only_where_the_pack_asks_for_one() -> None:
    asked = Known(KNOWN.ids, frozenset(("lender",)), {"bank": "CN-JS"}, lambda region: region == "CN-JS")
    assert "no liaison officer" in faults("numbers", NUMBER, asked)["principal"]
    assert checked("numbers", NUMBER | {"disposed": True}, asked)["disposed"] == 1
    assert checked("numbers", NUMBER | {"principal": "lender", "operator": "lender"}, asked)
    assert checked("numbers", NUMBER, Known(KNOWN.ids, asks_liaison=lambda region: region == "CN-JS"))
    # The strictest pack that binds: that of the telecom enterprise which owns the number, too, by id or by name.
    telecoms = {"tongxin": "CN-JS", "示例通信（虚构）": "CN-JS"}
    owner = Known({**KNOWN.ids, "telecoms": set(telecoms)}, asks_liaison=asked.asks_liaison, telecom_regions=telecoms)
    for named in telecoms:
        assert "no liaison officer" in faults("numbers", NUMBER | {"telecom": named}, owner)["principal"]
    moved = RowCheck(Known(KNOWN.ids, asks_liaison=lambda region: region == "CN-JS"), SECRET, NOW_US)
    moved.check(RawRow("institutions", 1, INSTITUTION | {"id": "bank", "region": "江苏"}))
    with pytest.raises(RowFault):
        moved.check(RawRow("numbers", 1, NUMBER))
    check = RowCheck(asked, SECRET, NOW_US)
    check.check(RawRow("liaisons", 1, LIAISON | {"since": "2026-05-29"}))
    check.check(RawRow("numbers", 1, NUMBER))
    late = RowCheck(asked, SECRET, NOW_US)
    late.check(RawRow("liaisons", 1, LIAISON | {"since": "2026-05-30"}))
    with pytest.raises(RowFault):
        late.check(RawRow("numbers", 1, NUMBER))
