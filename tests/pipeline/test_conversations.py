"""What people write back to the running hub: answers, a STOP and its one confirmation, a refusal in free words."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.appointments.items import Item
from campaigns.appointments.upsert import upsert
from campaigns.models import Appointment, Conversation, ReminderRule
from campaigns.reminders import rules
from contacts.models import Suppression
from delivery.inbound.texts import TEXTS
from delivery.lanes import Lane
from delivery.models import Message, Provider
from delivery.states import FINAL, Status
from delivery.submit import submit
from tests.factories import TemplateVersionFactory
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import text_from

pytestmark = pytest.mark.pipeline
PHONE = "+14155550100"


@pytest.fixture
def provider(hub: Hub) -> Provider:
    """An account whose provider answers no keywords."""
    made = hub.provider()
    Provider.objects.filter(pk=made.pk).update(answers_keywords=Provider.AnswersKeywords.HUB)
    return made


def at_the_handset(hub: Hub) -> list[str]:
    return [entry["body"] for entry in hub.carrier.ledger(to=PHONE)]


def arrive(hub: Hub, number: int) -> None:
    wait_for(lambda: len(at_the_handset(hub)) >= number, seconds=20, what=f"{number} texts at the handset")


def settled() -> bool:
    return not Message.objects.exclude(status__in=FINAL).exists()


def test_a_reminder_is_answered_by_one_and_the_appointment_is_confirmed(hub: Hub, provider: Provider) -> None:
    asks = TemplateVersionFactory(body="See you at {{ appointment.time }}. Reply 1 to confirm, 2 to cancel.").template
    rules.save(ReminderRule(name="Asks", template=asks, reply_expected=True, lane=Lane.TRANSACTIONAL))
    starts = datetime.now(UTC) + timedelta(hours=23)
    (result,) = upsert([Item("visit-1", starts, "UTC", phone=PHONE)])
    arrive(hub, 1)
    wait_for(settled, seconds=20, what="the reminder's receipt")

    assert text_from(hub, provider, PHONE, "1") == 200

    assert Appointment.objects.get(pk=result.appointment_id).status == Appointment.Status.CONFIRMED
    assert not Conversation.objects.get(phone=PHONE).unread
    arrive(hub, 2)
    assert at_the_handset(hub)[1].endswith("is confirmed.")


def test_a_stop_is_confirmed_once_at_the_handset_and_nothing_follows(hub: Hub, provider: Provider) -> None:
    assert text_from(hub, provider, PHONE, "STOP") == 200
    assert text_from(hub, provider, PHONE, "stop!") == 200
    refused = submit(recipient=PHONE, body="Are you sure?")
    arrive(hub, 1)

    wait_for(settled, seconds=20, what="the confirmation's receipt")
    assert refused.status == Status.SUPPRESSED
    assert at_the_handset(hub) == [TEXTS["en"].stop]


def test_please_stop_texting_me_is_honoured_and_waits_for_somebody_to_look(hub: Hub, provider: Provider) -> None:
    assert text_from(hub, provider, PHONE, "Please stop texting me!") == 200

    assert Suppression.objects.get(phone=PHONE, lifted_at=None).reason == Suppression.Reason.REFUSED
    conversation = Conversation.objects.get(phone=PHONE)
    assert (conversation.unread, conversation.flag) == (True, Conversation.Flag.REFUSED)
    assert submit(recipient=PHONE, body="Really?").status == Status.SUPPRESSED
    assert at_the_handset(hub) == []
