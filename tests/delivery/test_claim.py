"""Claiming: the right rows, in the right order, under a lease, and nobody who said stop."""

import asyncio
import base64
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone
from pytest_django.fixtures import Settings

from contacts import digests
from delivery import bodies, control
from delivery.claim import Claimed, Connection
from delivery.lanes import Lane
from delivery.limiter import Limiter, Requests
from delivery.models import Message, Sender
from delivery.runtime import connect
from delivery.settle import settle
from delivery.states import Status
from delivery.streams import Turns
from tests.delivery.claiming import claim_some
from tests.factories import MessageFactory, SenderFactory, SuppressionFactory

OnLoop = Callable[[Any], Any]


@pytest.fixture
def sender(transactional_db: None) -> Sender:
    return SenderFactory()


def claiming(
    sender: Sender, *, room: int = 100, rate: int = 10_000, turns: Turns | None = None
) -> Callable[[Connection, Limiter], Any]:
    async def work(connection: Connection, limiter: Limiter) -> Claimed:
        return await claim_some(connection, limiter, provider_id=sender.provider_id, room=room, rate=rate, turns=turns)

    return work


def test_claimed_rows_are_sending_under_a_lease_before_anything_is_sent(on_loop: OnLoop, sender: Sender) -> None:
    message = MessageFactory(sender=sender)

    claimed = on_loop(claiming(sender))

    (outbound,) = claimed.messages
    assert (outbound.id, outbound.recipient, outbound.attempt) == (message.pk, message.recipient, 1)
    message.refresh_from_db()
    assert message.status == Status.SENDING
    assert message.lease_until > timezone.now() + timedelta(seconds=20)


def test_what_is_claimed_together_leaves_in_the_order_it_was_written(on_loop: OnLoop, sender: Sender) -> None:
    # Given rows that lie and are numbered in another order than they were written
    oldest = timezone.now() - timedelta(minutes=1)
    written = {
        message.pk: oldest - timedelta(seconds=place)
        for place, message in enumerate(MessageFactory.create_batch(20, sender=sender))
    }
    for pk, at in written.items():
        Message.objects.filter(pk=pk).update(created_at=at)

    claimed = on_loop(claiming(sender))

    assert [outbound.id for outbound in claimed.messages] == sorted(written, key=written.__getitem__)


def test_a_number_suppressed_since_it_was_queued_is_not_sent_to(on_loop: OnLoop, sender: Sender) -> None:
    stopped, wanted = MessageFactory(sender=sender), MessageFactory(sender=sender)
    SuppressionFactory(phone=stopped.recipient, reason="opted_out")

    claimed = on_loop(claiming(sender))

    assert [outbound.id for outbound in claimed.messages] == [wanted.pk]
    stopped.refresh_from_db()
    assert (stopped.status, stopped.reason) == (Status.SUPPRESSED, "opted_out")
    assert stopped.final_at is not None


def test_an_erased_number_is_not_sent_to_whoever_queued_it(on_loop: OnLoop, sender: Sender) -> None:
    digests.forget()
    erased, back, wanted = MessageFactory.create_batch(3, sender=sender)
    digests.make()
    SuppressionFactory(phone=None, digest=digests.digest(erased.recipient), reason="erased")
    SuppressionFactory(phone=None, digest=digests.digest(back.recipient), reason="erased", lifted_at=timezone.now())
    digests.forget()

    claimed = on_loop(claiming(sender))
    digests.forget()

    assert {outbound.id for outbound in claimed.messages} == {back.pk, wanted.pk}
    erased.refresh_from_db()
    assert (erased.status, erased.reason) == (Status.SUPPRESSED, "erased")


def test_a_lifted_suppression_no_longer_counts(on_loop: OnLoop, sender: Sender) -> None:
    message = MessageFactory(sender=sender)
    SuppressionFactory(phone=message.recipient, lifted_at=timezone.now())

    assert len(on_loop(claiming(sender)).messages) == 1


def test_a_stop_to_another_sender_does_not_count_and_one_to_this_does(on_loop: OnLoop, sender: Sender) -> None:
    to_other, to_this, to_both = MessageFactory.create_batch(3, sender=sender)
    SuppressionFactory(phone=to_other.recipient, scope=SenderFactory().address)
    for message in (to_this, to_both):
        SuppressionFactory(phone=message.recipient, scope=sender.address)
    SuppressionFactory(phone=to_both.recipient, reason="manual")

    claimed = on_loop(claiming(sender))

    assert [outbound.id for outbound in claimed.messages] == [to_other.pk]
    assert {m.pk: m.reason for m in Message.objects.filter(status=Status.SUPPRESSED)} == {
        to_this.pk: "opted_out",
        to_both.pk: "manual",
    }


