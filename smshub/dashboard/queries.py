"""What the home page shows, in a fixed number of reads that do not grow with the messages."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from campaigns.models import Campaign
from delivery import tallies
from delivery.admin import words
from delivery.models import TEST_PROVIDER, Provider

Status = Campaign.Status

RUNNING, RECENT, NEXT, PROVIDERS = 20, 8, 5, 20
#: How far back a finished campaign counts as recent.
RECENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Row:
    """A campaign with its bar."""

    campaign: Campaign
    total: int
    finished: int
    percent: int
    bar: list[words.Part]
    statuses: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Home:
    running: list[Row]
    recent: list[Row]
    scheduled: list[Campaign]
    providers: Sequence[Provider]
    has_sender: bool


def home() -> Home:
    """Five reads: campaigns under way, finished ones, scheduled ones, their tallies, providers."""
    under_way = list(Campaign.objects.filter(status__in=(Status.RUNNING, Status.PAUSED)).order_by("-pk")[:RUNNING])
    since = timezone.now() - timedelta(days=RECENT_DAYS)
    ended = list(
        Campaign.objects.filter(status__in=(Status.COMPLETED, Status.CANCELLED), launched_at__gte=since).order_by(
            "-pk"
        )[:RECENT]
    )
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for count in tallies.counts([campaign.pk for campaign in under_way + ended]):
        counts[count.campaign_id][count.status.value] += count.messages
    providers = list(
        Provider.objects.exclude(pk=TEST_PROVIDER)
        .defer("credentials")
        .annotate(
            ready_senders=Count("senders", filter=Q(senders__enabled=True)),
            stopped_senders=Count("senders", filter=Q(senders__enabled=False)),
        )
        .order_by("name")[:PROVIDERS]
    )
    return Home(
        running=[row(campaign, counts[campaign.pk]) for campaign in under_way],
        recent=[row(campaign, counts[campaign.pk]) for campaign in ended],
        scheduled=list(Campaign.objects.filter(status=Status.SCHEDULED).order_by("scheduled_at")[:NEXT]),
        providers=providers,
        has_sender=any(provider.enabled and provider.ready_senders for provider in providers),
    )


def row(campaign: Campaign, counts: dict[str, int]) -> Row:
    total = max(campaign.audience_size or 0, sum(counts.values()))
    finished = words.finished(counts)
    return Row(
        campaign=campaign,
        total=total,
        finished=finished,
        percent=100 * finished // total if total else 0,
        bar=words.parts(counts, total),
        statuses=[(str(status.label), messages) for status, messages in words.by_status(counts.items())],
    )
