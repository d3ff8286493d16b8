"""Frequency caps: nobody gets more texts than they allow, whoever claims them; what is over waits or is not sent."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings
from django.utils import timezone

from delivery import queue
from delivery.claim import Claimed, Connection
from delivery.lanes import Lane
from delivery.limiter import Limiter
from delivery.models import FrequencyCap, Message, Place, Reached, Sender
from delivery.providers.base import Outcome, SendOutcome
from delivery.runtime import connect
from delivery.settle import settle
from delivery.states import Status
from delivery.submit import submit
from delivery.timerules import caps
from tests.delivery.claiming import claim_some
from tests.delivery.timerules.scenes import ICELAND, hours
from tests.factories import DefaultSenderFactory

pytestmark = pytest.mark.usefixtures("bound")

OnLoop = Callable[[Any], Any]


@pytest.fixture
def sender(bound: None) -> Sender:
    return DefaultSenderFactory()


def cap(most: int = 1, **fields: Any) -> FrequencyCap:
    return FrequencyCap.objects.create(most=most, **{"hours": 24, **fields})


def texts(number: int, lane: Lane = Lane.BULK, to: str = ICELAND, **fields: Any) -> list[Message]:
    return [submit(recipient=to, body="Your table is ready.", lane=lane, **fields) for _ in range(number)]


def claimed(on_loop: OnLoop, sender: Sender, *, rounds: int = 1) -> int:
    async def work(connection: Connection, limiter: Limiter) -> int:
        done = 0
        for _ in range(rounds):
            found = await claim_some(connection, limiter, provider_id=sender.provider_id)
            done += len(found.messages)
        return done

    return int(on_loop(work))


def fates() -> list[tuple[str, str, str]]:
    return list(Message.objects.order_by("id").values_list("status", "waits_for", "reason"))


def in_hours(moment: datetime) -> float:
    return round((moment - timezone.now()).total_seconds() / 3600, 2)


SENT, WAITS = ("sending", "", ""), ("held", "frequency_cap", "")


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_than_the_cap_leave_and_the_rest_waits_until_there_is_room(
    on_loop: OnLoop, sender: Sender, most: int
) -> None:
    cap(most)
    texts(4)

    assert claimed(on_loop, sender, rounds=6) == most

    assert sorted(fates()) == sorted([SENT] * most + [WAITS] * (4 - most))
    until = Message.objects.filter(status="held").values_list("not_before", flat=True)
    assert {in_hours(moment) for moment in until} == {24.0}


def test_the_next_message_for_a_full_number_is_held_as_it_is_written(on_loop: OnLoop, sender: Sender) -> None:
    cap(1)
    texts(1)
    claimed(on_loop, sender)

    [late] = texts(1)

    assert (late.status, late.waits_for) == (Status.HELD, "frequency_cap")
    assert late.not_before is not None
    assert in_hours(late.not_before) == 24.0


def test_when_the_window_has_passed_there_is_room_again(on_loop: OnLoop, sender: Sender) -> None:
    cap(1)
    texts(2)
    assert claimed(on_loop, sender, rounds=3) == 1

    Reached.objects.update(times=[timezone.now() - timedelta(hours=24, seconds=1)])
    Message.objects.filter(status="held").update(not_before=timezone.now())
    queue.tick()

    assert claimed(on_loop, sender, rounds=2) == 1
    assert len(Reached.objects.get().times) == 2


def test_a_window_that_rolls_makes_room_for_one_at_a_time(on_loop: OnLoop, sender: Sender) -> None:
    cap(2)
    texts(2)
    claimed(on_loop, sender, rounds=3)
    ten_hours_ago, now = timezone.now() - timedelta(hours=10), timezone.now()
    Reached.objects.update(times=[ten_hours_ago, now])

    [waiting] = texts(1)

    assert waiting.not_before is not None
    assert in_hours(waiting.not_before) == 14.0


def test_a_calendar_day_is_the_recipients_own(on_loop: OnLoop, sender: Sender) -> None:
    cap(1, hours=None)
    texts(1, to="+12125550123")
    claimed(on_loop, sender)

    [waiting] = texts(1, to="+12125550123")

    place = Place.objects.get(zones=["America/New_York"])
    assert waiting.not_before == place.day_ends
    assert place.day_began <= timezone.now() < place.day_ends
    # Yesterday's do not count.
    Reached.objects.update(times=[place.day_began - timedelta(seconds=1)])
    assert texts(1, to="+12125550123")[0].status == Status.QUEUED


def test_every_cap_holds_and_the_last_to_make_room_decides(on_loop: OnLoop, sender: Sender) -> None:
    cap(1, hours=2)
    cap(1, hours=48)
    cap(5, hours=700)
    texts(1)
    claimed(on_loop, sender)
    [waiting] = texts(1)
    assert waiting.not_before is not None
    assert in_hours(waiting.not_before) == 48.0


@pytest.mark.parametrize(
    ("fields", "to", "capped"),
    [
        ({}, ICELAND, True),
        ({"country": "IS"}, ICELAND, True),
        ({"country": "US"}, ICELAND, False),
        ({"country": "US", "state": "FL"}, "+13055550123", True),
        ({"country": "US", "state": "FL"}, "+12125550123", False),
        ({"lane": Lane.BULK}, ICELAND, True),
        ({"lane": Lane.REMINDER}, ICELAND, False),
        ({"enabled": False}, ICELAND, False),
    ],
)
def test_a_cap_is_about_its_country_its_state_and_its_lane(
    on_loop: OnLoop, sender: Sender, fields: dict[str, Any], to: str, capped: bool
) -> None:
    cap(1, **fields)
    texts(2, to=to)
    assert claimed(on_loop, sender, rounds=3) == (1 if capped else 2)


def test_lanes_are_counted_together_unless_the_cap_names_one(on_loop: OnLoop, sender: Sender) -> None:
    cap(1)
    texts(1, Lane.REMINDER)
    texts(1, Lane.BULK)
    assert claimed(on_loop, sender, rounds=3) == 1


@pytest.mark.parametrize("lane", [Lane.ALERT, Lane.TRANSACTIONAL])
def test_codes_alerts_and_transactional_texts_are_neither_capped_nor_counted(
    on_loop: OnLoop, sender: Sender, lane: Lane
) -> None:
    cap(1)
    texts(3, lane)
    texts(1, Lane.BULK)
    assert claimed(on_loop, sender, rounds=3) == 4
    assert Reached.objects.get().lanes == [Lane.BULK]


def test_what_is_refused_for_speed_is_counted_once(on_loop: OnLoop, sender: Sender) -> None:
    cap(1)
    [message] = texts(1)
    assert claimed(on_loop, sender) == 1

    async def throttled(connection: Connection, _: Limiter) -> None:
        await settle(connection, [SendOutcome(message.pk, 1, Outcome.THROTTLED, retry_after=0)])

    on_loop(throttled)
    Message.objects.update(not_before=timezone.now())
    queue.tick()

    assert claimed(on_loop, sender) == 1
    assert len(Reached.objects.get().times) == 1


@pytest.mark.parametrize(("fields", "valid_hours"), [({"over": "suppress"}, 100), ({}, 3)])
def test_what_is_not_to_wait_or_cannot_is_never_sent(
    on_loop: OnLoop, sender: Sender, fields: dict[str, Any], valid_hours: int
) -> None:
    """By the cap's own word, or because it would come after its time."""
    cap(1, **fields)
    texts(2, valid_until=timezone.now() + timedelta(hours=valid_hours))
    assert claimed(on_loop, sender, rounds=3) == 1

    [late] = texts(1, valid_until=timezone.now() + timedelta(hours=valid_hours))

    assert sorted(fates()) == [SENT, ("suppressed", "", "frequency_cap"), ("suppressed", "", "frequency_cap")]
    assert late.final_at


