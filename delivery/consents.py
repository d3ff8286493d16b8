"""Asking for a confirmed consent by text: the request in the ledger and the message that asks, or neither."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.consents import opt_in
from contacts.consents.ledger import LedgerError, Line
from contacts.models import ConsentEvent
from delivery.inbound.optouts import TEXTED
from delivery.lanes import Lane
from delivery.models import Inbound, Message, Sender
from delivery.submit import SubmitError, submit

#: Where the code goes in a text.
CODE = "{code}"


@dataclass(frozen=True, slots=True)
class Asked:
    event: ConsentEvent
    message: Message


def ask(line: Line, *, text: str, sender: Sender | None = None, hours: int | None = None) -> Asked:
    """Ask somebody to confirm by texting a code back. `text` says for what, and has `{code}` where the code goes.

    Raises LedgerError, also for a text that cannot be sent.
    """
    if CODE not in text:
        raise LedgerError(_("The text must have %(code)s in it, where the code to text back goes.") % {"code": CODE})
    with transaction.atomic():
        event = opt_in.request(line, hours=hours)
        try:
            message = submit(
                recipient=line.phone,
                body=text.replace(CODE, event.code),
                lane=Lane.TRANSACTIONAL,
                sender=sender,
                valid_until=event.expires_at,
            )
        except SubmitError as error:
            raise LedgerError(str(error)) from None
    return Asked(event, message)


def heard(inbound: Inbound) -> bool:
    """A text came in: whether it is the code that somebody was asked for. In the transaction that keeps it."""
    if inbound.keyword != Inbound.Keyword.NONE or not inbound.body:
        return False
    return opt_in.heard(phone=inbound.phone, text=inbound.body, evidence=TEXTED % {"text": inbound.pk}) is not None
