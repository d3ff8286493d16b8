"""The limits, seen from the carrier's side: two workers, a backlog, and how many segments arrived when.

What is granted within a second arrives within about a second: the carrier may see a batch that was held up on the
way together with the one after it. So the bound has a tenth of a second's worth added.
"""

import pytest

from delivery.limiter import BURST_SECONDS
from delivery.models import Message, Sender
from simulator.client import LedgerEntry
from tests import ledger
from tests.hub import SENDER, Hub, wait_for
from tests.pipeline.scenes import launched, people

pytestmark = pytest.mark.pipeline

STRETCH_SECONDS = 6.0
ON_THE_WAY_SECONDS = 0.1


# A text of these people has 1.65 segments on average: the sizes leave some over when the stretch is full.
@pytest.mark.parametrize(
    ("account_rate", "sender_rate", "size"),
    [(2000, 100, 500), (250, None, 1250)],
    ids=["a sender's limit of 100", "an account's limit of 250"],
)
def test_a_limit_is_never_exceeded_and_with_a_backlog_it_is_used(
    hub: Hub, account_rate: int, sender_rate: int | None, size: int
) -> None:
    hub.carrier.set_faults(receipt_delay_ms=100, latency_ms=20, queued_callback=False)
    provider = hub.provider(rate=account_rate)
    Sender.objects.filter(provider=provider, address=SENDER).update(rate=sender_rate)
    limit = sender_rate or account_rate
    campaign = launched(people(size))
    enough = limit * (STRETCH_SECONDS + 1 + BURST_SECONDS)

    wait_for(lambda: hub.carrier.summary()["segments"] >= enough, seconds=30, what=f"{enough:g} segments")

    entries = ledger.handed_over(campaign, hub.carrier)
    largest = max(entry["segments"] for entry in entries)
    worst = hub.carrier.summary()["worst_second"]["sender"][SENDER]
    assert worst <= limit * (1 + BURST_SECONDS + ON_THE_WAY_SECONDS) + largest
    # From a second after the start, when the burst is spent, to when the last of the backlog was claimed.
    start = entries[0]["created"] + 1.0
    assert used(entries, start, start + STRETCH_SECONDS) >= 0.9 * limit * STRETCH_SECONDS
    # No other text waited for a turn that the limits would have given: there was a backlog all along.
    last = Message.objects.filter(campaign_id=campaign.pk).order_by("-claimed_at").values_list("claimed_at", flat=True)
    assert last[0] is None or last[0].timestamp() >= start + STRETCH_SECONDS - ON_THE_WAY_SECONDS


def used(entries: list[LedgerEntry], start: float, end: float) -> int:
    return sum(entry["segments"] for entry in entries if start <= entry["created"] < end)
