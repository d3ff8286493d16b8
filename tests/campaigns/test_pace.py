"""A campaign that is spread over a time keeps to it, over all workers, and holds up nobody else."""

import asyncio
from typing import Any

import pytest
import redis
import redis.asyncio
from django.conf import settings

from campaigns import control, materialise, pace
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.progress import progress
from delivery.claim import LONGEST_PACE_WAIT, Claimed
from delivery.lanes import Lane
from delivery.limiter import Bucket, Demand, Limiter
from delivery.models import CampaignLimit, Message
from delivery.runtime import connect
from tests.campaigns.scenes import frozen, launched, materialised
from tests.delivery.claiming import claim_some
from tests.factories import MessageFactory, SuppressionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def limits() -> "redis.Redis":
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(f"{settings.REDIS_PREFIX}rate:*"):
        client.delete(key)
    return client


def claim_once(campaign: Campaign, *, workers: int = 1, room: int = 100) -> list[Claimed]:
    """As so many workers do at the same time, each on a connection of its own."""
    provider_id = campaign.sender.provider_id

    async def one(limiter: Limiter) -> Claimed:
        async with await connect() as own:
            return await claim_some(own, limiter, provider_id=provider_id, room=room)

    async def work() -> list[Claimed]:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        try:
            return await asyncio.gather(*(one(Limiter(client)) for _ in range(workers)))
        finally:
            await client.aclose()

    return asyncio.run(work())


def taken(claims: list[Claimed], campaign_id: int | None = None) -> int:
    ids = [message.id for claimed in claims for message in claimed.messages]
    rows = Message.objects.filter(pk__in=ids)
    return rows.count() if campaign_id is None else rows.filter(campaign_id=campaign_id).count()


def rate_of(campaign: Campaign) -> float | None:
    return CampaignLimit.objects.filter(campaign_id=campaign.pk).values_list("rate", flat=True).first()


# --- what the pace is -------------------------------------------------------------------------------------------


def test_the_pace_is_what_may_be_sent_divided_by_the_time() -> None:
    assert rate_of(launched(600, spread_minutes=10)) == 1.0


def test_the_pace_is_counted_in_segments_and_without_who_may_not_be_texted() -> None:
    SuppressionFactory(phone="+14151000001")
    assert rate_of(launched(301, spread_minutes=10, body="x" * 161)) == 1.0


def test_a_campaign_without_a_time_has_no_limits_of_its_own() -> None:
    launched(3)
    assert not CampaignLimit.objects.exists()


# --- that it holds ----------------------------------------------------------------------------------------------


def test_the_pace_holds_over_all_workers() -> None:
    campaign = materialised(200, spread_minutes=60)
    assert taken(claim_once(campaign, workers=4)) == 1, "one message is the burst of a slow pace"
    assert taken(claim_once(campaign, workers=4)) == 0


def test_a_pace_that_allows_more_has_a_burst_of_a_quarter_of_a_second() -> None:
    campaign = materialised(2400, spread_minutes=1)
    assert 10 <= taken(claim_once(campaign)) <= 11


def test_a_paced_campaign_holds_up_neither_another_nor_the_next_look() -> None:
    campaign = materialised(50, spread_minutes=600)
    claim_once(campaign)
    for n in range(20):
        MessageFactory(sender=campaign.sender, lane=Lane.BULK, campaign_id=10**6, contact_id=n)

    claims = claim_once(campaign)

    assert taken(claims, 10**6) == 20
    assert taken(claims, campaign.pk) == 0
    assert claims[0].wait <= LONGEST_PACE_WAIT


def test_a_message_of_many_segments_goes_and_the_next_waits_for_all_of_them() -> None:
    campaign = materialised(20, spread_minutes=1, body="x" * 800)
    assert taken(claim_once(campaign)) == 1
    assert taken(claim_once(campaign)) == 0


