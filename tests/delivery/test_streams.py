"""Whose turn it is: campaigns share a lane, streams share their campaign's part, and a round is bounded."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as django_connection
from django.utils import timezone

from delivery import streams
from delivery.claim import Claimed, Connection
from delivery.ids import ANYTIME, month_of
from delivery.lanes import Lane
from delivery.limiter import Limiter
from delivery.models import CampaignHold, CountryLimit, Message, Sender
from delivery.months import partition
from delivery.streams import MOST_CAMPAIGNS, MOST_STREAMS, Turns
from tests.delivery.claiming import claim_some
from tests.factories import MessageFactory, SenderFactory

OnLoop = Callable[[Any], Any]


@pytest.fixture
def sender(transactional_db: None) -> Sender:
    return SenderFactory()


def queue(rows: list[tuple[Sender, str, int]], *, each: int = 1, lane: Lane = Lane.BULK) -> None:
    """`each` messages for every (sender, country, campaign), written together."""
    Message.objects.bulk_create(
        MessageFactory.build(
            sender=sender,
            provider_id=sender.provider_id,
            provider=None,
            country=country,
            campaign_id=campaign_id,
            lane=lane,
        )
        for sender, country, campaign_id in rows
        for _ in range(each)
    )
    with django_connection.cursor() as cursor:
        # `build` leaves the provider to its own field.
        cursor.execute(
            "UPDATE delivery_message SET provider_id ="
            " (SELECT provider_id FROM delivery_sender WHERE delivery_sender.id = sender_id)"
        )


def claiming(
    sender: Sender, turns: Turns | None = None, *, room: int = 100, rate: int = 10_000, rounds: int = 1
) -> Any:
    async def work(connection: Connection, limiter: Limiter) -> list[Claimed]:
        mine = turns or Turns()
        return [
            await claim_some(connection, limiter, provider_id=sender.provider_id, room=room, rate=rate, turns=mine)
            for _ in range(rounds)
        ]

    return work


def rows_of(claims: list[Claimed], *fields: str) -> Counter[Any]:
    ids = [message.id for claimed in claims for message in claimed.messages]
    return Counter(Message.objects.filter(pk__in=ids).values_list(*fields))


COUNTRIES = [f"{first}{second}" for first in "ABCD" for second in "ABCDEFGHIJ"]


def test_a_campaign_to_forty_countries_has_no_more_than_one_to_a_single_one(on_loop: OnLoop, sender: Sender) -> None:
    queue([(sender, country, 1) for country in COUNTRIES], each=5)
    queue([(sender, "US", 2)], each=200)

    claims = on_loop(claiming(sender, room=80))

    assert rows_of(claims, "campaign_id") == {(1,): 40, (2,): 40}


def test_when_tokens_are_few_a_small_campaign_has_its_half_of_them(on_loop: OnLoop, sender: Sender) -> None:
    queue([(sender, country, 1) for country in COUNTRIES], each=5)
    queue([(sender, "US", 2)], each=200)

    # A quarter of a second of 160 segments/s are 40, of which bulk leaves four.
    claims = on_loop(claiming(sender, room=300, rate=160))

    assert rows_of(claims, "campaign_id") == {(1,): 18, (2,): 18}


def test_a_country_has_a_limit_of_its_own_within_the_accounts(on_loop: OnLoop, sender: Sender) -> None:
    CountryLimit.objects.create(provider=sender.provider, country="GB", rate=12)
    CountryLimit.objects.create(provider=SenderFactory().provider, country="US", rate=1)
    queue([(sender, "GB", 1), (sender, "US", 1), (sender, "", 1)], each=20)

    claims = on_loop(claiming(sender, room=200))

    assert rows_of(claims, "country") == {("GB",): 3, ("US",): 20, ("",): 20}


def test_all_senders_of_a_country_share_its_limit(on_loop: OnLoop, sender: Sender) -> None:
    CountryLimit.objects.create(provider=sender.provider, country="GB", rate=40)
    pool = [sender, *SenderFactory.create_batch(4, provider=sender.provider)]
    queue([(each, "GB", campaign) for each in pool for campaign in (1, 2)], each=10)

    # Ten, of which bulk leaves one.
    assert rows_of(on_loop(claiming(sender, room=200)), "country") == {("GB",): 9}


def test_a_pool_of_hundreds_is_looked_at_a_bounded_part_at_a_time_and_nobody_is_left_out(
    on_loop: OnLoop, sender: Sender
) -> None:
    pool = SenderFactory.create_batch(300, provider=sender.provider, rate=1)
    queue([(each, country, 1) for each in pool for country in ("GB", "US")], each=2)
    seen: list[int] = []

    async def look(connection: Connection, limiter: Limiter) -> list[set[tuple[int, str]]]:
        turns, found = Turns(), []
        for _ in range(600 // MOST_STREAMS):
            waiting = await turns.next(connection, sender.provider_id, rate=1000, lanes=tuple(Lane), floor=ANYTIME)
            seen.append(len(waiting))
            found.append({(stream.sender_id, stream.country) for stream in waiting})
        return found

    found = on_loop(look)
    assert set(seen) == {MOST_STREAMS}
    assert len(set().union(*found)) == 600


def test_every_sender_of_a_pool_keeps_its_rate_and_all_together_the_accounts(on_loop: OnLoop, sender: Sender) -> None:
    pool = SenderFactory.create_batch(300, provider=sender.provider, rate=1)
    queue([(each, country, 1) for each in pool for country in ("GB", "US")], each=2)

    # Each sender has a bucket of one segment; the account has 125, of which bulk leaves an eighth part of a hundred.
    began = time.monotonic()
    claims = on_loop(claiming(sender, room=1000, rate=500, rounds=7))
    seconds = time.monotonic() - began

    by_sender = rows_of(claims, "sender_id")
    total = sum(by_sender.values())
    assert max(by_sender.values()) <= 1 + math.ceil(seconds)
    assert 112 <= total <= 125 + 500 * seconds
    assert len(by_sender) >= total / 2


def test_a_small_campaign_has_its_turn_in_every_round_beside_a_pool_of_hundreds(
    on_loop: OnLoop, sender: Sender
) -> None:
    pool = SenderFactory.create_batch(300, provider=sender.provider, rate=1)
    queue([(each, "US", 1) for each in pool], each=2)
    queue([(sender, "US", 2)], each=500)

    claims = on_loop(claiming(sender, room=50, rounds=4))

    small = [rows_of([claimed], "campaign_id")[(2,)] for claimed in claims]
    assert min(small) >= 25


def test_hundreds_of_campaigns_all_have_their_turn_and_those_on_hold_keep_none_of_it(
    on_loop: OnLoop, sender: Sender
) -> None:
    queue([(sender, "US", campaign) for campaign in range(1, 201)])
    CampaignHold.objects.bulk_create(CampaignHold(campaign_id=campaign) for campaign in range(1, 101))

    claims = on_loop(claiming(sender, room=500, rounds=200 // MOST_CAMPAIGNS + 1))

    assert len(rows_of(claims, "campaign_id")) == 100
    assert Message.objects.filter(status="queued").count() == 100


def test_a_long_message_is_not_starved_by_short_ones_of_another_campaign(on_loop: OnLoop, sender: Sender) -> None:
    queue([(sender, "US", 1)], each=200)
    MessageFactory(sender=sender, campaign_id=2, country="US", segments=3, lane=Lane.BULK)

    async def rounds(connection: Connection, limiter: Limiter) -> list[Claimed]:
        turns, claims = Turns(), []
        for _ in range(60):
            claims.append(await claim_some(connection, limiter, provider_id=sender.provider_id, rate=20, turns=turns))
            await asyncio.sleep(0.02)  # the loop's own pause
        return claims

    claims = on_loop(rounds)
    assert rows_of(claims, "campaign_id")[(2,)] == 1


def test_an_urgent_message_of_several_segments_is_not_starved_by_bulk(on_loop: OnLoop, sender: Sender) -> None:
    queue([(sender, "US", 1)], each=200)

    async def rounds(connection: Connection, limiter: Limiter) -> list[Claimed]:
        turns = Turns()
        claims = [await claim_some(connection, limiter, provider_id=sender.provider_id, rate=40, turns=turns)]
        await asyncio.to_thread(MessageFactory, sender=sender, segments=4, lane=Lane.ALERT)
        for _ in range(15):
            await asyncio.sleep(0.02)
            claims.append(await claim_some(connection, limiter, provider_id=sender.provider_id, rate=40, turns=turns))
        return claims

    assert rows_of(on_loop(rounds), "lane")[(Lane.ALERT,)] == 1


def test_a_round_goes_by_the_index_whatever_the_statistics_say(transactional_db: None, sender: Sender) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_message")  # empty as it is
    queue([(sender, country, 1) for country in COUNTRIES], each=5)
    arguments = {
        "provider_id": sender.provider_id,
        "rate": 10,
        "floor": ANYTIME,
        "lanes": [lane.value for lane in Lane],
        "after": [-1] * 4,
        "place_lanes": [],
        "place_campaigns": [],
        "place_senders": [],
        "place_countries": [],
    }
    with django_connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + streams._NEXT, arguments)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    # By all of the claim index that is known, whatever it is called in each partition.
    assert plan.count("Index Cond: ((provider_id") >= 4
    assert f"Seq Scan on {partition('delivery_message', month_of(timezone.now()))}" not in plan, "an empty one may be"
