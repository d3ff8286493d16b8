"""The check that every campaign of these tests ends with can fail: one lie at a time, and it says which."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from delivery import bodies
from delivery.models import Message, MessageEvent, Provider, Tally
from tests import ledger
from tests.factories import SuppressionFactory
from tests.hub import AUTH_TOKEN, Hub, wait_for
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
    "others at the carrier": lambda _hub, rows: rows.filter(pk=rows[0].pk).update(
        sealed_body=bodies.seal(rows[0].pk, "Something else")
    ),
    "that campaign and contact make": lambda _hub, rows: rows.filter(pk=rows[0].pk).update(contact_id=10**9),
    "had said stop": stopped_before,
    "are lost": lambda _hub, rows: MessageEvent.objects.filter(message=rows[0], source="receipt").delete(),
    "segments within": lambda _hub, _rows: Provider.objects.update(rate=1),
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


def test_a_number_a_text_and_a_secret_in_a_log_are_found(hub: Hub, tmp_path: Path) -> None:
    hub.carrier.set_faults(receipt_delay_ms=10)
    hub.provider()
    campaign = launched(people(5))
    wait_finished(campaign, seconds=15)
    last = Message.objects.filter(campaign_id=campaign.pk).order_by("-pk")[:1].get()
    for name, leak in (("worker", last.recipient), ("web", f"sent {last.body!r}"), ("beat", AUTH_TOKEN)):
        (tmp_path / f"{name}.log").write_text(f"One line of many: {leak}, and on it goes.")

    found = list(ledger.disagreements(campaign, hub.carrier, logs=[*hub.logs, *tmp_path.iterdir()]))

    assert sorted(found) == [
        "beat.log has a credential",
        "web.log has the text of a message",
        "worker.log has the number of a recipient",
    ]


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
