"""What delivery keeps of a campaign, which it knows by its number alone."""

from django.db import models
from django.db.models import Q

from delivery.states import Status


class CampaignHold(models.Model):
    """Nothing of this campaign is claimed while the row exists: one insert pauses a million messages."""

    campaign_id = models.BigIntegerField(primary_key=True)
    created_at = models.DateTimeField(auto_now_add=True)


class CampaignLimit(models.Model):
    """What a campaign keeps itself to, within the account's and the sender's limits. No row: nothing."""

    campaign_id = models.BigIntegerField(primary_key=True)
    rate = models.FloatField(null=True, help_text="Segments per second.")
    max_segments = models.BigIntegerField(null=True, help_text="Nothing more is claimed when so many have left.")
    max_cost = models.DecimalField(
        max_digits=14, decimal_places=5, null=True, help_text="Nothing is claimed that would make it cost more."
    )
    spent = models.BooleanField(
        default=False, db_default=False, help_text="Its money does not pay for the message that is next."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(rate=None) | Q(rate__gt=0), name="campaign_limit_moves")]


class Tally(models.Model):
    """Deltas of the counts of a campaign, and of a day's messages of no campaign, written by a trigger in the
    transaction of the rows they count.

    The count of a (status, reason) is the sum of its deltas; `delivery.tallies` reads and squashes them.
    """

    campaign_id = models.BigIntegerField(help_text="0: of messages of no campaign.")
    day = models.DateField(null=True, help_text="When those were written, in UTC. Null: a campaign's.")
    provider_id = models.BigIntegerField(null=True)
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=24, blank=True, default="")
    messages = models.BigIntegerField()
    segments = models.BigIntegerField()
    cost = models.DecimalField(max_digits=18, decimal_places=5, default=0, db_default=0)

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [
            models.Index(fields=["campaign_id"], name="tally_campaign"),
            models.Index(fields=["day"], condition=Q(day__isnull=False), name="tally_day"),
        ]
