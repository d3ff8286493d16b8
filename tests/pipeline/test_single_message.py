"""One message's way: submitted, claimed, sent, receipted."""

import pytest

from delivery.models import InboxReceipt, Message
from delivery.submit import submit
from tests.hub import AUTH_TOKEN, Hub, wait_for

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


def test_no_log_has_the_number_the_text_or_the_secret(hub: Hub) -> None:
    # Given a message that fails, with everything that is said about it on the way
    hub.provider()
    hub.carrier.set_faults(drop_after_share=0.5, error_mix={"30005": 1.0})
    recipient, body = "+14155550177", "The secret of the log is a walrus."
    messages = [submit(recipient=recipient, body=body) for _ in range(10)]

    # When it has come to its end
    ended = Message.objects.filter(pk__in=[message.pk for message in messages], final_at__isnull=False)
    wait_for(lambda: ended.count() == len(messages), seconds=60, what="ten messages to end")

    # Then no process has written any of it down
    for name in hub.processes.names:
        log = hub.log(name)
        assert recipient.removeprefix("+1") not in log, name
        assert "walrus" not in log, name
        assert AUTH_TOKEN not in log, name
