"""How far a campaign is, told from its tallies."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import control, lifecycle
from campaigns.models import Campaign
from campaigns.progress import progress
from delivery.models import Message
from delivery.states import Status
from delivery.wake import client
from tests.campaigns.scenes import frozen, launched, materialised
from tests.factories import CampaignFactory, ContactFactory, SuppressionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_has_looked_yet() -> None:
    for key in client().scan_iter(f"{settings.REDIS_PREFIX}progress:*"):
        client().delete(key)


def move(campaign: Campaign, number: int, **fields: Any) -> None:
    some = Message.objects.filter(campaign_id=campaign.pk, status="queued").values("pk")[:number]
    Message.objects.filter(pk__in=some).update(**fields)


def test_a_draft_has_made_no_progress() -> None:
    look = progress(CampaignFactory())
    assert (look.audience, look.materialised, look.percent, look.per_second, look.eta) == (None, 0, 0.0, None, None)


def test_before_the_audience_is_frozen_nobody_knows_its_size() -> None:
    assert progress(launched(3)).audience is None


def test_contacts_without_a_row_yet_are_part_of_the_audience() -> None:
    look = progress(frozen(3))
    assert (look.audience, look.materialised, look.percent) == (3, 0, 0.0)


def test_counts_by_status_and_what_they_add_up_to() -> None:
    campaign = materialised(10, body="x" * 161)
    move(campaign, 3, status="delivered", final_at=timezone.now())
    move(campaign, 1, status="failed", reason="landline", final_at=timezone.now())
    move(campaign, 2, status="accepted")
    look = progress(campaign)
    assert look.counts == {Status.DELIVERED: 3, Status.FAILED: 1, Status.ACCEPTED: 2, Status.QUEUED: 4}
    assert (look.materialised, look.handed_over, look.final, look.open) == (10, 6, 4, 6)
    assert (look.percent, look.segments) == (40.0, 20)


def test_reasons_are_told_in_words_with_what_to_do() -> None:
    ada, bob = ContactFactory.create_batch(2)
    SuppressionFactory(phone=ada.phone)
    campaign = materialised(0, ada, bob)
    move(campaign, 1, status="undelivered", reason="unreachable", final_at=timezone.now())
    whys = {why.reason: why for why in progress(campaign).reasons}
    assert whys["opted_out"].label == "Opted out"
    assert "Only the recipient can opt in" in whys["opted_out"].advice
    assert whys["unreachable"].label == "Handset off or out of reach"
    assert "send again later" in whys["unreachable"].advice


def test_the_percentage_is_100_only_at_the_end() -> None:
    campaign = materialised(3000)
    move(campaign, 2999, status="delivered")
    assert progress(campaign).percent == 99.9
    move(campaign, 1, status="delivered")
    assert progress(campaign).percent == 100.0


def test_the_rate_is_that_of_the_last_seconds_and_tells_when_it_will_be_over() -> None:
    campaign = materialised(1000)
    begin = timezone.now()
    with time_machine.travel(begin + timedelta(seconds=100), tick=False):
        progress(campaign)
    move(campaign, 200, status="sent")
    with time_machine.travel(begin + timedelta(seconds=110), tick=False):
        look = progress(campaign)
        assert look.per_second == 20.0
        assert look.eta == timezone.now() + timedelta(seconds=40)


def test_the_first_look_tells_the_rate_since_the_launch() -> None:
    campaign = materialised(1000)
    move(campaign, 300, status="sent")
    with time_machine.travel(campaign.launched_at + timedelta(seconds=100), tick=False):
        assert progress(campaign).per_second == 3.0


def test_a_paused_campaign_has_no_rate_and_a_finished_one_that_of_all_of_it() -> None:
    campaign = materialised(10)
    move(campaign, 10, status="delivered")
    paused = control.pause(campaign=campaign, actor=None)
    assert progress(paused).per_second is None
    control.resume(campaign=campaign, actor=None)
    with time_machine.travel(campaign.launched_at + timedelta(seconds=5), tick=False):
        lifecycle.look_after()
    campaign.refresh_from_db()
    look = progress(campaign)
    assert (look.status, look.per_second, look.finished) == ("completed", 2.0, campaign.finished_at)


def test_a_look_is_one_query() -> None:
    campaign = materialised(50)
    with CaptureQueriesContext(transaction.get_connection()) as captured:
        progress(campaign)
    assert len(captured) == 1


def test_a_campaign_that_is_spread_lasts_as_long_as_its_pace_says() -> None:
    # Given 600 texts of two segments each, over ten minutes, of which a burst has just left
    campaign = materialised(600, body="x" * 161, spread_minutes=10)
    begin = timezone.now()
    with time_machine.travel(begin + timedelta(seconds=100), tick=False):
        progress(campaign)
    move(campaign, 300, status="sent")

    with time_machine.travel(begin + timedelta(seconds=110), tick=False):
        look = progress(campaign)

    assert look.per_second == 30.0
    assert look.left == timedelta(minutes=5)
    assert look.eta == begin + timedelta(seconds=110, minutes=5)


def test_a_thin_spread_is_reckoned_by_its_pace_though_nothing_left_while_one_looked() -> None:
    campaign = materialised(60, spread_minutes=600)
    begin = timezone.now()
    for seconds in (100, 110):
        with time_machine.travel(begin + timedelta(seconds=seconds), tick=False):
            look = progress(campaign)
    assert (look.per_second, look.left) == (0.0, timedelta(minutes=600))


def test_a_slow_provider_makes_it_longer_than_its_pace() -> None:
    campaign = materialised(1000, spread_minutes=1)
    begin = timezone.now()
    with time_machine.travel(begin + timedelta(seconds=100), tick=False):
        progress(campaign)
    move(campaign, 100, status="sent")
    with time_machine.travel(begin + timedelta(seconds=110), tick=False):
        assert progress(campaign).left == timedelta(seconds=90)


def test_nobody_knows_how_long_a_pause_lasts() -> None:
    campaign = materialised(10, spread_minutes=10)
    paused = control.pause(campaign=campaign, actor=None)
    look = progress(paused)
    assert (look.left, look.eta) == (None, None)


def test_what_is_held_does_not_leave_before_it_may() -> None:
    campaign = materialised(100)
    opens = timezone.now() + timedelta(hours=10)
    move(campaign, 40, status="held", waits_for="quiet_hours", not_before=opens)
    move(campaign, 30, status="sent")

    with time_machine.travel(campaign.launched_at + timedelta(seconds=30), tick=False):
        look = progress(campaign)
    assert (look.per_second, look.left) == (1.0, timedelta(seconds=30))
    assert (look.held_until, look.eta) == (opens, opens)

    move(campaign, 30, status="sent")
    look = progress(campaign)
    assert (look.left, look.held_until, look.eta) == (None, opens, opens)
