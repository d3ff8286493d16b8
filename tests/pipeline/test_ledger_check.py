"""The check that every campaign of these tests ends with can fail: one lie at a time, and it says which."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from delivery.models import Message, Tally
from tests import ledger
from tests.factories import SuppressionFactory
from tests.hub import Hub, wait_for
from tests.pipeline.scenes import contact_ids, launched, people, wait_finished

pytestmark = pytest.mark.pipeline

Rows = QuerySet[Message]


def stopped_before(hub: Hub, rows: Rows) -> None:
    stop = SuppressionFactory(phone=rows[0].recipient)
    type(stop).objects.filter(pk=stop.pk).update(created_at=timezone.now() - timedelta(hours=1))


LIES: dict[str, Callable[[Hub, Rows], object]] = {
    "have no row": lambda _hub, rows: rows[0].delete(),
    "not final": lambda _hub, rows: rows.filter(pk=rows[0].pk).update(status="sent"),
    "the tallies say": lambda _hub, rows: Tally.objects.filter(campaign_id=rows[0].campaign_id).delete(),
    "belong to no message": lambda _hub, rows: rows[0].delete(),
    "at the carrier delivered": lambda _hub, rows: rows.filter(pk=rows[0].pk).update(status="undelivered"),
    "suppressed, and the carrier has it": lambda _hub, rows: rows.filter(pk=rows[0].pk).update(status="suppressed"),
    "without the carrier's word": lambda _hub, rows: rows.filter(pk=rows[0].pk).update(attempt=2),
    "others at the carrier": lambda _hub, rows: rows.filter(pk=rows[0].pk).update(body="Something else"),
    "had said stop": stopped_before,
    "never had it": lambda hub, _rows: hub.carrier.reset(),
}


def test_every_disagreement_is_found(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=10)
    hub.provider()
    everyone = people(5)
    campaigns = [launched(everyone) for _ in LIES]
    for campaign in campaigns:
        wait_finished(campaign, seconds=30)
        ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))

    for campaign, (said, lie) in zip(campaigns, LIES.items(), strict=True):
        lie(hub, Message.objects.filter(campaign_id=campaign.pk).order_by("pk"))

        found = list(ledger.disagreements(campaign, hub.carrier, audience=contact_ids(everyone)))
        assert any(said in sentence for sentence in found), (said, found)


def test_a_second_text_of_one_message_is_found(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=10)
    hub.provider()
    campaign = launched(people(5))
    wait_finished(campaign, seconds=15)
    again = Message.objects.filter(campaign_id=campaign.pk).order_by("pk")[:1].get()

    Message.objects.filter(pk=again.pk).update(status="queued", final_at=None)

    wait_for(lambda: hub.carrier.summary()["accepted"] == 6, seconds=10, what="a text that nobody wanted")
    found = list(ledger.disagreements(campaign, hub.carrier))
    assert any("1 messages were texted more than once" in sentence for sentence in found), found
