"""Which binds and which submits the service centre takes, and with what command_status it refuses (SMPP 3.4, 5.1.3)."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from delivery.smpp.constants import RECEIPT_ALWAYS, RECEIPT_ON_FAILURE, CommandStatus, Tag, Ton
from delivery.smpp.pdu import SubmitSm, integer
from simulator.smsc.text import Part, read

NOT_PERMITTED = 0x0000_0443
"""A code of the operator's own, as 0x400 to 0x4FF are for."""

# Like Twilio's: https://www.twilio.com/docs/iam/test-credentials.
_MAGIC_FROM = {
    "15005550001": CommandStatus.ESME_RINVSRCADR,
    "15005550007": CommandStatus.ESME_RINVSRCADR,
    "15005550008": CommandStatus.ESME_RMSGQFUL,
}
_MAGIC_TO = {
    "15005550001": CommandStatus.ESME_RINVDSTADR,
    "15005550002": CommandStatus.ESME_RSUBMITFAIL,
    "15005550003": NOT_PERMITTED,
    "15005550004": CommandStatus.ESME_RDELIVERYFAILURE,
    "15005550009": CommandStatus.ESME_RINVDSTADR,
}
_TEST_SENDER = "+15005550006"

_DESTINATION = re.compile(r"\+\d{3,19}|\d{3,20}", re.ASCII)
_SENDER = re.compile(r"\+\d{1,19}|\d{1,20}", re.ASCII)
_NAME = re.compile(r"[\x20-\x7e]{1,11}")
_INTERMEDIATE = 0x10
_RELATIVE = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)000R", re.ASCII)
_ABSOLUTE = re.compile(r"(\d{12})\d(\d\d)([+-])", re.ASCII)


class RefusalError(Exception):
    """The request is answered with this command_status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Account:
    system_id: str
    password: str = field(repr=False)
    max_binds: int = 0
    """At once; 0: no limit."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A submit that is in order. International numbers have their plus here; `validity` is in seconds."""

    to: str
    sender: str
    text: str
    part: Part | None
    segmented: bool
    """Whether it is one short message at most, whatever its text."""
    reference: str | None
    validity: float | None
    receipts: frozenset[str]
    only_failures: bool


_RECEIPTS = {
    (final, middle): frozenset({*(("final",) if final else ()), *(("sent",) if middle else ())})
    for final in (False, True)
    for middle in (False, True)
}


def check_submit(pdu: SubmitSm, senders: Sequence[str], alphabet: str) -> Wanted:
    """RefusalError for what an operator would not take. An empty `senders` means that every sender is owned."""
    number = pdu.destination_addr.removeprefix("+")
    if not _DESTINATION.fullmatch(pdu.destination_addr):
        raise RefusalError(CommandStatus.ESME_RINVDSTADR)
    sender = _sender(pdu)
    if senders and sender not in senders and sender != _TEST_SENDER:
        raise RefusalError(CommandStatus.ESME_RINVSRCADR)
    if number in _MAGIC_TO:
        raise RefusalError(_MAGIC_TO[number])
    if pdu.schedule_delivery_time:
        raise RefusalError(CommandStatus.ESME_RINVSCHED)
    try:
        content = read(pdu, alphabet)
    except ValueError:
        raise RefusalError(CommandStatus.ESME_RINVMSGLEN) from None
    reference = integer(pdu.tlvs, Tag.USER_MESSAGE_REFERENCE) if pdu.tlvs else None
    wish = pdu.registered_delivery & 0x03
    return Wanted(
        to=f"+{number}" if pdu.dest_addr_ton == Ton.INTERNATIONAL else pdu.destination_addr,
        sender=sender,
        text=content.text,
        part=content.part,
        segmented=not content.paid_load,
        reference=None if reference is None else str(reference),
        validity=_validity(pdu.validity_period) if pdu.validity_period else None,
        receipts=_RECEIPTS[wish in (RECEIPT_ALWAYS, RECEIPT_ON_FAILURE), bool(pdu.registered_delivery & _INTERMEDIATE)],
        only_failures=wish == RECEIPT_ON_FAILURE,
    )


def _sender(pdu: SubmitSm) -> str:
    address = pdu.source_addr
    if pdu.source_addr_ton == Ton.ALPHANUMERIC:
        if not _NAME.fullmatch(address):
            raise RefusalError(CommandStatus.ESME_RINVSRCADR)
        return address
    if not _SENDER.fullmatch(address):
        raise RefusalError(CommandStatus.ESME_RINVSRCADR)
    number = address.removeprefix("+")
    if number in _MAGIC_FROM:
        raise RefusalError(_MAGIC_FROM[number])
    return f"+{number}" if pdu.source_addr_ton == Ton.INTERNATIONAL else address


def _validity(given: str) -> float:
    """Seconds from now of a time in the forms of 7.1.1."""
    if relative := _RELATIVE.fullmatch(given):
        years, months, days, hours, minutes, seconds = map(int, relative.groups())
        return ((years * 365 + months * 30 + days) * 24 + hours) * 3600.0 + minutes * 60 + seconds
    if absolute := _ABSOLUTE.fullmatch(given):
        quarters = int(absolute[2]) * (1 if absolute[3] == "+" else -1)
        try:
            local = datetime.strptime(absolute[1], "%y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise RefusalError(CommandStatus.ESME_RINVEXPIRY) from None
        left = local.timestamp() - quarters * 900 - time.time()
        if left > 0:
            return left
    raise RefusalError(CommandStatus.ESME_RINVEXPIRY)
