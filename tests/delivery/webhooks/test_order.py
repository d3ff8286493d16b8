"""Whatever happens in whichever order: of each thing all is told, in order, and nothing twice that was written down."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from django.db.models import F
from hypothesis import strategies as st

from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.runtime import connect
from delivery.webhooks import outbox, schedule, turns
from delivery.webhooks.turns import Result
from tests.delivery.webhooks.scenes import State, subscribe

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 11, 2, tzinfo=UTC)
SUBJECTS = [UUID(int=n) for n in range(1, 5)]

Events = st.tuples(st.just("event"), st.integers(0, len(SUBJECTS) - 1))
#: A turn that takes so many at a time, of which a share fails, and which is killed before it writes, or not.
Turns = st.tuples(st.just("turn"), st.integers(1, 6), st.sampled_from([0.0, 0.3, 1.0]), st.booleans())
Whiles = st.tuples(st.just("while"))
Lives = st.lists(st.one_of(Events, Events, Turns, Turns, Whiles), min_size=1, max_size=25)


class Endpoint:
    """What an endpoint was told, and what it took, in order."""

    def __init__(self) -> None:
        self.written: defaultdict[UUID, list[int]] = defaultdict(list)
        self.taken: defaultdict[UUID, list[int]] = defaultdict(list)
        self.given_up: set[int] = set()
        self.id = subscribe("https://example.org/hooks")[0].pk
        self._loop = asyncio.Runner()
        self._connection = self._loop.run(connect())

    def close(self) -> None:
        self._loop.run(self._connection.close())
        self._loop.close()

    def happens(self, subject: UUID) -> None:
        number = sum(map(len, self.written.values()))
        self.written[subject].append(number)
        outbox.emit("contact.opted_out", subject, {"number": number}, AT)

    def turn(self, room: int, failing: float, killed: bool, chance: random.Random) -> None:
        self._loop.run(self._turn(room, failing, killed, chance))

    async def _turn(self, room: int, failing: float, killed: bool, chance: random.Random) -> None:
        connection = self._connection
        for turn in await turns.claim(connection, 10):
            telling: list[turns.Due] = []
            while due := await turns.take(connection, turn, room, [each.subject for each in telling]):
                telling += due
                assert len({each.subject for each in telling}) == len(telling), "two of one at once"
            chance.shuffle(telling)
            results = [self._answer(each, chance.random() < failing) for each in telling]
            if killed:
                return
            if results:
                await turns.settle(connection, turn, results)
            await turns.leave(connection, turn)

    def turn_without_a_connection(self) -> None:
        self._loop.run(self._turn_without_a_connection())

    async def _turn_without_a_connection(self) -> None:
        (turn,) = await turns.claim(self._connection, 1)
        due = await turns.take(self._connection, turn, 16, [])
        await turns.settle(self._connection, turn, [Result(each, None, "No connection.", 1) for each in due])
        await turns.leave(self._connection, turn)

    def _answer(self, due: turns.Due, fails: bool) -> Result:
        assert due.data is not None
        number = due.data["number"]
        if fails:
            return Result(due, 500, "Answered 500.", 1)
        self.taken[due.subject].append(number)
        return Result(due, 204, "", 1)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with closing(Endpoint()) as made:
        yield made


def a_while_later() -> None:
    WebhookDelivery.objects.filter(state=State.WAITING).update(not_before=F("created_at"))
    WebhookEndpoint.objects.update(not_before=None, lease_until=None)


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(life=Lives, seed=st.integers(0, 2**32))
def test_any_life_tells_each_thing_in_order(life: list[tuple[Any, ...]], seed: int) -> None:
    WebhookDelivery.objects.all().delete()
    WebhookEndpoint.objects.all().delete()
    chance = random.Random(seed)
    with closing(Endpoint()) as endpoint:
        for step in life:
            match step:
                case ("event", subject):
                    endpoint.happens(SUBJECTS[subject])
                case ("turn", room, failing, killed):
                    endpoint.turn(room, failing, killed, chance)
                case _:
                    a_while_later()
        for _ in range(len(life) + 1):
            a_while_later()
            endpoint.turn(16, 0.0, False, chance)

    for subject, written in endpoint.written.items():
        taken = endpoint.taken[subject]
        assert taken == sorted(taken), "a later one before an earlier"
        assert list(dict.fromkeys(taken)) == written, "each at least once"
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) <= {State.DELIVERED}


def test_after_the_last_wait_an_event_is_given_up_and_what_comes_after_it_goes_on(endpoint: Endpoint) -> None:
    chance = random.Random(1)
    endpoint.happens(SUBJECTS[0])
    endpoint.happens(SUBJECTS[0])
    for _ in range(len(schedule.WAITS) + 1):
        assert endpoint.taken[SUBJECTS[0]] == []
        a_while_later()
        endpoint.turn(1, 1.0, True, chance)
        a_while_later()
        endpoint.turn_without_a_connection()
    a_while_later()
    endpoint.turn(1, 0.0, False, chance)

    first, second = WebhookDelivery.objects.order_by("pk")
    assert (first.state, first.tries) == (State.GIVEN_UP, len(schedule.WAITS) + 1)
    assert (second.state, second.tries) == (State.DELIVERED, 1)
    assert first.attempts.count() == len(schedule.WAITS) + 1


def test_what_waits_behind_a_thousand_others_of_its_kind_is_found(endpoint: Endpoint) -> None:
    """A window full of events that are behind others, which come later by the clock."""
    chance = random.Random(1)
    for subject in SUBJECTS[:1] * 200:
        endpoint.happens(subject)
    first = WebhookDelivery.objects.order_by("pk")[0]
    WebhookDelivery.objects.exclude(pk=first.pk).update(not_before=AT)
    for _ in range(300):
        endpoint.turn(2, 0.0, False, chance)
        if len(endpoint.taken[SUBJECTS[0]]) > 5:
            break
    assert endpoint.taken[SUBJECTS[0]][:3] == [0, 1, 2]
