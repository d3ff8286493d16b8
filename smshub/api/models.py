"""Keys by which other systems call the API, and logins by which they come to the doors.

Secrets are shown once and stored only as a hash; but for the token that the Twilio-compatible door signs with.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from delivery.encryption import EncryptedJSONField
from delivery.lanes import Lane
from delivery.models import Sender

_NETWORKS = "Addresses and networks that it may {verb} from, with spaces between: 192.0.2.7 2001:db8::/48. Empty: any."


class ApiKey(models.Model):
    class Mode(models.TextChoices):
        LIVE = "live", _("Live")
        TEST = "test", _("Test")

    name = models.CharField(max_length=80, help_text="Which system uses it.")
    mode = models.CharField(
        max_length=4,
        choices=Mode.choices,
        default=Mode.LIVE,
        db_default=Mode.LIVE,
        editable=False,
        help_text="What a test key sends goes to the test carrier and reaches nobody.",
    )
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, editable=False, help_text="SHA-256 of a 256-bit secret.")
    old_secret_hash = models.BinaryField(
        max_length=32, null=True, editable=False, help_text="Of the secret before, while both are good."
    )
    old_valid_until = models.DateTimeField(null=True, editable=False)
    old_used_at = models.DateTimeField(null=True, editable=False, help_text="When the secret before was last used.")
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    senders = models.ManyToManyField(
        Sender, blank=True, related_name="+", help_text="What it sends leaves by one of these. None: by any."
    )
    own_messages = models.BooleanField(
        "only its own messages",
        default=False,
        db_default=False,
        help_text="Of messages it sees those alone that it handed in, over the API or through a door.",
    )
    allowed_from = models.CharField(
        max_length=400, blank=True, default="", db_default="", help_text=_NETWORKS.format(verb="be used")
    )
    per_second = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Requests; empty: as the hub's settings say.",
    )
    per_minute = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Requests; empty: as the hub's settings say.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    made_by = models.ForeignKey(
        "self",
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The key that made it.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_test(self) -> bool:
        return self.mode == self.Mode.TEST


class IdempotencyRecord(models.Model):
    """The answer given to a POST that carried an Idempotency-Key, written in the transaction of its effect."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, db_index=False)
    key = models.CharField(max_length=255)
    request_hash = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "key"], name="idempotency_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]


class SmppLogin(models.Model):
    """What a system binds to the SMPP door with, in the name of an API key: its scopes, expiry and revocation hold."""

    class Alphabet(models.TextChoices):
        GSM7 = "gsm7", "GSM 03.38"
        LATIN1 = "latin1-default", "Latin-1"

    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="smpp_logins", verbose_name="API key")
    system_id = models.CharField(
        max_length=15,
        unique=True,
        validators=[RegexValidator(r"^[A-Za-z0-9_.-]+\Z", "Letters, digits, dots, dashes and underscores.")],
        help_text="The name that it binds with, 15 characters at most (SMPP 3.4, 5.2.1).",
    )
    password_hash = models.CharField(max_length=128, editable=False)
    enabled = models.BooleanField(default=True)
    senders = models.ManyToManyField(
        Sender,
        blank=True,
        related_name="+",
        help_text="The source addresses that it may write. What people text to these is delivered to it.",
    )
    routed = models.BooleanField(
        "any source address",
        default=False,
        help_text="A source address that is none of these is no error: the routes choose the sender.",
    )
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.TRANSACTIONAL)
    rate = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Short messages that it may submit in a second; empty: as many as the door takes.",
    )
    max_binds = models.PositiveSmallIntegerField(
        "binds", default=4, validators=[MinValueValidator(1), MaxValueValidator(50)], help_text="At the same time."
    )
    allowed_from = models.CharField(max_length=400, blank=True, default="", help_text=_NETWORKS.format(verb="bind"))
    alphabet = models.CharField(
        max_length=14, choices=Alphabet.choices, default=Alphabet.GSM7, help_text="What it means by data_coding 0."
    )
    reference_tag = models.PositiveIntegerField(
        default=0x0204,
        validators=[MaxValueValidator(0xFFFF)],
        help_text="The optional parameter by which it names a message, so that the same one is not sent twice: "
        "516 is user_message_reference. 0: none.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    last_bound_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "SMPP login"

    def __str__(self) -> str:
        return self.system_id


class SmppPart(models.Model):
    """A part of a long text, answered for and waiting for the others: kept as it came, sealed as texts are.

    The parts of a text have the id that its message will have. They go when it is whole, or when its time is over;
    those that carried a reference stay, empty, until that may be used again.
    """

    origin = models.BigIntegerField()
    text_key = models.BinaryField(max_length=32, help_text="Who writes to whom under which number, as a digest.")
    number = models.PositiveSmallIntegerField()
    message_id = models.UUIDField()
    content = models.BinaryField(max_length=32, help_text="Digest: the same part, sent again, has the same one.")
    sealed_pdu = models.BinaryField(null=True, help_text="Null: its text is whole, and a message.")
    reference = models.BinaryField(max_length=32, null=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "text_key", "number"], condition=Q(sealed_pdu__isnull=False), name="smpp_part_once"
            )
        ]
        indexes = [
            models.Index(fields=["received_at"], name="smpp_part_age"),
            models.Index(
                fields=["origin", "reference"], condition=Q(reference__isnull=False), name="smpp_part_reference"
            ),
        ]


class TwilioLogin(models.Model):
    """What an application of Twilio's SDKs calls the hub with, in the name of an API key: its scopes, expiry and
    revocation hold. An account sid with its auth token, and a key sid with its secret, open the same."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="twilio_logins", verbose_name="API key")
    name = models.CharField(max_length=64, help_text="Which application uses it.")
    account_sid = models.CharField(max_length=34, unique=True, editable=False)
    secrets = EncryptedJSONField(
        editable=False, help_text="The auth token: callbacks are signed with it, for which a hash would not do."
    )
    key_sid = models.CharField(max_length=34, unique=True, editable=False)
    key_secret_hash = models.BinaryField(max_length=32, editable=False, help_text="SHA-256 of a random secret.")
    enabled = models.BooleanField(default=True)
    senders = models.ManyToManyField(
        Sender,
        blank=True,
        related_name="+",
        help_text="What it may write as From. What people text to these is posted to it.",
    )
    service_sid = models.CharField(
        "messaging service",
        max_length=34,
        blank=True,
        validators=[RegexValidator(r"^MG[0-9a-f]{32}\Z", "MG and 32 hexadecimal digits.")],
        help_text="The MessagingServiceSid by which it leaves the sender to the routes: the hub's own, or the one that "
        "the application has in its configuration. Empty: it must name a sender.",
    )
    lane = models.PositiveSmallIntegerField(
        choices=Lane.choices,
        default=Lane.TRANSACTIONAL,
        help_text="Of messages that name no MessageIntent.",
    )
    sms_url = models.CharField(
        "webhook for incoming texts",
        max_length=500,
        blank=True,
        default="",
        help_text="What people text to its senders is posted here, as Twilio posts it; the answer may be TwiML.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = "Twilio login"

    def __str__(self) -> str:
        return f"{self.name} ({self.account_sid})"
