"""Why a message did not arrive: one closed taxonomy that every provider's codes are translated into.

A provider package maps its own codes to these in a table of its own; the raw code is always kept beside them.
Names follow what staff say, `ADVICE` says what to do.
"""

from django.db import models

from delivery.states import Status, WaitsFor


class Failure(models.TextChoices):
    INVALID_NUMBER = "invalid_number", "Not a number that can be texted"
    UNREACHABLE = "unreachable", "Handset off or out of reach"
    OPTED_OUT = "opted_out", "Opted out at the carrier"
    BLOCKED = "blocked", "Blocked by the carrier or the recipient"
    FILTERED = "filtered", "Filtered as spam by the carrier"
    LANDLINE = "landline", "A landline"
    DESTINATION = "destination", "Destination not allowed on this account"
    SENDER = "sender", "Sender not allowed or not registered"
    CONTENT = "content", "Text or media refused"
    ACCOUNT = "account", "Account refused or suspended"
    THROTTLED = "throttled", "Too fast for the provider"
    CARRIER = "carrier", "Carrier trouble"
    EXPIRED = "expired", "Not delivered in time"
    NO_RECEIPT = "no_receipt", "No final receipt came"
    TEXT_GONE = "text_gone", "The text is no longer kept"
    UNKNOWN = "unknown", "Unknown reason"


class Suppressed(models.TextChoices):
    """Why a message was never sent."""

    OPTED_OUT = "opted_out", "Opted out"
    INVALID_NUMBER = "invalid_number", "Number known to be invalid"
    MANUAL = "manual", "Suppressed by staff"
    REFUSED = "refused", "Refused in free words"
    ERASED = "erased", "Erased on the person's request"
    NO_CONSENT = "no_consent", "No consent to texts of this kind"
    MISSING_VARIABLE = "missing_variable", "A template variable has no value, or one that does not fit"
    EMPTY_BODY = "empty_body", "The text came out empty or too long"
    INCOMPLETE = "incomplete", "Parts of the text never came"
    CONTACT_DELETED = "contact_deleted", "The contact was deleted"
    NO_SENDER = "no_sender", "No sender for this destination"
    QUIET_HOURS = "quiet_hours", "It would have come too late: quiet hours where the recipient is"
    FREQUENCY_CAP = "frequency_cap", "The recipient has had as many texts as the frequency cap allows"
    HELD_OUT = "held_out", "Held out by lot, to compare with"


ADVICE: dict[str, str] = {
    Failure.INVALID_NUMBER: "Correct the number; it is not tried again.",
    Failure.UNREACHABLE: "Often passes by itself; send again later if it still matters.",
    Failure.OPTED_OUT: "Do not send again. Only the recipient can opt in, by texting START.",
    Failure.BLOCKED: "The recipient or carrier refuses this sender.",
    Failure.FILTERED: "Look at the text and the sender's registration before sending more.",
    Failure.LANDLINE: "Ask for a mobile number.",
    Failure.DESTINATION: "Allow the country in the provider's console, or route it elsewhere.",
    Failure.SENDER: "Check the sender's registration with the provider.",
    Failure.CONTENT: "Shorten or change the text.",
    Failure.ACCOUNT: "Check the provider's credentials and balance.",
    Failure.THROTTLED: "Lower the provider's or the sender's rate.",
    Failure.CARRIER: "Usually passes; send again later if it still matters.",
    Failure.EXPIRED: "Send again only if it still matters.",
    Failure.NO_RECEIPT: "It may have arrived; the carrier never said.",
    Failure.TEXT_GONE: "It was not sent. Send a new message if it still matters.",
    Failure.UNKNOWN: "See the provider's code on the message.",
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
    return ADVICE.get(reason, "")
