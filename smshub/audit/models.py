"""The audit log. Rows are written by a trigger, and by `trail.record`; the database refuses to change them."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Entry(models.Model):
    class Kind(models.TextChoices):
        CHANGE = "change", pgettext_lazy("what happened", "Change")
        ACTION = "action", _("Action")
        VIEW = "view", _("View of personal data")
        EXPORT = "export", _("Export")
        SIGN_IN = "sign_in", _("Sign-in")

    class Actor(models.TextChoices):
        USER = "user", _("User")
        KEY = "key", _("API key")
        HUB = "hub", _("The hub itself")

    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=7, choices=Kind.choices)
    actor_kind = models.CharField(max_length=4, choices=Actor.choices)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=150, help_text="The user's name, or the key's prefix.")
    address = models.GenericIPAddressField(null=True)
    request_id = models.UUIDField(null=True, help_text="Under which the log has it.")
    subject = models.CharField(
        max_length=80, help_text="What it is about: app.Model, or a family of addresses of the API."
    )
    object_id = models.CharField(max_length=64)
    verb = models.CharField(max_length=60)
    changes = models.JSONField(
        default=dict, help_text="Column: [before, after], or null where only the name may be known."
    )

    class Meta:
        db_table = "audit_entry"
        default_permissions = ("view",)
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["at", "id"], name="audit_when"),
            models.Index(fields=["actor", "at", "id"], name="audit_who"),
            models.Index(fields=["subject", "object_id", "at", "id"], name="audit_what"),
        ]
