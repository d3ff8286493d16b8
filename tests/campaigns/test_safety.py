"""What keeps a campaign from doing harm: it stops by itself, its budget holds, and its failures get a second try."""

import threading
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from campaigns import control, launch, lifecycle, retrying, tasks
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.progress import progress
from delivery import queue, retries
from delivery.errors import Failure
from delivery.models import Attempt, CampaignHold, CampaignLimit, Message
from delivery.states import Status
from tests.campaigns.scenes import at_once, eventually, materialised, tallies_by_status
from tests.campaigns.test_control import claim_some
from tests.factories import CampaignFactory, SuppressionFactory, UserFactory

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)


def end(campaign: Campaign, number: int, status: str, reason: str = "", **fields: Any) -> None:
    """So many queued messages of the campaign come to this end."""
    some = Message.objects.filter(campaign_id=campaign.pk, status="queued").order_by("pk").values("pk")[:number]
    Message.objects.filter(pk__in=some).update(status=status, reason=reason, final_at=timezone.now(), **fields)


def after_a_tick(campaign: Campaign) -> Campaign:
    lifecycle.look_after()
    campaign.refresh_from_db()
    return campaign


@pytest.fixture(autouse=True)
def _few_are_enough(settings: Settings) -> None:
    settings.AUTO_PAUSE_AFTER_MESSAGES = 20


# --- the pause by SMSHub itself ---------------------------------------------------------------------------------


def test_a_campaign_of_which_too_much_fails_is_paused_with_the_reason_in_words() -> None:
    campaign = materialised(100)
    end(campaign, 14, "delivered")
    end(campaign, 6, "undelivered", "unreachable")

    after_a_tick(campaign)

    assert campaign.status == Campaign.Status.PAUSED
    assert CampaignHold.objects.filter(campaign_id=campaign.pk).exists()
    said = "6 of 20 (30.0 %) did not arrive, more than 25 %. Most often: Handset off or out of reach."
    assert campaign.paused_reason == said
    event = campaign.events.last()
    assert (event.actor_label, event.to_status, event.reason) == ("SMSHub", "paused", said)
    assert progress(campaign).waiting_for == f"It is paused. {said}"


@pytest.mark.parametrize(
    ("delivered", "failed", "reason", "status"),
    [
        (15, 4, "unreachable", "running"),  # too few to judge by
        (15, 5, "unreachable", "running"),  # exactly the allowed share
        (14, 6, "unreachable", "paused"),
        (50, 1, "filtered", "running"),
        (48, 1, "filtered", "paused"),
        (10, 30, "no_receipt", "running"),  # nobody knows that these failed
    ],
)
def test_it_takes_enough_messages_and_more_than_the_share(
    delivered: int, failed: int, reason: str, status: str
) -> None:
    campaign = materialised(100)
    end(campaign, delivered, "delivered")
    end(campaign, failed, "expired" if reason == "no_receipt" else "undelivered", reason)
    assert after_a_tick(campaign).status == status


def test_failures_that_are_known_before_the_deliveries_do_not_count_for_more() -> None:
    campaign = materialised(200)
    end(campaign, 20, "failed", "blocked")
    end(campaign, 100, "accepted")
    assert after_a_tick(campaign).status == "running"


def test_who_was_never_sent_to_is_no_failure() -> None:
    campaign = materialised(100)
    end(campaign, 20, "delivered")
    end(campaign, 60, "suppressed", "opted_out")
    assert after_a_tick(campaign).status == "running"


def test_the_figures_may_be_set(settings: Settings) -> None:
    settings.AUTO_PAUSE_FAILED_PERCENT = 60
    campaign = materialised(100)
    end(campaign, 10, "delivered")
    end(campaign, 12, "failed", "carrier")
    assert after_a_tick(campaign).status == "running"


