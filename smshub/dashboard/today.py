"""Today in figures: the way from written to delivered, who wrote back, what it cost, and why messages failed.

Covered are all messages of the campaigns that were launched today or are under way, and the messages of no campaign
that were written today (UTC), as the tallies have them: exact at each commit, and none is read to be counted.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from delivery import errors, failures, prices, tallies
from delivery.admin import failing
from delivery.errors import Failure
from delivery.ids import first_id
from delivery.models import TEST_PROVIDER, Inbound, Provider
from delivery.states import CONCLUSIVE, Status
from delivery.tallies import NOT_HANDED_OVER, Count

#: Campaigns that are summed; the latest ones.
MOST_CAMPAIGNS = 500
#: Texts of today that are looked at for who wrote; the first ones.
MOST_TEXTS = 10_000
MOST_REASONS = 12

#: What a provider took, whatever came of it; and what ended without a word of the carrier.
_TAKEN = CONCLUSIVE | {Status.ACCEPTED, Status.SENT, Status.UNDELIVERED}
_KEYWORD = Inbound.Keyword
_STOPS = [_KEYWORD.STOP.value, _KEYWORD.REFUSAL.value]

_WROTE = """
SELECT count(DISTINCT phone) FILTER (WHERE keyword = %(none)s),
       count(DISTINCT phone) FILTER (WHERE keyword = ANY(%(stops)s)), count(*)
FROM (SELECT phone, keyword FROM delivery_inbound WHERE id >= %(since)s AND provider_id <> %(test)s
      ORDER BY id LIMIT %(most)s) AS texts
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the funnel; of `percent` of the first one."""

    key: str
    label: str
    number: int
    percent: float
    link: str
    """Name of the list where they are, with what narrows it; see the template."""
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    status: Status
    group_label: str
    label: str
    advice: str
    messages: int
    codes: list[failing.Row] = field(default_factory=list)
    """The newest of them by the provider's code, out of a bounded number."""


@dataclass(frozen=True, slots=True)
class Today:
    since: datetime
    funnel: list[Stage]
    not_sent: int
    """Written, and never sent: suppressed or cancelled."""
    cost: str
    reasons: list[Reason]
    campaigns: int
    capped: bool
    """There are more campaigns than were summed."""


def today() -> Today:
    """Six reads, one of them of messages: the newest failures by an index, a bounded number."""
    since = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    of_today = Campaign.objects.filter(
        Q(launched_at__gte=since) | Q(status__in=(Campaign.Status.RUNNING, Campaign.Status.PAUSED))
    )
    ids = list(of_today.order_by("-pk").values_list("pk", flat=True)[: MOST_CAMPAIGNS + 1])
    counts = tallies.counts(ids[:MOST_CAMPAIGNS]) + tallies.of_day(since.date())
    charged = [count for count in counts if count.status not in NOT_HANDED_OVER]
    return Today(
        since=since,
        funnel=funnel(counts, *wrote(since)),
        not_sent=_sum(counts, {Status.SUPPRESSED, Status.CANCELLED}),
        cost=prices.spent(sum((count.cost for count in charged), Decimal(0)), sum(count.segments for count in charged)),
        reasons=reasons(counts, since),
        campaigns=len(ids[:MOST_CAMPAIGNS]),
        capped=len(ids) > MOST_CAMPAIGNS,
    )


def wrote(since: datetime) -> tuple[int, int, bool]:
    """How many people answered since then, how many said stop, and whether there may be more of both."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WROTE,
            {
                "since": first_id(since),
                "none": _KEYWORD.NONE.value,
                "stops": _STOPS,
                "test": TEST_PROVIDER,
                "most": MOST_TEXTS,
            },
        )
        answered, stopped, texts = cursor.fetchone()
    return answered, stopped, texts >= MOST_TEXTS


def funnel(counts: list[Count], answered: int, stopped: int, at_least: bool) -> list[Stage]:
    whole = sum(count.messages for count in counts) - _sum(counts, {Status.SUPPRESSED, Status.CANCELLED})
    silent = sum(
        count.messages for count in counts if count.status is Status.EXPIRED and count.reason == Failure.NO_RECEIPT
    )
    steps = [
        ("queued", _("To be sent"), whole, "messages", False),
        ("accepted", _("Accepted by a provider"), _sum(counts, _TAKEN) + silent, "accepted", False),
        ("delivered", _("Delivered"), _sum(counts, CONCLUSIVE), "delivered", False),
        ("replied", _("People who replied"), answered, "replied", at_least),
        ("opted_out", _("People who opted out"), stopped, "opted_out", at_least),
    ]
    return [
        Stage(key, label, number, min(100.0, round(100 * number / whole, 1)) if whole else 0.0, link, capped)
        for key, label, number, link, capped in steps
    ]


def reasons(counts: Iterable[Count], since: datetime) -> list[Reason]:
    """Why messages did not arrive, the most frequent first, with the codes that providers gave of late."""
    sums: Counter[tuple[Status, str]] = Counter()
    for count in counts:
        if count.status in failures.FAILED:
            sums[count.status, count.reason] += count.messages
    if not sums:
        return []
    kinds = failures.latest(failures.since(since))
    providers = Provider.objects.defer("credentials").in_bulk({kind.provider_id for kind in kinds if kind.provider_id})
    return [
        Reason(
            status=status,
            group_label=str(status.label),
            label=errors.in_words(status, reason) or _("No reason given"),
            advice=errors.advice(reason),
            messages=messages,
            codes=[
                failing.row(kind, providers.get(kind.provider_id or 0))
                for kind in kinds
                if (kind.status, kind.reason) == (status, reason) and kind.code
            ],
        )
        for (status, reason), messages in sums.most_common(MOST_REASONS)
    ]


def _sum(counts: Iterable[Count], statuses: Iterable[Status]) -> int:
    among = frozenset(statuses)
    return sum(count.messages for count in counts if count.status in among)
