"""One message's way: submitted, claimed, sent, receipted."""

import pytest

from delivery.models import InboxReceipt, Message
from delivery.submit import submit
from tests.hub import Hub, wait_for

pytestmark = pytest.mark.pipeline


def test_a_message_reaches_the_handset_and_its_timeline_says_how(hub: Hub) -> None:
    hub.provider()

    message = submit(recipient="+14155550100", body="Your order is on its way.")

    wait_for(lambda: Message.objects.get(pk=message.pk).status == "delivered", seconds=20, what="delivery")
    message.refresh_from_db()
    (entry,) = hub.carrier.ledger()
    assert entry["to"] == "+14155550100"
    assert entry["sid"] == message.provider_message_id
    statuses = {event.status for event in message.events.all()}
    assert {"accepted", "sent", "delivered"} <= statuses
    assert message.final_at is not None
    wait_for(lambda: not InboxReceipt.objects.exists(), seconds=5, what="an empty inbox")
