"""Quiet hours: looked at when a message is written, when it is released, and when it is claimed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery import queue
from delivery.claim import Claimed, Connection
from delivery.lanes import Lane
from delivery.limiter import Limiter
from delivery.models import AllowedHours, Message, Place, Sender, Tally
from delivery.receipts.evidence import Evidence, apply
from delivery.states import Status
from delivery.submit import submit
from delivery.timerules import places
from tests.delivery.claiming import claim_some
from tests.delivery.timerules.scenes import ICELAND, hours
from tests.factories import ContactFactory, DefaultSenderFactory, MessageFactory, SuppressionFactory

pytestmark = pytest.mark.usefixtures("bound")

OnLoop = Callable[[Any], Any]


@pytest.fixture
def sender(bound: None) -> Sender:
    return DefaultSenderFactory()


def claimed(on_loop: OnLoop, sender: Sender) -> list[Any]:
    async def work(connection: Connection, limiter: Limiter) -> Claimed:
        return await claim_some(connection, limiter, provider_id=sender.provider_id)

    return [outbound.id for outbound in on_loop(work).messages]


def text(lane: Lane = Lane.BULK, to: str = ICELAND, **fields: Any) -> Message:
    return submit(recipient=to, body="Your table is ready.", lane=lane, **fields)


def again(message: Message) -> Message:
    message.refresh_from_db()
    return message


def sent_after_all(message: Message) -> Evidence:
    """A late receipt of the first attempt."""
    return Evidence(message.pk, 1, "", Status.SENT, "", "", timezone.now(), "receipt")


def opening() -> Any:
    return Place.objects.get().opens_at


# --- written ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sender")
@pytest.mark.parametrize("lane", [Lane.REMINDER, Lane.BULK])
def test_what_is_not_for_this_hour_is_held_until_the_next_opening(lane: Lane) -> None:
    hours(open_now=False)

    message = text(lane)

    assert (message.status, message.waits_for, message.reason) == (Status.HELD, "quiet_hours", "")
    assert message.not_before == opening() > timezone.now()


@pytest.mark.usefixtures("sender")
@pytest.mark.parametrize("lane", [Lane.ALERT, Lane.TRANSACTIONAL])
def test_codes_alerts_and_transactional_texts_leave_at_any_hour(lane: Lane) -> None:
    hours(open_now=False)
    assert text(lane).status == Status.QUEUED


@pytest.mark.usefixtures("sender")
def test_a_line_that_is_switched_off_is_as_if_it_were_not_there() -> None:
    hours(open_now=False, enabled=False)
    assert text().status == Status.QUEUED
    hours(country="", open_now=False)
    assert text().status == Status.HELD


@pytest.mark.usefixtures("sender")
def test_a_states_own_line_replaces_that_of_its_country() -> None:
    hours(country="US", open_now=True)
    hours(country="US", state="FL", open_now=False)

    assert text(to="+13055550123").status == Status.HELD
    assert text(to="+12125550123").status == Status.QUEUED


@pytest.mark.usefixtures("sender")
def test_what_would_come_too_late_is_not_sent_and_says_why() -> None:
    hours(open_now=False)
    message = text(valid_until=timezone.now() + timedelta(minutes=30))
    assert (message.status, message.reason) == (Status.SUPPRESSED, "quiet_hours")
    assert message.final_at


@pytest.mark.usefixtures("sender")
def test_a_later_time_of_its_own_is_kept_and_looked_at_when_it_comes() -> None:
    at = timezone.now() + timedelta(days=2)
    hours(open_now=False)
    message = text(not_before=at)
    assert (message.status, message.not_before, message.waits_for) == (Status.HELD, at, "")

    Message.objects.update(not_before=timezone.now())
    queue.promote()

    assert (again(message).status, message.waits_for) == (Status.HELD, "quiet_hours")


# --- claimed ----------------------------------------------------------------------------------------------------


def test_a_window_that_closed_since_it_was_queued_holds_it_at_the_claim(on_loop: OnLoop, sender: Sender) -> None:
    hours(open_now=True)
    message = text()
    assert message.status == Status.QUEUED

    hours(open_now=False)

    assert claimed(on_loop, sender) == []
    again(message)
    assert (message.status, message.waits_for, message.not_before) == (Status.HELD, "quiet_hours", opening())
    assert (message.claimed_at, message.lease_until, message.final_at) == (None, None, None)


def test_whatever_passes_its_closing_before_the_clock_has_looked_is_held_as_well(
    on_loop: OnLoop, sender: Sender
) -> None:
    hours(open_now=True)
    message = text()
    Place.objects.update(closes_at=timezone.now())

    assert claimed(on_loop, sender) == []
    assert (again(message).status, message.waits_for) == (Status.HELD, "")

    queue.tick()
    assert again(message).status == Status.QUEUED
    assert claimed(on_loop, sender) == [message.pk]


def test_a_rule_that_is_relaxed_counts_for_what_is_queued(on_loop: OnLoop, sender: Sender) -> None:
    rule = hours(open_now=False)
    MessageFactory(sender=sender, lane=Lane.BULK, recipient=ICELAND)
    assert claimed(on_loop, sender) == []

    rule.delete()
    queue.tick()  # finds its place
    queue.tick()

    assert len(claimed(on_loop, sender)) == 1


def test_a_message_that_another_writer_queued_is_placed_before_it_leaves(on_loop: OnLoop, sender: Sender) -> None:
    """Its place is not known: it is not sent, but looked at."""
    hours(open_now=False)
    message = MessageFactory(sender=sender, lane=Lane.REMINDER, recipient=ICELAND)

    assert claimed(on_loop, sender) == []
    queue.promote()
    queue.promote()

    assert (again(message).status, message.waits_for, message.not_before) == (Status.HELD, "quiet_hours", opening())


def test_a_contact_that_moves_is_looked_at_again(on_loop: OnLoop, sender: Sender) -> None:
    contact = ContactFactory(phone="+12125550123", time_zone="")
    hours(country="US", open_now=True)
    hours(country="US", state="FL", open_now=False)
    queued = text(to=contact.phone)
    assert queued.status == Status.QUEUED

    contact.attributes = {"postal_code": "33101"}
    contact.save()

    assert again(queued).place_id is None
    assert claimed(on_loop, sender) == []
    queue.promote()
    queue.promote()
    assert (again(queued).status, queued.waits_for) == (Status.HELD, "quiet_hours")


def test_a_contact_whose_name_is_corrected_is_not(sender: Sender) -> None:
    contact = ContactFactory(phone=ICELAND)
    message = text()
    contact.name = "Ada"
    contact.attributes = {"doctor": "Okafor"}
    contact.save()
    assert again(message).place_id is not None


def test_who_said_stop_is_not_held_but_suppressed(on_loop: OnLoop, sender: Sender) -> None:
    hours(open_now=True)
    message = text()
    SuppressionFactory(phone=ICELAND, reason="opted_out")
    hours(open_now=False)

    assert claimed(on_loop, sender) == []
    assert (again(message).status, message.reason) == (Status.SUPPRESSED, "opted_out")


def test_what_would_come_too_late_is_closed_at_the_claim_too(on_loop: OnLoop, sender: Sender) -> None:
    hours(open_now=True)
    message = text(valid_until=timezone.now() + timedelta(minutes=30))
    hours(open_now=False)

    assert claimed(on_loop, sender) == []
    assert (again(message).status, message.reason) == (Status.SUPPRESSED, "quiet_hours")


# --- released ---------------------------------------------------------------------------------------------------


def test_at_the_opening_it_may_be_claimed(on_loop: OnLoop, sender: Sender) -> None:
    hours(open_now=False)
    message = text()
    hours(open_now=True)
    Message.objects.update(not_before=timezone.now())

    queue.tick()

    assert (again(message).status, message.waits_for, message.not_before) == (Status.QUEUED, "", None)
    assert claimed(on_loop, sender) == [message.pk]


def test_at_the_opening_the_rules_of_that_moment_count(sender: Sender) -> None:
    hours(open_now=False)
    message = text()
    Message.objects.update(not_before=timezone.now())

    queue.tick()

    assert (again(message).status, message.waits_for, message.not_before) == (Status.HELD, "quiet_hours", opening())


def test_a_retry_waits_for_the_hour_and_keeps_what_its_failure_was(on_loop: OnLoop, sender: Sender) -> None:
    """A receipt of the failed attempt must not be taken for news of the one that waits."""
    hours(open_now=True)
    message = text()
    Message.objects.update(status=Status.HELD, attempt=2, reason="carrier", not_before=timezone.now())
    hours(open_now=False)

    queue.tick()

    assert (again(message).status, message.waits_for, message.reason) == (Status.HELD, "quiet_hours", "carrier")
    apply([sent_after_all(message)])
    assert again(message).status == Status.HELD


def test_an_attempt_that_arrived_after_all_withdraws_the_one_that_waits_for_the_hour(sender: Sender) -> None:
    hours(open_now=False)
    message = text()
    Message.objects.update(attempt=2)
    apply([sent_after_all(message)])
    assert again(message).status == Status.SENT


def test_a_page_costs_the_same_number_of_queries_whatever_its_size(sender: Sender) -> None:
    hours(open_now=False)
    costs = []
    text()  # so that the place is known
    for size in (2, 40):
        for number in range(size):
            MessageFactory(
                sender=sender,
                lane=Lane.BULK,
                recipient=f"+354611{size:02}{number:02}",
                status=Status.HELD,
                not_before=timezone.now(),
            )
        with CaptureQueriesContext(
            connection,
        ) as captured:
            queue.release.release(limit=1000)
        costs.append(len(captured))
        queue.promote()
    assert costs[0] == costs[1]


def test_a_window_that_closes_holds_all_that_waits_for_it_at_once(sender: Sender) -> None:
    hours(open_now=True)
    waiting = [text(to=f"+35461112{number:02}") for number in range(5)]
    exempt = text(Lane.TRANSACTIONAL)
    AllowedHours.objects.all().delete()
    hours(open_now=True)
    shut = hours(open_now=False)
    Place.objects.update(opens_at=timezone.now() - timedelta(hours=1), closes_at=timezone.now())

    queue.tick()

    assert shut.enabled
    assert {again(message).waits_for for message in waiting} == {"quiet_hours"}
    assert again(exempt).status == Status.QUEUED


# --- the figures ------------------------------------------------------------------------------------------------


def test_tallies_tell_what_waits_for_an_hour(sender: Sender) -> None:
    MessageFactory(sender=sender, campaign_id=7, status=Status.HELD, waits_for="quiet_hours", reason="carrier")
    assert list(Tally.objects.values_list("status", "reason", "messages")) == [("held", "quiet_hours", 1)]
    Message.objects.update(status=Status.QUEUED, waits_for="")
    left = {(t.status, t.reason): 0 for t in Tally.objects.all()}
    for tally in Tally.objects.all():
        left[tally.status, tally.reason] += tally.messages
    assert left == {("held", "quiet_hours"): 0, ("queued", "carrier"): 1}


def test_a_place_without_an_allowed_hour_is_looked_at_again_rather_than_for_ever(sender: Sender) -> None:
    hours(open_now=False)
    AllowedHours.objects.update(
        weekday_from=None,
        weekday_until=None,
        saturday_from=None,
        saturday_until=None,
        sunday_from=None,
        sunday_until=None,
    )
    places.judge_all()
    message = text()
    assert message.status == Status.HELD
    assert message.not_before is not None
    assert message.not_before > timezone.now() + timedelta(days=30)
