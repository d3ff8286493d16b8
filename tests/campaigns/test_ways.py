"""Which way a campaign's messages go, what they wait for, and who is not at work."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from campaigns import control
from campaigns.models import Campaign
from campaigns.ways import Ways, ways
from delivery import vitals
from delivery.models import Message, Provider, ProviderHealth, Sender, Tally
from delivery.routing.rules import State
from delivery.states import Status
from tests.campaigns.scenes import frozen, materialised
from tests.factories import ProviderFactory, SenderFactory

pytestmark = pytest.mark.django_db

EVERYBODY = ("dispatch", "connector", "launch", "reconcile", "default")


@pytest.fixture(autouse=True)
def _everybody_is_at_work(settings: Settings) -> Iterator[None]:
    vitals.flush()
    settings.REDIS_PREFIX = f"test:{uuid4().hex}:"
    vitals.alive("worker@here", EVERYBODY)
    vitals.count("ticks")
    vitals.flush()
    yield
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"{settings.REDIS_PREFIX}*"):
            client.delete(key)


def gone(queue: str, seconds: int = 60) -> None:
    """The worker that read this queue was killed so long ago."""
    vitals.client().zadd(vitals._key("read"), {queue: (timezone.now() - timedelta(seconds=seconds)).timestamp()})


def claimed(provider: Provider) -> None:
    vitals.count("claimed", 1, provider.pk)
    vitals.flush()


def sender() -> Sender:
    return Sender.objects.select_related("provider").get()


def why(campaign: Campaign) -> str:
    (queue,) = ways(campaign).queues
    return queue.why


def test_each_provider_has_its_part_of_the_messages() -> None:
    campaign = materialised(6)
    other = SenderFactory()
    some = list(Message.objects.values_list("pk", flat=True)[:2])
    Message.objects.filter(pk__in=some).update(sender=other, provider=other.provider)
    Message.objects.filter(pk=some[0]).update(status=Status.DELIVERED)

    first, second = ways(campaign).providers

    assert (first.total, first.waiting, first.handed_over) == (4, 4, 0)
    assert (second.provider, second.total, second.waiting, second.handed_over) == (other.provider, 2, 1, 1)


def test_messages_that_only_take_their_time_wait_for_their_turn() -> None:
    campaign = materialised(2)
    Provider.objects.update(name="Carrier", rate=100)
    found = ways(campaign)
    assert found.alarms == []
    says = "Its turn, within the limits: Carrier 100 segments a second."
    assert [(queue.sender, queue.why) for queue in found.queues] == [(sender(), says)]


def test_a_provider_or_a_sender_that_is_off_is_why() -> None:
    campaign = materialised(2)
    Sender.objects.update(enabled=False, disabled_reason="Not registered")
    assert why(campaign) == f"{sender().address} is switched off. Not registered"
    Provider.objects.update(enabled=False, disabled_reason="Account suspended")
    assert why(campaign) == f"{sender().provider.name} is switched off. Account suspended"


def test_connections_that_were_given_up_are_why() -> None:
    campaign = materialised(2)
    Provider.objects.update(unbound_at=timezone.now(), unbound_by="sam")
    assert why(campaign).startswith("sam has had the connections")


def test_a_provider_that_is_held_back_is_why() -> None:
    campaign = materialised(2)
    ProviderHealth.objects.create(
        provider=sender().provider, state=State.OPEN, factor=0, trial_rate=0, reason="80 % failed."
    )
    assert "gets nothing. 80 % failed." in why(campaign)
    ProviderHealth.objects.update(state=State.HALF_OPEN, factor=10, trial_rate=5)
    assert "no more than 5 segments a second" in why(campaign)
    ProviderHealth.objects.update(state=State.DEGRADED, factor=75, trial_rate=None)
    assert "degraded, 75 %" in why(campaign)


def test_limits_are_why_while_they_leave_messages_waiting() -> None:
    campaign = materialised(2)
    provider = sender().provider
    claimed(provider)
    vitals.count("limiter_waits", 1, provider.pk)
    vitals.flush()
    Sender.objects.update(rate=3)
    limits = f"{provider.name} {provider.rate:,} segments a second, {sender().address} 3"
    assert why(campaign) == f"It goes as fast as the limits allow: {limits}."


def test_nothing_claimed_for_long_is_said() -> None:
    campaign = materialised(2)
    Message.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    assert why(campaign) == f"Nothing has been claimed for {sender().provider.name} in 2 minutes."
    claimed(sender().provider)
    assert why(campaign).startswith("Its turn")


@pytest.mark.parametrize(
    ("queue", "says"),
    [("dispatch", "No worker sends: nobody has read the queue “dispatch” since")],
)
def test_a_dead_worker_is_said_to_be_dead(queue: str, says: str) -> None:
    campaign = materialised(2)
    gone(queue)
    found = ways(campaign)
    (alarm,) = found.alarms
    assert alarm.startswith(says)
    assert [one.why.startswith(says) for one in found.queues] == [True]


def test_a_worker_that_has_been_dead_for_longer_than_anybody_remembers_is_dead_as_well() -> None:
    campaign = materialised(2)
    vitals.client().delete(vitals._key("read"))
    vitals.alive("worker@here", ("launch", "reconcile", "default"))
    assert ways(campaign).alarms[0].startswith("No worker sends: nobody has read the queue “dispatch” for an hour")


def test_a_loader_that_is_dead_matters_while_messages_are_to_be_written() -> None:
    campaign = frozen(2)
    gone("launch")
    assert ways(campaign).alarms[0].startswith("No worker writes its messages")
    assert ways(materialised_now(campaign)).alarms == []


def materialised_now(campaign: Campaign) -> Campaign:
    campaign.materialised_at = timezone.now()
    return campaign


def test_receipts_that_nobody_applies_matter_while_some_are_to_come() -> None:
    campaign = materialised(2)
    gone("reconcile")
    assert ways(campaign).alarms == []
    Message.objects.update(status=Status.ACCEPTED)
    assert ways(campaign).alarms[0].startswith("No worker applies receipts")


def test_a_clock_that_stands_still_is_said() -> None:
    campaign = materialised(2)
    vitals.client().delete(vitals._key("counts"), vitals._key("counted"))
    assert ways(campaign).alarms == ["The clock has not ticked: what waits for its time stands still."]


def test_redis_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = materialised(2)
    monkeypatch.setattr(vitals, "client", lambda: redis.Redis(port=1, retry=Retry(NoBackoff(), 0)))
    found = ways(campaign)
    assert found.alarms[0].startswith("Redis does not answer")
    assert found.queues == []
    assert found.providers


def test_of_a_paused_campaign_nobody_is_missed() -> None:
    campaign = control.pause(campaign=materialised(2), actor=None)
    for queue in EVERYBODY:
        gone(queue)
    found = ways(campaign)
    assert (found.alarms, found.queues) == ([], [])
    assert found.providers[0].waiting == 2


def test_failures_are_the_campaigns_own_and_it_is_said_whether_they_are_all() -> None:
    campaign = materialised(3)
    Message.objects.filter(pk__in=Message.objects.values("pk")[:2]).update(
        status=Status.FAILED, reason="landline", error_code="30006", final_at=timezone.now()
    )
    found = ways(campaign)
    assert [(kind.code, kind.messages, provider) for kind, provider in found.failures] == [
        ("30006", 2, sender().provider)
    ]
    assert found.all_failures


def test_a_campaign_that_began_before_providers_were_told_apart_has_no_figures_of_them() -> None:
    campaign = materialised(3)
    Tally.objects.update(provider_id=None)
    Message.objects.filter(pk=Message.objects.values("pk")[:1]).update(status=Status.SENDING)
    assert ways(campaign).providers == []


def test_a_draft_goes_no_way() -> None:
    assert ways(Campaign()) == Ways([], [], [], [], True)


def test_a_look_costs_the_same_however_many_messages_and_senders() -> None:
    campaign = materialised(30)
    with CaptureQueriesContext(connection) as few:
        ways(campaign)
    provider = ProviderFactory()
    ids = list(Message.objects.values_list("pk", flat=True))
    for pk in ids[:20]:
        Message.objects.filter(pk=pk).update(sender=SenderFactory(provider=provider), provider=provider)

    with CaptureQueriesContext(connection) as many:
        found = ways(campaign)

    assert len(found.queues) == 21
    assert len(many) == len(few) <= 7