def test_who_is_in_quiet_hours_is_not_counted(on_loop: OnLoop, sender: Sender) -> None:
    hours(open_now=True)
    cap(1)
    texts(1)
    hours(open_now=False)
    assert claimed(on_loop, sender) == 0
    assert not Reached.objects.exists()


def test_workers_that_claim_at_once_keep_the_cap_together(clean_redis: object, sender: Sender) -> None:
    """Two of a number wait in each of many streams; eight claims at once take one of each."""
    cap(1)
    numbers = [f"+354611{n:04}" for n in range(1200, 1240)]
    for number in numbers:
        texts(3, to=number)

    async def worker() -> list[str]:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        async with await connect() as connection:
            recipients = []
            for _ in range(6):
                found: Claimed = await claim_some(connection, Limiter(client), provider_id=sender.provider_id, room=25)
                recipients += [outbound.recipient for outbound in found.messages]
            await client.aclose()
            return recipients

    async def all_at_once() -> list[list[str]]:
        return await asyncio.gather(*(worker() for _ in range(8)))

    claimed_by_all = [recipient for each in asyncio.run(all_at_once()) for recipient in each]
    assert sorted(claimed_by_all) == numbers


def test_who_was_not_texted_for_longer_than_any_cap_looks_back_is_forgotten(sender: Sender) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    Reached.objects.create(recipient="+3546110001", place_id=1, last_at=long_ago, times=[long_ago], lanes=[3])
    now = timezone.now()
    Reached.objects.create(recipient="+3546110002", place_id=1, last_at=now, times=[long_ago, now], lanes=[3, 3])
    assert caps.forget() == 1
    assert Reached.objects.get().recipient == "+3546110002"