def test_after_a_resume_only_what_came_since_is_judged() -> None:
    campaign = materialised(200)
    end(campaign, 30, "failed", "carrier")
    assert after_a_tick(campaign).status == "paused"

    control.resume(campaign=campaign, actor=UserFactory())
    assert after_a_tick(campaign).status == "running"
    assert campaign.paused_reason == ""
    end(campaign, 19, "failed", "carrier")
    assert after_a_tick(campaign).status == "running"

    end(campaign, 1, "failed", "carrier")
    assert after_a_tick(campaign).status == "paused"
    assert campaign.paused_reason.startswith("20 of 20 (100.0 %)")


def test_a_campaign_with_nothing_left_to_send_is_not_paused_but_completed() -> None:
    campaign = materialised(30)
    end(campaign, 30, "failed", "carrier")
    assert after_a_tick(campaign).status == "completed"


@committed
def test_ticks_at_the_same_time_pause_once() -> None:
    campaign = materialised(60)
    end(campaign, 30, "failed", "carrier")
    at_once(*[lifecycle.look_after] * 3)
    assert [event.to_status for event in campaign.events.all()] == ["running", "paused"]


def test_somebody_who_was_quicker_than_the_tick_is_not_overruled() -> None:
    campaign = materialised(60)
    end(campaign, 30, "failed", "carrier")
    control.pause(campaign=campaign, actor=None)
    control.resume(campaign=campaign, actor=None)
    assert not control.pause_if_unsafe(campaign.pk)


def test_a_tick_costs_the_same_for_many_campaigns_and_counts_no_messages() -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            lifecycle.look_after()
        return [query["sql"] for query in captured.captured_queries]

    one = materialised(30)
    few = queries()
    for _ in range(4):
        again = CampaignFactory(include=list(one.include.all()), sender=one.sender)
        tasks.materialising.freeze(launch.launch(campaign=again, actor=None).pk)
        tasks.materialising.materialise(again.pk, seconds=60)
    many = queries()
    assert len(few) == len(many) == 2
    assert not [sql for sql in many if "delivery_message" in sql]


# --- the budget -------------------------------------------------------------------------------------------------


def test_a_launch_that_would_cost_more_than_the_budget_is_refused() -> None:
    with pytest.raises(CampaignError, match="About 30 segments would be sent, and it may send 29"):
        materialised(30, max_segments=29)


@committed
def test_no_more_is_claimed_than_the_budget_and_then_it_is_paused() -> None:
    campaign = materialised(30, max_segments=30)
    control.limit(campaign=campaign, actor=None, max_segments=12)
    assert len(claim_some(campaign, 10)) == 10
    assert len(claim_some(campaign, 10)) == 2
    assert claim_some(campaign, 10) == set()

    after_a_tick(campaign)
    assert campaign.status == "paused"
    assert campaign.paused_reason == "The 12 segments that it may send are used up. Raise that limit to go on."


@committed
def test_a_resume_without_a_higher_budget_is_refused_and_with_one_goes_on() -> None:
    campaign = materialised(30, max_segments=30)
    control.limit(campaign=campaign, actor=None, max_segments=12)
    claim_some(campaign, 20)
    after_a_tick(campaign)
    with pytest.raises(CampaignError, match="used up"):
        control.resume(campaign=campaign, actor=None)

    control.limit(campaign=campaign, actor=None, max_segments=None)
    control.resume(campaign=campaign, actor=None)
    assert len(claim_some(campaign, 100)) == 18
    assert not CampaignLimit.objects.exists()


def test_a_budget_that_is_exactly_enough_lets_the_campaign_come_to_its_end() -> None:
    campaign = materialised(3, max_segments=3)
    end(campaign, 3, "sent")
    assert after_a_tick(campaign).status == "running"
    Message.objects.update(status="delivered")
    assert after_a_tick(campaign).status == "completed"


# --- trying the failed again ------------------------------------------------------------------------------------


def completed(size: int = 10) -> Campaign:
    """Two unreachable, one with carrier trouble, one landline, one opted out; the others delivered."""
    campaign = materialised(size)
    end(campaign, 2, "undelivered", "unreachable", error_code="30003", provider_message_id="SM1")
    end(campaign, 1, "failed", "carrier")
    end(campaign, 1, "failed", "landline")
    end(campaign, 1, "undelivered", "opted_out")
    end(campaign, size, "delivered")
    assert after_a_tick(campaign).status == "completed"
    return campaign


