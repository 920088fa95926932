"""For every way around the policy that was thought of before: where it is tried on the socket.

The beginnings of names in `bypasses.py` and `bypasses_of_parts.py`, or file::test.
"""

from __future__ import annotations

HERE, WIRE = "tests/wire/test_no_way_around.py", "tests/wire"
NAMED: dict[str, tuple[str, ...]] = {
    "submit_multi": (
        "submit_multi",
        f"{WIRE}/test_every_pdu.py::test_a_refused_person_inside_a_submit_multi_is_left_out_and_told_of",
    ),
    "replace_sm": ("replace_sm",),
    "data_sm as MT": ("data_sm",),
    "parts of long messages": ("part by", "last part", "all parts", "parts from", "parts to", "parts under"),
    "total of 1": ("the only part", "a total of 1", "data_sm, the only part"),
    "overlaps and conflicting duplicates": (
        "another text under",
        "another validity under",
        "one part twice",
        f"{WIRE}/test_long_messages.py::test_conflicts_refuse_the_set_and_duplicates_do_not",
    ),
    "UDH against SAR": ("UDH and sar", "UDH and then sar"),
    "8- against 16-bit reference": ("two headers", "8- and then 16-bit"),
    "part 0, part beyond the total": ("part 0", "part 3 of 2", "part of none"),
    "mixed data_coding": ("another data_coding",),
    "mixed totals": ("another total",),
    "national shift tables": ("national language", "parts in a national", "one part in a national"),
    "packed GSM": ("packed GSM",),
    "a part with another source, class, validity, schedule, purpose": (
        "parts from two numbers",
        "a part that pretends",
        "a part is valid",
        "a part is scheduled",
        "another purpose in a part",
    ),
    "a missing part past its deadline": (
        f"{WIRE}/test_long_messages.py::test_an_incomplete_set_is_never_forwarded",
        f"{WIRE}/test_long_messages.py::test_a_sender_that_waits_is_not_kept_waiting",
    ),
    "scheduled delivery of marketing and collection": (
        "scheduled",
        f"{HERE}::test_scheduled_delivery_is_open_to_what_is_neither_marketing_nor_collection",
    ),
    "sm_default_msg_id": ("default message", "a part with a kept text"),
    "distribution lists": ("distribution list",),
    "empty source": ("empty source", "empty alphanumeric", "a part without source"),
    "empty and impossible destinations": ("empty destination", "destination that is nobody's"),
    "vendor commands": ("vendor command",),
    "broadcast": ("broadcast_sm", "query_broadcast", "cancel_broadcast"),
    "validity beyond the cap": ("validity", "a validity of the handset"),
    "two texts": ("text twice", "the same text twice", "payload twice", "an empty payload", "a part with two texts"),
    "duplicate TLVs": ("duplicate vendor TLV", "payload twice"),
    "callback_num or a display of another": ("callback", "display", "a part with the number"),
    "TLVs with other addresses": ("source subaddress", "destination subaddress", "destination as ported"),
    "other spellings of an address": ("a refused person as", "parts to two spellings"),
    "port-addressed": ("UDH with ports", "port TLV", "source port TLV", "a part for a port"),
    "pretended receipts": ("pretends", "receipt by", "a part that pretends", "data_sm as a receipt"),
    "cancel and query of another's": (
        "query of",
        "cancel of",
        f"{HERE}::test_an_id_of_ones_own_may_be_asked_about_and_cancelled_and_of_another_account_not",
    ),
    "cancel by addresses": ("cancel without id", "query without id"),
    "silent messages": ("silent message",),
    "headers that nobody knows": ("UDH that nobody knows", "UDH longer"),
    "USSD": ("USSD", "data_sm as USSD", "a part as USSD"),
    "replace_if_present": ("replaces what waits", "a part that replaces"),
    "undecodable and binary": (
        "8 bit",
        "binary parts",
        "broken GB18030",
        "lone surrogate",
        "UCS-2 cut",
        "a character cut",
    ),
    "a submit from the carrier's side": (
        f"{WIRE}/test_bad_octets.py::test_requests_that_no_carrier_sends_are_answered_and_pass_to_nobody",
    ),
    "a delivery from an ESME": (f"{HERE}::test_a_deliver_sm_of_an_esme_is_answered_and_goes_nowhere",),
    "before bind, on a receiver": (
        f"{WIRE}/test_bad_octets.py::test_a_request_before_bind_or_on_a_receiver_bind_is_told_so",
        f"{HERE}::test_nothing_goes_on_before_a_bind_or_on_a_receiver",
    ),
    "outbind from an ESME": (
        f"{WIRE}/test_every_pdu.py::test_an_outbind_of_the_carrier_is_ignored_and_counted",
        f"{WIRE}/test_every_pdu.py::test_an_smsc_that_connects_with_an_outbind_is_left",
    ),
    "a transmitter that hears nothing": (f"{WIRE}/test_mirror.py::test_a_transmitter_needs_a_receiver_of_its_account",),
}
