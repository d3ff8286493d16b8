"""Pause, resume and cancel: nobody is skipped, nobody is texted twice, and every campaign comes to its end."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaigns import approval, control, launch, lifecycle, materialise, retrying, tasks, transitions
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.transitions import MOVES, Action
from contacts.models import Contact
from delivery.limiter import Limiter
from delivery.models import CampaignHold, Message
from delivery.runtime import connect
from delivery.wake import client
from tests.campaigns import scenes
from tests.campaigns.scenes import assert_everyone_has_one_row, at_once, launched, materialised
from tests.delivery import claiming
from tests.factories import CampaignFactory, UserFactory

Status = Campaign.Status

committed = pytest.mark.django_db(transaction=True)


def everyone() -> list[int]:
    return list(Contact.objects.values_list("pk", flat=True))


def ids(campaign: Campaign, *statuses: str) -> set[Any]:
    return set(Message.objects.filter(campaign_id=campaign.pk, status__in=statuses).values_list("pk", flat=True))


def claim_some(campaign: Campaign, room: int) -> set[Any]:
    """Claim as a dispatch worker of its sender's provider does."""
    return claim_at(campaign.sender.provider_id, room)


def claim_at(provider_id: int, room: int) -> set[Any]:
    """Claim as a dispatch worker does, on a connection of its own."""

    async def work() -> set[Any]:
        limits = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        async with await connect() as connection:
            try:
                claimed = await claiming.claim_some(connection, Limiter(limits), provider_id=provider_id, room=room)
            finally:
                await limits.aclose()
        return {message.id for message in claimed.messages}

    return asyncio.run(work())


def arrive(message_ids: set[Any], status: str = "delivered") -> None:
    Message.objects.filter(pk__in=message_ids).update(status=status, final_at=timezone.now())


def look_after() -> None:
    lifecycle.look_after()


# --- pause and resume -------------------------------------------------------------------------------------------


@committed
def test_a_pause_stops_claims_and_a_resume_goes_on_with_exactly_the_rest() -> None:
    campaign = materialised(30)
    first = claim_some(campaign, 10)
    control.pause(campaign=campaign, actor=None)
    assert claim_some(campaign, 100) == set()
    control.resume(campaign=campaign, actor=None)
    rest = claim_some(campaign, 100)
    assert (len(first), len(rest), first & rest) == (10, 20, set())


@committed
def test_a_pause_while_rows_are_still_being_written_holds_those_too() -> None:
    campaign = scenes.frozen(30)
    control.pause(campaign=campaign, actor=None)
    materialise.materialise(campaign.pk, seconds=60)
    assert len(ids(campaign, "queued")) == 30
    assert claim_some(campaign, 100) == set()


@pytest.mark.django_db
def test_a_pause_and_a_resume_tell_who_and_why() -> None:
    ada = UserFactory(username="ada")
    campaign = materialised(1)
    assert control.pause(campaign=campaign, actor=ada, reason="Wrong date").status == Status.PAUSED
    assert control.resume(campaign=campaign, actor=None, actor_label="API key Shop").status == Status.RUNNING
    assert [(event.to_status, event.actor_label, event.reason) for event in campaign.events.all()[1:]] == [
        ("paused", "ada", "Wrong date"),
        ("running", "API key Shop", ""),
    ]


@committed
def test_of_two_who_pause_at_once_one_is_told_it_came_too_late() -> None:
    campaign = materialised(1)
    results = at_once(*[partial(control.pause, campaign=campaign, actor=None)] * 2)
    assert sorted(type(result).__name__ for result in results) == ["Campaign", "CampaignError"]
    assert CampaignHold.objects.count() == 1


@committed
def test_a_resume_and_a_cancel_at_once_leave_nothing_half_done() -> None:
    campaign = materialised(1)
    control.pause(campaign=campaign, actor=None)
    at_once(
        partial(control.resume, campaign=campaign, actor=None),
        partial(control.cancel, campaign=campaign, actor=None),
    )
    campaign.refresh_from_db()
    # Whichever came first: a cancelled campaign is on hold.
    assert (campaign.status, CampaignHold.objects.count()) == (Status.CANCELLED, 1)


# --- cancel -----------------------------------------------------------------------------------------------------


@committed
def test_a_cancel_splits_exactly_between_what_was_claimed_and_all_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materialise, "CHUNK_SIZE", 10)
    campaign = scenes.frozen(45)
    materialise.materialise_chunk(campaign.pk)
    materialise.materialise_chunk(campaign.pk)
    claimed = claim_some(campaign, 7)
    control.cancel(campaign=campaign, actor=None)
    assert claim_some(campaign, 100) == set()
    assert control.cancel_rest(campaign.pk, seconds=60) is False
    assert ids(campaign, "sending") == claimed
    assert len(ids(campaign, "cancelled")) == 45 - 7
    assert_everyone_has_one_row(campaign, everyone())

    look_after()
    campaign.refresh_from_db()
    assert campaign.finished_at is None

    arrive(claimed)
    look_after()
    campaign.refresh_from_db()
    assert (campaign.status, bool(campaign.finished_at)) == (Status.CANCELLED, True)
    assert not CampaignHold.objects.exists()