def test_a_message_whose_time_has_run_out_expires_instead_of_being_late(on_loop: OnLoop, sender: Sender) -> None:
    message = MessageFactory(sender=sender, valid_until=timezone.now() - timedelta(seconds=1))

    assert on_loop(claiming(sender)).messages == []
    message.refresh_from_db()
    assert (message.status, message.reason) == (Status.EXPIRED, "expired")


def test_upper_lanes_go_first_and_older_messages_before_newer(on_loop: OnLoop, sender: Sender) -> None:
    bulk = MessageFactory.create_batch(3, sender=sender, lane=Lane.BULK)
    alert = MessageFactory(sender=sender, lane=Lane.ALERT)

    claimed = on_loop(claiming(sender, room=2))

    assert {outbound.id for outbound in claimed.messages} == {alert.pk, bulk[0].pk}


def test_bulk_leaves_room_and_tokens_for_an_alert_that_comes_after_it(on_loop: OnLoop, sender: Sender) -> None:
    MessageFactory.create_batch(200, sender=sender, lane=Lane.BULK)

    async def bulk_then_alert(connection: Connection, limiter: Limiter) -> tuple[int, bool]:
        # A quarter of a second of 40 segments/s are 10 tokens, of which bulk may not take the last one.
        bulk = await claiming(sender, rate=40, room=200)(connection, limiter)
        alert = await asyncio.to_thread(MessageFactory, sender=sender, lane=Lane.ALERT)
        after = await claiming(sender, rate=40, room=100)(connection, limiter)
        return len(bulk.messages), alert.pk in {outbound.id for outbound in after.messages}

    assert on_loop(bulk_then_alert) == (9, True)


def test_bulk_leaves_a_share_of_the_requests_alone(on_loop: OnLoop, sender: Sender) -> None:
    MessageFactory.create_batch(100, sender=sender, lane=Lane.BULK)

    async def bulk_then_alert(connection: Connection, limiter: Limiter) -> tuple[int, int]:
        mine = Requests("this worker", open=0, most=50)
        bulk = await claim_some(connection, limiter, provider_id=sender.provider_id, most=mine)
        await asyncio.to_thread(MessageFactory.create_batch, 10, sender=sender, lane=Lane.ALERT)
        busy = replace(mine, open=len(bulk.messages))
        return len(bulk.messages), len(
            (await claim_some(connection, limiter, provider_id=sender.provider_id, most=busy)).messages
        )

    assert on_loop(bulk_then_alert) == (45, 5)


def test_campaigns_of_a_lane_share_so_a_small_one_is_not_starved(on_loop: OnLoop, sender: Sender) -> None:
    huge = [MessageFactory(sender=sender, lane=Lane.BULK, campaign_id=1, contact_id=n).pk for n in range(100)]
    small = [MessageFactory(sender=sender, lane=Lane.BULK, campaign_id=2, contact_id=n).pk for n in range(10)]

    claimed = {outbound.id for outbound in on_loop(claiming(sender, room=20)).messages}

    assert claimed.issuperset(small)
    assert len(claimed.intersection(huge)) == 10


def test_a_campaign_on_hold_is_passed_over_and_goes_on_when_released(on_loop: OnLoop, sender: Sender) -> None:
    MessageFactory.create_batch(5, sender=sender, campaign_id=0)
    for n in range(5):
        MessageFactory(sender=sender, campaign_id=3, contact_id=n)
    control.hold(3)

    held = on_loop(claiming(sender))
    control.release(3)
    released = on_loop(claiming(sender))

    assert len(held.messages) == len(released.messages) == 5
    assert Message.objects.filter(status=Status.SENDING).count() == 10


def test_messages_of_a_sender_that_is_switched_off_stay_queued(on_loop: OnLoop, sender: Sender) -> None:
    MessageFactory(sender=sender)
    Sender.objects.update(enabled=False)

    assert on_loop(claiming(sender)).messages == []


def test_the_account_limit_is_counted_in_segments(on_loop: OnLoop, sender: Sender) -> None:
    for n in range(20):
        MessageFactory(sender=sender, segments=3, campaign_id=1, contact_id=n)

    # A quarter of a second of 40 segments/s are 10 segments: three messages of three, and one token back.
    claimed = on_loop(claiming(sender, rate=40))

    assert len(claimed.messages) == 3


