"""Messages as submit_sm, responses as outcomes. No I/O."""

import re
import zlib
from datetime import UTC, datetime, timedelta

from delivery.errors import Failure
from delivery.providers.base import OutboundMessage, Outcome, SendOutcome
from delivery.providers.smpp import codes
from delivery.providers.smpp.account import Account, Validity
from delivery.smpp import text
from delivery.smpp.constants import Npi, Tag, Ton, status_name
from delivery.smpp.pdu import SubmitSm, Tlvs

#: §7.1.1.2 counts in years and months as well, which have no length; more days than these no operator keeps a text.
LONGEST_VALIDITY = timedelta(days=30)

_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{4,18}").fullmatch
_DIGITS = re.compile(r"[0-9]{1,20}").fullmatch


class BadSender(ValueError):
    """The sender cannot be written in SMPP."""


def submits(message: OutboundMessage, account: Account, *, optional: bool) -> list[SubmitSm]:
    """The short messages of a message. `optional`: whether the other side takes optional parameters.

    The parts of a text have a reference that comes from the message's id. So a second attempt at one of which only
    some parts were taken has the same, and a handset puts both attempts together instead of showing them beside each
    other. Raises BadSender, and ValueError for a text that cannot be sent.
    """
    reference = zlib.crc32(message.id.bytes)
    encoded = text.encode(message.body, alphabet=account.alphabet, long=account.long, reference=reference)
    source_ton, source_npi, source = source_address(message.sender, account)
    destination = message.recipient.removeprefix("+")
    dest_ton, dest_npi = account.dest_ton_npi
    validity = validity_period(message.validity_seconds, account.validity)
    tlvs: Tlvs = account.parameters
    if optional:
        tlvs = ((Tag.USER_MESSAGE_REFERENCE, user_reference(message).to_bytes(2, "big")), *tlvs)
    return [
        SubmitSm(
            account.service_type,
            source_ton,
            source_npi,
            source,
            dest_ton,
            dest_npi,
            destination,
            part.esm_class,
            0,
            account.priority,
            "",
            validity,
            account.registered_delivery,
            0,
            encoded.data_coding,
            0,
            part.short_message,
            part.tlvs + tlvs,
        )
        for part in encoded.parts
    ]


def user_reference(message: OutboundMessage) -> int:
    """user_message_reference (§5.3.2.17) of a message's attempt, which some operators repeat in the receipt."""
    return zlib.crc32(message.id.bytes + bytes((message.attempt & 0xFF,))) & 0xFFFF


def source_address(sender: str, account: Account) -> tuple[int, int, str]:
    """TON, NPI and address of a sender: an international number, a short code, or a name. Raises BadSender."""
    if _INTERNATIONAL(sender):
        kind = (Ton.INTERNATIONAL, Npi.ISDN)
    elif _DIGITS(sender):
        kind = (Ton.NETWORK_SPECIFIC, Npi.UNKNOWN)
    elif 0 < len(sender) <= 20 and sender.isascii() and sender.isprintable():
        kind = (Ton.ALPHANUMERIC, Npi.UNKNOWN)
    else:
        raise BadSender("The sender is longer than 20 characters, or has some that SMPP has not")
    ton, npi = account.source_ton_npi or kind
    return ton, npi, sender.removeprefix("+")


def validity_period(seconds: int | None, form: Validity, *, now: datetime | None = None) -> str:
    """§7.1.1: YYMMDDhhmmsstnnp, from now on (R) or in UTC. Empty: the operator's own."""
    if seconds is None or form is Validity.NONE:
        return ""
    left = min(timedelta(seconds=max(1, seconds)), LONGEST_VALIDITY)
    if form is Validity.ABSOLUTE:
        return ((now or datetime.now(UTC)) + left).strftime("%y%m%d%H%M%S") + "000+"
    minutes, rest = divmod(left.seconds, 60)
    return f"0000{left.days:02d}{minutes // 60:02d}{minutes % 60:02d}{rest:02d}000R"


def refused(message: OutboundMessage, status: int, account: Account) -> SendOutcome:
    """The outcome of an error in the response to a submit."""
    meaning = codes.of_submit(status, retry_system_errors=account.retry_system_errors)
    return SendOutcome(
        message.id,
        message.attempt,
        meaning.outcome,
        failure=None if meaning.outcome is Outcome.UNCERTAIN else meaning.failure,
        code=status_name(status),
        detail=meaning.words,
        retry_after=meaning.retry_after,
        slows=meaning.slows,
    )


def unsendable(message: OutboundMessage, error: ValueError) -> SendOutcome:
    """What cannot be written at all."""
    if isinstance(error, BadSender):
        return SendOutcome(message.id, message.attempt, Outcome.REJECTED, failure=Failure.SENDER, detail=str(error))
    return SendOutcome(
        message.id,
        message.attempt,
        Outcome.REJECTED,
        failure=Failure.CONTENT,
        detail="The text is too long, or has half of a character",
    )


def uncertain(message: OutboundMessage, detail: str, code: str = "") -> SendOutcome:
    return SendOutcome(message.id, message.attempt, Outcome.UNCERTAIN, code=code, detail=detail)
