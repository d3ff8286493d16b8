"""The door for what comes from outside: replies, replays, forgeries and what is too large."""

import pytest

from contacts.models import Suppression
from delivery import callbacks
from delivery.models import Inbound, InboxReceipt, Message, MessageEvent
from delivery.states import Status
from delivery.submit import submit
from tests import ledger
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import (
    contact_ids,
    delivered,
    inbound_form,
    launched,
    people,
    phones,
    post,
    text_from,
    wait_accepted,
    wait_finished,
)

pytestmark = pytest.mark.pipeline
PHONE = "+14155550100"


def test_a_stop_in_the_middle_of_a_campaign_holds_for_whatever_is_not_yet_claimed(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50)
    provider = hub.provider(rate=30)
    everyone = people(200)
    campaign = launched(everyone)
    wait_accepted(hub, 20)
    numbers = phones(everyone)
    already, later = numbers[:5], numbers[-10:]

    answers = [text_from(hub, provider, phone, "Stop.") for phone in already + later]

    claimed = set(
        Message.objects.filter(campaign_id=campaign.pk, claimed_at__isnull=False).values_list("recipient", flat=True)
    )
    assert set(answers) == {200}
    assert Suppression.objects.filter(phone__in=already + later, reason="opted_out").count() == 15
    assert not claimed & set(later), "the campaign was too quick for this test"
    wait_finished(campaign, seconds=30)
    stopped = Message.objects.filter(campaign_id=campaign.pk, status=Status.SUPPRESSED, reason="opted_out")
    assert set(stopped.values_list("recipient", flat=True)) == set(later)
    assert not {entry["to"] for entry in hub.carrier.entries()} & set(later)
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))


def test_a_start_lifts_what_a_stop_began(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50)
    provider = hub.provider()
    assert text_from(hub, provider, PHONE, "STOP") == 200
    assert submit(recipient=PHONE, body="Before").status == Status.SUPPRESSED

    assert text_from(hub, provider, PHONE, "start") == 200

    message = submit(recipient=PHONE, body="After")
    wait_for(delivered(message), seconds=10, what="delivery")
    assert [entry["body"] for entry in hub.carrier.ledger(to=PHONE)] == ["After"]


def test_an_inbound_text_that_comes_twice_is_stored_once(hub: Hub) -> None:
    provider = hub.provider()
    form = inbound_form(PHONE, "See you there", sid="SM" + "1" * 32)
    path = f"{callbacks.PREFIX}/inbound/{provider.pk}"

    answers = [post(hub, path, form) for _ in range(3)]

    assert [status for status, _ in answers] == [200, 200, 200]
    assert Inbound.objects.get().body == "See you there"


def test_a_forged_signature_is_refused_and_nothing_is_stored(hub: Hub) -> None:
    provider = hub.provider()
    message = submit(recipient=PHONE, body="Hello")
    receipt = callbacks.receipt_url(provider.pk, message.pk, 1).partition(callbacks.PREFIX)[2]
    stop = inbound_form(PHONE, "STOP", sid="SM" + "2" * 32)
    wait_for(delivered(message), seconds=10, what="delivery")

    for path, form in [
        (f"/inbound/{provider.pk}", stop),
        (receipt, {"MessageSid": "SM" + "3" * 32, "MessageStatus": "undelivered", "ErrorCode": "30003"}),
    ]:
        status, _ = post(hub, callbacks.PREFIX + path, form, auth_token="guessed")
        assert status == 403

    assert not Inbound.objects.exists()
    assert not Suppression.objects.exists()
    assert not InboxReceipt.objects.exists()
    assert not MessageEvent.objects.filter(status=Status.UNDELIVERED).exists()


def test_a_receipt_to_an_address_that_the_hub_never_made_is_refused(hub: Hub) -> None:
    provider = hub.provider()
    message = submit(recipient=PHONE, body="Hello")
    wait_for(delivered(message), seconds=10, what="delivery")
    token = callbacks.token(message.pk, 1)
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    form = {"MessageSid": "SM" + "4" * 32, "MessageStatus": "read"}

    for path in (
        f"/receipts/{provider.pk}/{changed}",
        f"/receipts/{provider.pk}/{callbacks.token(message.pk, 2)[:-12]}{token[-12:]}",
        f"/receipts/{provider.pk}",
        f"/receipts/{provider.pk + 1000}/{token}",
        f"/inbound/{provider.pk}/{token}",
        "/receipts/../admin",
    ):
        status, _ = post(hub, callbacks.PREFIX + path, form)
        assert status == 404, path

    assert not InboxReceipt.objects.exists()
    assert Message.objects.get(pk=message.pk).status == Status.DELIVERED


def test_what_is_too_large_or_not_posted_is_refused(hub: Hub) -> None:
    provider = hub.provider()
    path = f"{callbacks.PREFIX}/inbound/{provider.pk}"

    assert post(hub, path, inbound_form(PHONE, "long " * 20_000, sid="SM" + "5" * 32))[0] == 413
    assert post(hub, path, inbound_form(PHONE, "STOP", sid="SM" + "6" * 32), method="PUT")[0] == 405
    assert not Inbound.objects.exists()


def test_a_receipt_that_comes_again_and_late_changes_nothing(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50)
    provider = hub.provider()
    message = submit(recipient=PHONE, body="Hello")
    wait_for(delivered(message), seconds=10, what="delivery")
    before = list(message.events.order_by("at").values_list("fingerprint", flat=True))
    sid = Message.objects.get(pk=message.pk).provider_message_id
    path = callbacks.receipt_url(provider.pk, message.pk, 1).partition(callbacks.PREFIX)[2]

    for state in ("sent", "delivered", "queued", "delivered"):
        form = {"MessageSid": sid, "MessageStatus": state}
        assert post(hub, callbacks.PREFIX + path, form)[0] == 204

    wait_for(lambda: not InboxReceipt.objects.exists(), seconds=5, what="an empty inbox")
    assert Message.objects.get(pk=message.pk).status == Status.DELIVERED
    assert set(message.events.values_list("fingerprint", flat=True)) == set(before)
