"""Conversations and what belongs to them, as `tests.factories` has the rest."""

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from campaigns.models import AnswerRule, AutoReply, CannedReply, Conversation
from delivery.ids import new_message_id
from delivery.models import Confirmation, ConfirmationText, Keyword
from tests.factories import SenderFactory, phone


class ConversationFactory(DjangoModelFactory):
    class Meta:
        model = Conversation

    phone = factory.Sequence(phone)
    sender = factory.SubFactory(SenderFactory)
    provider = factory.SelfAttribute("sender.provider")
    address = factory.SelfAttribute("sender.address")
    last_text_at = factory.LazyFunction(timezone.now)


class AnswerRuleFactory(DjangoModelFactory):
    class Meta:
        model = AnswerRule

    name = factory.Sequence(lambda n: f"Answer {n}")
    action = "confirm"
    words = {"any": ["9"]}


class AutoReplyFactory(DjangoModelFactory):
    class Meta:
        model = AutoReply

    sender = factory.SubFactory(SenderFactory)
    closed_texts = {"en": "We are closed and will answer tomorrow."}
    weekday_from = "08:00"
    weekday_until = "18:00"


class CannedReplyFactory(DjangoModelFactory):
    class Meta:
        model = CannedReply

    name = factory.Sequence(lambda n: f"Canned {n}")
    body = "Our address is 12 Elm Street."


class KeywordFactory(DjangoModelFactory):
    class Meta:
        model = Keyword

    meaning = "stop"
    word = factory.Sequence(lambda n: f"enough{n}")
    folded = factory.SelfAttribute("word")


class ConfirmationTextFactory(DjangoModelFactory):
    class Meta:
        model = ConfirmationText

    meaning = "stop"
    language = "en"
    body = "You will hear no more from us."


class ConfirmationFactory(DjangoModelFactory):
    class Meta:
        model = Confirmation

    message_id = factory.LazyFunction(new_message_id)
    inbound_id = factory.LazyFunction(new_message_id)
    meaning = "stop"
    phone = factory.Sequence(phone)
    sender = factory.SubFactory(SenderFactory)
    text_digest = b"0" * 32
    created_at = factory.LazyFunction(timezone.now)
