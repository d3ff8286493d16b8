"""Who carries messages, as whom, and for how much: providers, their senders, limits and prices."""

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from delivery.encryption import EncryptedJSONField

#: The account of the test carrier (`delivery.testcarrier`): no account that was set up has such an id, so whatever is
#: to leave its messages alone compares with a constant.
TEST_PROVIDER = 10**17


class Provider(models.Model):
    """An account with somebody who carries messages: which adapter speaks to it, with what, how fast."""

    class AnswersKeywords(models.TextChoices):
        USUAL = "", _("As is usual with this provider")
        PROVIDER = "provider", _("The provider")
        HUB = "hub", "SMSHub"

    name = models.CharField(max_length=80, unique=True)
    adapter = models.CharField(max_length=40, help_text="The provider package that speaks its protocol.")
    settings = models.JSONField(blank=True, default=dict)
    credentials = EncryptedJSONField(editable=False, default=dict)
    rate = models.PositiveIntegerField(default=10, help_text="Segments per second, over all its senders.")
    max_in_flight = models.PositiveIntegerField(default=50, help_text="Requests open at once, over all workers.")
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    unbound_at = models.DateTimeField(
        null=True, editable=False, help_text="Since when none of its connections is to be held."
    )
    answers_keywords = models.CharField(
        "who answers STOP, START and HELP",
        max_length=8,
        choices=AnswersKeywords.choices,
        blank=True,
        default="",
        db_default="",
        help_text="Nobody is to be answered twice.",
    )
    unbound_by = models.CharField(max_length=150, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class Sender(models.Model):
    """What the recipient sees: a number, a short code, a name."""

    class OptOutScope(models.TextChoices):
        EVERYWHERE = "everywhere", _("No sender texts them any more")
        SENDER = "sender", _("This sender does not text them any more")

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="senders")
    address = models.CharField(max_length=40, help_text="Number, short code, name, or the provider's service id.")
    rate = models.PositiveIntegerField(null=True, blank=True, help_text="Segments per second; empty: the provider's.")
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    is_default = models.BooleanField(default=False, help_text="Used where a message names no sender.")
    opt_out_scope = models.CharField(
        "a STOP to it means",
        max_length=10,
        choices=OptOutScope.choices,
        default=OptOutScope.EVERYWHERE,
        db_default=OptOutScope.EVERYWHERE,
    )
    display_name = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="Who it is, said before confirmations of STOP."
    )
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
