"""Limits that adapt: which code slows which limit, how far, and how it recovers."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import redis
import redis.asyncio
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from redis.backoff import NoBackoff
from redis.retry import Retry

from delivery import slowing
from delivery.errors import Failure
from delivery.ids import new_message_id
from delivery.limiter import (
    FLOOR,
    HALVED_APART_SECONDS,
    STEP,
    STEP_SECONDS,
    Demand,
    Limiter,
    account_bucket,
    sender_bucket,
    slowed_key,
)
from delivery.models import CampaignLimit, InboxReceipt, Message, Sender
from delivery.providers.base import Outcome, SendOutcome, Slows
from delivery.providers.twilio import codes as twilio
from delivery.providers.vonage import codes as vonage
from delivery.receipts.reconcile import reconcile_batch
from delivery.slowing import MEMORY_SECONDS, REQUESTS, TOLERATED, Answers, Refusal
from delivery.states import Status
from tests.factories import InboxReceiptFactory, MessageFactory, SenderFactory

pytestmark = pytest.mark.django_db

HYPOTHESIS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _clean(clean_redis: Any) -> None:
    """Each test begins with nothing slowed."""


def factors(provider_id: int) -> dict[str, float]:
    return {slowed.limit: slowed.factor for slowed in slowing.slowed(provider_id)}


def wait(clean_redis: "redis.Redis", provider_id: int, seconds: float) -> None:
    """So much time passes, for what is slowed: every moment that is noted moves into the past."""
    key = slowed_key(account_bucket(provider_id, 0).name)
    for limit, state in clean_redis.hgetall(key).items():
        factor, at, since, code = state.decode().split(" ", 3)
        earlier = [f"{float(moment) - seconds * 1e6:.0f}" for moment in (at, since)]
        clean_redis.hset(key, limit, " ".join([factor, *earlier, code]))


def refused(message: Message, slows: Slows = Slows.SENDER, code: str = "30001") -> None:
    assert message.provider_id
    slowing.learn(message.provider_id, [Refusal(message.pk, slows, code)])


@pytest.mark.parametrize(
    ("table", "code", "slows"),
    [
        (twilio.CODES, 20429, Slows.REQUESTS),
        (twilio.CODES, 21611, Slows.SENDER),
        (twilio.CODES, 30001, Slows.SENDER),
        (twilio.CODES, 30022, Slows.SENDER_AND_PACE),
        (twilio.CODES, 63018, Slows.SENDER),
        (twilio.CODES, 30017, None),
        (twilio.CODES, 30023, None),
        (twilio.CODES, 14107, None),
        (vonage.CODES, "1000", Slows.ACCOUNT),
        (vonage.CODES, "1241", None),
    ],
)
def test_which_code_slows_which_limit(table: Any, code: Any, slows: Slows | None) -> None:
    assert table[code].slows is slows


@pytest.mark.parametrize("table", [twilio.CODES, vonage.CODES])
def test_only_what_is_too_fast_slows_anything(table: Any) -> None:
    assert {meaning.failure for meaning in table.values() if meaning.slows} == {Failure.THROTTLED}


def test_a_sender_is_slowed_and_nobody_else() -> None:
    message = MessageFactory(campaign_id=7)
    refused(message)
    assert factors(message.provider_id) == {f"sender:{message.sender_id}": 0.5}


def test_a_campaigns_own_pace_is_slowed_with_its_sender_where_it_has_one() -> None:
    paced, unpaced = MessageFactory(campaign_id=7), MessageFactory(campaign_id=8)
    CampaignLimit.objects.create(campaign_id=7, rate=5)
    CampaignLimit.objects.create(campaign_id=8, max_segments=5)

    for message in (paced, unpaced):
        refused(message, Slows.SENDER_AND_PACE, "30022")

    assert set(factors(paced.provider_id)) == {f"sender:{paced.sender_id}", "pace:7"}
    assert set(factors(unpaced.provider_id)) == {f"sender:{unpaced.sender_id}"}


def test_the_account_and_its_requests_are_slowed_without_asking_the_database(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    message = MessageFactory()
    with django_assert_num_queries(0):
        refused(message, Slows.REQUESTS, "20429")
        refused(message, Slows.ACCOUNT, "1000")
    assert factors(message.provider_id) == {REQUESTS: 0.5, f"provider:{message.provider_id}": 0.5}


def answered(*slows: Slows | None) -> list[SendOutcome]:
    return [
        SendOutcome(new_message_id(), 1, Outcome.THROTTLED if s else Outcome.ACCEPTED, code="x" if s else "", slows=s)
        for s in slows
    ]


def test_one_refusal_in_twenty_for_too_many_open_requests_is_a_whim_and_slows_nothing() -> None:
    answers = Answers()
    twenty = [Slows.REQUESTS, *[None] * 19]
    assert not any(answers.too_fast(answered(*twenty)) for _ in range(50))


def test_a_limit_that_is_really_lower_is_believed_after_a_few_refusals() -> None:
    answers = Answers()
    learnt = [len(answers.too_fast(answered(Slows.REQUESTS, None))) for _ in range(TOLERATED + 1)]
    assert learnt == [0] * TOLERATED + [1]


def test_what_is_too_fast_for_a_sender_or_an_account_is_believed_at_once() -> None:
    refusals = Answers().too_fast(answered(None, Slows.SENDER, Slows.REQUESTS, Slows.ACCOUNT))
    assert [refusal.slows for refusal in refusals] == [Slows.SENDER, Slows.ACCOUNT]


def test_refusals_of_long_ago_are_forgotten() -> None:
    answers = Answers()
    answers.too_fast(answered(*[Slows.REQUESTS] * TOLERATED))
    answers.since -= 20 * MEMORY_SECONDS
    assert not answers.too_fast(answered(Slows.REQUESTS))


def test_a_burst_of_refusals_is_one_cut_and_the_next_burst_another(clean_redis: Any) -> None:
    message = MessageFactory()
    for _ in range(20):
        refused(message)
    assert set(factors(message.provider_id).values()) == {0.5}

    wait(clean_redis, message.provider_id, HALVED_APART_SECONDS - STEP_SECONDS / 2)
    refused(message)
    assert set(factors(message.provider_id).values()) == {0.5}

    wait(clean_redis, message.provider_id, STEP_SECONDS / 2)
    refused(message)
    assert list(factors(message.provider_id).values()) == [pytest.approx((0.5 + STEP) / 2)]


def test_it_recovers_by_steps_until_nothing_is_slowed_and_nothing_is_kept(clean_redis: Any) -> None:
    message = MessageFactory()
    refused(message)
    seen = []
    while factors(message.provider_id):
        seen += factors(message.provider_id).values()
        wait(clean_redis, message.provider_id, STEP_SECONDS)
    assert seen == pytest.approx([0.5 + STEP * n for n in range(10)])
    assert not clean_redis.exists(slowed_key(account_bucket(message.provider_id, 0).name))


@HYPOTHESIS
@given(events=st.lists(st.floats(0, 200), min_size=1, max_size=30))
def test_a_factor_stays_between_the_floor_and_one_and_always_recovers(clean_redis: Any, events: list[float]) -> None:
    clean_redis.flushdb()
    for pause in events:
        before = slowing._run(1, {})[1]
        cuts, (after,) = slowing._run(1, {"sender:1": "30001"})
        assert FLOOR <= after.factor < 1
        if before and cuts:
            assert after.factor == pytest.approx(max(FLOOR, before[0].factor / 2), abs=1e-5)
            assert after.since == before[0].since
        wait(clean_redis, 1, pause)
        later = {slowed.factor for slowed in slowing._run(1, {})[1]}
        assert all(after.factor <= factor < 1 for factor in later)
    wait(clean_redis, 1, (1 - FLOOR) / STEP * STEP_SECONDS + STEP_SECONDS)
    assert slowing.slowed(1) == []


def test_a_slowed_sender_is_given_so_much_less_and_others_as_before() -> None:
    slow, other = sender_bucket(1, 40), sender_bucket(2, 40)

    async def work() -> Sequence[int]:
        client = redis.asyncio.Redis.from_url(django_settings.REDIS_URL)
        try:
            demands = [Demand([slow], 100), Demand([other], 100)]
            return (await Limiter(client).take(account_bucket(1, 1000), demands)).segments
        finally:
            await client.aclose()

    slowing._run(1, {slow.name: "30022"})
    assert asyncio.run(work()) == [5, 10]


def test_a_receipt_that_says_too_fast_slows_its_sender(django_assert_num_queries: Any) -> None:
    sender: Sender = SenderFactory()
    messages = MessageFactory.create_batch(5, sender=sender, status=Status.SENT)
    for message in messages:
        InboxReceiptFactory(
            provider=sender.provider,
            message_id=message.pk,
            status=Status.UNDELIVERED,
            reason=Failure.THROTTLED,
            code="30022",
            slows=Slows.SENDER_AND_PACE,
        )

    reconcile_batch()

    assert not InboxReceipt.objects.exists()
    (slowed,) = slowing.slowed(sender.provider_id)
    assert (slowed.limit, slowed.factor, slowed.code) == (f"sender:{sender.pk}", 0.5, "30022")


def test_without_redis_nothing_is_learnt_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    message = MessageFactory()
    monkeypatch.setattr(slowing.vitals, "client", lambda: redis.Redis(port=1, retry=Retry(NoBackoff(), 0)))
    refused(message)