def test_failures_of_passing_kinds_become_new_attempts_and_the_campaign_runs_again() -> None:
    campaign, ada = completed(), UserFactory(username="ada")

    retrying.retry_failed(campaign=campaign, actor=ada)
    assert not retrying.retry_rest(campaign.pk, seconds=60)
    queue.promote()

    campaign.refresh_from_db()
    assert (campaign.status, campaign.finished_at, campaign.retrying_after) == ("running", None, None)
    event = campaign.events.last()
    assert (event.from_status, event.to_status, event.actor_label) == ("completed", "running", "ada")
    assert event.reason == (
        "Tries again up to 3 messages. Of these, 2: Handset off or out of reach. Of these, 1: Carrier trouble."
    )
    again = Message.objects.filter(status="queued")
    assert {(message.attempt, message.provider_message_id, message.final_at) for message in again} == {(2, "", None)}
    assert sorted(again.values_list("reason", flat=True)) == ["carrier", "unreachable", "unreachable"]
    kept = Attempt.objects.order_by("reason").values_list("number", "reason", "error_code", "status")
    assert list(kept) == [
        (1, "carrier", "", "failed"),
        (1, "unreachable", "30003", "undelivered"),
        (1, "unreachable", "30003", "undelivered"),
    ]
    assert {count for (status, _), (count, _) in tallies_by_status(campaign).items() if status == "queued"} == {1, 2}


def test_when_the_second_attempts_end_the_campaign_is_completed_again() -> None:
    campaign = completed()
    retrying.retry_failed(campaign=campaign, actor=None)
    assert after_a_tick(campaign).status == "running", "what is to be tried again is not yet collected"
    retrying.retry_rest(campaign.pk, seconds=60)
    queue.promote()
    assert after_a_tick(campaign).status == "running"
    end(campaign, 3, "delivered")
    assert after_a_tick(campaign).status == "completed"


def test_what_may_have_arrived_or_was_in_doubt_once_is_never_tried_again() -> None:
    campaign = materialised(4)
    end(campaign, 1, "expired", "no_receipt")
    end(campaign, 1, "failed", "carrier", attempt=2)
    in_doubt = Message.objects.get(campaign_id=campaign.pk, attempt=2)
    Attempt.objects.create(message=in_doubt, number=1, status=Status.UNCERTAIN, ended_at=timezone.now())
    end(campaign, 1, "failed", "carrier", attempt=retries.MOST_ATTEMPTS)
    end(campaign, 1, "failed", "carrier")
    after_a_tick(campaign)

    retrying.retry_failed(campaign=campaign, actor=None)
    retrying.retry_rest(campaign.pk, seconds=60)

    assert Message.objects.filter(campaign_id=campaign.pk, status="held").count() == 1
    in_doubt.refresh_from_db()
    assert (in_doubt.status, in_doubt.attempt) == (Status.FAILED, 2)


def test_which_kinds_may_be_tried_again() -> None:
    """Written out once more on purpose: nobody who cannot or does not want to be texted is in it."""
    assert {kind.value for kind in Failure} - {kind.value for kind in retries.BY_HAND} == {
        "invalid_number",
        "opted_out",
        "blocked",
        "filtered",
        "landline",
        "content",
        "no_receipt",
        "text_gone",
    }


@committed
def test_who_said_stop_meanwhile_is_not_texted_again() -> None:
    campaign = completed()
    stopped = Message.objects.filter(reason="unreachable").first()
    SuppressionFactory(phone=stopped.recipient)
    retrying.retry_failed(campaign=campaign, actor=None)
    retrying.retry_rest(campaign.pk, seconds=60)
    queue.promote()

    assert len(claim_some(campaign, 100)) == 2
    stopped.refresh_from_db()
    assert (stopped.status, stopped.reason) == (Status.SUPPRESSED, "opted_out")


