"""What the door sends back, as PDUs: delivery receipts (SMPP 3.4 5.2.12, appendix B) and texts that came in. No I/O."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from delivery.errors import Failure, Suppressed
from delivery.smpp.constants import ESM_RECEIPT, RECEIPT_ALWAYS, RECEIPT_ON_FAILURE, MessageState, Npi, Tag, Ton
from delivery.smpp.pdu import DeliverSm, c_string_tlv, integer_tlv
from delivery.smpp.text import Alphabet, encode
from delivery.states import FINAL, Status
from delivery.words import Fate

STATE: dict[Status, MessageState] = {
    Status.DELIVERED: MessageState.DELIVERED,
    Status.READ: MessageState.DELIVERED,
    Status.EXPIRED: MessageState.EXPIRED,
    Status.FAILED: MessageState.UNDELIVERABLE,
    Status.UNDELIVERED: MessageState.UNDELIVERABLE,
    Status.SUPPRESSED: MessageState.REJECTED,
    Status.CANCELLED: MessageState.DELETED,
}
_STAT: dict[MessageState, str] = {
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.REJECTED: "REJECTD",
    MessageState.DELETED: "DELETED",
}
#: `err` of a receipt, and error_code of a query_sm_resp: why, as a number. Zero: no error. Numbers are never reused.
ERROR: dict[str, int] = {
    Failure.INVALID_NUMBER: 1,
    Failure.UNREACHABLE: 2,
    Failure.OPTED_OUT: 3,
    Failure.BLOCKED: 4,
    Failure.FILTERED: 5,
    Failure.LANDLINE: 6,
    Failure.DESTINATION: 7,
    Failure.SENDER: 8,
    Failure.CONTENT: 9,
    Failure.ACCOUNT: 10,
    Failure.THROTTLED: 11,
    Failure.CARRIER: 12,
    Failure.EXPIRED: 13,
    Failure.NO_RECEIPT: 14,
    Failure.TEXT_GONE: 15,
    Suppressed.MANUAL: 101,
    Suppressed.MISSING_VARIABLE: 102,
    Suppressed.EMPTY_BODY: 103,
    Suppressed.CONTACT_DELETED: 104,
    Suppressed.NO_SENDER: 105,
    Suppressed.INCOMPLETE: 106,
    Failure.UNKNOWN: 199,
}
_UNKNOWN = 199


def state_of(status: str) -> MessageState:
    """ENROUTE for everything that is not final."""
    return STATE.get(Status(status), MessageState.ENROUTE)


def error_of(status: str, reason: str) -> int:
    if not reason:
        return (
            0 if state_of(status) in (MessageState.ENROUTE, MessageState.DELIVERED, MessageState.DELETED) else _UNKNOWN
        )
    return ERROR.get(reason, _UNKNOWN)


def of_fate(fate: Fate, *, with_tlvs: bool = True) -> list[DeliverSm]:
    """The receipts that are to be sent: one for each part that asked for it. None, where nothing is to be told.

    `with_tlvs`: not to a system that bound with a version before 3.4 (1.6).
    """
    if not fate.status or Status(fate.status) not in FINAL:
        return []
    state = state_of(fate.status)
    wanted = [("", fate.said.get("receipt", 0))]
    if parts := fate.said.get("parts"):
        wanted = [(f"-{number}", receipt) for number, receipt in parts]
    return [
        _receipt(f"{fate.word.subject}{suffix}", fate, state, with_tlvs)
        for suffix, receipt in wanted
        if receipt == RECEIPT_ALWAYS or (receipt == RECEIPT_ON_FAILURE and state is not MessageState.DELIVERED)
    ]


def _receipt(message_id: str, fate: Fate, state: MessageState, with_tlvs: bool) -> DeliverSm:
    """Addresses are the message's as its sender wrote them, the other way round."""
    said: Mapping[str, Any] = fate.said
    source_ton, source_npi, source = said.get("destination", (0, 0, ""))
    dest_ton, dest_npi, destination = said.get("source", (0, 0, ""))
    delivered = 1 if state is MessageState.DELIVERED else 0
    text = (
        f"id:{message_id} sub:001 dlvrd:{delivered:03} submit date:{_date(fate.created_at)} "
        f"done date:{_date(fate.final_at)} stat:{_STAT[state]} err:{error_of(fate.status, fate.reason):03} text:"
    )
    tlvs = (c_string_tlv(Tag.RECEIPTED_MESSAGE_ID, message_id), integer_tlv(Tag.MESSAGE_STATE, state, 1))
    return DeliverSm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=destination,
        esm_class=ESM_RECEIPT,
        short_message=text.encode("ascii"),
        tlvs=tlvs if with_tlvs else (),
    )


def of_text(phone: str, recipient: str, text: str, alphabet: Alphabet, reference: int) -> list[DeliverSm]:
    """A text that came in, in as many parts as it takes, with a header that numbers them."""
    # Half of a surrogate pair can be in no PDU, and more than 255 parts in no text.
    encoded = encode(text.encode("utf-8", "replace").decode()[:10_000], alphabet=alphabet, reference=reference)
    source_ton, source_npi, source = _address(phone)
    dest_ton, dest_npi, destination = _address(recipient)
    return [
        DeliverSm(
            source_addr_ton=source_ton,
            source_addr_npi=source_npi,
            source_addr=source,
            dest_addr_ton=dest_ton,
            dest_addr_npi=dest_npi,
            destination_addr=destination,
            esm_class=part.esm_class,
            data_coding=encoded.data_coding,
            short_message=part.short_message,
            tlvs=part.tlvs,
        )
        for part in encoded.parts
    ]


def _address(address: str) -> tuple[int, int, str]:
    """A number in full without its plus, a short code, or a name; cut to the 20 characters that there are."""
    if re.fullmatch(r"\+\d{5,19}", address, re.ASCII):
        return Ton.INTERNATIONAL, Npi.ISDN, address[1:]
    if re.fullmatch(r"\d{1,20}", address, re.ASCII):
        return Ton.UNKNOWN, Npi.ISDN, address
    return (
        Ton.ALPHANUMERIC,
        Npi.UNKNOWN,
        address.encode("latin-1", "replace").replace(b"\0", b"").decode("latin-1")[:20],
    )


def _date(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%y%m%d%H%M}" if moment else "0000000000"