@committed
def test_a_campaign_cancelled_before_its_audience_was_frozen_accounts_for_everyone() -> None:
    campaign = launched(12)
    control.cancel(campaign=campaign, actor=None)
    control.cancel_rest(campaign.pk, seconds=60)
    assert len(ids(campaign, "cancelled")) == 12
    assert_everyone_has_one_row(campaign, everyone())


@committed
def test_a_chunk_on_its_way_during_the_cancel_is_cancelled_after_it() -> None:
    campaign = scenes.frozen(5)
    with transaction.atomic():
        materialise.materialise_chunk(campaign.pk)
        at_once(partial(control.cancel, campaign=campaign, actor=None))
        at_once(partial(control.cancel_rest, campaign.pk, seconds=60))
    assert len(ids(campaign, "queued")) == 5
    assert claim_some(campaign, 100) == set()
    control.cancel_rest(campaign.pk, seconds=60)
    assert len(ids(campaign, "cancelled")) == 5


@pytest.mark.django_db
def test_a_message_tried_again_after_the_cancel_is_cancelled_too() -> None:
    campaign = materialised(2)
    Message.objects.update(status="sending")
    control.cancel(campaign=campaign, actor=None)
    assert control.cancel_rest(campaign.pk, seconds=60) is False
    Message.objects.update(status="held", attempt=2)
    assert control.cancel_rest(campaign.pk, seconds=60) is False
    assert len(ids(campaign, "cancelled")) == 2


@pytest.mark.django_db
def test_a_scheduled_campaign_is_cancelled_and_finished_at_once() -> None:
    campaign = CampaignFactory(status=Status.SCHEDULED, scheduled_at=timezone.now())
    cancelled = control.cancel(campaign=campaign, actor=None)
    assert (cancelled.status, bool(cancelled.finished_at)) == (Status.CANCELLED, True)
    assert launch.launch_due() == 0


@pytest.mark.django_db
def test_the_rest_of_a_campaign_that_is_not_cancelled_is_left_alone() -> None:
    campaign = materialised(2)
    assert control.cancel_rest(campaign.pk, seconds=60) is False
    assert len(ids(campaign, "queued")) == 2


# --- the end ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "ends"), [("queued", False), ("sent", False), ("delivered", True), ("failed", True)]
)
def test_a_campaign_is_completed_when_nothing_is_open(status: str, ends: bool) -> None:
    campaign = materialised(3)
    arrive(set(list(ids(campaign, "queued"))[1:]))
    arrive(ids(campaign, "queued"), status)
    look_after()
    campaign.refresh_from_db()
    assert (campaign.status, bool(campaign.finished_at)) == ((Status.COMPLETED, True) if ends else ("running", False))


@pytest.mark.django_db
def test_a_campaign_is_not_completed_before_everyone_has_a_row() -> None:
    campaign = launched(3)
    look_after()
    materialise.freeze(campaign.pk)
    look_after()
    campaign.refresh_from_db()
    assert campaign.status == Status.RUNNING


@pytest.mark.django_db
def test_a_campaign_whose_audience_emptied_itself_is_completed() -> None:
    campaign = launched(1)
    campaign.include.clear()
    materialise.freeze(campaign.pk)
    look_after()
    campaign.refresh_from_db()
    assert campaign.status == Status.COMPLETED


@pytest.mark.django_db
def test_a_paused_campaign_with_nothing_open_ends_when_it_is_resumed() -> None:
    campaign = materialised(1)
    control.pause(campaign=campaign, actor=None)
    arrive(ids(campaign, "queued"))
    look_after()
    campaign.refresh_from_db()
    assert campaign.status == Status.PAUSED
    control.resume(campaign=campaign, actor=None)
    look_after()
    campaign.refresh_from_db()
    assert campaign.status == Status.COMPLETED


@committed
def test_ticks_at_the_same_time_complete_a_campaign_once() -> None:
    campaign = materialised(1)
    arrive(ids(campaign, "queued"))
    at_once(*[look_after] * 3)
    assert [event.to_status for event in campaign.events.all()] == ["running", "completed"]


# --- what is allowed --------------------------------------------------------------------------------------------


