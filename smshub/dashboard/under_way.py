"""Campaigns on the home page: what runs, what was, what is next; from their tallies, however many messages."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Campaign, Reminder
from contacts.wording import figure
from delivery import prices, tallies
from delivery.admin import words
from delivery.tallies import NOT_HANDED_OVER, Count

Status = Campaign.Status

RUNNING, RECENT, NEXT = 20, 8, 5
#: How far back a finished campaign counts as recent.
RECENT_DAYS = 30
#: Reminders of the next day are counted up to here.
MOST_REMINDERS = 1_000


@dataclass(frozen=True, slots=True)
class Budget:
    """What a campaign has spent of what it may spend."""

    spent: str
    limit: str
    percent: int


@dataclass(frozen=True, slots=True)
class Row:
    """A campaign with its bar."""

    campaign: Campaign
    total: int
    finished: int
    percent: int
    bar: list[words.Part]
    budgets: list[Budget]


@dataclass(frozen=True, slots=True)
class Reminders:
    """Those planned for the next 24 hours."""

    number: int
    capped: bool
    """There may be more."""
    first: datetime | None


@dataclass(frozen=True, slots=True)
class Campaigns:
    running: list[Row]
    recent: list[Row]
    scheduled: list[Campaign]


def campaigns() -> Campaigns:
    """Four reads: those under way, those that ended of late, their tallies, and the scheduled ones."""
    under_way = list(Campaign.objects.filter(status__in=(Status.RUNNING, Status.PAUSED)).order_by("-pk")[:RUNNING])
    since = timezone.now() - timedelta(days=RECENT_DAYS)
    ended = Campaign.objects.filter(status__in=(Status.COMPLETED, Status.CANCELLED), launched_at__gte=since)
    recent = list(ended.order_by("-pk")[:RECENT])
    counts: defaultdict[int, list[Count]] = defaultdict(list)
    for count in tallies.counts([campaign.pk for campaign in under_way + recent]):
        counts[count.campaign_id].append(count)
    return Campaigns(
        running=[row(campaign, counts[campaign.pk]) for campaign in under_way],
        recent=[row(campaign, counts[campaign.pk]) for campaign in recent],
        scheduled=list(Campaign.objects.filter(status=Status.SCHEDULED).order_by("scheduled_at")[:NEXT]),
    )


def row(campaign: Campaign, counts: list[Count]) -> Row:
    by_status: defaultdict[str, int] = defaultdict(int)
    for count in counts:
        by_status[count.status.value] += count.messages
    total = max(campaign.audience_size or 0, sum(by_status.values()))
    finished = words.finished(by_status)
    return Row(
        campaign=campaign,
        total=total,
        finished=finished,
        percent=100 * finished // total if total else 0,
        bar=words.parts(by_status, total),
        budgets=budgets(campaign, counts),
    )


def budgets(campaign: Campaign, counts: list[Count]) -> list[Budget]:
    """Of money and of segments, where it has one."""
    left = [count for count in counts if count.status not in NOT_HANDED_OVER]
    found = []
    if campaign.max_cost:
        cost = sum((count.cost for count in left), Decimal(0))
        limit = prices.in_words(campaign.max_cost)
        found.append(Budget(prices.in_words(cost), limit, _percent(cost, campaign.max_cost)))
    if campaign.max_segments:
        segments = sum(count.segments for count in left)
        percent = _percent(Decimal(segments), Decimal(campaign.max_segments))
        found.append(
            Budget(figure(segments), _("%(number)s segments") % {"number": figure(campaign.max_segments)}, percent)
        )
    return found


def _percent(part: Decimal, whole: Decimal) -> int:
    return min(100, int(100 * part / whole))


def reminders() -> Reminders:
    """One walk along an index."""
    now = timezone.now()
    planned = Reminder.objects.filter(state=Reminder.State.PLANNED, due_at__lt=now + timedelta(days=1))
    due = list(planned.order_by("due_at").values_list("due_at", flat=True)[:MOST_REMINDERS])
    return Reminders(len(due), len(due) == MOST_REMINDERS, due[0] if due else None)
