"""A provider in trouble: refusing the account, refusing for speed, away, or unclear about what it took."""

import pytest

from delivery import accounts
from delivery.models import Message, MessageEvent, Provider
from delivery.states import UNCLAIMED, Status
from tests import ledger
from tests.hub import AUTH_TOKEN, Hub, wait_for
from tests.pipeline.scenes import (
    contact_ids,
    launched,
    people,
    wait_finished,
    with_status,
)

pytestmark = pytest.mark.pipeline


def test_a_refused_account_is_switched_off_with_the_reason_and_goes_on_where_it_stopped(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50)
    provider = hub.provider()
    accounts.save_credentials(provider=provider, credentials={"auth_token": "expired"})
    everyone = people(120)

    campaign = launched(everyone)

    off = Provider.objects.filter(pk=provider.pk, enabled=False)
    wait_for(off.exists, seconds=15, what="the provider to be switched off")
    assert "20003" in off.get().disabled_reason
    wait_for(lambda: with_status(campaign, *UNCLAIMED) == 120, seconds=10, what="everyone to be back in the queue")
    assert hub.carrier.summary()["accepted"] == 0

    provider.refresh_from_db()
    accounts.save_credentials(provider=provider, credentials={"auth_token": AUTH_TOKEN})
    accounts.enable(provider)

    wait_finished(campaign, seconds=20)
    assert with_status(campaign, Status.DELIVERED) == 120
    assert Provider.objects.get().disabled_reason == ""
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))


def test_refusals_for_speed_delay_and_repeat_nothing(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50, latency_ms=20, max_in_flight=8, throttle_share=0.05)
    hub.provider(max_in_flight=40)
    everyone = people(150)

    campaign = launched(everyone)

    wait_finished(campaign, seconds=40)
    assert hub.carrier.stats()["creates"]["over_limit"] > 0
    assert with_status(campaign, Status.DELIVERED) == 150
    assert not Message.objects.filter(campaign_id=campaign.pk, attempt__gt=1).exists()
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))


def test_a_provider_that_was_away_gets_everything_once_it_is_back(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50, outage=True)
    hub.provider()
    everyone = people(150)
    campaign = launched(everyone)
    wait_for(lambda: with_status(campaign, Status.UNCERTAIN) > 0, seconds=15, what="the first messages in doubt")
    assert hub.carrier.summary()["accepted"] == 0

    hub.carrier.set_faults(outage=False)

    wait_finished(campaign, seconds=60)
    assert with_status(campaign, Status.DELIVERED) == 150
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))


def test_what_the_carrier_took_without_saying_so_is_found_and_never_sent_again(hub: Hub) -> None:
    hub.carrier.reset(
        seed=3,
        receipt_delay_ms=100,
        # Half of them are told by a receipt, the other half only when asked.
        receipts_lost_share=0.7,
        drop_after_share=0.2,
        error_after_share=0.2,
        garbage_share=0.2,
        late_share=0.2,
        late_seconds=4,
    )
    hub.provider()
    everyone = people(150)

    campaign = launched(everyone)

    wait_finished(campaign, seconds=60)
    creates = hub.carrier.stats()["creates"]
    assert all(creates[fault] for fault in ("drop_after", "error_after", "garbage", "late"))
    assert with_status(campaign, Status.DELIVERED) == 150
    assert not Message.objects.filter(campaign_id=campaign.pk, attempt__gt=1).exists()
    sources = set(MessageEvent.objects.filter(status=Status.DELIVERED).values_list("source", flat=True))
    assert sources == {MessageEvent.Source.RECEIPT, MessageEvent.Source.ASKED}
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))


def test_what_the_carrier_never_took_is_sent_again_once_its_absence_is_believed(hub: Hub) -> None:
    hub.carrier.reset(seed=4, receipt_delay_ms=50, drop_before_share=0.3, error_before_share=0.3)
    hub.provider()
    everyone = people(100)
    campaign = launched(everyone)
    rows = Message.objects.filter(campaign_id=campaign.pk)
    doubtful = rows.filter(status=Status.UNCERTAIN)
    wait_for(
        lambda: rows.count() == 100 and not with_status(campaign, *UNCLAIMED, Status.SENDING),
        seconds=20,
        what="all first attempts",
    )
    lost = doubtful.count()
    assert lost == 100 - hub.carrier.summary()["accepted"] > 0

    hub.carrier.set_faults(drop_before_share=0, error_before_share=0)

    wait_finished(campaign, seconds=60)
    assert rows.filter(attempt=2, status=Status.DELIVERED).count() == lost
    assert with_status(campaign, Status.DELIVERED) == 100
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))
