"""The octets that answer a refused request, the same in either mode."""

from proxy.core.decision import Refusal
from proxy.smpp.consts import DATA_SM_RESP, GENERIC_NACK, RESPONSE_BIT, SUBMIT_SM_RESP
from proxy.smpp.gate import Gate
from proxy.smpp.pdu import Pdu, response

#: A refused one has no body in v3.4; TLVs need the empty message_id before them.
_NAMED = (SUBMIT_SM_RESP, DATA_SM_RESP)


def refusal_answer(gate: Gate, pdu: Pdu, refusal: Refusal) -> bytes:
    """The response with the status of the account's code map; generic_nack where nobody knows the command."""
    status = gate.status(refusal)
    if refusal.decision.detail == "command":
        return response(GENERIC_NACK, status, pdu.sequence)
    command_id = pdu.command_id | RESPONSE_BIT
    tlvs = gate.status_text(refusal)
    return response(command_id, status, pdu.sequence, b"\0" + tlvs if tlvs and command_id in _NAMED else b"")
