"""Who is told of what happens, what each is still to be told, and what came of telling it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from delivery.encryption import EncryptedJSONField


class WebhookEndpoint(models.Model):
    """An address that is told of events, and how it takes them.

    `turn`, `lease_until` and what is below belong to the processes that deliver (`delivery.webhooks.turns`); so
    whoever else saves one names the fields.
    """

    url = models.CharField(max_length=500, help_text="Where events are posted to.")
    api_key_id = models.BigIntegerField(
        null=True,
        editable=False,
        help_text="Of those whose messages name an address themselves: one for each key and host. Null: of all.",
    )
    description = models.CharField(max_length=120, blank=True, default="", help_text="Whose system it is.")
    events = models.JSONField(default=list, help_text="Names of events, message.* for all of a kind, * for all.")
    secret = EncryptedJSONField(editable=False, default=dict)
    previous_until = models.DateTimeField(
        null=True, editable=False, help_text="Until when what is sent is signed with the secret before this one too."
    )
    enabled = models.BooleanField(default=True)
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    removed_at = models.DateTimeField(null=True, editable=False, help_text="Until `upkeep` has taken all of it away.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    turn = models.BigIntegerField(default=0, editable=False, help_text="Counts who had it: the last one's outcome is.")
    turn_at = models.DateTimeField(null=True, editable=False, help_text="Whoever waited longest is next.")
    lease_until = models.DateTimeField(null=True, editable=False)
    not_before = models.DateTimeField(null=True, editable=False, help_text="It is left alone until then.")
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="Since anything was taken.")
    failing_since = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=120, blank=True, default="", editable=False)
    last_error_at = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    redacted_upto = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = "webhook"
        constraints = [
            models.UniqueConstraint(
                fields=["api_key_id", "url"], condition=Q(api_key_id__isnull=False), name="webhook_of_key_once"
            )
        ]

    def __str__(self) -> str:
        return self.description or self.url


class WebhookDelivery(models.Model):
    """One event for one endpoint: first what is owed, then the record of it.

    Written in the transaction of what it tells: those about messages by a trigger on them (migration status_webhooks),
    so that no writer can forget them. What is told of one `subject` is told in the order of `id`. No foreign key in the
    database, so that an endpoint with a million of them is removed at once; housekeeping takes them after it.
    """

    class State(models.IntegerChoices):
        WAITING = 0, _("Waiting")
        DELIVERED = 1, _("Delivered")
        GIVEN_UP = 2, _("Given up")

    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.DO_NOTHING, related_name="deliveries", db_index=False, db_constraint=False
    )
    url = models.CharField(max_length=500, null=True, help_text="The message's own address; null: the endpoint's.")  # noqa: DJ001
    event_id = models.UUIDField(help_text="The same at each endpoint, and however often it is sent.")
    type = models.CharField(max_length=40)
    subject = models.UUIDField(help_text="What it is about: told in order.")
    data = models.JSONField(null=True, help_text="Null: not kept any more.")
    at = models.DateTimeField(help_text="When it happened.")
    created_at = models.DateTimeField(help_text="When it was written, or replayed.")
    state = models.PositiveSmallIntegerField(choices=State.choices, default=State.WAITING, db_default=0)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    not_before = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    code = models.PositiveSmallIntegerField(null=True, help_text="The status it was last answered with.")
    error = models.CharField(max_length=120, blank=True, default="", db_default="")
    took_ms = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["endpoint", "not_before", "id"], condition=Q(state=0), name="webhook_due"),
            models.Index(fields=["endpoint", "subject", "id"], condition=Q(state=0), name="webhook_subject"),
            models.Index(fields=["endpoint", "id"], name="webhook_log"),
            models.Index(fields=["subject"], condition=Q(data__isnull=False), name="webhook_kept"),
        ]


class WebhookAttempt(models.Model):
    """An attempt that failed. One that did not is told by its delivery."""

    delivery = models.ForeignKey(
        WebhookDelivery, on_delete=models.CASCADE, related_name="attempts", db_constraint=False
    )
    at = models.DateTimeField()
    code = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=120)
    took_ms = models.PositiveIntegerField()
