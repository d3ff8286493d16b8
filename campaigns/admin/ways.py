"""Which way a campaign's messages go, and what was done to it, as its page shows it (`campaigns.ways`)."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User

from campaigns import ways as looking
from campaigns.admin.live import time_left
from campaigns.models import Campaign
from campaigns.ways import Way
from delivery.admin import failing, words
from delivery.models import Provider

MAX_EVENTS = 50


@dataclass(frozen=True, slots=True)
class WayRow:
    provider: Provider
    bar: list[words.Part]
    waiting: int
    rate: float | None
    left: str


def context(user: User | AnonymousUser, campaign: Campaign) -> dict[str, Any]:
    found = looking.ways(campaign)
    return {
        "campaign": campaign,
        "alarms": found.alarms,
        "ways": [_row(way) for way in found.providers],
        "queues": found.queues,
        "failures": [failing.row(kind, provider) for kind, provider in found.failures],
        "all_failures": found.all_failures,
        "events": list(campaign.events.order_by("-pk")[:MAX_EVENTS]),
        "may_see_providers": user.has_perm("delivery.view_provider"),
    }


def _row(way: Way) -> WayRow:
    counts = {status.value: number for status, number in way.counts.items()}
    left = time_left(way.left) if way.left is not None else ""
    return WayRow(way.provider, words.parts(counts, way.total), way.waiting, way.per_second, left)
