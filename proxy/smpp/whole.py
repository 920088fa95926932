"""What a long message asks as a whole, from the parts that were read one by one. Pure.

Must never judge, and never drop what was found in a part: whatever closes one part closes the message. How it works:
octets are joined first and decoded then, so that a character that was cut in two is whole again; where that makes
another text of the parts, they are read one by one, too.
"""

from collections.abc import Sequence

from proxy.core.finding import Finding
from proxy.core.records import Account
from proxy.core.request import Request
from proxy.smpp.concat import Part
from proxy.smpp.text import AlphabetTable, part_readings

#: The mark by which a part that is judged alone is refused; it falls away where the message is whole.
PARTIAL = "message.partial"


def whole_request(
    parts: Sequence[Part],
    request_id: int,
    account: Account,
    table: AlphabetTable,
    now: float,
    has_receiver: bool,
    more: tuple[Finding, ...] = (),
) -> Request:
    """The request of a message of which these are all parts, in order; with `more` findings it is one that is none.

    INVARIANT: `octets` are empty, since each part goes on with its own.
    """
    first = parts[0]
    asked = [part.request for part in parts]
    exact, others = part_readings([part.text for part in parts], first.data_coding, table)
    findings = dict.fromkeys([each for one in asked for each in one.findings if each.rule != PARTIAL])
    validities = [one.validity_s for one in asked if one.validity_s is not None]
    return Request(
        id=request_id,
        channel="sms",
        account=account,
        sender=first.request.sender,
        recipient=first.request.recipient,
        readings=exact + others,
        octets=b"",
        received_at=now,
        findings=(*findings, *more),
        binary=first.request.binary,
        purpose=first.request.purpose,
        scheduled=any(one.scheduled for one in asked),
        validity_s=max(validities, default=None),
        has_receiver=has_receiver,
        over_rate=any(one.over_rate for one in asked),
        exact=len(exact),
    )
