"""The hub's own words for stopping, starting and asking for help, what it answers to them, and that it did."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from delivery.models.accounts import Sender

#: Two segments of GSM-7. A confirmation that needs more says too much.
LONGEST_CONFIRMATION = 306


class Meaning(models.TextChoices):
    """What a keyword asks for: those of `Inbound.Keyword` that are answered."""

    STOP = "stop", _("Stop")
    START = "start", _("Start")
    HELP = "help", _("Help")


class Keyword(models.Model):
    """A word that the hub honours beside those it knows. Written by `delivery.inbound.own_words`."""

    sender = models.ForeignKey(
        Sender, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: every sender."
    )
    meaning = models.CharField(max_length=5, choices=Meaning.choices)
    word = models.CharField(max_length=40, help_text="Spelling, capitals and accents make no difference.")
    folded = models.CharField(max_length=60, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["word"]
        constraints = [
            models.UniqueConstraint(fields=["folded", "sender"], nulls_distinct=False, name="keyword_once"),
            models.CheckConstraint(condition=~Q(folded=""), name="keyword_says_something"),
        ]

    def __str__(self) -> str:
        return self.word


class ConfirmationText(models.Model):
    """What is answered to a keyword, in place of the hub's own text for that language."""

    sender = models.ForeignKey(
        Sender, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: every sender."
    )
    meaning = models.CharField("answer to", max_length=5, choices=Meaning.choices)
    language = models.CharField(
        max_length=12,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[a-z]{2,3}(-[A-Za-z]{2,8})?\Z", "A language tag, such as en or pt-BR.")],
        help_text="Language tag, e.g. en or pt-BR. Empty: any that has no text of its own.",
    )
    body = models.CharField("text", max_length=LONGEST_CONFIRMATION)

    class Meta:
        ordering = ["meaning", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["meaning", "language", "sender"], nulls_distinct=False, name="confirmation_text_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_meaning_display()}, {self.language or 'any other language'}"


class Confirmation(models.Model):
    """That one message confirms what one incoming text has changed, and goes out although its recipient has opted out.

    The only exemption from a suppression that there is, and a narrow one: the claim (`delivery.inbound.exemption`) asks
    for this message, this recipient, this sender and this very text, within the hour. Rows are written by
    `delivery.inbound.confirmations`, once for an incoming text, and kept: they are the account of it.
    """

    message_id = models.UUIDField(primary_key=True)
    inbound_id = models.UUIDField(unique=True, help_text="The text that is answered.")
    meaning = models.CharField("answer to", max_length=5, choices=Meaning.choices)
    phone = models.CharField(max_length=16)
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="+", db_index=False)
    text_digest = models.BinaryField(max_length=32, help_text="SHA-256 of the sealed text.")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["phone", "-created_at"], name="confirmation_phone")]

    def __str__(self) -> str:
        return str(self.message_id)
