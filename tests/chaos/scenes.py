"""What all of chaos has in common: sizes, faults, moments by chance, and the end."""

import os
import random

from campaigns.models import Campaign
from contacts.models import ContactList
from tests import ledger
from tests.hub import Hub
from tests.pipeline.scenes import contact_ids, wait_finished

#: Larger audiences for a long run: see `make chaos`.
SCALE = float(os.environ.get("CHAOS_SCALE") or 1)
#: What a wait is allowed to take, beside much else on the machine.
PATIENCE = 60 * max(1, SCALE)

#: One in twenty of each kind of trouble. A late answer comes after the hub has stopped waiting for it.
EVERY_FAULT = {
    "latency_ms": 20,
    "latency_sigma": 0.5,
    "throttle_share": 0.05,
    "error_before_share": 0.05,
    "drop_before_share": 0.05,
    "error_after_share": 0.05,
    "drop_after_share": 0.05,
    "late_share": 0.05,
    "late_seconds": 4,
    "garbage_share": 0.05,
    "reject_mix": {"21610": 0.05},
    "error_mix": {"30003": 0.05, "30005": 0.05},
    "receipt_delay_ms": 300,
    "receipt_jitter_ms": 200,
    "receipts_lost_share": 0.05,
    "receipts_doubled_share": 0.05,
    "receipts_reordered_share": 0.05,
    "receipts_early_share": 0.05,
}
#: Enough to fill queues and inboxes with work in doubt, and quickly cleared up.
SOME_FAULTS = {
    "latency_ms": 20,
    "throttle_share": 0.03,
    "drop_after_share": 0.05,
    "error_after_share": 0.05,
    "error_mix": {"30003": 0.05},
    "receipt_delay_ms": 300,
    "receipt_jitter_ms": 200,
    "receipts_lost_share": 0.05,
    "receipts_doubled_share": 0.05,
    "receipts_reordered_share": 0.1,
    "receipts_early_share": 0.1,
}


def end_well(
    hub: Hub, campaign: Campaign, everyone: ContactList, *, seconds: float = PATIENCE, bursts: int = 1
) -> None:
    """All that must be true of a campaign at its end is."""
    wait_finished(campaign, seconds=seconds)
    ledger.check(campaign, hub.carrier, audience=contact_ids(everyone), logs=hub.logs, bursts=bursts)


def moments(rng: random.Random, number: int, size: int) -> list[int]:
    """So many points on the way of `size` texts, in order, neither at its very start nor at its end."""
    return sorted(rng.randrange(size // 10, size * 7 // 10) for _ in range(number))
