"""Submitting and cancelling one message, and holding a campaign's."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import control, queue
from delivery import submit as submitting
from delivery.models import Message
from delivery.states import Status
from delivery.submit import Draft, Row, SubmitError, cancel, prepare, submit
from tests.factories import DefaultSenderFactory, MessageFactory, SenderFactory, SuppressionFactory

pytestmark = pytest.mark.django_db


def test_a_message_without_a_sender_leaves_by_the_default_one() -> None:
    default = DefaultSenderFactory()
    message = submit(recipient="+14155550101", body="Hi")
    assert (message.sender, message.provider, message.status) == (default, default.provider, Status.QUEUED)


def test_a_text_that_needs_ucs2_is_counted_as_such() -> None:
    message = submit(recipient="+14155550101", body="Zoë " * 20, sender=SenderFactory())
    assert (message.encoding, message.segments) == ("ucs2", 2)


def test_a_suppressed_number_gets_a_row_and_no_text() -> None:
    SuppressionFactory(phone="+14155550101")
    message = submit(recipient="+14155550101", body="Hi", sender=SenderFactory())
    assert (message.status, message.reason) == (Status.SUPPRESSED, "opted_out")
    assert message.final_at is not None


def test_a_stop_to_one_sender_is_about_that_senders_texts() -> None:
    mine, other = DefaultSenderFactory(), SenderFactory()
    SuppressionFactory(phone="+14155550101", scope=mine.address)

    drafts = [Draft("+14155550101", "Hi", sender=sender) for sender in (None, mine, other)]
    statuses = [row.status for row in prepare(drafts) if isinstance(row, Row)]
    assert statuses == [Status.SUPPRESSED, Status.SUPPRESSED, Status.QUEUED]
    assert submit(recipient="+14155550101", body="Hi").status == Status.SUPPRESSED
    assert submit(recipient="+14155550101", body="Hi", sender=other).status == Status.QUEUED

    rows = submitting.queue(drafts)
    assert [rows[draft.id].status for draft in drafts] == statuses


def test_a_later_message_is_held_until_its_time_and_then_queued() -> None:
    message = submit(
        recipient="+14155550101", body="Hi", sender=SenderFactory(), not_before=timezone.now() + timedelta(hours=1)
    )
    assert message.status == Status.HELD
    assert queue.promote() == 0

    Message.objects.update(not_before=timezone.now())
    assert queue.promote() == 1
    message.refresh_from_db()
    assert message.status == Status.QUEUED


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"body": ""}, "empty"),
        ({"body": "x" * 1601}, "1601 characters"),
        ({"valid_until": timezone.now() - timedelta(minutes=1)}, "expire before"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(SubmitError, match=complaint):
        submit(**({"recipient": "+14155550101", "body": "Hi", "sender": SenderFactory()} | fields))
    assert not Message.objects.exists()


def test_without_any_sender_it_says_what_to_set_up() -> None:
    with pytest.raises(SubmitError, match="Mark one under Senders"):
        submit(recipient="+14155550101", body="Hi")


def test_only_what_nobody_claimed_can_be_cancelled() -> None:
    queued, sent = MessageFactory(), MessageFactory(status=Status.SENT)
    assert cancel(message_id=queued.pk)
    assert not cancel(message_id=sent.pk)
    sent.refresh_from_db()
    assert sent.status == Status.SENT


def test_cancelling_a_campaign_splits_it_exactly() -> None:
    sender = SenderFactory()
    for n, status in enumerate(
        [Status.QUEUED, Status.HELD, Status.QUEUED, Status.SENDING, Status.DELIVERED, Status.UNCERTAIN]
    ):
        MessageFactory(sender=sender, campaign_id=4, contact_id=n, status=status)
    MessageFactory(sender=sender, campaign_id=5, contact_id=1)

    assert control.cancel_queued(4, timezone.now(), limit=1) == 2
    assert control.cancel_queued(4, timezone.now(), limit=1) == 1
    assert control.cancel_queued(4, timezone.now()) == 0

    statuses = sorted(Message.objects.filter(campaign_id=4).values_list("status", flat=True))
    assert statuses == ["cancelled", "cancelled", "cancelled", "delivered", "sending", "uncertain"]
    assert Message.objects.get(campaign_id=5).status == Status.QUEUED
