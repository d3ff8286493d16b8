"""Rules that say when somebody is reminded, and the reminders that follow from them."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.models.appointments import COMING, Appointment
from campaigns.models.campaigns import Template
from delivery.lanes import Lane

#: Four weeks. A reminder that is later than this is never sent, and its message's month is still kept.
MAX_VALID_MINUTES = 28 * 24 * 60
MAX_AMOUNT = 100_000


def coming() -> list[str]:
    return sorted(COMING)


class ReminderRule(models.Model):
    """Which appointments, when, with which text, and what follows when nobody answers."""

    class Direction(models.IntegerChoices):
        BEFORE = -1, _("before")
        AFTER = 1, _("after")

    class Unit(models.TextChoices):
        MINUTES = "minutes", _("minutes")
        HOURS = "hours", _("hours")
        DAYS = "days", _("days")

    name = models.CharField(max_length=100, unique=True)
    enabled = models.BooleanField(default=True)
    kind = models.CharField(
        max_length=50, blank=True, default="", help_text="Appointments of this kind. Empty: of any."
    )
    attributes = models.JSONField(
        blank=True, default=dict, help_text="Appointments that have all of these, with these values."
    )
    statuses = models.JSONField(default=coming, help_text="Appointments that have one of these statuses.")
    amount = models.PositiveIntegerField(default=1, validators=[MaxValueValidator(MAX_AMOUNT)])
    unit = models.CharField(max_length=7, choices=Unit.choices, default=Unit.DAYS)
    direction = models.SmallIntegerField(choices=Direction.choices, default=Direction.BEFORE)
    at_time = models.TimeField(
        null=True,
        blank=True,
        verbose_name="at",
        help_text="Local time of that day, with days only. Empty: the appointment's own.",
    )
    valid_minutes = models.PositiveIntegerField(
        default=12 * 60,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_VALID_MINUTES)],
        help_text="How late it may still go out. One before the appointment never goes out after it has begun.",
    )
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+")
    sender = models.ForeignKey(
        "delivery.Sender",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="Empty: by the routes, or the default sender where there are none.",
    )
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.REMINDER)
    reply_expected = models.BooleanField(
        default=False, help_text="It asks for an answer. Once there is one, it is not sent."
    )
    unanswered_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_VALID_MINUTES)],
        help_text="When so many minutes after it was sent nobody has answered, the next step follows. Empty: none.",
    )
    next_rule = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The next step: this rule's reminder goes out at once. Empty: a task for staff.",
    )
    cancel_template = models.ForeignKey(
        Template,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Text for whoever's appointment is cancelled. Empty: nothing is said.",
    )
    replan = models.BooleanField(default=True, editable=False, help_text="Its future reminders are to be planned anew.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(at_time__isnull=True) | Q(unit="days"), name="reminder_rule_time_with_days"
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(replan=True), name="reminder_rule_replan")]

    def __str__(self) -> str:
        return self.name


class Reminder(models.Model):
    """One reminder of one appointment: when it is due, and what became of it.

    There is one for each (appointment, rule, version of its time), which the unique key sees to; an occurrence of a
    plan is an appointment of its own. Once it is due it becomes a message, in the transaction that says so here; the
    message's id is made of this row's (`delivery.ids.reminder_message_id`), so there can be one.
    """

    class Purpose(models.TextChoices):
        REMINDER = "reminder", _("Reminder")
        CANCELLATION = "cancellation", _("Word of the cancellation")

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        SUBMITTED = "submitted", _("Handed over")
        EXPIRED = "expired", _("Too late")
        SKIPPED = "skipped", _("Not sent")

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="reminders", db_index=False)
    rule = models.ForeignKey(ReminderRule, on_delete=models.PROTECT, related_name="+", db_index=False)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.REMINDER)
    time_version = models.PositiveIntegerField()
    due_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(max_length=24, blank=True, default="", db_default="")
    message_id = models.UUIDField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    escalate_at = models.DateTimeField(null=True, blank=True, help_text="When the next step follows without an answer.")
    brought_forward = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["appointment", "rule", "purpose", "time_version"], name="reminder_once"),
            models.UniqueConstraint(
                fields=["appointment", "time_version"],
                condition=Q(purpose="cancellation"),
                name="reminder_cancellation_once",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="planned"), name="reminder_due"),
            models.Index(fields=["rule", "due_at"], condition=Q(state="planned"), name="reminder_planned_of_rule_by"),
            models.Index(fields=["escalate_at"], condition=Q(escalate_at__isnull=False), name="reminder_escalate"),
        ]

    def __str__(self) -> str:
        return gettext("Reminder %(number)s") % {"number": self.pk}
