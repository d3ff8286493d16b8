"""Where short links lead, and the visits that are still to be counted."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from campaigns.links import targets
from campaigns.models.campaigns import Campaign, Template

#: A link outlives neither what it was sent for nor anybody's memory of it.
MAX_DAYS = 400


class Link(models.Model):
    """A target that texts lead to, under the name they know it by: `{{ link }}`, or `{{ links.name }}`.

    It is a campaign's own, or a template's: for reminders and single messages with it, and for campaigns that name
    none of that name, which have a copy made at their launch. What was sent resolves by this row's number
    (`campaigns.links.tokens`), so a campaign's row never changes once it is launched.
    """

    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.CASCADE, related_name="links")
    template = models.ForeignKey(Template, null=True, blank=True, on_delete=models.CASCADE, related_name="links")
    name = models.CharField(
        max_length=30,
        default=targets.DEFAULT,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*\Z", "Small letters, digits and _, beginning with a letter.")],
        help_text="“link” is what {{ link }} stands for; another name is used as in {{ links.name }}.",
    )
    target = models.CharField(
        max_length=targets.MAX_TARGET,
        validators=[targets.validate],
        help_text="https://…, with the contact's variables in its query at most: ?ref={{ booking }}.",
    )
    days = models.PositiveSmallIntegerField(
        "valid for days",
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_DAYS)],
        help_text="Counted from the launch, or from when a single message was made.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "name"], name="link_of_campaign_once"),
            models.UniqueConstraint(fields=["template", "name"], name="link_of_template_once"),
            models.CheckConstraint(
                condition=Q(campaign__isnull=True) ^ Q(template__isnull=True), name="link_has_one_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LinkedMessage(models.Model):
    """A link in a message that is no campaign's, which no short token could name by itself.

    A target with variables is kept as it came out for this recipient, sealed and emptied as the message's text is, and
    gone when that month is. One without, or emptied, is the link's own.
    """

    link_id = models.BigIntegerField()
    message_id = models.UUIDField()
    sealed_target = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["message_id"], name="linked_message")]


class Visit(models.Model):
    """Somebody or something asked for a link: kept until it is counted, for about a second.

    `recipient` is the contact of a campaign's link, the LinkedMessage of another's. Neither the address that it came
    from nor its user agent is kept, only what they say about its being a machine.
    """

    link_id = models.BigIntegerField()
    recipient = models.BigIntegerField()
    machine = models.CharField(max_length=12, blank=True, default="")
    at = models.DateTimeField()


class CampaignReport(models.Model):
    """What a campaign's messages come to by country, sender, failure and time, as counted last (`campaigns.report`)."""

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.CASCADE, related_name="+")
    counted_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, help_text="When it is counted again. Null: it changes no more.")
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="report_due")]
