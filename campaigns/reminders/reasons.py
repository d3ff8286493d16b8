"""Why a reminder was not sent, or is no longer to be: one closed list, with what staff read.

Beside these a skipped reminder may have a reason of `delivery.errors.Suppressed`.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models import Appointment
from delivery import errors


class Reason(models.TextChoices):
    MOVED = "moved", _("The appointment was moved")
    CANCELLED = "cancelled", _("The appointment was cancelled")
    MISSED = "missed", _("The appointment was missed")
    DONE = "done", _("The appointment is over")
    NOT_MEANT = "not_meant", _("The rule is not about this appointment")
    RULE_OFF = "rule_off", _("The rule is switched off")
    ANSWERED = "answered", _("It was answered")
    TOO_LATE = "too_late", _("It was too late when it could be planned")
    EXPIRED = "expired", _("It was due and no longer made sense")
    NO_TEXT = "no_text", _("The template has no text")
    LEFT = "left", _("It had left before the appointment was changed")


#: Why a reminder that was handed over was not sent after all, by the appointment's status.
OF_STATUS: dict[str, Reason] = {
    Appointment.Status.CANCELLED: Reason.CANCELLED,
    Appointment.Status.MISSED: Reason.MISSED,
    Appointment.Status.DONE: Reason.DONE,
}


def sql_of_status(column: str) -> str:
    cases = " ".join(f"WHEN '{status}' THEN '{reason.value}'" for status, reason in OF_STATUS.items())
    return f"(CASE {column} {cases} ELSE '{Reason.NOT_MEANT.value}' END)"


def in_words(reason: str) -> str:
    if reason in Reason.values:
        return str(Reason(reason).label)
    return errors.in_words("suppressed", reason)
