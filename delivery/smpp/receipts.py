"""Delivery receipts: what a deliver_sm or data_sm says of a message that was submitted (SMPP 3.4 5.2.12, 5.3.2, B).

The optional parameters receipted_message_id, message_state and network_error_code are preferred. Where they are missing
the text is read, in the form of appendix B and the dialects that operators have made of it: any case, fields in any
order and of any number, spaces around colons, words for `stat` in full or cut. Dates, counts and the message's own
words are not looked at, so that no form of theirs can spoil a receipt and nothing a person wrote is read as a field.

The text form counts only where esm_class says that it is a receipt: anybody can send "id:7 stat:DELIVRD".
"""

import re
from dataclasses import dataclass

from delivery.smpp.constants import ESM_INTERMEDIATE, ESM_TYPE, MessageState, Tag
from delivery.smpp.pdu import DataSm, DeliverSm, c_string, integer, tlv
from delivery.smpp.text import UCS2

GSM_NETWORK = 3
"""Type of network in network_error_code, 5.3.2.31; the codes are then those of MAP."""

# The first five letters tell them apart, and all spellings alike.
_STATES = {
    "ENROU": MessageState.ENROUTE,
    "SCHED": MessageState.ENROUTE,
    "BUFFE": MessageState.ENROUTE,
    "BUFFR": MessageState.ENROUTE,
    "DELIV": MessageState.DELIVERED,
    "EXPIR": MessageState.EXPIRED,
    "DELET": MessageState.DELETED,
    "UNDEL": MessageState.UNDELIVERABLE,
    "FAILE": MessageState.UNDELIVERABLE,
    "ACCEP": MessageState.ACCEPTED,
    "UNKNO": MessageState.UNKNOWN,
    "REJEC": MessageState.REJECTED,
}

# What a person wrote comes last, and is not to be read.
_words = re.compile(r"(?<![a-z])text\s*:", re.IGNORECASE)
_id = re.compile(r"(?<![a-z_])id\s*:\s*([!-~]{1,64})", re.IGNORECASE)
_stat = re.compile(r"(?<![a-z])stat(?:us)?\s*:\s*([a-z]{4,20})", re.IGNORECASE)
_err = re.compile(r"(?<![a-z])err(?:or)?\s*:\s*([0-9a-z]{1,10})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Report:
    """What a receipt says. `message_id` is as the operator wrote it; `message_ids.py` makes one string of its forms."""

    message_id: str
    state: MessageState
    error: str = ""
    """The operator's own code, without its zeros in front; empty for none."""
    network: int = 0
    """The type of network whose code `error` is, where that was said."""
    is_final: bool = True


def is_report(pdu: DeliverSm | DataSm) -> bool:
    """Whether it speaks of a message of ours, rather than being one from a person."""
    return bool(pdu.esm_class & ESM_TYPE) or (
        bool(pdu.tlvs)
        and tlv(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) is not None
        and tlv(pdu.tlvs, Tag.MESSAGE_STATE) is not None
    )


def read(pdu: DeliverSm | DataSm) -> Report | None:
    """What it says; None where no message or no state that we know can be made out."""
    message_id, state = c_string(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) or "", _state(pdu)
    network, error = _network_error(pdu)
    if not message_id or state is None or not error:
        text = _words.split(_text(pdu), 1)[0]
        if not message_id and (found := _id.search(text)):
            message_id = found[1]
        if state is None and (found := _stat.search(text)):
            state = _STATES.get(found[1][:5].upper())
        if not error and (found := _err.search(text)):
            error = found[1].lstrip("0")
    if not message_id or state is None:
        return None
    is_final = pdu.esm_class & ESM_TYPE != ESM_INTERMEDIATE and state is not MessageState.ENROUTE
    return Report(message_id, state, error, network if error else 0, is_final)


def _state(pdu: DeliverSm | DataSm) -> MessageState | None:
    number = integer(pdu.tlvs, Tag.MESSAGE_STATE)
    try:
        return None if number is None else MessageState(number)
    except ValueError:
        return None


def _network_error(pdu: DeliverSm | DataSm) -> tuple[int, str]:
    """Type of network and code. Operators write a zero for "no error"."""
    value = tlv(pdu.tlvs, Tag.NETWORK_ERROR_CODE)
    if value is None or len(value) != 3:
        return 0, ""
    code = int.from_bytes(value[1:], "big")
    return value[0], str(code) if code else ""


def _text(pdu: DeliverSm | DataSm) -> str:
    data = pdu.short_message if isinstance(pdu, DeliverSm) else b""
    data = data or tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    return data.decode("utf-16-be", "replace") if pdu.data_coding == UCS2 else data.decode("latin-1")
