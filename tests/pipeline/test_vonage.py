"""A provider of another shape in the running hub: JSON, receipts that name the message, and nobody to ask."""

import pytest

from contacts.models import Suppression
from delivery import callbacks
from delivery.models import InboxReceipt, Message, Provider, Sender
from delivery.states import UNCLAIMED, Status
from delivery.submit import submit
from simulator.__main__ import DEFAULT_VONAGE
from tests.hub import Hub, wait_for

pytestmark = pytest.mark.pipeline
PHONE = "+14155550100"
SENDER = "+447700900001"


def vonage(hub: Hub) -> Provider:
    """An account with the carrier's Vonage face, and its default sender."""
    provider = Provider.objects.create(
        name="Vonage",
        adapter="vonage",
        settings={"api_key": DEFAULT_VONAGE.key, "base_url": hub.carrier_url},
        credentials={
            "api_secret": DEFAULT_VONAGE.secret,
            "signature_secret": DEFAULT_VONAGE.signature_secret,
        },
        rate=2000,
        max_in_flight=100,
    )
    Sender.objects.create(provider=provider, address=SENDER, is_default=True)
    return provider


def in_status(messages: list[Message], *statuses: Status) -> int:
    return Message.objects.filter(pk__in=[message.pk for message in messages], status__in=statuses).count()


def test_messages_reach_the_handset_once_each(hub: Hub) -> None:
    vonage(hub)
    hub.carrier.set_faults(receipts_doubled_share=0.3, receipts_reordered_share=0.3, receipts_early_share=0.3)

    messages = [submit(recipient=f"+1415555{n:04d}", body=f"Grüße {n} 🎉") for n in range(30)]

    wait_for(lambda: in_status(messages, Status.DELIVERED) == 30, seconds=30, what="thirty deliveries")
    entries = {entry["to"]: entry for entry in hub.carrier.entries()}
    assert hub.carrier.summary()["accepted"] == len(entries) == 30
    for message in Message.objects.filter(pk__in=[message.pk for message in messages]):
        assert entries[message.recipient]["sid"] == message.provider_message_id
        assert entries[message.recipient]["body"] == message.body
        assert callbacks.read_token(entries[message.recipient]["reference"] or "") == (message.pk, 1)


def test_a_lost_answer_is_made_up_for_by_the_receipt_and_nothing_is_sent_twice(hub: Hub) -> None:
    vonage(hub)
    hub.carrier.set_faults(drop_after_share=0.5, error_after_share=0.3, garbage_share=0.2, receipt_delay_ms=1500)

    messages = [submit(recipient=f"+1415555{n:04d}", body="Hello") for n in range(20)]

    wait_for(lambda: in_status(messages, Status.UNCERTAIN) > 0, seconds=20, what="doubt")
    wait_for(lambda: in_status(messages, Status.DELIVERED) == 20, seconds=30, what="twenty deliveries")
    wait_for(lambda: not InboxReceipt.objects.exists(), seconds=5, what="an empty inbox")
    assert hub.carrier.summary()["accepted"] == 20
    assert set(Message.objects.values_list("attempt", flat=True)) == {1}


def test_a_message_that_never_arrived_stays_in_doubt_rather_than_being_sent_again(hub: Hub) -> None:
    vonage(hub)
    hub.carrier.set_faults(drop_before_share=1.0)
    message = submit(recipient=PHONE, body="Hello")
    wait_for(lambda: in_status([message], Status.UNCERTAIN) == 1, seconds=20, what="doubt")
    hub.carrier.set_faults(drop_before_share=0.0)

    def asked() -> bool:
        message.refresh_from_db()
        return message.claimed_at is not None and message.ask_at is not None and first != message.ask_at

    message.refresh_from_db()
    first = message.ask_at
    wait_for(asked, seconds=30, what="the next question to be put off")
    assert (message.status, message.attempt) == (Status.UNCERTAIN, 1)
    assert hub.carrier.summary()["creates_seen"] == 1


def test_a_refused_account_is_switched_off_and_burns_nothing(hub: Hub) -> None:
    provider = vonage(hub)
    Provider.objects.filter(pk=provider.pk).update(settings=provider.settings | {"api_key": "nobody12"})
    message = submit(recipient=PHONE, body="Hello")
    wait_for(
        lambda: not Provider.objects.get(pk=provider.pk).enabled, seconds=20, what="the provider to be switched off"
    )
    message.refresh_from_db()
    assert message.status in UNCLAIMED
    assert hub.carrier.summary()["accepted"] == 0


def test_a_stop_is_in_force_when_vonage_has_its_answer(hub: Hub) -> None:
    provider = vonage(hub)
    url = f"{hub.url}{callbacks.PREFIX}/inbound/{provider.pk}"
    posted = hub.carrier.send_inbound(account=DEFAULT_VONAGE.key, to=SENDER, sender=PHONE, body="STOP", url=url)
    assert posted["status"] == 200
    assert Suppression.objects.filter(phone=PHONE, reason="opted_out").exists()
    assert submit(recipient=PHONE, body="Hello").status == Status.SUPPRESSED
