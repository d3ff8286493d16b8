"""What a stretch of days came to, by day, campaign, provider, country or sender: from tallies and counts, never from
messages.

A day is that of UTC. A message of no campaign belongs to the day on which it was written, a campaign's to the day of
its launch, whenever it left. By day, campaign and provider the figures are exact at each commit. Countries and senders
are those of campaigns, as each was last counted (`campaigns.report.counting`); messages of none have no key there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import connection

from campaigns.models import Campaign
from campaigns.report.report import Line, line
from delivery.models import Provider, Sender

MOST_DAYS = 366
LAST_YEAR = 9998  # a day has a next one
#: Of lines; those with the latest days, the newest campaigns, or most messages.
MOST_LINES = 400


class By(StrEnum):
    DAY = "day"
    CAMPAIGN = "campaign"
    PROVIDER = "provider"
    COUNTRY = "country"
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Summary:
    """`currency` is that of costs. `more`: there are lines that are not among these; `total` has them. `counted_from`
    is the oldest of the counts that lines of countries and senders are from, and `not_counted` campaigns have none
    yet."""

    since: date
    until: date
    by: By
    currency: str
    total: Line
    lines: tuple[Line, ...]
    more: bool
    counted_from: datetime | None = None
    not_counted: int = 0


_LAUNCHED = "campaign.launched_at >= %(first)s AND campaign.launched_at < %(end)s"
_OWN = """
SELECT {own}, status, sum(messages), sum(segments), sum(cost) FROM delivery_tally
WHERE day BETWEEN %(since)s AND %(until)s GROUP BY 1, 2
"""
_OF_CAMPAIGNS = f"""
SELECT {{key}}, tally.status, sum(messages), sum(segments), sum(cost)
FROM campaigns_campaign AS campaign JOIN delivery_tally AS tally ON tally.campaign_id = campaign.id
WHERE {_LAUNCHED} GROUP BY 1, 2
"""
#: By tallies: the key of a message of no campaign, and of a campaign's.
_KEYS = {
    By.DAY: ("day::text", "(campaign.launched_at AT TIME ZONE 'UTC')::date::text"),
    By.CAMPAIGN: ("''", "campaign.id::text"),
    By.PROVIDER: ("coalesce(provider_id::text, '')", "coalesce(tally.provider_id::text, '')"),
}
_COUNTED = f"""
SELECT line.key, each.key, sum((each.value->>0)::bigint), sum((each.value->>1)::bigint), sum((each.value->>2)::numeric)
FROM campaigns_campaign AS campaign
JOIN campaigns_campaignreport AS report ON report.campaign_id = campaign.id
CROSS JOIN LATERAL jsonb_each(coalesce(report.data->%(kind)s, '{{}}')) AS line
CROSS JOIN LATERAL jsonb_each(line.value) AS each
WHERE {_LAUNCHED} GROUP BY 1, 2
"""
_COUNTS = f"""
SELECT min(report.counted_at), count(*) FILTER (WHERE report.counted_at IS NULL)
FROM campaigns_campaign AS campaign LEFT JOIN campaigns_campaignreport AS report ON report.campaign_id = campaign.id
WHERE {_LAUNCHED}
"""

_Statuses = dict[str, list[Any]]


def summary(since: date, until: date, by: By) -> Summary:
    """Of the days from `since` to `until`, both included. Four queries at most.

    Raises ValueError, in words, for days that are no stretch or too long a one.
    """
    if not 0 <= (until - since).days < MOST_DAYS or until.year > LAST_YEAR:
        raise ValueError(f"Give a first day and a later one, at most {MOST_DAYS} of them.")
    values = {
        "since": since,
        "until": until,
        "first": datetime.combine(since, time(), UTC),
        "end": datetime.combine(until, time(), UTC) + timedelta(days=1),
        "kind": by.value,
    }
    groups: dict[str, _Statuses] = {}
    counted: dict[str, Any] = {}
    with connection.cursor() as cursor:
        if by in _KEYS:
            own, key = _KEYS[by]
            queries = (_OWN.format(own=own), _OF_CAMPAIGNS.format(key=key))
        else:
            queries = (_OWN.format(own="''"), _COUNTED)
            cursor.execute(_COUNTS, values)
            counted["counted_from"], counted["not_counted"] = cursor.fetchone()
        for query in queries:
            cursor.execute(query, values)
            _gather(groups, cursor.fetchall())
    kept = _kept(groups, by)
    labels = _labels(by, kept)
    return Summary(
        since=since,
        until=until,
        by=by,
        currency=settings.CURRENCY,
        total=line("", "", _whole(groups.values())),
        lines=tuple(line(key, labels.get(key, key), groups[key]) for key in kept),
        more=len(kept) < len(groups),
        **counted,
    )


def _gather(groups: dict[str, _Statuses], rows: Iterable[tuple[str, str, int, int, Decimal]]) -> None:
    for key, status, *numbers in rows:
        _add(groups.setdefault(key, {}), status, numbers)


def _add(statuses: _Statuses, status: str, numbers: Iterable[Any]) -> None:
    statuses[status] = [a + b for a, b in zip(statuses.get(status, (0, 0, 0)), numbers, strict=True)]


def _whole(groups: Iterable[_Statuses]) -> _Statuses:
    whole: _Statuses = {}
    for statuses in groups:
        for status, numbers in statuses.items():
            _add(whole, status, numbers)
    return whole


def _kept(groups: Mapping[str, _Statuses], by: By) -> list[str]:
    """Keys of the lines that are shown, in their order."""

    def messages(key: str) -> int:
        return sum(int(numbers[0]) for numbers in groups[key].values())

    there = sorted(key for key in groups if messages(key) > 0)
    match by:
        case By.DAY:
            return there[-MOST_LINES:]
        case By.CAMPAIGN:
            return sorted(there, key=lambda key: int(key or 0), reverse=True)[:MOST_LINES]
    return sorted(there, key=messages, reverse=True)[:MOST_LINES]


def _labels(by: By, keys: Iterable[str]) -> dict[str, str]:
    """What people call them; a day and a country are called what they are."""
    ids = [int(key) for key in keys if key] if by in (By.CAMPAIGN, By.PROVIDER, By.SENDER) else []
    named: Any = ()
    match by:
        case By.CAMPAIGN:
            named = Campaign.objects.filter(pk__in=ids).values_list("pk", "name")
        case By.PROVIDER:
            named = Provider.objects.filter(pk__in=ids).values_list("pk", "name")
        case By.SENDER:
            named = Sender.objects.filter(pk__in=ids).values_list("pk", "address")
    return {str(pk): name for pk, name in named}
