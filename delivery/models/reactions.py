"""What people did about a message after it reached them: followed a link, answered, said stop."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from delivery.models.messages import Message


class Reaction(models.Model):
    """One visit to a link, or one text that came back. Append-only; `delivery.reactions` writes it.

    `source` is the inbound text's id, or a random one for a visit. `first` marks the message's first of its kind, so
    that people are counted by it and times by all. Partitioned by the month of the message's id, and gone with it.
    """

    class Kind(models.TextChoices):
        CLICK = "click", _("Link followed")
        MACHINE = "machine", _("Link fetched by a machine")
        REPLY = "reply", _("Replied")
        STOP = "stop", _("Said stop")

    pk = models.CompositePrimaryKey("message_id", "source")
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="reactions", db_index=False, db_constraint=False
    )
    source = models.UUIDField()
    campaign_id = models.BigIntegerField(default=0)
    link_id = models.BigIntegerField(default=0, help_text="The link that was followed; 0: it was none.")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    reason = models.CharField(max_length=12, blank=True, default="", help_text="What gave a machine away.")
    at = models.DateTimeField()
    first = models.BooleanField()

    class Meta:
        indexes = [
            models.Index(fields=["campaign_id", "kind", "message"], condition=Q(first=True), name="reaction_first"),
        ]


class ReactionTally(models.Model):
    """Deltas of how many reacted, written by a trigger in the transaction of the rows they count; see `Tally`."""

    campaign_id = models.BigIntegerField()
    link_id = models.BigIntegerField(default=0)
    kind = models.CharField(max_length=8, choices=Reaction.Kind.choices)
    people = models.BigIntegerField()
    times = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "reaction tallies"
        indexes = [models.Index(fields=["campaign_id", "link_id"], name="reaction_tally_campaign")]
