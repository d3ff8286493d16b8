"""What is owed, to whom, is written in the transaction of what it tells."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.signals import appointments_changed, campaign_changed
from contacts.models import Suppression
from contacts.signals import suppression_changed
from delivery.inbound.store import store
from delivery.models import Inbound, Message, WebhookDelivery
from delivery.providers.base import InboundText
from delivery.states import Status
from delivery.webhooks import events, outbox
from delivery.webhooks.events import TOLD
from tests.delivery.webhooks.scenes import move, states, subscribe, told_message
from tests.factories import CampaignFactory, MessageFactory, ProviderFactory
from tests.reminder_factories import AppointmentFactory

pytestmark = pytest.mark.django_db

URL = "https://example.org/hooks"


def types() -> list[str]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("type", flat=True))


def only() -> dict[str, Any]:
    return dict(WebhookDelivery.objects.get().data)


def test_where_nobody_wants_to_know_nothing_is_written() -> None:
    told_message()
    assert types() == []


@pytest.mark.parametrize("status", TOLD)
def test_each_status_that_matters_is_one_event(status: Status) -> None:
    subscribe(URL)
    told_message(status, status)
    assert types() == [f"message.{status}"]


@pytest.mark.parametrize("status", sorted(set(Status) - set(TOLD)))
def test_what_is_ours_alone_is_none(status: Status) -> None:
    subscribe(URL)
    told_message(status)
    assert types() == []


def test_a_message_that_is_suppressed_from_its_beginning_is_told() -> None:
    subscribe(URL)
    MessageFactory(status=Status.SUPPRESSED, reason="opted_out")
    assert (only()["status"], only()["reason"]) == ("suppressed", "opted_out")


def test_what_changes_beside_the_status_is_no_event() -> None:
    subscribe(URL)
    message = told_message(Status.ACCEPTED)
    Message.objects.filter(pk=message.pk).update(provider_message_id="SM1", ask_at=timezone.now())
    assert types() == ["message.accepted"]


def test_a_batch_is_told_row_by_row() -> None:
    subscribe(URL)
    messages = MessageFactory.create_batch(30, status=Status.SENDING)
    Message.objects.filter(pk__in=[message.pk for message in messages[:20]]).update(status=Status.ACCEPTED)
    Message.objects.filter(pk__in=[message.pk for message in messages]).update(status=Status.ACCEPTED)
    assert sorted(WebhookDelivery.objects.values_list("subject", flat=True)) == sorted(m.pk for m in messages)


def test_a_failure_that_is_tried_again_at_once_is_taken_back() -> None:
    subscribe(URL)
    with transaction.atomic():
        message = told_message(Status.ACCEPTED, Status.FAILED)
        move(message, Status.QUEUED, attempt=2)
    move(message, Status.SENDING, Status.ACCEPTED)
    assert types() == ["message.accepted", "message.accepted"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (["message.delivered"], ["message.delivered"]),
        (["message.*"], ["message.accepted", "message.sent", "message.delivered"]),
        (["inbound.received", "message.sent"], ["message.sent"]),
        (["inbound.*", "contact.*"], []),
    ],
)
def test_only_what_was_subscribed_to(wanted: list[str], told: list[str]) -> None:
    subscribe(URL, *wanted)
    told_message()
    assert types() == told


def test_who_is_switched_off_is_owed_nothing() -> None:
    endpoint, _ = subscribe(URL)
    endpoint.enabled = False
    endpoint.save(update_fields=["enabled"])
    told_message()
    assert types() == []


def test_one_event_has_the_same_id_at_each_endpoint() -> None:
    subscribe(URL)
    subscribe(URL + "/2", "message.*")
    told_message(Status.ACCEPTED)
    assert WebhookDelivery.objects.count() == 2
    assert WebhookDelivery.objects.values("event_id").distinct().count() == 1


def test_what_is_rolled_back_was_never_owed() -> None:
    subscribe(URL)
    with transaction.atomic():
        told_message()
        transaction.set_rollback(True)
    assert types() == []


def test_a_text_received_is_told_and_its_words_are_not_in_the_outbox() -> None:
    subscribe(URL)
    store(ProviderFactory().pk, InboundText("MO1", "+14155550100", "+16505550000", "My password is swordfish"))

    inbound = Inbound.objects.get()
    assert types() == ["inbound.received"]
    assert only() == {
        "id": str(inbound.pk),
        "from": "+14155550100",
        "to": "+16505550000",
        "body": None,
        "keyword": "",
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM delivery_webhookdelivery AS d WHERE d::text LIKE '%%swordfish%%'")
        assert cursor.fetchone() == (0,)


def test_opting_out_and_in_are_told_and_numbers_are_no_names_of_subjects() -> None:
    subscribe(URL)
    phones = ["+14155550100", "+14155550101"]
    for suppressed in (True, False):
        suppression_changed.send(
            sender=Suppression, phones=phones, suppressed=suppressed, reason="opted_out", scope="", evidence="form"
        )

    rows = list(WebhookDelivery.objects.order_by("pk"))
    assert [(row.type, row.data["phone"]) for row in rows] == [
        *(("contact.opted_out", phone) for phone in phones),
        *(("contact.opted_in", phone) for phone in phones),
    ]
    assert rows[0].data == {"phone": phones[0], "reason": "opted_out", "scope": "", "evidence": "form"}
    assert rows[0].subject == rows[2].subject != rows[1].subject


def test_many_numbers_cost_as_many_queries_as_one() -> None:
    subscribe(URL)

    def queries(number: int) -> int:
        phones = [f"+1415{5550000 + n}" for n in range(number)]
        with CaptureQueriesContext(connection) as captured:
            suppression_changed.send(sender=Suppression, phones=phones, suppressed=True)
        return len(captured)

    assert queries(1) == queries(outbox.BATCH)


def test_a_campaign_and_appointments_are_told() -> None:
    subscribe(URL)
    campaign, visit = CampaignFactory(status="running"), AppointmentFactory()
    campaign_changed.send(sender=Campaign, campaign=campaign)
    appointments_changed.send(sender=type(visit), appointments=[visit.pk], change="confirmed")

    first, second = WebhookDelivery.objects.order_by("pk")
    assert (first.type, first.data["id"], first.data["status"]) == ("campaign.status_changed", campaign.pk, "running")
    assert (second.type, second.data["external_id"]) == ("appointment.confirmed", visit.external_id)


def test_a_test_goes_to_one_endpoint_whatever_it_wants() -> None:
    endpoint, _ = subscribe(URL, "contact.opted_in")
    subscribe(URL + "/2")
    outbox.ping(endpoint)
    assert WebhookDelivery.objects.get().endpoint_id == endpoint.pk
    assert states() == [(events.PING, "waiting")]


def test_an_event_that_is_not_in_the_catalogue_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        outbox.emit("message.eaten", outbox.subject_of("message", 1), {}, timezone.now())


@pytest.mark.parametrize("name", ["message.delivered", "contact.opted_out", "inbound.received"])
def test_the_catalogue_s_examples_have_the_fields_that_are_sent(name: str) -> None:
    subscribe(URL)
    told_message(Status.DELIVERED)
    store(ProviderFactory().pk, InboundText("MO1", "+14155550100", "+16505550000", "Hi"))
    suppression_changed.send(sender=Suppression, phones=["+14155550100"], suppressed=True)
    sent = WebhookDelivery.objects.get(type=name).data
    from_the_request = {"metadata", "client_reference", "is_test"} if name.startswith("message.") else set()
    assert set(sent) | from_the_request == set(events.CATALOGUE[name].example)
