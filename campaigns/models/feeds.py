"""Calendars that the hub fetches, and files of appointments that staff upload."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from delivery.encryption import EncryptedJSONField

#: A day. Less often than this a change of tomorrow's appointment would come too late.
MAX_MINUTES = 24 * 60
MIN_MINUTES = 5


class CalendarFeed(models.Model):
    """An iCalendar address that is fetched again and again; its events are appointments of the source `source`.

    The address itself is a secret with most calendars, so it is sealed with the rest in `secrets`: `url`, and
    `authorization`, the value of that header. Changed by `campaigns.appointments.feeds` alone; `revision` counts its
    changes by people, so that a fetch that began before one does not write over it.
    """

    name = models.CharField(max_length=100, unique=True)
    enabled = models.BooleanField(default=True)
    secrets = EncryptedJSONField(default=dict, editable=False)
    host = models.CharField(max_length=255, editable=False, help_text="Of the address, which is not shown.")
    every_minutes = models.PositiveIntegerField(
        default=30,
        verbose_name="every minutes",
        validators=[MinValueValidator(MIN_MINUTES), MaxValueValidator(MAX_MINUTES)],
        help_text=f"How often it is fetched: {MIN_MINUTES} to {MAX_MINUTES:,}.",
    )
    time_zone = models.CharField(max_length=64, blank=True, default="", help_text="Of events that name none.")
    default_country = models.CharField(
        max_length=2, blank=True, default="", help_text="Of numbers without a country code."
    )
    phone_property = models.CharField(
        max_length=64, blank=True, default="", help_text="Property of an event with the number, such as X-MOBILE."
    )
    cancel_vanished = models.BooleanField(
        default=True,
        help_text="An event to come that is no longer in the calendar is cancelled. Off: only what says so itself is.",
    )
    revision = models.PositiveIntegerField(default=1, editable=False)
    etag = models.CharField(max_length=500, blank=True, default="", editable=False)
    last_modified = models.CharField(max_length=100, blank=True, default="", editable=False)
    next_at = models.DateTimeField(null=True, editable=False, help_text="Null: it is switched off.")
    claimed_until = models.DateTimeField(null=True, editable=False)
    fetched_at = models.DateTimeField(null=True, editable=False, help_text="When it last answered as it should.")
    read_at = models.DateTimeField(null=True, editable=False, help_text="When all of it was last read.")
    doubted_at = models.DateTimeField(null=True, editable=False, help_text="Since when too much of it is missing.")
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="In a row.")
    error = models.CharField(max_length=300, blank=True, default="", editable=False)
    counts = models.JSONField(default=dict, editable=False, help_text="Of the last reading, by outcome.")
    problems = models.JSONField(default=list, editable=False, help_text="The first events that were rejected.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "calendar feed"
        ordering = ["name"]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="feed_due"),
            models.Index(fields=["claimed_until"], condition=Q(claimed_until__isnull=False), name="feed_claimed"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        """Of the appointments that it brings."""
        return f"feed-{self.pk}"


class AppointmentFile(models.Model):
    """A file of appointments that staff uploaded: what it is, how far it got, and what became of each item."""

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        ICAL = "ical", _("Calendar (.ics)")
        FHIR = "fhir", "FHIR R4 (JSON)"

    class Status(models.TextChoices):
        CHECKING = "checking", _("Checking")
        CHECKED = "checked", _("Checked")
        APPLYING = "applying", _("Applying")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    file = models.FileField(upload_to="appointments/")
    original_name = models.CharField(max_length=255)
    format = models.CharField(max_length=4, choices=Format.choices)
    source = models.CharField(max_length=64, blank=True, default="")
    time_zone = models.CharField(max_length=64, blank=True, default="")
    default_country = models.CharField(max_length=2, blank=True, default="")
    phone_property = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.CHECKING)
    error = models.CharField(max_length=300, blank=True, default="")
    items_total = models.PositiveIntegerField(null=True, help_text="Null until it was read.")
    items_done = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict, help_text="By outcome; of a check: what would become of them.")
    results_file = models.FileField(upload_to="appointments/results/", blank=True, default="")
    claimed_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "file of appointments"
        verbose_name_plural = "files of appointments"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], condition=Q(status__in=["checking", "applying"]), name="appointment_file_open"),
        ]

    def __str__(self) -> str:
        return self.original_name
