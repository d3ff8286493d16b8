"""How a message gets there and what became of it."""

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from delivery import bodies
from delivery.encryption import EncryptedJSONField
from delivery.ids import new_message_id
from delivery.lanes import Lane
from delivery.routing.rules import Pin, State
from delivery.states import ASKABLE, Status, by_rank


class Provider(models.Model):
    """An account with somebody who carries messages: which adapter speaks to it, with what, how fast."""

    name = models.CharField(max_length=80, unique=True)
    adapter = models.CharField(max_length=40, help_text="The provider package that speaks its protocol.")
    settings = models.JSONField(blank=True, default=dict)
    credentials = EncryptedJSONField(editable=False, default=dict)
    rate = models.PositiveIntegerField(default=10, help_text="Segments per second, over all its senders.")
    max_in_flight = models.PositiveIntegerField(default=50, help_text="Requests open at once, over all workers.")
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class Sender(models.Model):
    """What the recipient sees: a number, a short code, a name."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="senders")
    address = models.CharField(max_length=40, help_text="Number, short code, name, or the provider's service id.")
    rate = models.PositiveIntegerField(null=True, blank=True, help_text="Segments per second; empty: the provider's.")
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    is_default = models.BooleanField(default=False, help_text="Used where a message names no sender.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "address"], name="sender_once"),
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="sender_one_default"),
        ]

    def __str__(self) -> str:
        return f"{self.address} ({self.provider.name})"


class CountryLimit(models.Model):
    """How fast one account may send to one country, within its own rate. No row: as fast as the account."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="country_limits")
    country = models.CharField(
        max_length=2,
        validators=[RegexValidator(r"^[A-Z]{2}\Z", "Two capital letters, as in US.")],
        help_text="Of the recipients' numbers, two letters.",
    )
    rate = models.PositiveIntegerField(validators=[MinValueValidator(1)], help_text="Segments per second.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "country"], name="country_limit_once")]

    def __str__(self) -> str:
        return f"{self.country}: {self.rate}/s"


class Message(models.Model):
    """One text to one person, and its present state. Rows are the queue: see `delivery.claim`.

    `campaign_id` and `contact_id` are plain numbers: campaigns stand a floor above, and a row here outlives
    both. Zero means a message of its own. `attempt` counts hand-overs from 1 and fences late writers out.

    Partitioned by the month of its id (`delivery.months`), which for a campaign's message is made of the campaign and
    the contact (`delivery.ids`): so the primary key keeps anybody from having two. Nothing has a foreign key to or from
    it in the database, so that a partition is dropped without a look at any other table.
    """

    id = models.UUIDField(primary_key=True, default=new_message_id, editable=False)
    campaign_id = models.BigIntegerField(default=0)
    contact_id = models.BigIntegerField(null=True, blank=True)
    provider = models.ForeignKey(Provider, null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    sender = models.ForeignKey(Sender, null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    routed = models.BooleanField(
        default=False, db_default=False, help_text="The hub chose the sender, and may choose another."
    )
    recipient = models.CharField(max_length=16)
    country = models.CharField(
        max_length=2, blank=True, default="", db_default="", help_text="Of the recipient's number."
    )
    sealed_body = models.BinaryField(
        db_column="body", null=True, help_text="The text, sealed (`delivery.bodies`). Null: no longer kept."
    )
    encoding = models.CharField(max_length=4, default="gsm7")
    segments = models.PositiveSmallIntegerField(default=1)
    cost = models.DecimalField(
        max_digits=12,
        decimal_places=5,
        default=0,
        db_default=0,
        help_text="What its segments cost by the price list when it was written.",
    )
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.TRANSACTIONAL)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    reason = models.CharField(max_length=24, blank=True, default="", help_text="Why it failed or was not sent.")
    error_code = models.CharField(max_length=20, blank=True, default="", help_text="The provider's own code.")
    attempt = models.PositiveSmallIntegerField(default=1)
    provider_message_id = models.CharField(max_length=64, blank=True, default="")
    not_before = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When this attempt began.")
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    ask_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When to ask what became of it.")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When the provider took it.")
    final_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["provider", "lane", "campaign_id", "sender", "country", "created_at"],
                condition=Q(status=Status.QUEUED),
                name="message_claim",
            ),
            models.Index(fields=["not_before"], condition=Q(status=Status.HELD), name="message_held"),
            models.Index(fields=["lease_until"], condition=Q(status=Status.SENDING), name="message_leased"),
            models.Index(
                fields=["ask_at"],
                condition=Q(status__in=sorted(ASKABLE)),
                name="message_ask",
            ),
            models.Index(
                fields=["provider_message_id", "provider"],
                condition=~Q(provider_message_id=""),
                name="message_provider_id",
            ),
            models.Index(fields=["recipient", "-id"], name="message_recipient"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def body(self) -> str | None:
        """The text; None when it is no longer kept, or cannot be read with the keys there are. Never raises."""
        return bodies.shown(self.id, self.sealed_body)

    @body.setter
    def body(self, text: str) -> None:
        self.sealed_body = bodies.seal(self.id, text)


class MessageEvent(models.Model):
    """One line of a message's timeline. Append-only; each distinct piece of evidence stands once.

    `fingerprint` names the evidence (for a receipt: attempt, provider id, status, code), so that a receipt
    delivered three times is one line. Partitioned by the month of the message's id.
    """

    class Source(models.TextChoices):
        HUB = "hub", "SMSHub"
        PROVIDER = "provider", "Provider's answer"
        RECEIPT = "receipt", "Receipt"
        ASKED = "asked", "Asked the provider"

    pk = models.CompositePrimaryKey("message_id", "fingerprint")
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    fingerprint = models.CharField(max_length=100)
    at = models.DateTimeField()
    source = models.CharField(max_length=8, choices=Source.choices)
    status = models.CharField(max_length=12, choices=Status.choices)
    attempt = models.PositiveSmallIntegerField(default=1)
    reason = models.CharField(max_length=24, blank=True, default="")
    code = models.CharField(max_length=20, blank=True, default="")
    detail = models.CharField(max_length=200, blank=True, default="")


#: A timeline as it is told. Receipts that were stored together have the same time.
EVENT_ORDER = ("at", "attempt", by_rank())


class Attempt(models.Model):
    """An attempt that was followed by another: what the message's own columns said of it when it was given up.

    The present attempt, which for most messages is the only one, has no row: it is the message. Partitioned by the
    month of the message's id.
    """

    pk = models.CompositePrimaryKey("message_id", "number")
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="attempts", db_index=False, db_constraint=False
    )
    number = models.PositiveSmallIntegerField()
    provider = models.ForeignKey(Provider, null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    provider_message_id = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=24, blank=True, default="")
    error_code = models.CharField(max_length=20, blank=True, default="")
    claimed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["provider_message_id", "provider"],
                condition=~Q(provider_message_id=""),
                name="attempt_provider_id",
            ),
        ]