def test_a_message_larger_than_the_bucket_goes_when_the_bucket_is_full(on_loop: OnLoop, sender: Sender) -> None:
    MessageFactory(sender=sender, segments=6)

    async def twice(connection: Connection, limiter: Limiter) -> tuple[int, int, float]:
        first = await claiming(sender, rate=1)(connection, limiter)
        await asyncio.to_thread(MessageFactory, sender=sender, segments=6)
        second = await claiming(sender, rate=1)(connection, limiter)
        return len(first.messages), len(second.messages), second.wait

    first, second, wait = on_loop(twice)
    assert (first, second) == (1, 0)
    assert 4 < wait <= 7


def test_a_senders_own_rate_holds_within_the_accounts(on_loop: OnLoop, sender: Sender) -> None:
    slow = SenderFactory(provider=sender.provider, rate=8)
    MessageFactory.create_batch(20, sender=slow)
    MessageFactory.create_batch(20, sender=sender)

    claimed = on_loop(claiming(sender, room=100, rate=10_000))

    by_sender = Counter(outbound.sender for outbound in claimed.messages)
    assert by_sender == {slow.address: 2, sender.address: 20}


def test_what_is_claimed_is_sent_even_if_the_limiter_goes_away_right_after(on_loop: OnLoop, sender: Sender) -> None:
    alert = MessageFactory(sender=sender, lane=Lane.ALERT)
    bulk = MessageFactory(sender=sender, lane=Lane.BULK)

    async def work(connection: Connection, limiter: Limiter) -> list[Any]:
        class Leaving(Limiter):
            def __init__(self) -> None:
                self.asked = 0

            async def take(self, account: Any, demands: Any, *others: Any, **options: Any) -> Any:
                self.asked += 1
                if self.asked > 1:
                    raise redis.ConnectionError("gone")
                return await limiter.take(account, demands, *others, **options)

        return [message.id for message in (await claiming(sender)(connection, Leaving())).messages]

    assert on_loop(work) == [alert.pk]
    bulk.refresh_from_db()
    assert bulk.status == Status.QUEUED


def test_claims_at_the_same_time_never_take_the_same_row(on_loop: OnLoop, sender: Sender) -> None:
    MessageFactory.create_batch(200, sender=sender)

    async def many(connection: Connection, limiter: Limiter) -> list[Any]:
        async def one() -> list[Any]:
            async with await connect() as own:
                taken = []
                for _ in range(10):
                    taken += [m.id for m in (await claiming(sender, room=10)(own, limiter)).messages]
                return taken

        return [id_ for taken in await asyncio.gather(*(one() for _ in range(5))) for id_ in taken]

    claimed = on_loop(many)
    assert len(claimed) == len(set(claimed)) == 200


def settled(sender: Sender) -> Callable[[Connection, Limiter], Any]:
    """A claim, and what cannot be read of it settled as the dispatch loop does."""

    async def work(connection: Connection, limiter: Limiter) -> Claimed:
        claimed: Claimed = await claiming(sender)(connection, limiter)
        await settle(connection, claimed.unreadable)
        return claimed

    return work


def test_what_has_no_text_any_more_is_not_sent_and_fails_with_the_reason(on_loop: OnLoop, sender: Sender) -> None:
    gone, whole = MessageFactory(sender=sender), MessageFactory(sender=sender)
    Message.objects.filter(pk=gone.pk).update(sealed_body=None)

    claimed = on_loop(settled(sender))

    assert [message.id for message in claimed.messages] == [whole.pk]
    gone.refresh_from_db()
    assert (gone.status, gone.reason, gone.provider_message_id) == ("failed", "text_gone", "")
    assert gone.events.get().source == "hub"


def test_what_is_locked_waits_until_its_key_is_back(on_loop: OnLoop, sender: Sender, settings: Settings) -> None:
    message = MessageFactory(sender=sender)
    ring = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [base64.urlsafe_b64encode(bytes(32)).decode()]
    bodies.forget()

    claimed = on_loop(settled(sender))
    settings.FIELD_ENCRYPTION_KEYS = ring
    bodies.forget()

    assert not claimed.messages
    message.refresh_from_db()
    assert (message.status, message.attempt, message.body) == ("held", 1, "Your table is ready.")
    assert message.not_before > timezone.now()
