"""Which way messages go, and how those who carry them do."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from delivery.lanes import Lane
from delivery.models.accounts import Provider, Sender
from delivery.routing.rules import Pin, State


class Route(models.Model):
    """A line of the routing table: what goes to a country in a lane may leave by this sender (`delivery.routing`)."""

    class Channel(models.TextChoices):
        SMS = "sms", "SMS"

    channel = models.CharField(max_length=8, choices=Channel.choices, default=Channel.SMS)
    country = models.CharField(max_length=2, blank=True, default="", help_text="Two letters, e.g. GB. Empty: any.")
    lane = models.PositiveSmallIntegerField(
        "category", choices=Lane.choices, null=True, blank=True, help_text="Empty: any."
    )
    order = models.PositiveSmallIntegerField(
        "tier", default=1, help_text="A tier is used when those with a lower number cannot take it."
    )
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="routes")
    weight = models.PositiveSmallIntegerField(
        default=100,
        validators=[MinValueValidator(1)],
        help_text="Its share of the tier: 30 beside 10 takes three of four.",
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["channel", "country", "lane", "order", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "country", "lane", "sender"], name="route_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(weight__gt=0), name="route_has_weight"),
            models.CheckConstraint(condition=Q(country="") | Q(country__regex="^[A-Z]{2}$"), name="route_country"),
        ]

    def __str__(self) -> str:
        lane = self.get_lane_display() if self.lane is not None else _("any category")
        return f"{self.country or 'Any country'}, {lane}: {self.sender}"


class ProviderHealth(models.Model):
    """How a provider does at present, and how much of its weight it gets. No row: it is healthy."""

    provider = models.OneToOneField(Provider, primary_key=True, on_delete=models.CASCADE, related_name="health")
    state = models.CharField(max_length=9, choices=State.choices, default=State.HEALTHY)
    factor = models.PositiveSmallIntegerField(default=100, help_text="Percent of its weight.")
    since = models.DateTimeField(null=True, help_text="Of the last change.")
    reason = models.CharField(max_length=300, blank=True, default="")
    openings = models.PositiveIntegerField(default=0)
    unbound = models.BooleanField(
        default=False, db_default=False, help_text="It is open because none of its connections was up."
    )
    slow_since = models.DateTimeField(null=True, help_text="Since when messages wait at it for too long.")
    pin = models.CharField(max_length=7, choices=Pin.choices, blank=True, default=Pin.NONE)
    trial_rate = models.FloatField(null=True, help_text="Segments per second it may be sent while others stand in.")
    review = models.BooleanField(default=False, help_text="What is queued for it is to be gone through again.")
    review_after = models.JSONField(null=True, help_text="The last stream and time that were gone through.")


class HealthChange(models.Model):
    """One step of a provider's health: from what, to what, why, and the figures it rests on. Append-only."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="health_changes", db_index=False)
    at = models.DateTimeField()
    from_state = models.CharField(max_length=9, choices=State.choices)
    to_state = models.CharField(max_length=9, choices=State.choices)
    from_factor = models.PositiveSmallIntegerField()
    factor = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=300)
    figures = models.JSONField(default=dict)
    actor_label = models.CharField(max_length=150, blank=True, default="", help_text="Who; empty: SMSHub itself.")
    moved = models.BigIntegerField(default=0, help_text="Queued messages that then went another way.")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["provider", "-id"], name="health_change_provider")]


class HealthCount(models.Model):
    """Deltas of what came of a provider's attempts, by a few seconds of time. `delivery.routing.health` reads them."""

    provider_id = models.BigIntegerField()
    at = models.DateTimeField(help_text="Of the attempt's answer, cut down to a few seconds.")
    attempts = models.IntegerField(default=0, db_default=0)
    errors = models.IntegerField(default=0, db_default=0)
    taken = models.IntegerField(default=0, db_default=0, help_text="Accepted.")
    heard = models.IntegerField(default=0, db_default=0, help_text="Of these, a receipt came in time.")

    class Meta:
        indexes = [models.Index(fields=["provider_id", "at"], name="health_count_provider")]
