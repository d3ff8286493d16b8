"""Two providers in the running hub: one goes bad, the other takes over, it comes back; nobody is texted twice."""

import pytest

from delivery.models import HealthChange, Message, Provider, ProviderHealth, Sender
from delivery.routing.rules import State
from delivery.states import Status
from simulator.__main__ import DEFAULT_VONAGE
from tests import ledger
from tests.factories import RouteFactory
from tests.hub import ACCOUNT, Hub, wait_for
from tests.pipeline.scenes import contact_ids, launched, people, wait_accepted, wait_finished, with_status
from tests.pipeline.test_vonage import vonage

pytestmark = pytest.mark.pipeline


def two_providers(hub: Hub, *, rate: int) -> tuple[Provider, Provider]:
    """Three of four for the first, which can be asked what it has; the other is soon done with its own."""
    other = vonage(hub)
    Sender.objects.update(is_default=False)
    first = hub.provider(rate=rate)
    Sender.objects.update(is_default=False)
    Provider.objects.filter(pk=other.pk).update(rate=rate)
    RouteFactory(sender=first.senders.get(), weight=300)
    RouteFactory(sender=other.senders.get(), weight=100)
    return first, other


def state_of(provider: Provider) -> str:
    health = ProviderHealth.objects.filter(provider=provider).first()
    return health.state if health else State.HEALTHY


def taken(hub: Hub, account: str) -> int:
    return sum(entry["account"] == account for entry in hub.carrier.entries())


def test_a_provider_that_goes_bad_is_left_and_comes_back_by_itself(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50)
    first, other = two_providers(hub, rate=60)
    everyone = people(500)
    campaign = launched(everyone)
    wait_accepted(hub, 60)

    hub.carrier.set_faults(faulty_account=ACCOUNT, error_before_share=1.0)

    wait_for(lambda: state_of(first) == State.OPEN, seconds=20, what="the first provider to be opened")
    had = taken(hub, ACCOUNT)
    wait_for(lambda: HealthChange.objects.filter(moved__gt=0).exists(), seconds=20, what="messages to go another way")
    moved = Message.objects.filter(campaign_id=campaign.pk, provider=other).count()
    # A quarter is its own; the first comes back only when the other has certainly stood in for it.
    wait_for(lambda: taken(hub, DEFAULT_VONAGE.key) > 500 / 2, seconds=30, what="the second one to take the first's")
    assert taken(hub, ACCOUNT) == had

    hub.carrier.set_faults(error_before_share=0.0)

    wait_for(
        lambda: state_of(first) in (State.DEGRADED, State.HEALTHY),
        seconds=30,
        what="the first one to be on its way back",
    )
    wait_for(lambda: taken(hub, ACCOUNT) > had, seconds=10, what="texts through the first one again")
    wait_finished(campaign, seconds=60)
    wait_for(lambda: state_of(first) == State.HEALTHY, seconds=30, what="the first one to be well")

    assert with_status(campaign, Status.DELIVERED) == 500
    assert taken(hub, DEFAULT_VONAGE.key) > 500 / 2, f"{moved} belonged to the second while the first was open"
    told = [change.to_state for change in HealthChange.objects.filter(provider=first).order_by("pk")]
    assert told[0] == State.OPEN
    assert State.HALF_OPEN in told
    assert all(change.reason for change in HealthChange.objects.all())
    assert not HealthChange.objects.filter(provider=other).exists(), "the second one was not brought down"
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))


def test_a_refused_account_is_left_and_nobody_waits_for_it(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50)
    first, _ = two_providers(hub, rate=500)
    Provider.objects.filter(pk=first.pk).update(settings=first.settings | {"account_sid": "AC" + "f" * 32})
    everyone = people(200)

    campaign = launched(everyone)

    wait_finished(campaign, seconds=40)
    assert with_status(campaign, Status.DELIVERED) == 200
    assert not Provider.objects.get(pk=first.pk).enabled
    assert taken(hub, DEFAULT_VONAGE.key) == 200
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))
