"""What people agreed to, and what is left of them when they are erased."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class NumberKey(models.Model):
    """The key that erased numbers are known again by, sealed. One row, made once: see `contacts.digests`."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    sealed = models.BinaryField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="number_key_only_one")]


class ConsentEvent(models.Model):
    """One line of the consent ledger: what somebody agreed to or took back, when, and what proves it.

    A trigger refuses to change or delete a line, but for an erasure, which leaves the digest of the number and takes
    away what may speak of the person. What a person has agreed to is derived: `contacts.consents.standing`.
    """

    class Purpose(models.TextChoices):
        MARKETING = "marketing", _("Marketing")
        REMINDERS = "reminders", _("Reminders")
        TRANSACTIONAL = "transactional", _("Transactional")

    class Channel(models.TextChoices):
        SMS = "sms", "SMS"

    class Action(models.TextChoices):
        REQUESTED = "requested", _("Asked to confirm")
        GRANTED = "granted", _("Agreed")
        WITHDRAWN = "withdrawn", _("Took it back")
        EXPIRED = "expired", _("Did not confirm in time")

    class Source(models.TextChoices):
        WEB_FORM = "web_form", _("Web form")
        API = "api", "API"
        KEYWORD = "keyword", _("Text message")
        IMPORT = "import", _("Import")
        STAFF = "staff", _("Staff")

    phone = models.CharField(max_length=16, null=True, help_text="Empty: erased.")  # noqa: DJ001 (unique)
    digest = models.BinaryField(max_length=32, null=True, editable=False)
    purpose = models.CharField(max_length=13, choices=Purpose.choices)
    channel = models.CharField(max_length=8, choices=Channel.choices, default=Channel.SMS)
    scope = models.CharField(
        max_length=40, blank=True, default="", help_text="The sender that it is about, by its address. Empty: all."
    )
    action = models.CharField(max_length=9, choices=Action.choices)
    source = models.CharField(max_length=8, choices=Source.choices)
    at = models.DateTimeField(help_text="When the person did it.")
    recorded_at = models.DateTimeField(auto_now_add=True)
    wording = models.TextField(blank=True, default="", help_text="What they were shown, word for word.")
    evidence = models.CharField(max_length=500, blank=True, default="", help_text="What proves it.")
    recorded_by = models.CharField(max_length=150, blank=True, default="", help_text="Who wrote it down.")
    request = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="answers", help_text="What this is the answer to."
    )
    code = models.CharField(max_length=6, blank=True, default="", editable=False, help_text="To be texted back.")
    expires_at = models.DateTimeField(null=True, editable=False, help_text="Until when it can be confirmed.")

    class Meta:
        verbose_name = "consent"
        verbose_name_plural = "consent ledger"
        constraints = [
            models.UniqueConstraint(
                fields=["request"], condition=Q(request__isnull=False), name="consent_answered_once"
            ),
            models.CheckConstraint(
                condition=Q(phone__isnull=False, digest__isnull=True) | Q(phone__isnull=True, digest__isnull=False),
                name="consent_of_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["phone", "purpose", "channel", "scope", "-at", "-id"], name="consent_latest"),
            models.Index(fields=["digest"], condition=Q(digest__isnull=False), name="consent_erased"),
            models.Index(fields=["expires_at"], condition=Q(action="requested"), name="consent_requests"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}: {self.get_action_display().lower()} ({self.at:%Y-%m-%d})"


class Erasure(models.Model):
    """One person's erasure: how far it is, and when it is done, what is left to prove it.

    The number stands here only until then.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for messages under way")
        ERASING = "erasing", _("Erasing")
        DONE = "done", _("Done")

    phone = models.CharField(max_length=16, null=True)  # noqa: DJ001 (unique)
    contact_id = models.BigIntegerField(null=True)
    digest = models.BinaryField(max_length=32, null=True)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    counts = models.JSONField(default=dict, help_text="What was erased so far, by kind.")
    progress = models.JSONField(default=dict, editable=False, help_text="How far it has looked.")
    requested_at = models.DateTimeField(auto_now_add=True)
    requested_by = models.CharField(max_length=150)
    evidence = models.CharField(max_length=200, help_text="What it rests on. It stays: no names.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["phone"], condition=Q(phone__isnull=False), name="erasure_once")]
        indexes = [
            models.Index(fields=["requested_at"], condition=~Q(status="done"), name="erasure_open"),
        ]

    def __str__(self) -> str:
        return gettext("Erasure of %(date)s") % {"date": f"{self.requested_at:%Y-%m-%d}"}
