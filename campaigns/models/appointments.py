"""Dated things that people are reminded of, and plans that repeat."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact


class Appointment(models.Model):
    """One dated thing of one person: a visit, a vaccination, a delivery, one occurrence of a plan.

    `external_id` is the source's own, unique within it. `time_version` counts up when the appointment is moved, given
    to another contact, or taken up again after it was cancelled: a reminder belongs to one version of the time.
    `source_version` and `source_at` are what the source says of its own record; they sort out updates that come in
    another order than they were made in. Written by `campaigns.appointments.upsert` alone.
    """

    class Status(models.TextChoices):
        BOOKED = "booked", _("Booked")
        CONFIRMED = "confirmed", _("Confirmed")
        RESCHEDULED = "rescheduled", _("Rescheduled")
        CANCELLED = "cancelled", pgettext_lazy("an appointment", "Cancelled")
        MISSED = "missed", _("Missed")
        DONE = "done", _("Done")

    source = models.CharField(max_length=64, blank=True, default="", help_text="The system that it comes from.")
    external_id = models.CharField(max_length=200, help_text="The source's own id.")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="appointments")
    starts_at = models.DateTimeField()
    time_zone = models.CharField(max_length=64, help_text="Where it takes place, e.g. Europe/Berlin.")
    kind = models.CharField(max_length=50, blank=True, default="", help_text="e.g. visit or vaccination.")
    attributes = models.JSONField(blank=True, default=dict, help_text="Anything else that rules and templates use.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.BOOKED)
    time_version = models.PositiveIntegerField(default=1, editable=False)
    source_version = models.BigIntegerField(null=True, blank=True)
    source_at = models.DateTimeField(null=True, blank=True, help_text="When the source last changed it.")
    answered_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Since when nobody need ask.")
    plan = models.ForeignKey(
        "campaigns.Plan", null=True, blank=True, editable=False, on_delete=models.CASCADE, related_name="occurrences"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="appointment_once"),
        ]
        indexes = [models.Index(fields=["starts_at"], name="appointment_starts")]

    def __str__(self) -> str:
        return self.external_id


#: Statuses of an appointment that is still to take place.
COMING = frozenset({Appointment.Status.BOOKED, Appointment.Status.CONFIRMED, Appointment.Status.RESCHEDULED})


class Plan(models.Model):
    """Something that repeats by a rule, without a calendar of appointments: a medication, vaccinations.

    Local times are the recipient's, so they stay where they are when the clocks change. Its occurrences are written as
    appointments, some weeks ahead (`campaigns.appointments.plans`), and reminded of by the same rules.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        ENDED = "ended", _("Ended")

    source = models.CharField(max_length=64, blank=True, default="", help_text="The system that it comes from.")
    external_id = models.CharField(max_length=100, help_text="The source's own id.")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="plans")
    kind = models.CharField(max_length=50, blank=True, default="", help_text="e.g. medication.")
    attributes = models.JSONField(blank=True, default=dict, help_text="Anything else that rules and templates use.")
    starts_on = models.DateField(help_text="The first day that may have an occurrence.")
    at = models.TimeField(verbose_name="at", help_text="Local time, unless the rule names hours.")
    time_zone = models.CharField(max_length=64, blank=True, default="", help_text="Empty: the contact's own.")
    rule = models.CharField(max_length=300, help_text="As in calendars, e.g. FREQ=WEEKLY;BYDAY=MO,TH (RFC 5545).")
    ends_on = models.DateField(null=True, blank=True, help_text="The last day that may have one.")
    exceptions = models.JSONField(blank=True, default=list, help_text="Days (2026-12-24) without one.")
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.ACTIVE)
    expand_at = models.DateTimeField(
        null=True, editable=False, help_text="When its next occurrences are to be written; null: never again."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="plan_once")]
        indexes = [
            models.Index(fields=["expand_at"], condition=Q(expand_at__isnull=False), name="plan_to_expand"),
        ]

    def __str__(self) -> str:
        return self.external_id


class StaffTask(models.Model):
    """Something for a person to do: nobody answered the reminders of an appointment, or somebody asked for a call."""

    class Reason(models.TextChoices):
        UNANSWERED = "unanswered", _("Nobody answered")
        CALL = "call", _("Asks to be called")

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="tasks")
    rule = models.ForeignKey("campaigns.ReminderRule", on_delete=models.PROTECT, related_name="+")
    time_version = models.PositiveIntegerField(editable=False)
    reason = models.CharField(
        max_length=10, choices=Reason.choices, default=Reason.UNANSWERED, db_default=Reason.UNANSWERED, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True, editable=False)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    done_by_label = models.CharField(
        max_length=150, blank=True, default="", db_default="", editable=False, help_text="An API key's name."
    )

    class Meta:
        verbose_name = "task"
        constraints = [
            models.UniqueConstraint(fields=["appointment", "rule", "time_version", "reason"], name="staff_task_once"),
        ]
        indexes = [models.Index(fields=["-id"], condition=Q(done_at__isnull=True), name="staff_task_open")]

    def __str__(self) -> str:
        return gettext("Task %(number)s") % {"number": self.pk}