def act(action: Action, campaign: Campaign) -> Campaign:
    later = timezone.now() + timedelta(hours=1)
    match action:
        case Action.SCHEDULE:
            return launch.schedule(campaign=campaign, at=later, actor=None)
        case Action.UNSCHEDULE:
            return launch.unschedule(campaign=campaign, actor=None)
        case Action.LAUNCH:
            return launch.launch(campaign=campaign, actor=None)
        case Action.PAUSE:
            return control.pause(campaign=campaign, actor=None)
        case Action.RESUME:
            return control.resume(campaign=campaign, actor=None)
        case Action.CANCEL:
            return control.cancel(campaign=campaign, actor=None)
        case Action.LIMIT:
            return control.limit(campaign=campaign, actor=None, max_segments=1)
        case Action.RETRY:
            return retrying.retry_failed(campaign=campaign, actor=None)
        case Action.ASK:
            approval.ask(campaign=campaign, actor=UserFactory(), people=1)
            return campaign
        case Action.APPROVE | Action.DECLINE:
            granted = action == Action.APPROVE
            approval.decide(campaign=campaign, actor=UserFactory(), seen="", granted=granted)
            return campaign
    raise LookupError(action)


#: Written out once more on purpose: the table in the code must not change unseen.
LAWFUL = {
    "draft": "schedule launch ask approve decline",
    "scheduled": "schedule unschedule launch cancel",
    "running": "pause cancel limit retry complete",
    "paused": "resume cancel limit",
    "completed": "retry",
    "cancelled": "",
}


def test_what_can_be_done_to_a_campaign_in_each_status() -> None:
    assert {status: " ".join(transitions.allowed(status)) for status in Status.values} == LAWFUL
    assert set(MOVES) == set(Action)


@pytest.mark.django_db
@pytest.mark.parametrize("status", Status.values)
@pytest.mark.parametrize("action", [action for action in Action if action != Action.COMPLETE])
def test_everything_else_is_refused_in_words_and_changes_nothing(status: str, action: Action) -> None:
    if action in LAWFUL[status].split():
        return
    campaign = CampaignFactory(status=status, scheduled_at=timezone.now())
    before = Campaign.objects.filter(pk=campaign.pk).values().get()
    with pytest.raises(CampaignError, match=f"This campaign is {status}; it cannot be {MOVES[action].done}"):
        act(action, campaign)
    assert Campaign.objects.filter(pk=campaign.pk).values().get() == before
    assert not campaign.events.exists()


@pytest.mark.django_db
def test_a_campaign_that_was_deleted_meanwhile_is_refused_in_words() -> None:
    campaign = CampaignFactory()
    Campaign.objects.all().delete()
    with pytest.raises(CampaignError, match="no longer exists"):
        control.pause(campaign=campaign, actor=None)


# --- tasks ------------------------------------------------------------------------------------------------------


def forget_wake_ups() -> None:
    for key in client().scan_iter(f"{settings.REDIS_PREFIX}wake:*"):
        client().delete(key)


def awake(campaign: Campaign) -> set[str]:
    """Which tasks have been woken for the campaign and have not begun."""
    keys = client().scan_iter(f"{settings.REDIS_PREFIX}wake:campaigns.tasks.*:{campaign.pk}")
    return {key.decode().split("wake:campaigns.tasks.")[1].split(":")[0] for key in keys}


@committed
def test_from_launch_to_last_row_each_step_wakes_the_next() -> None:
    forget_wake_ups()
    campaign = launched(3)
    assert awake(campaign) == {"freeze"}
    tasks.freeze(campaign.pk)
    assert awake(campaign) == {"materialise"}
    tasks.materialise(campaign.pk)
    assert awake(campaign) == set()
    assert_everyone_has_one_row(campaign, everyone())


@committed
def test_a_tick_says_again_what_a_lost_broker_forgot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materialise, "CHUNK_SIZE", 2)
    monkeypatch.setattr(tasks, "RUN_SECONDS", 0)
    campaign = launched(6)
    for step in ("freeze", "materialise", "materialise"):
        forget_wake_ups()
        tasks.tick()
        assert awake(campaign) == {step}
        getattr(tasks, step)(campaign.pk)
    assert awake(campaign) == {"materialise"}
    control.cancel(campaign=campaign, actor=None)
    forget_wake_ups()
    for _ in range(5):
        tasks.tick()
        if not awake(campaign):
            break
        tasks.cancel_rest(campaign.pk)
        forget_wake_ups()
    campaign.refresh_from_db()
    assert campaign.finished_at
    assert len(ids(campaign, "cancelled")) == 6


@pytest.mark.django_db
def test_tasks_for_a_campaign_that_is_gone_do_nothing() -> None:
    for task in (tasks.freeze, tasks.materialise, tasks.cancel_rest, tasks.retry_failed):
        task(10**9)
    assert not Message.objects.exists()
