"""Templates with versions, campaigns and the audience they froze."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from contacts.models import ConsentEvent, ContactList
from delivery.lanes import Lane

#: A campaign may be spread over a month at most.
MAX_SPREAD_MINUTES = 30 * 24 * 60
#: Texts that are tried against each other, the campaign's own among them; more would need crowds to tell apart.
MAX_VARIANTS = 5
#: More than this share held out is a campaign that was not meant to be sent.
MAX_HOLD_OUT = 50


class Template(models.Model):
    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    archived = models.BooleanField(default=False)
    of_campaign = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Written within one campaign, and not offered to others.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """A template's text at one time. Never changes: an edit is a new version (see `campaigns.templates`)."""

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.TextField(help_text="For everybody whose language has no text of its own.")
    translations = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="Texts by language tag: see campaigns.languages."
    )
    smart_encoding = models.BooleanField(
        default=True,
        help_text="Replace curly quotes, dashes and odd spaces that would make every text dearer.",
    )
    variables = models.JSONField(default=list, help_text="Names the text uses.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="template_version_once")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.template.name} v{self.number}"


class Campaign(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    class OnMissing(models.TextChoices):
        BLOCK = "block", _("Refuse to launch")
        SKIP = "skip", _("Skip that contact")

    class LocalPassed(models.TextChoices):
        """Of the time of everybody's own clock: what becomes of those for whom it is over at the launch."""

        NEXT_DAY = "next_day", _("They get it at that time on their next day")
        AT_ONCE = "at_once", _("They get it at once")

    name = models.CharField(max_length=120)
    template = models.ForeignKey(
        Template, null=True, on_delete=models.PROTECT, help_text="A draft may be without one for a while."
    )
    draft_text = models.TextField(
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="What is being written and is no version of a template yet; empty: nothing is.",
    )
    draft_translations = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text="And in other languages, [tag, text] as they are typed; none: those of the template.",
    )
    draft_pages = models.JSONField(
        null=True, blank=True, editable=False, help_text="The page in a browser that saved each wizard step last."
    )
    template_version = models.ForeignKey(
        TemplateVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        editable=False,
        help_text="Frozen at launch.",
    )
    sender = models.ForeignKey(
        "delivery.Sender",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="Empty: by the routes, or the default sender where there are none.",
    )
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.BULK)
    purpose = models.CharField(
        max_length=13,
        choices=ConsentEvent.Purpose.choices,
        default=ConsentEvent.Purpose.MARKETING,
        db_default=ConsentEvent.Purpose.MARKETING.value,
        help_text="What people must have agreed to, or at least not taken back.",
    )
    needs_consent = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Frozen at launch: those of whom no consent is recorded are left out.",
    )
    include = models.ManyToManyField(ContactList, related_name="+", blank=True)
    exclude = models.ManyToManyField(ContactList, related_name="+", blank=True)
    rules = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="Which of these people it is for (`campaigns.audience_rules`). Empty: all of them.",
    )
    on_missing = models.CharField(
        max_length=5,
        choices=OnMissing.choices,
        default=OnMissing.BLOCK,
        help_text="What to do when a contact lacks a variable of the template.",
    )
    hold_out_percent = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(MAX_HOLD_OUT)],
        help_text=_("Percent of the audience, drawn by lot, that gets no text, to compare with."),
    )
    local_time = models.TimeField(
        null=True,
        blank=True,
        help_text=_("Everybody gets it at this time of their own clock. Empty: as soon as it is launched."),
    )
    local_date = models.DateField(
        null=True,
        blank=True,
        help_text=_("On this day of their own calendar. Empty: on the day of the launch."),
    )
    local_passed = models.CharField(
        max_length=8,
        choices=LocalPassed.choices,
        default=LocalPassed.NEXT_DAY,
        db_default=LocalPassed.NEXT_DAY.value,
        help_text=_("What becomes of those for whom that time is over at the launch."),
    )
    spread_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_SPREAD_MINUTES)],
        help_text="Minutes over which it is spread evenly. Empty: as fast as the limits allow.",
    )
    max_segments = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(2**63 - 1)],
        help_text="It is paused when so many segments have left. Empty: no such limit.",
    )
    max_cost = models.DecimalField(
        max_digits=14,
        decimal_places=5,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.00001"))],
        help_text="It is paused before it costs more, by the price list. Empty: no such limit.",
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False)
    paused_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    judged_from = models.JSONField(
        default=dict, editable=False, help_text="Its counts when somebody last let it go on: see campaigns.safety."
    )
    retrying_after = models.BigIntegerField(
        null=True, editable=False, help_text="While failures are tried again: the last contact that was looked at."
    )
    scheduled_at = models.DateTimeField(null=True, blank=True)
    audience_size = models.BigIntegerField(null=True, editable=False, help_text="Set when the audience is frozen.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    launched_at = models.DateTimeField(null=True, editable=False)
    materialised_at = models.DateTimeField(null=True, editable=False, help_text="Everyone has a row since.")
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        permissions = [("approve_campaign", gettext_noop("Can let a campaign of somebody else go to many people"))]
        indexes = [
            models.Index(
                fields=["status"],
                condition=Q(status__in=["scheduled", "running", "paused"]),
                name="campaign_active",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="scheduled") | Q(scheduled_at__isnull=False),
                name="campaign_scheduled_has_time",
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(template__isnull=False), name="campaign_launched_has_template"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """Another text of a campaign, for a share of its audience drawn by lot. The campaign's own template is variant A
    and has what the others and the hold-out leave (`campaigns.split`)."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="variants")
    letter = models.CharField(max_length=1)
    template = models.ForeignKey(
        Template, null=True, on_delete=models.PROTECT, related_name="+", help_text="None yet, while it is a draft."
    )
    draft_text = models.TextField(
        blank=True, default="", db_default="", editable=False, help_text="As the campaign's own: what is being written."
    )
    draft_translations = models.JSONField(null=True, blank=True, editable=False, help_text="As the campaign's own.")
    percent = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(99)])
    template_version = models.ForeignKey(
        TemplateVersion, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    class Meta:
        ordering = ["letter"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "letter"], name="variant_once"),
            models.CheckConstraint(condition=Q(percent__gte=1, percent__lte=99), name="variant_has_a_share"),
        ]

    def __str__(self) -> str:
        return self.letter


class CampaignEvent(models.Model):
    """Who moved a campaign from one status to another, when and why."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    from_status = models.CharField(max_length=10, choices=Campaign.Status.choices)
    to_status = models.CharField(max_length=10, choices=Campaign.Status.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_label = models.CharField(max_length=150, help_text="A user's name, an API key's, or SMSHub itself.")
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["id"]


class AudienceEntry(models.Model):
    """One contact of a frozen audience, by position. Gone once everyone has a message row."""

    pk = models.CompositePrimaryKey("campaign_id", "position")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    position = models.BigIntegerField()
    contact_id = models.BigIntegerField()


class AudienceChunk(models.Model):
    """A range of positions that one task turns into message rows, all of it or none."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    first = models.BigIntegerField(help_text="Position of its first contact.")
    last = models.BigIntegerField(help_text="Position of its last contact, inclusive.")
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "first"], name="chunk_once"),
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="chunk_not_empty"),
        ]
        indexes = [
            models.Index(fields=["campaign", "first"], condition=Q(done_at__isnull=True), name="chunk_open"),
        ]
