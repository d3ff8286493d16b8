"""Texts that come back are put down to what was sent last."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Suppression
from delivery import reactions, testcarrier
from delivery.ids import first_id, new_message_id
from delivery.inbound.store import store
from delivery.models import Inbound, Message, Reaction
from delivery.providers.base import InboundText
from delivery.reactions import Kind
from delivery.states import Status
from tests.factories import CampaignFactory, MessageFactory, ProviderFactory

pytestmark = pytest.mark.django_db

PHONE = "+14155550100"


def sent(*, hours_ago: float = 1, status: Status = Status.DELIVERED, campaign_id: int = 0) -> Message:
    at = timezone.now() - timedelta(hours=hours_ago)
    fields: dict[str, object] = {"campaign_id": campaign_id, "contact_id": 1} if campaign_id else {"id": _id(hours_ago)}
    made: Message = MessageFactory(recipient=PHONE, status=status, sent_at=at, **fields)
    return made


def _id(hours_ago: float) -> object:
    return first_id(timezone.now() - timedelta(hours=hours_ago))


def text_in(body: str, number: int = 1) -> None:
    store(
        ProviderFactory().pk,
        InboundText(provider_message_id=f"MO{number}", phone=PHONE, recipient="+16505550000", body=body),
    )


def test_a_reply_and_a_stop_belong_to_the_campaign_that_was_sent_last() -> None:
    campaign = CampaignFactory(launched_at=timezone.now() - timedelta(hours=2))
    last = sent(campaign_id=campaign.pk)
    sent(hours_ago=30)

    text_in("I would like to")
    text_in("STOP", 2)
    text_in("See you then", 3)

    assert set(Reaction.objects.values_list("message_id", flat=True)) == {last.pk}
    assert {(c.kind, c.people, c.times) for c in reactions.counts(campaign.pk)} == {
        (Kind.REPLY, 1, 2),
        (Kind.STOP, 1, 1),
    }


@pytest.mark.parametrize("hours_ago", [0.1, 24, 24 * 6.9])
def test_what_comes_back_within_a_week_is_a_reaction(hours_ago: float) -> None:
    one = sent(hours_ago=hours_ago)

    text_in("Hello")

    assert Reaction.objects.get().message_id == one.pk


def test_later_than_that_it_is_a_conversation_of_its_own() -> None:
    sent(hours_ago=24 * 7.1)

    text_in("Hello")

    assert not Reaction.objects.exists()


def test_what_never_left_is_not_answered() -> None:
    sent(status=Status.SUPPRESSED)

    text_in("Hello")

    assert not Reaction.objects.exists()


def test_a_refusal_in_their_own_words_is_a_reply() -> None:
    one = sent()

    text_in("Please do not text me again")

    assert Inbound.objects.get().keyword == Inbound.Keyword.REFUSAL
    assert Reaction.objects.get().message_id == one.pk
    assert Reaction.objects.get().kind == Kind.REPLY


def test_what_the_test_carrier_took_is_not_answered() -> None:
    true = sent(hours_ago=2)
    tried = sent()
    Message.objects.filter(pk=tried.pk).update(provider_id=testcarrier.sender().provider_id)

    text_in("Hello")
    reactions.record([reactions.Told(tried.pk, new_message_id(), Kind.CLICK, timezone.now())])

    assert Reaction.objects.get().message_id == true.pk


def test_a_stop_holds_even_if_it_cannot_be_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    sent()
    monkeypatch.setattr(reactions, "_ANSWERED", "SELECT nothing_of_the_kind()")

    text_in("STOP")

    assert Suppression.objects.get().phone == PHONE
    assert not Reaction.objects.exists()


def test_help_and_start_are_neither_a_reply_nor_an_opt_out() -> None:
    sent()

    text_in("HELP")
    text_in("START", 2)

    assert not Reaction.objects.exists()
