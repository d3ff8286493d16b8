"""What a submit_sm or data_sm asks for: read, checked, and turned into what the hub knows. No I/O.

What it cannot do is refused with the status that says so; what it need not do (protocol_id, replace_if_present,
priority: the login has its lane) is passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from contacts import phone
from delivery.models import Sender
from delivery.smpp import times
from delivery.smpp.constants import ESM_TYPE, ESM_UDHI, RECEIPT_ALWAYS, RECEIPT_ON_FAILURE, CommandStatus, Ton
from delivery.smpp.pdu import DataSm, SubmitSm, tlv
from delivery.smpp.text import BINARY_2, BINARY_4, Alphabet, Concat, decode, taken_apart
from delivery.submissions import digest
from delivery.submit import MAX_BODY
from delivery.uses import NotAllowed
from smshub.smpp_door.logins import Login

#: Of a text that may be no longer than MAX_BODY, by parts of UCS-2, which hold the fewest characters.
MOST_PARTS = -(-MAX_BODY // 66)
_RECEIPTS = 0x03
# The reference and the numbers of a long text (3GPP TS 23.040 9.2.3.24): a header with anything else is no plain text.
_KNOWN_ELEMENTS = {0x00, 0x08}

#: Type of number, numbering plan, and the address, as they were written.
Address = tuple[int, int, str]


class Refused(Exception):
    """It is not taken. `status` is the command_status of the answer."""

    def __init__(self, status: CommandStatus) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(frozen=True, slots=True)
class Order:
    """One short message that a system hands in: a text, or a part of one (`concat`)."""

    login: Login
    recipient: str = field(repr=False)
    """E.164."""
    source: Address
    destination: Address = field(repr=False)
    sender: Sender | None
    """None: the routes choose."""
    octets: bytes = field(repr=False)
    data_coding: int
    concat: Concat | None
    receipt: int
    """RECEIPT_ALWAYS, RECEIPT_ON_FAILURE, or 0."""
    not_before: datetime | None
    valid_until: datetime | None
    reference: bytes | None
    """The digest of the system's own name for it with what it says."""

    @property
    def text(self) -> str:
        return text_of([(self.octets, self.data_coding)], self.login.alphabet)

    @property
    def content(self) -> bytes:
        return digest(self.octets, bytes([self.data_coding]))


def text_of(pieces: Sequence[tuple[bytes, int]], alphabet: Alphabet) -> str:
    """The text of octets and their data_coding: of parts in one coding as a whole, for they may be cut anywhere."""
    codings = {coding for _, coding in pieces}
    if len(codings) == 1:
        text = decode(b"".join(octets for octets, _ in pieces), codings.pop(), alphabet)
    else:
        text = "".join(decode(octets, coding, alphabet) for octets, coding in pieces)
    # Half of a surrogate pair, or NUL, is no character that anybody wrote.
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def read(pdu: SubmitSm | DataSm, login: Login, *, now: datetime) -> Order:
    """What it asks for. Raises Refused."""
    if pdu.esm_class & ESM_TYPE:
        raise Refused(CommandStatus.ESME_RINVESMCLASS)
    octets, concat = _text(pdu)
    source = (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr)
    destination = (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr)
    not_before, valid_until = _times(pdu, now)
    receipt = pdu.registered_delivery & _RECEIPTS
    if receipt not in (0, RECEIPT_ALWAYS, RECEIPT_ON_FAILURE):
        raise Refused(CommandStatus.ESME_RINVREGDLVFLG)
    order: dict[str, Any] = {
        "login": login,
        "recipient": _recipient(destination),
        "source": source,
        "destination": destination,
        "sender": _sender(source, login),
        "octets": octets,
        "data_coding": pdu.data_coding,
        "concat": concat,
        "receipt": receipt,
        "not_before": not_before,
        "valid_until": valid_until,
    }
    return Order(**order, reference=_reference(pdu, login, order))


