"""Why a message did not arrive: one closed taxonomy that every provider's codes are translated into.

A provider package maps its own codes to these in a table of its own; the raw code is always kept beside them.
Names follow what staff say, `ADVICE` says what to do.
"""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from delivery.states import Status, WaitsFor


class Failure(models.TextChoices):
    INVALID_NUMBER = "invalid_number", _("Not a number that can be texted")
    UNREACHABLE = "unreachable", _("Handset off or out of reach")
    OPTED_OUT = "opted_out", _("Opted out at the carrier")
    BLOCKED = "blocked", _("Blocked by the carrier or the recipient")
    FILTERED = "filtered", _("Filtered as spam by the carrier")
    LANDLINE = "landline", _("A landline")
    DESTINATION = "destination", _("Destination not allowed on this account")
    SENDER = "sender", _("Sender not allowed or not registered")
    CONTENT = "content", _("Text or media refused")
    ACCOUNT = "account", _("Account refused or suspended")
    THROTTLED = "throttled", _("Too fast for the provider")
    CARRIER = "carrier", _("Carrier trouble")
    EXPIRED = "expired", _("Not delivered in time")
    NO_RECEIPT = "no_receipt", _("No final receipt came")
    TEXT_GONE = "text_gone", _("The text is no longer kept")
    UNKNOWN = "unknown", _("Unknown reason")


class Suppressed(models.TextChoices):
    """Why a message was never sent."""

    OPTED_OUT = "opted_out", _("Opted out")
    INVALID_NUMBER = "invalid_number", _("Number known to be invalid")
    MANUAL = "manual", _("Suppressed by staff")
    REFUSED = "refused", _("Refused in free words")
    ERASED = "erased", _("Erased on the person's request")
    NO_CONSENT = "no_consent", _("No consent to texts of this kind")
    MISSING_VARIABLE = "missing_variable", _("A template variable has no value, or one that does not fit")
    EMPTY_BODY = "empty_body", _("The text came out empty or too long")
    INCOMPLETE = "incomplete", _("Parts of the text never came")
    CONTACT_DELETED = "contact_deleted", _("The contact was deleted")
    NO_SENDER = "no_sender", _("No sender for this destination")
    QUIET_HOURS = "quiet_hours", _("It would have come too late: quiet hours where the recipient is")
    FREQUENCY_CAP = "frequency_cap", _("The recipient has had as many texts as the frequency cap allows")
    HELD_OUT = "held_out", _("Held out by lot, to compare with")


ADVICE: dict[str, Promise] = {
    Failure.INVALID_NUMBER: _("Correct the number; it is not tried again."),
    Failure.UNREACHABLE: _("Often passes by itself; send again later if it still matters."),
    Failure.OPTED_OUT: _("Do not send again. Only the recipient can opt in, by texting START."),
    Failure.BLOCKED: _("The recipient or carrier refuses this sender."),
    Failure.FILTERED: _("Look at the text and the sender's registration before sending more."),
    Failure.LANDLINE: _("Ask for a mobile number."),
    Failure.DESTINATION: _("Allow the country in the provider's console, or route it elsewhere."),
    Failure.SENDER: _("Check the sender's registration with the provider."),
    Failure.CONTENT: _("Shorten or change the text."),
    Failure.ACCOUNT: _("Check the provider's credentials and balance."),
    Failure.THROTTLED: _("Lower the provider's or the sender's rate."),
    Failure.CARRIER: _("Usually passes; send again later if it still matters."),
    Failure.EXPIRED: _("Send again only if it still matters."),
    Failure.NO_RECEIPT: _("It may have arrived; the carrier never said."),
    Failure.TEXT_GONE: _("It was not sent. Send a new message if it still matters."),
    Failure.UNKNOWN: _("See the provider's code on the message."),
}


def in_words(status: str, reason: str) -> str:
    """Why a message is in its final status, as staff say it; the bare code where it has no words.

    The same code may stand in both taxonomies (who opted out here, or at the carrier): the status decides.
    """
    kinds = (Suppressed, Failure) if status == "suppressed" else (Failure, Suppressed)
    return next((str(kind(reason).label) for kind in kinds if reason in kind.values), reason)


def waits_in_words(status: str, waits_for: str) -> str:
    """Which time rule a message is held by; empty: none."""
    return str(WaitsFor(waits_for).label) if status == Status.HELD and waits_for in WaitsFor.values else ""


def advice(reason: str) -> str:
    """What to do about a message that did not arrive; empty where nothing helps."""
    return str(ADVICE.get(reason, ""))
