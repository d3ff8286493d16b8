"""Messages and what is known of them; receipts that are not applied yet; texts that came in."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from delivery import bodies
from delivery.ids import new_message_id
from delivery.lanes import Lane
from delivery.models.accounts import TEST_PROVIDER, Provider, Sender
from delivery.states import ASKABLE, IN_VAIN, Status, WaitsFor, by_rank


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
    waits_for = models.CharField(
        max_length=16, choices=WaitsFor.choices, blank=True, default="", db_default="", help_text="Why it is held."
    )
    place_id = models.IntegerField(
        null=True, editable=False, help_text="Where the recipient is, if a time rule asks. Null: not looked at since."
    )
    counted = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="Frequency caps have counted it."
    )
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
            models.Index(
                fields=["campaign_id", "waits_for", "not_before"],
                condition=Q(status=Status.HELD),
                name="message_waits",
            ),
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
            models.Index(fields=["status", "-id"], condition=Q(status__in=sorted(IN_VAIN)), name="message_in_vain"),
            models.Index(fields=["id"], condition=Q(provider=TEST_PROVIDER), name="message_of_test"),
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
        PROVIDER = "provider", _("Provider's answer")
        RECEIPT = "receipt", _("Receipt")
        ASKED = "asked", _("Asked the provider")

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


class MessagePart(models.Model):
    """A part of an attempt that went as several messages of the provider's, each with an id and receipts of its own.

    Written when the provider took them, by `delivery.settle`; an attempt that went as one has none. A part without an
    id is one of which nobody knows whether the provider has it. Partitioned by the month of the message's id.
    """

    pk = models.CompositePrimaryKey("message_id", "attempt", "place")
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="parts", db_index=False, db_constraint=False
    )
    attempt = models.PositiveSmallIntegerField()
    place = models.PositiveSmallIntegerField(help_text="In the text, from 1.")
    provider = models.ForeignKey(Provider, null=True, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    provider_message_id = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=24, blank=True, default="")
    code = models.CharField(max_length=20, blank=True, default="")
    at = models.DateTimeField(help_text="Of the answer or the receipt that says so.")

    class Meta:
        indexes = [
            models.Index(
                fields=["provider_message_id", "provider"],
                condition=~Q(provider_message_id=""),
                name="part_provider_id",
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
        NONE = "", _("Conversation")
        STOP = "stop", _("Stop")
        START = "start", _("Start")
        HELP = "help", _("Help")
        REFUSAL = "refusal", _("Refusal in their own words")

    id = models.UUIDField(primary_key=True, default=new_message_id, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, db_index=False)
    provider_message_id = models.CharField(max_length=64)
    phone = models.CharField(max_length=16)
    recipient = models.CharField(max_length=40, help_text="Our sender that was written to.")
    sealed_body = models.BinaryField(
        db_column="body", null=True, help_text="The text, sealed (`delivery.bodies`). Null: no longer kept."
    )
    keyword = models.CharField(max_length=8, choices=Keyword.choices, blank=True, default=Keyword.NONE)
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