@pytest.mark.parametrize("size", [1, 2, 3, 10, 11])
def test_batches_of_any_size_come_to_the_same(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    campaign = completed()
    monkeypatch.setattr(retries, "retry_campaign", partial(retries.retry_campaign, size=size))
    retrying.retry_failed(campaign=campaign, actor=None)
    batches = 1
    while retrying.retry_batch(campaign.pk):
        batches += 1
    assert batches == 10 // size + 1
    assert Message.objects.filter(campaign_id=campaign.pk, status="held").count() == 3


def test_a_batch_takes_as_many_queries_for_many_failures_as_for_few() -> None:
    campaign = materialised(60)

    def queries(number: int) -> int:
        end(campaign, number, "failed", "carrier")
        Campaign.objects.filter(pk=campaign.pk).update(retrying_after=0)
        with CaptureQueriesContext(connection) as captured:
            retrying.retry_batch(campaign.pk)
        return len(captured)

    assert queries(2) == queries(58)


@committed
def test_twins_of_the_task_try_everybody_again_once() -> None:
    campaign = completed()
    retrying.retry_failed(campaign=campaign, actor=None)
    at_once(*[partial(tasks.retry_failed, campaign.pk)] * 3)
    assert set(Message.objects.filter(campaign_id=campaign.pk, status="held").values_list("attempt", flat=True)) == {2}
    assert Attempt.objects.count() == 3


@committed
def test_a_delivery_that_is_just_being_written_is_not_overruled() -> None:
    campaign = completed()
    retrying.retry_failed(campaign=campaign, actor=None)
    arrived = Message.objects.filter(reason="unreachable").first()
    batch = threading.Thread(target=at_once, args=[partial(retrying.retry_batch, campaign.pk)])
    with transaction.atomic():
        Message.objects.filter(pk=arrived.pk).update(status="delivered", reason="")
        batch.start()
        eventually(somebody_waits_for_a_lock)
    batch.join(30)

    arrived.refresh_from_db()
    assert (arrived.status, arrived.attempt) == (Status.DELIVERED, 1)
    assert Message.objects.filter(campaign_id=campaign.pk, status="held").count() == 2


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_nothing_to_try_again_and_twice_at_once_are_refused_in_words() -> None:
    campaign = materialised(1)
    end(campaign, 1, "failed", "landline")
    after_a_tick(campaign)
    with pytest.raises(CampaignError, match="None of its messages failed"):
        retrying.retry_failed(campaign=campaign, actor=None)
    Message.objects.update(reason="carrier")
    retrying.retry_failed(campaign=campaign, actor=None)
    with pytest.raises(CampaignError, match="already"):
        retrying.retry_failed(campaign=campaign, actor=None)


def test_a_cancel_ends_the_collecting_and_closes_what_was_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = completed()
    monkeypatch.setattr(retries, "retry_campaign", partial(retries.retry_campaign, size=2))
    retrying.retry_failed(campaign=campaign, actor=None)
    retrying.retry_batch(campaign.pk)
    collected = Message.objects.filter(campaign_id=campaign.pk, status="held").count()
    control.cancel(campaign=campaign, actor=None)
    assert not retrying.retry_batch(campaign.pk)
    control.cancel_rest(campaign.pk, seconds=60)
    assert Message.objects.filter(campaign_id=campaign.pk, status="cancelled").count() == collected > 0
    assert after_a_tick(campaign).finished_at


def test_failures_that_are_tried_again_do_not_pause_it_and_what_fails_then_does() -> None:
    campaign = materialised(60)
    end(campaign, 40, "failed", "carrier")
    end(campaign, 20, "delivered")
    after_a_tick(campaign)
    retrying.retry_failed(campaign=campaign, actor=None)
    assert after_a_tick(campaign).status == "running"
    retrying.retry_rest(campaign.pk, seconds=60)
    queue.promote()
    assert after_a_tick(campaign).status == "running"
    end(campaign, 25, "failed", "carrier")
    assert after_a_tick(campaign).status == "paused"
