"""Receipts as operators write them: the text form of SMPP 3.4, Appendix B, in its dialects, and the TLVs of 5.3.2."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from delivery.smpp.constants import ESM_INTERMEDIATE, ESM_RECEIPT, MessageState, Tag
from delivery.smpp.pdu import DataSm, DeliverSm, SubmitSm, Tlv, c_string_tlv, integer_tlv, tlv

STATES: Mapping[str, MessageState] = {
    "ENROUTE": MessageState.ENROUTE,
    "DELIVRD": MessageState.DELIVERED,
    "EXPIRED": MessageState.EXPIRED,
    "DELETED": MessageState.DELETED,
    "UNDELIV": MessageState.UNDELIVERABLE,
    "ACCEPTD": MessageState.ACCEPTED,
    "UNKNOWN": MessageState.UNKNOWN,
    "REJECTD": MessageState.REJECTED,
}

_BASES = {"dec": "d", "hex": "x", "HEX": "X"}
_GSM_NETWORK = b"\x03"


@dataclass(frozen=True, slots=True)
class _Dialect:
    template: str
    dates: str = "%y%m%d%H%M"
    payload: bool = False
    """Whether it stands in message_payload instead of short_message."""


_STANDARD = "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submit} done date:{done} stat:{stat} err:{err} text:{text}"

DIALECTS: Mapping[str, _Dialect] = {
    "standard": _Dialect(_STANDARD),
    "seconds": _Dialect(_STANDARD, "%y%m%d%H%M%S"),
    "century": _Dialect(_STANDARD, "%Y%m%d%H%M%S"),
    "payload": _Dialect(_STANDARD, payload=True),
    "capitals": _Dialect(
        "ID:{id} SUB:001 DLVRD:{dlvrd} SUBMIT DATE:{submit} DONE DATE:{done} STAT:{stat} ERR:{err} TEXT:{text}"
    ),
    "underscores": _Dialect(
        "id:{id} sub:001 dlvrd:{dlvrd} submit_date:{submit} done_date:{done} stat:{stat} err:{err} text:{text}"
    ),
    "no_err": _Dialect("id:{id} sub:001 dlvrd:{dlvrd} submit date:{submit} done date:{done} stat:{stat} text:{text}"),
    "terse": _Dialect("id:{id} stat:{stat}"),
    "empty": _Dialect(""),
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt is about. `submitted` and `done` are Unix time, `error` the network's code, 0 for none."""

    message_id: str
    state: str
    error: int
    submitted: float
    done: float
    text: str


def render(receipt: Receipt, submit: SubmitSm, *, dialect: str, tlvs: bool, data_sm: bool) -> DeliverSm | DataSm:
    """The PDU that tells of `submit`, from its recipient to its sender."""
    form = DIALECTS[dialect]
    text = form.template.format(
        id=receipt.message_id,
        dlvrd="001" if receipt.state == "DELIVRD" else "000",
        submit=_date(int(receipt.submitted), form.dates),
        done=_date(int(receipt.done), form.dates),
        stat=receipt.state,
        err=f"{receipt.error % 1000:03d}",
        text=receipt.text[:20],
    ).encode("ascii", "replace")
    optional = _tlvs(receipt, submit) if tlvs else []
    esm_class = ESM_INTERMEDIATE if receipt.state == "ENROUTE" else ESM_RECEIPT
    if form.payload or data_sm:
        optional.append((Tag.MESSAGE_PAYLOAD, text))
        text = b""
    common: dict[str, Any] = {
        "source_addr_ton": submit.dest_addr_ton,
        "source_addr_npi": submit.dest_addr_npi,
        "source_addr": submit.destination_addr,
        "dest_addr_ton": submit.source_addr_ton,
        "dest_addr_npi": submit.source_addr_npi,
        "destination_addr": submit.source_addr,
        "esm_class": esm_class,
        "tlvs": tuple(optional),
    }
    return DataSm(**common) if data_sm else DeliverSm(short_message=text, **common)


def _tlvs(receipt: Receipt, submit: SubmitSm) -> list[Tlv]:
    found = [
        c_string_tlv(Tag.RECEIPTED_MESSAGE_ID, receipt.message_id),
        integer_tlv(Tag.MESSAGE_STATE, STATES[receipt.state], 1),
    ]
    if receipt.error:
        found.append((Tag.NETWORK_ERROR_CODE, _GSM_NETWORK + (receipt.error % 65_536).to_bytes(2, "big")))
    if (reference := tlv(submit.tlvs, Tag.USER_MESSAGE_REFERENCE)) is not None:
        found.append((Tag.USER_MESSAGE_REFERENCE, reference))
    return found


@lru_cache(maxsize=4096)
def _date(second: int, form: str) -> str:
    return time.strftime(form, time.gmtime(second))


def write_id(number: int, form: str) -> str:
    """The number of a message as its id in the form that `smpp_ids` names."""
    if form == "opaque":
        return f"{number:x}-{number % 9973:04d}"
    return format(number, f"0{form[3:] or 1}{_BASES[form[:3]]}")
