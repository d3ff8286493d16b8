"""A provider that cannot take what it should: no connection is up, it is full, it is slow. What follows from that."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
import redis.asyncio
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django import Settings

from delivery import slowing
from delivery.connector import binds
from delivery.lanes import Lane
from delivery.limiter import account_bucket, slowed_key
from delivery.models import HealthChange, Message, Provider, ProviderHealth, Sender
from delivery.providers.base import ConnectionState, Slows
from delivery.routing import failover, health
from delivery.routing.rules import State
from delivery.slowing import Refusal
from delivery.states import Status
from tests.delivery.lines import KIND, installed, say
from tests.factories import MessageFactory, ProviderFactory, RouteFactory, SenderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def lines(clean_redis: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(binds, "SETTLE_SECONDS", 0.0)
    with installed():
        yield


@pytest.fixture
def local() -> Sender:
    """The first choice, of the operator's own; another provider stands in for it."""
    sender = SenderFactory(provider=ProviderFactory(adapter=KIND, rate=1000))
    RouteFactory(sender=sender, order=1)
    RouteFactory(sender=SenderFactory(provider=ProviderFactory(name="Cloud", rate=1000)), order=2)
    return sender


def state_of(provider: Provider) -> tuple[str, int]:
    row = ProviderHealth.objects.filter(provider=provider).first()
    return (row.state, row.factor) if row else (State.HEALTHY, 100)


def waiting_at(sender: Sender, number: int = 10, **fields: Any) -> list[Message]:
    return MessageFactory.create_batch(number, sender=sender, routed=True, **fields)


def test_without_a_connection_its_queue_goes_another_way_within_seconds(local: Sender) -> None:
    say(local.provider, ConnectionState.BOUND)
    queued, doubtful, named = (
        waiting_at(local),
        waiting_at(local, 1, status=Status.UNCERTAIN),
        MessageFactory(sender=local),
    )
    health.look()
    assert state_of(local.provider) == (State.HEALTHY, 100)

    say(local.provider, ConnectionState.WAITING, error="The connection was refused", ago=4)
    health.look()
    failover.review()

    assert state_of(local.provider) == (State.OPEN, 0)
    assert HealthChange.objects.get().reason == "None of its connections is up. The connection was refused."
    assert {m.provider.name for m in Message.objects.filter(pk__in=[m.pk for m in queued])} == {"Cloud"}
    for message in (*doubtful, named):
        message.refresh_from_db()
        assert message.provider == local.provider


def test_a_link_that_is_made_anew_at_once_changes_nothing(local: Sender) -> None:
    say(local.provider, ConnectionState.BOUND)
    say(local.provider, ConnectionState.WAITING, ago=2)

    health.look()

    assert state_of(local.provider) == (State.HEALTHY, 100)


def test_when_a_connection_is_up_again_it_is_tried_without_waiting_for_longer_each_time(local: Sender) -> None:
    say(local.provider, ConnectionState.WAITING, ago=4)
    health.look()
    ProviderHealth.objects.update(since=timezone.now() - timedelta(minutes=10), openings=9)
    health.look()
    assert state_of(local.provider) == (State.OPEN, 0), "for as long as there is none"

    say(local.provider, ConnectionState.BOUND)
    health.look()

    assert state_of(local.provider) == (State.HALF_OPEN, 10)
    assert "is up again" in HealthChange.objects.order_by("-pk")[0].reason


@pytest.mark.parametrize(
    ("given_up_by", "says", "why"),
    [
        ("ada", True, "ada has had them given up."),
        ("", True, "The operator does not accept the password (ESME_RINVPASWD)."),
        ("", False, "No connector worker holds the account."),
    ],
)
def test_it_says_why_there_is_none(local: Sender, given_up_by: str, says: bool, why: str) -> None:
    if given_up_by:
        Provider.objects.filter(pk=local.provider_id).update(unbound_at=timezone.now(), unbound_by=given_up_by)
    error, code = "The operator does not accept the password", "ESME_RINVPASWD"
    say(local.provider, ConnectionState.REFUSED, error=error, code=code, ago=4)
    if not says:
        redis.Redis.from_url(django_settings.REDIS_URL).delete(binds._slots_key(local.provider_id))

    health.look()

    assert HealthChange.objects.get().reason == f"None of its connections is up. {why}"


def test_a_first_connection_is_given_time(local: Sender) -> None:
    say(local.provider, ConnectionState.CONNECTING)
    health.look()
    assert state_of(local.provider) == (State.HEALTHY, 100)

    client = redis.Redis.from_url(django_settings.REDIS_URL)
    client.hset(binds._slots_key(local.provider_id), "", int(timezone.now().timestamp() * 1e6 - 11e6))
    health.look()
    assert state_of(local.provider) == (State.OPEN, 0)


def test_of_an_account_of_which_nobody_has_heard_nothing_is_said(local: Sender) -> None:
    health.look()
    assert state_of(local.provider) == (State.HEALTHY, 100)


def test_full_for_long_it_gets_less_and_for_a_moment_not(local: Sender, settings: Settings) -> None:
    say(local.provider, ConnectionState.BOUND)
    [message] = waiting_at(local, 1)
    slowing.learn(local.provider_id, [Refusal(message.pk, Slows.ACCOUNT, "ESME_RMSGQFUL")])

    health.look()
    assert state_of(local.provider) == (State.HEALTHY, 100)

    settings.HEALTH_FULL_SECONDS = 0
    health.look()
    assert state_of(local.provider) == (State.DEGRADED, 75)
    assert "ESME_RMSGQFUL" in HealthChange.objects.get().reason
    assert redis.Redis.from_url(django_settings.REDIS_URL).exists(slowed_key(account_bucket(local.provider_id, 0).name))


def test_slow_for_long_it_gets_less_and_bulk_does_not_make_it_slow(local: Sender) -> None:
    say(local.provider, ConnectionState.BOUND)
    hour_ago = timezone.now() - timedelta(hours=1)
    bulk = waiting_at(local, 2, lane=Lane.BULK)
    Message.objects.filter(pk__in=[message.pk for message in bulk]).update(created_at=hour_ago)
    health.look()
    assert not ProviderHealth.objects.exclude(slow_since=None).exists()

    [late] = waiting_at(local, 1, lane=Lane.TRANSACTIONAL)
    Message.objects.filter(pk=late.pk).update(created_at=hour_ago)
    health.look()
    assert state_of(local.provider) == (State.HEALTHY, 100), "it may leave at once: it was held until now"

    ProviderHealth.objects.update(slow_since=timezone.now() - timedelta(seconds=20))
    health.look()
    assert state_of(local.provider) == (State.DEGRADED, 75)
    assert "have waited" in HealthChange.objects.get().reason

    Message.objects.filter(pk=late.pk).update(status=Status.SENDING)
    health.look()
    assert ProviderHealth.objects.get(provider=local.provider).slow_since is None
