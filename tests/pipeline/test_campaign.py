"""A campaign from its launch to everybody's final status."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from campaigns import launch
from contacts import consent
from contacts.models import Suppression
from delivery.models import Message, MessageEvent
from delivery.states import Status
from smshub.celery import app as celery
from tests import ledger
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import (
    contact_ids,
    draft,
    launched,
    people,
    phones,
    wait_finished,
    with_status,
)

pytestmark = pytest.mark.pipeline


def test_every_message_is_final_although_receipts_are_late_lost_doubled_reordered_and_early(hub: Hub) -> None:
    hub.carrier.reset(
        seed=7,
        receipt_delay_ms=600,
        receipt_jitter_ms=400,
        receipts_lost_share=0.1,
        receipts_doubled_share=0.2,
        receipts_reordered_share=0.2,
        receipts_early_share=0.2,
        error_mix={"30003": 0.05, "30005": 0.05},
        reject_mix={"21610": 0.02},
    )
    hub.provider()
    everyone = people(400)
    stopped = phones(everyone)[::20]
    consent.suppress(phones=stopped, reason=Suppression.Reason.OPTED_OUT, evidence="form", actor=None)

    campaign = launched(everyone)

    wait_finished(campaign, seconds=60)
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))
    rows = Message.objects.filter(campaign_id=campaign.pk)
    assert set(rows.filter(status=Status.SUPPRESSED).values_list("recipient", flat=True)) == set(stopped)
    assert set(rows.values_list("encoding", flat=True)) == {"gsm7", "ucs2"}
    assert set(rows.values_list("segments", flat=True)) >= {0, 1, 2, 3}
    stats = hub.carrier.stats()
    assert all(stats[f"receipts_{fault}"] for fault in ("lost", "doubled", "reordered", "early"))
    # Whose last receipt was lost was asked about.
    assert MessageEvent.objects.filter(source=MessageEvent.Source.ASKED).exists()


def test_a_refused_number_is_suppressed_and_the_next_campaign_leaves_it_out(hub: Hub) -> None:
    hub.carrier.reset(seed=1, receipt_delay_ms=50, reject_mix={"21610": 0.2, "21211": 0.2})
    hub.provider()
    everyone = people(30)
    first = launched(everyone)
    wait_finished(first, seconds=20)
    failed = set(Message.objects.filter(campaign_id=first.pk, status=Status.FAILED).values_list("recipient", flat=True))

    second = launched(everyone)

    wait_finished(second, seconds=20)
    left_out = Message.objects.filter(campaign_id=second.pk, status=Status.SUPPRESSED)
    assert failed
    assert failed <= set(left_out.values_list("recipient", flat=True))
    ledger.check(first, hub.carrier)
    ledger.check(second, hub.carrier)


def test_a_scheduled_campaign_starts_at_its_time_and_not_before(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50)
    hub.provider()
    at = timezone.now() + timedelta(seconds=1.5)

    campaign = launch.schedule(campaign=draft(people(50)), at=at, actor=None)

    wait_finished(campaign, seconds=20)
    first = ledger.handed_over(campaign, hub.carrier)[0]
    assert first["created"] >= at.timestamp()
    assert with_status(campaign, Status.DELIVERED) == 50
    ledger.check(campaign, hub.carrier)


def test_a_message_that_the_carrier_never_closes_is_asked_about_and_at_last_given_up(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=50, never_final_share=1.0)
    hub.provider()
    campaign = launched(people(20))
    rows = Message.objects.filter(campaign_id=campaign.pk)
    asked = MessageEvent.objects.filter(source=MessageEvent.Source.ASKED).values("message_id").distinct()
    wait_for(lambda: asked.count() == 20, seconds=20, what="questions about all of them")
    assert with_status(campaign, Status.SENT) == 20

    now = timezone.now()
    rows.update(claimed_at=now - timedelta(seconds=settings.GIVE_UP_AFTER_SECONDS), ask_at=now)

    # Due for longer than any question waits: nobody asks any more, and the next round of housekeeping closes them,
    # which may be one of the clock's own.
    overdue = rows.filter(Q(ask_at__lt=Now() - timedelta(seconds=2.5)) | Q(status=Status.EXPIRED))
    wait_for(lambda: overdue.count() == 20, seconds=20, what="the end of all questions")
    celery.send_task("delivery.tasks.housekeeping")
    wait_finished(campaign, seconds=10)
    assert set(rows.values_list("status", "reason")) == {("expired", "no_receipt")}
    ledger.check(campaign, hub.carrier)
