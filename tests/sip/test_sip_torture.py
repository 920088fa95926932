"""Every message of RFC 4475, with what the RFC asks of an element that is a user agent server and forwards calls.

"ok" is a request that is served, a number the status of the answer, "drop" a response that is thrown away, "pass" one
that is read. Checked against the text of the RFC, section for section; where it leaves a choice, the stricter answer
was chosen unless a comment says why.
"""

from pathlib import Path

import pytest

from proxy.sip.error import SipError
from proxy.sip.framing import Broken, StreamFraming, read_datagram
from proxy.sip.message import Limits, MalformedRequest, SipRequest, SipResponse
from proxy.sip.reply import answerable, refuse
from proxy.sip.screening import Capabilities, check_form, check_response, check_support

pytestmark = pytest.mark.unit

TORTURE = Path(__file__).parents[1] / "data" / "rfc4475"
ABILITIES = Capabilities(
    methods=("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "REGISTER", "MESSAGE"),
    bodies={"INVITE": frozenset((b"application/sdp", b"multipart/mixed"))},
)

EXPECTED = {
    # 3.1.1 Valid messages
    "wsinv": "ok",
    "intmeth": 501,
    "esc01": "ok",
    "escnull": "ok",
    "esc02": 501,
    "lwsdisp": "ok",
    "longreq": "ok",
    "dblreq": "ok",
    "semiuri": "ok",
    "transports": "ok",
    "mpart01": "ok",
    "unreason": "pass",
    "noreason": "pass",
    # 3.1.2 Invalid messages
    "badinv01": 400,
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "scalarlg": "drop",
    "quotbal": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": 400,
    "trws": 400,
    "escruri": 400,
    "baddate": "ok",  # §3.1.2.12: an element that does not use Date should not reject the request for it.
    "regbadct": "ok",  # Its Contact is read by a registrar only: see test_a_contact_that_needs_brackets.
    "badaspec": 400,
    "baddn": 400,
    "badvers": 505,
    "mismatch01": 400,
    "mismatch02": 501,
    "bigcode": "drop",
    # 3.2 to 3.4
    "badbranch": "ok",  # Falls back to matching by RFC 2543: see test_sip_transaction_matching.
    "insuf": 400,
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": "ok",  # A registrar would refuse its To; we are none.
    "bext01": 420,
    "invut": 415,
    "regaut01": "ok",  # Whether credentials are asked for is not a matter of form.
    "multi01": 400,
    "mcl01": 400,
    "bcast": "pass",  # Well formed; dropped since it answers nothing of ours: see test_sip_transaction_matching.
    "zeromf": "ok",  # OPTIONS that ends here; what would go on is answered 483.
    "cparam01": "ok",
    "cparam02": "ok",
    "regescrt": "ok",
    "sdp01": 406,
    "inv2543": "ok",
}
FILES = {path.stem: path for path in TORTURE.glob("*/*.dat")}


def test_no_message_is_left_out() -> None:
    assert FILES.keys() == EXPECTED.keys()
    assert len(FILES) == 49


def judged(octets: bytes) -> tuple[object, SipError | None]:
    try:
        message = read_datagram(octets, Limits())
        if isinstance(message, SipResponse):
            check_response(message)
            return "pass", None
        assert isinstance(message, SipRequest)
        try:
            check_form(message)
            check_support(message, ABILITIES, forwards=message.method == "INVITE")
        except SipError as error:
            raise MalformedRequest(error, message) from None
    except MalformedRequest as error:
        return error.status, error
    except SipError as error:
        return "drop", error
    return "ok", None


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_answer_is_the_one_that_the_rfc_asks_for(name: str) -> None:
    verdict, error = judged(FILES[name].read_bytes())

    assert verdict == EXPECTED[name]
    if isinstance(error, MalformedRequest):
        # Whatever is refused can be answered, with the sender's own Via on top.
        assert answerable(error.request)
        answer = refuse(error.request, error, b"here").octets()
        assert answer.startswith(b"SIP/2.0 %d " % error.status)
        assert b"\r\nVia" in answer


@pytest.mark.parametrize("name", sorted(FILES))
def test_what_is_read_is_written_again_octet_for_octet(name: str) -> None:
    octets = FILES[name].read_bytes()
    if judged(octets)[0] not in ("ok", "pass"):
        return
    message = read_datagram(octets, Limits())

    assert message is not None
    assert octets.startswith(message.octets())
    assert len(octets) == len(message.octets()) or name == "dblreq"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_stream_gives_the_same_answer_or_ends_where_the_length_is_unknown(name: str) -> None:
    framing = StreamFraming(Limits(), 5.0)
    octets = FILES[name].read_bytes()
    found = [each for index in range(len(octets)) for each in framing.receive(octets[index : index + 1], 0.0)]

    if name in ("ncl", "mcl01", "inv2543"):
        assert isinstance(found[-1], Broken)
    elif name == "bigcode":
        assert found == []
        assert not framing.broken
        assert framing.receive(FILES["unreason"].read_bytes(), 0.0)
    elif name in ("clerr", "baddn"):
        # §3.1.2.2: nothing to do but wait, and close when nothing comes.
        assert found == []
        assert not framing.late(4.9)
        assert framing.late(5.0)
    elif EXPECTED[name] == "pass":
        assert isinstance(found[0], SipResponse)
    elif EXPECTED[name] == "drop":
        with pytest.raises(SipError):
            check_response(found[0])  # type: ignore[arg-type]
    elif isinstance(found[0], MalformedRequest):
        assert found[0].status == EXPECTED[name]
    else:
        assert isinstance(found[0], SipRequest)
        assert found[0].octets() == octets[: len(found[0].octets())]
    if name == "dblreq":
        # What lies behind the second one's Content-Length is no message.
        assert [type(each).__name__ for each in found] == ["SipRequest", "SipRequest", "Broken"]


def test_the_display_name_of_baddn_is_wrong_by_itself_too() -> None:
    assert judged(FILES["baddn"].read_bytes() + b"\r\n")[0] == 400


def test_what_goes_on_is_not_sent_with_no_hop_left() -> None:
    message = read_datagram(FILES["zeromf"].read_bytes(), Limits())
    assert isinstance(message, SipRequest)
    with pytest.raises(SipError) as caught:
        check_support(message, ABILITIES, forwards=True)
    assert caught.value.status == 483


def test_a_contact_that_needs_brackets() -> None:
    message = read_datagram(FILES["regbadct"].read_bytes(), Limits())
    assert message is not None
    with pytest.raises(SipError):
        message.addresses("contact")


def test_a_parameter_behind_a_bare_uri_is_the_headers_and_within_brackets_the_uris() -> None:
    outside = read_datagram(FILES["cparam01"].read_bytes(), Limits())
    inside = read_datagram(FILES["cparam02"].read_bytes(), Limits())
    assert outside is not None
    assert inside is not None

    (bare,) = outside.addresses("contact")
    (bracketed,) = inside.addresses("contact")
    assert (bare.uri, bare.params) == (b"sip:+19725552222@gw1.example.net", [(b"unknownparam", None)])
    assert (bracketed.uri, bracketed.params) == (b"sip:+19725552222@gw1.example.net;unknownparam", [])


def test_the_tortuous_invite_says_what_it_says() -> None:
    message = read_datagram(FILES["wsinv"].read_bytes(), Limits())
    assert isinstance(message, SipRequest)
    assert message.to.tag == b"1918181833n"
    assert message.from_.tag == b"98asjd8"
    assert message.from_.name == rb"J Rosenberg \""
    assert (message.cseq.number, message.cseq.method) == (9, "INVITE")
    assert (message.via.transport, message.via.host, message.via.branch) == (b"UDP", b"192.0.2.2", b"390skdjuw")
    assert len(message.values("via")) == 3
    assert message.first("subject") == b""
    assert message.first("newfangledheader") == b"newfangled value continued newfangled value"
    assert message.first("unknownheaderwithunusualvalue") == b";;,,;;,;"
    (contact,) = message.addresses("contact")
    assert contact.name == b'Quoted string ""'
    assert contact.param(b"q") == b"0.33"
    assert contact.param(b"newparam") == b"newvalue"
    assert contact.param(b"secondparam") == b""