def _text(pdu: SubmitSm | DataSm) -> tuple[bytes, Concat | None]:
    if isinstance(pdu, SubmitSm) and pdu.sm_default_msg_id:
        raise Refused(CommandStatus.ESME_RINVDFTMSGID)
    # A class of 0xF4 and the like, or 8-bit data in a general coding group (3GPP TS 23.038 4), is binary as well.
    coding = pdu.data_coding
    if (
        coding in (BINARY_2, BINARY_4)
        or (coding >= 0xF0 and coding & 4)
        or (0x10 <= coding < 0xC0 and coding & 12 == 4)
    ):
        raise Refused(CommandStatus.ESME_RSUBMITFAIL)
    if pdu.esm_class & ESM_UDHI and not _elements(pdu) <= _KNOWN_ELEMENTS:
        raise Refused(CommandStatus.ESME_RINVESMCLASS)
    octets, concat = taken_apart(pdu)
    if not octets or (concat is None and len(octets) > 2 * MAX_BODY) or (concat and concat.total > MOST_PARTS):
        raise Refused(CommandStatus.ESME_RINVMSGLEN)
    return octets, concat


def _elements(pdu: SubmitSm | DataSm) -> set[int]:
    """Those of the text's header."""
    data = (pdu.short_message if isinstance(pdu, SubmitSm) else b"") or tlv(pdu.tlvs, 0x0424) or b"\0"
    header, at, found = data[1 : 1 + data[0]], 0, set()
    while at + 2 <= len(header):
        found.add(header[at])
        at += 2 + header[at + 1]
    return found


def _recipient(destination: Address) -> str:
    """The number in full where its type says so, of the hub's country where that says so.

    A number of unknown type may be either. One that can be both is refused: nobody is texted by a guess.
    """
    ton, _, number = destination
    full = "+" + number.removeprefix("+").removeprefix("00")
    readings: dict[int, list[str]] = {Ton.INTERNATIONAL: [full], Ton.NATIONAL: [number], Ton.UNKNOWN: [number, full]}
    found = {e164 for written in readings.get(ton, []) if (e164 := _normalised(written))}
    if len(found) != 1:
        raise Refused(CommandStatus.ESME_RINVDSTADR)
    return found.pop()


def _normalised(number: str) -> str | None:
    try:
        return phone.normalise(number, default_country=settings.DEFAULT_COUNTRY).e164
    except phone.InvalidPhone:
        return None


def _sender(source: Address, login: Login) -> Sender | None:
    address = source[2].strip()
    sender = login.senders.get(address.removeprefix("+"))
    if address and sender is None and not login.routed:
        raise Refused(CommandStatus.ESME_RINVSRCADR)
    try:
        return login.use.sender(sender)
    except NotAllowed:
        raise Refused(CommandStatus.ESME_RINVSRCADR) from None


def _times(pdu: SubmitSm | DataSm, now: datetime) -> tuple[datetime | None, datetime | None]:
    if not isinstance(pdu, SubmitSm):
        return None, None
    try:
        not_before = times.read(pdu.schedule_delivery_time, now=now)
    except (ValueError, OverflowError):
        raise Refused(CommandStatus.ESME_RINVSCHED) from None
    try:
        valid_until = times.read(pdu.validity_period, now=now)
    except (ValueError, OverflowError):
        raise Refused(CommandStatus.ESME_RINVEXPIRY) from None
    return not_before, valid_until


def _reference(pdu: SubmitSm | DataSm, login: Login, order: dict[str, Any]) -> bytes | None:
    """None without one. A number that is zero is what systems write that have none."""
    value = tlv(pdu.tlvs, login.reference_tag) if login.reference_tag else None
    if not value or not value.strip(b"\0"):
        return None
    concat: Concat | None = order["concat"]
    return digest(
        value,
        repr((order["source"], order["recipient"], order["data_coding"], concat)).encode(),
        order["octets"],
    )
