"""What people write back: conversations, the rules that answer them, and what staff answer with."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.models.reminders import ReminderRule
from contacts.models import Contact
from delivery.models import Provider, Sender
from delivery.models.timerules import WithHours


class Conversation(models.Model):
    """One person and one sender of ours, since the person first wrote.

    A person is a number, which may be a contact's. The texts are where they are: messages to the number by the
    sender, and texts from it to the address (`campaigns.conversations.threads`); nothing of them is kept here a
    second time.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    class Flag(models.TextChoices):
        NONE = "", _("Nothing special")
        REFUSED = "refused", _("Refused in their own words: see whether it was meant")
        STOPPED_A_QUESTION = "stop_word", _("Answered a question by a word that stops all texts")
        CONTRADICTION = "contradiction", _("Answered otherwise than before")
        LOOP = "loop", _("Writes like a machine: automatic answers are held back")

    phone = models.CharField(max_length=16)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="+", db_index=False)
    address = models.CharField(max_length=40, help_text="Of ours, that was written to.")
    sender = models.ForeignKey(
        Sender, null=True, on_delete=models.PROTECT, related_name="+", help_text="Whom answers come from."
    )
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="conversations")
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.OPEN)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    unread = models.BooleanField(default=False)
    flag = models.CharField(max_length=13, choices=Flag.choices, blank=True, default=Flag.NONE)
    last_text_at = models.DateTimeField(help_text="Of the last text from the person, or of staff to them.")
    automatic_at = ArrayField(models.DateTimeField(), default=list, help_text="The last automatic answers.")
    said = models.CharField(max_length=60, blank=True, default="", help_text="What the last of them was about.")
    away_said_at = models.DateTimeField(null=True, help_text="When they were last told about business hours.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["phone", "provider", "address"], name="conversation_once"),
        ]
        indexes = [
            models.Index(fields=["-last_text_at", "-id"], name="conversation_newest"),
            models.Index(fields=["-unread", "-last_text_at"], name="conversation_inbox"),
        ]

    def __str__(self) -> str:
        return gettext("Conversation %(number)s") % {"number": self.pk}


class ConversationReply(models.Model):
    """Who or what an answer within a conversation is from. The text is the message."""

    class Kind(models.TextChoices):
        STAFF = "staff", _("Staff")
        ANSWER = "answer", _("Answer by rule")
        AWAY = "away", _("Business hours")

    message_id = models.UUIDField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="replies")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    author_label = models.CharField(max_length=150, help_text="A user's name, an API key's, or SMSHub itself.")
    created_at = models.DateTimeField(auto_now_add=True)


class Action(models.TextChoices):
    """What an answer makes of the question's appointment."""

    CONFIRM = "confirm", _("Confirms it")
    CANCEL = "cancel", _("Cancels it")
    CALL = "call", _("Asks to be called: a task for staff")
    REPLY = "reply", _("Only the reply below")
    STAFF = "staff", _("Left to staff")


class AnswerRule(models.Model):
    """Words that answer a question, and what they do. They go before the standard ones, those of a rule before all."""

    name = models.CharField(max_length=100, unique=True)
    enabled = models.BooleanField("on", default=True)
    rule = models.ForeignKey(
        ReminderRule,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name="reminder rule",
        help_text="Answers to its reminders. Empty: to any.",
    )
    kind = models.CharField(max_length=50, blank=True, default="", help_text="Appointments of this kind. Empty: any.")
    action = models.CharField(max_length=7, choices=Action.choices)
    words = models.JSONField(default=dict, help_text="By language; under “any” those of every language.")
    replies = models.JSONField(blank=True, default=dict, help_text="What is said, by language. Empty: the usual.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AutoReply(WithHours):
    """What is said to a text that no rule answers, within and outside business hours."""

    sender = models.OneToOneField(
        Sender, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: any other sender."
    )
    enabled = models.BooleanField("on", default=True)
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Of the business hours, e.g. Europe/Paris.")
    country = models.CharField(max_length=2, blank=True, default="", help_text="Whose public holidays, e.g. US.")
    state = models.CharField(max_length=6, blank=True, default="", help_text="Its state, where holidays differ.")
    hours_between = models.PositiveSmallIntegerField(
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(31 * 24)],
        help_text="Nobody is told more often than once in so many hours.",
    )
    open_texts = models.JSONField(
        "said within business hours", blank=True, default=dict, help_text="By language. Empty: nothing."
    )
    closed_texts = models.JSONField(
        "said outside of them", blank=True, default=dict, help_text="By language. Empty: nothing."
    )

    class Meta:
        verbose_name = "automatic reply"
        verbose_name_plural = "automatic replies"
        constraints = [
            models.UniqueConstraint(
                fields=["enabled"], condition=Q(sender=None, enabled=True), name="auto_reply_one_for_the_rest"
            ),
        ]

    def __str__(self) -> str:
        return str(self.sender) if self.sender else gettext("Any other sender")


class CannedReply(models.Model):
    """A text that staff often answer with."""

    name = models.CharField(max_length=60, unique=True)
    language = models.CharField(max_length=12, blank=True, default="", help_text="Language tag, e.g. en. Empty: any.")
    body = models.CharField("text", max_length=1600)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "canned replies"

    def __str__(self) -> str:
        return self.name