def test_a_very_slow_pace_is_neither_forgotten_nor_stuck(limits: "redis.Redis") -> None:
    slow = Bucket("pace:slow", 1 / 86_400)

    async def work() -> tuple[list[int], object, object]:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        limiter = Limiter(client)
        try:
            first = await limiter.take(Bucket("account", 1000), [Demand([slow], 1)])
            before = await client.hgetall(slow.key)
            for _ in range(50):
                await limiter.take(Bucket("account", 1000), [Demand([slow], 1)])
            return list(first.segments), before, await client.hgetall(slow.key)
        finally:
            await client.aclose()

    first, before, after = asyncio.run(work())
    assert first == [1]
    assert after == before, "asking in vain leaves it as it is: nothing of what comes in between is rounded away"
    assert limits.pttl(slow.key) > 86_400 * 900, "a forgotten bucket would be a full one"


# --- changing it ------------------------------------------------------------------------------------------------


def test_a_running_campaign_is_slowed_down_and_let_free_again() -> None:
    campaign = materialised(200)
    assert taken(claim_once(campaign, room=80)) == 80

    control.limit(campaign=campaign, actor=None, actor_label="API key Shop", spread_minutes=60)
    assert rate_of(campaign) == 120 / 3600
    assert taken(claim_once(campaign)) == 1

    control.limit(campaign=campaign, actor=None, spread_minutes=None)
    assert not CampaignLimit.objects.exists()
    assert taken(claim_once(campaign, room=200)) == 119
    assert [(event.to_status, event.actor_label, event.reason) for event in campaign.events.all()[1:]] == [
        ("running", "API key Shop", "From now on: spread over 1 hour, no limit of segments."),
        ("running", "SMSHub", "From now on: as fast as it may, no limit of segments."),
    ]


def test_what_is_not_said_stays_as_it_is() -> None:
    campaign = materialised(60, spread_minutes=1, max_segments=100)
    control.limit(campaign=campaign, actor=None, max_segments=90)
    limit = CampaignLimit.objects.get(campaign_id=campaign.pk)
    assert (limit.rate, limit.max_segments) == (1.0, 90)
    control.limit(campaign=campaign, actor=None, spread_minutes=None)
    limit.refresh_from_db()
    assert (limit.rate, limit.max_segments) == (None, 90)


def test_people_without_a_message_yet_count_with_the_mean_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materialise, "CHUNK_SIZE", 10)
    campaign = frozen(60, body="x" * 161)
    with pytest.raises(CampaignError, match="still being written"):
        control.limit(campaign=campaign, actor=None, spread_minutes=2)
    materialise.materialise_chunk(campaign.pk)
    control.limit(campaign=campaign, actor=None, spread_minutes=2)
    assert rate_of(campaign) == 1.0


@pytest.mark.parametrize("limits_given", [{"spread_minutes": 0}, {"spread_minutes": 10**6}, {"max_segments": 0}])
def test_limits_that_make_no_sense_are_refused_in_words(limits_given: dict[str, Any]) -> None:
    campaign = materialised(1)
    with pytest.raises(CampaignError):
        control.limit(campaign=campaign, actor=None, **limits_given)
    assert not CampaignLimit.objects.exists()


# --- what is said of it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per_second", "said"),
    [(250.0, "250 segments per second"), (2.5, "150 segments per minute"), (0.01, "36 segments per hour")],
)
def test_a_pace_in_words(per_second: float, said: str) -> None:
    campaign = Campaign(status="running", spread_minutes=90)
    assert pace.why_waiting(campaign, per_second) == f"It is spread over 1 h 30 min: about {said}."


def test_progress_names_the_pace_as_the_reason_for_waiting_while_something_waits() -> None:
    campaign = materialised(600, spread_minutes=10)
    assert progress(campaign).waiting_for == "It is spread over 10 minutes: about 60 segments per minute."
    Message.objects.update(status="delivered")
    assert progress(campaign).waiting_for == ""
