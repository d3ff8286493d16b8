"""Months of messages, and what is kept of those that were dropped."""

from django.db import models

from delivery.models.accounts import Provider, Sender
from delivery.states import Status


class Month(models.Model):
    """A month of messages: from when it has partitions and a key until both are gone. `delivery.months` opens it.

    Kept for good, so that a month that was dropped is never opened again.
    """

    month = models.DateField(primary_key=True, help_text="Its first day; of ids, in UTC.")
    body_key = models.BinaryField(
        null=True, help_text="What its bodies are sealed with, itself sealed. Null: shredded."
    )
    opened_at = models.DateTimeField()
    redacted_upto = models.UUIDField(null=True, help_text="How far the present round of redaction has come.")
    redaction_left = models.BigIntegerField(default=0, help_text="Bodies that this round found too young to go.")
    redaction_at = models.DateTimeField(null=True, help_text="When the next round may begin.")
    redacted_at = models.DateTimeField(null=True, help_text="When the last of its bodies had gone.")
    dropped_at = models.DateTimeField(null=True, help_text="When its rows were dropped.")


class MonthSummary(models.Model):
    """What is kept of a month whose messages were dropped."""

    month = models.DateField()
    campaign_id = models.BigIntegerField()
    provider = models.ForeignKey(Provider, null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    country = models.CharField(max_length=2, blank=True)
    sender = models.ForeignKey(Sender, null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=24, blank=True)
    messages = models.BigIntegerField()
    segments = models.BigIntegerField()
    cost = models.DecimalField(max_digits=18, decimal_places=5)

    class Meta:
        verbose_name_plural = "month summaries"
        constraints = [
            models.UniqueConstraint(
                fields=["month", "campaign_id", "provider", "country", "sender", "status", "reason"],
                nulls_distinct=False,
                name="month_summary_once",
            ),
        ]