class InboxReceipt(models.Model):
    """A receipt that was answered 2xx and not yet reconciled. Rows leave when they are applied."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    message_id = models.UUIDField(null=True, help_text="From the callback's own URL, when it carries one.")
    attempt = models.PositiveSmallIntegerField(default=0)
    provider_message_id = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=24, blank=True, default="")
    code = models.CharField(max_length=20, blank=True, default="")
    slows = models.CharField(max_length=8, blank=True, default="", db_default="", help_text="The limit to be lowered.")
    received_at = models.DateTimeField()
    try_at = models.DateTimeField(help_text="Not looked at before; moves on while nothing matches.")
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["try_at"], name="inbox_due")]


class Inbound(models.Model):
    """A text from a person to one of our senders, kept before anything is done about it."""

    class Keyword(models.TextChoices):
        NONE = "", "Conversation"
        STOP = "stop", "Stop"
        START = "start", "Start"
        HELP = "help", "Help"

    id = models.UUIDField(primary_key=True, default=new_message_id, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, db_index=False)
    provider_message_id = models.CharField(max_length=64)
    phone = models.CharField(max_length=16)
    recipient = models.CharField(max_length=40, help_text="Our sender that was written to.")
    sealed_body = models.BinaryField(
        db_column="body", null=True, help_text="The text, sealed (`delivery.bodies`). Null: no longer kept."
    )
    keyword = models.CharField(max_length=5, choices=Keyword.choices, blank=True, default=Keyword.NONE)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "inbound text"
        constraints = [
            models.UniqueConstraint(fields=["provider", "provider_message_id"], name="inbound_once"),
        ]
        indexes = [models.Index(fields=["phone", "-id"], name="inbound_phone")]

    @property
    def body(self) -> str | None:
        """As that of a message."""
        return bodies.shown(self.id, self.sealed_body)

    @body.setter
    def body(self, text: str) -> None:
        self.sealed_body = bodies.seal(self.id, text)


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
    """Deltas of a campaign's counts, written by a trigger in the transaction of the rows they count.

    The count of a (status, reason) is the sum of its deltas; `delivery.tallies` reads and squashes them.
    """

    campaign_id = models.BigIntegerField()
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=24, blank=True, default="")
    messages = models.BigIntegerField()
    segments = models.BigIntegerField()
    cost = models.DecimalField(max_digits=18, decimal_places=5, default=0, db_default=0)

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [models.Index(fields=["campaign_id"], name="tally_campaign")]


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
        lane = self.get_lane_display() if self.lane is not None else "any category"
        return f"{self.country or 'Any country'}, {lane}: {self.sender}"


class Price(models.Model):
    """What a segment costs with a provider, in the hub's one currency."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="prices")
    country = models.CharField(
        max_length=2, blank=True, default="", help_text="Two letters, e.g. GB. Empty: any other."
    )
    per_segment = models.DecimalField(max_digits=10, decimal_places=5, validators=[MinValueValidator(0)])

    class Meta:
        ordering = ["provider", "country"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "country"], name="price_once"),
            models.CheckConstraint(condition=Q(country="") | Q(country__regex="^[A-Z]{2}$"), name="price_country"),
        ]

    def __str__(self) -> str:
        return f"{self.provider.name}, {self.country or 'any other country'}: {self.per_segment}"


class ProviderHealth(models.Model):
    """How a provider does at present, and how much of its weight it gets. No row: it is healthy."""

    provider = models.OneToOneField(Provider, primary_key=True, on_delete=models.CASCADE, related_name="health")
    state = models.CharField(max_length=9, choices=State.choices, default=State.HEALTHY)
    factor = models.PositiveSmallIntegerField(default=100, help_text="Percent of its weight.")
    since = models.DateTimeField(null=True, help_text="Of the last change.")
    reason = models.CharField(max_length=300, blank=True, default="")
    openings = models.PositiveIntegerField(default=0)
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
