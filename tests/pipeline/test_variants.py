"""A campaign with two texts and a hold-out through the running whole, with the carrier's ledger as the witness."""

from collections import Counter

import pytest

from campaigns import launch, split
from campaigns.models import Campaign
from campaigns.report import counting, report
from delivery import clock
from delivery.models import Message
from delivery.states import Status
from tests import ledger
from tests.hub import Hub
from tests.pipeline.scenes import contact_ids, draft, people, wait_finished
from tests.variant_factories import VariantFactory

pytestmark = pytest.mark.pipeline


def test_each_gets_the_text_that_was_drawn_for_them_and_the_held_out_get_none(hub: Hub) -> None:
    hub.provider()
    everyone = people(120)
    campaign = draft(everyone, body="First text, {{ first_name }}", hold_out_percent=20)
    VariantFactory(campaign=campaign, percent=40, body="Second text, {{ first_name }}")

    launch.launch(campaign=campaign, actor=None)

    wait_finished(campaign, seconds=60)
    campaign.refresh_from_db()
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone))
    arms = split.of(campaign)
    drawn = {message.recipient: arms.arm(message.pk).letter for message in Message.objects.all()}
    got = {entry["to"]: entry["body"] for entry in hub.carrier.entries()}
    # What the carrier took is what was drawn: to each of A and B their text, to nobody held out any.
    assert set(got) == {phone for phone, letter in drawn.items() if letter}
    beginnings = {"A": "First text, ", "B": "Second text, "}
    assert all(text.startswith(beginnings[drawn[phone]]) for phone, text in got.items())
    assert Counter(drawn.values()).keys() == {"", "A", "B"}
    held_out = Message.objects.filter(status=Status.SUPPRESSED, reason="held_out")
    assert set(held_out.values_list("recipient", flat=True)) == set(drawn) - set(got)

    counting.CampaignReport.objects.filter(pk=campaign.pk).update(due_at=clock.now())
    counting.count(campaign.pk)
    found = report.of(Campaign.objects.get(pk=campaign.pk)).variants
    letters = Counter(drawn.values())
    assert {line.letter: line.sent for line in found.lines} == {"A": letters["A"], "B": letters["B"]}
    assert found.held_out == letters[""]
