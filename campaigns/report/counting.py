"""Counting what a campaign's messages come to: by a task, at growing distances, never in a request.

What changes with every message is counted by triggers; more of them would cost each claim and each receipt, for figures
that somebody looks at now and then. So countries, senders, variants and the course over time are counted from the
campaign's rows, which are a range of the primary key, in a few passes that the database does alone. The next count is
many times as far away as the last one took: a campaign of any size costs a small share of one core.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from campaigns.models import Campaign, CampaignReport
from campaigns.report import variants
from delivery import clock
from delivery.ids import IdRange, campaign_range
from delivery.reactions import Kind
from delivery.states import Status, sql_in

#: Between two counts of a campaign at least; and so many times as long as the last one took.
LEAST = timedelta(seconds=60)
TIMES = 30
#: After its end: later by a quarter of the time since, until receipts and answers have had theirs.
SHARE, UNTIL = 4, timedelta(days=10)
#: A stretch of time is cut into this many pieces at most, each of one of these lengths.
MOST_PIECES = 120
PIECES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 360, 1440, 10_080))
#: What comes later than this after the last message left is no longer drawn.
DRAWN = timedelta(days=1)

_ARRIVED = frozenset({Status.DELIVERED, Status.READ})

_GROUPS = """
SELECT CASE WHEN grouping(country) = 0 THEN 'country' WHEN grouping(sender_id) = 0 THEN 'sender' ELSE 'all' END,
       coalesce(CASE WHEN grouping(country) = 0 THEN country ELSE sender_id::text END, ''), status,
       count(*), sum(segments), sum(cost), max(sent_at), max(final_at)
FROM delivery_message
WHERE id BETWEEN %(lowest)s AND %(highest)s AND campaign_id = %(campaign)s
GROUP BY GROUPING SETS ((country, status), (sender_id, status))
"""
_LAST_REACTION = f"""
SELECT max(at) FROM delivery_reaction
WHERE message_id BETWEEN %(lowest)s AND %(highest)s AND campaign_id = %(campaign)s AND first
  AND kind <> '{Kind.MACHINE}'
"""
_COURSE = f"""
SELECT what, floor(extract(epoch FROM at - %(start)s) / %(seconds)s)::int AS piece, count(*)
FROM (
    SELECT what, at FROM delivery_message
    CROSS JOIN LATERAL (VALUES ('sent', sent_at),
        ('delivered', CASE WHEN status IN {sql_in(_ARRIVED)} THEN final_at END)) AS moment (what, at)
    WHERE id BETWEEN %(lowest)s AND %(highest)s AND campaign_id = %(campaign)s
    UNION ALL
    SELECT kind, at FROM delivery_reaction
    WHERE message_id BETWEEN %(lowest)s AND %(highest)s AND campaign_id = %(campaign)s AND first
      AND kind <> '{Kind.MACHINE}'
) AS happened
WHERE at >= %(start)s AND at < %(end)s GROUP BY what, piece
"""


@dataclass(slots=True)
class _Span:
    start: datetime
    end: datetime
    piece: timedelta


def due(*, limit: int = 20) -> list[int]:
    """Campaigns that are to be counted again."""
    waiting = CampaignReport.objects.filter(due_at__lte=clock.now()).order_by("due_at")
    return list(waiting.values_list("pk", flat=True)[:limit])


def begin(campaign: Campaign) -> None:
    """At the launch, in its transaction: from now on it is counted."""
    CampaignReport.objects.get_or_create(campaign=campaign, defaults={"due_at": clock.now() + LEAST})


def ask(campaign: Campaign) -> CampaignReport:
    """What was counted last. Where nothing was, or it went on since the last count, another will be made."""
    if campaign.launched_at is None:
        return CampaignReport(campaign=campaign)
    now = clock.now()
    report, made = CampaignReport.objects.get_or_create(campaign=campaign, defaults={"due_at": now})
    if not made and report.due_at is None and (campaign.finished_at is None or _is_old(report, campaign)):
        CampaignReport.objects.filter(pk=campaign.pk, due_at=None).update(due_at=now)
    return report


def _is_old(report: CampaignReport, campaign: Campaign) -> bool:
    return report.counted_at is None or (campaign.finished_at is not None and report.counted_at < campaign.finished_at)


def count(campaign_id: int) -> bool:
    """Count it if it is due. False: it was not, or somebody else is at it."""
    with transaction.atomic():
        report = (
            CampaignReport.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("campaign")
            .filter(Q(due_at__lte=clock.now()), pk=campaign_id)
            .first()
        )
        if report is None:
            return False
        campaign, began = report.campaign, time.monotonic()
        report.counted_at = clock.now()
        if campaign.launched_at is not None:
            report.data = _counted(campaign, campaign.launched_at)
        took = timedelta(seconds=time.monotonic() - began)
        report.due_at = _next(campaign, report.counted_at, took)
        report.save()
    return True


def _next(campaign: Campaign, now: datetime, took: timedelta) -> datetime | None:
    since = now - campaign.finished_at if campaign.finished_at else timedelta(0)
    return now + max(LEAST, since / SHARE, took * TIMES) if since < UNTIL else None


def _counted(campaign: Campaign, launched_at: datetime) -> dict[str, Any]:
    campaign_id = campaign.pk
    ids = campaign_range(launched_at, campaign_id)
    groups: dict[str, dict[str, dict[str, list[Any]]]] = {"country": {}, "sender": {}}
    last: list[datetime] = []
    left: list[datetime] = []
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, _values(ids, campaign_id))
        for kind, name, status, messages, segments, cost, sent, final in cursor.fetchall():
            groups[kind].setdefault(name, {})[status] = [messages, segments, str(cost or Decimal(0))]
            left += [sent] if sent else []
            last += [final] if final else []
        cursor.execute(_LAST_REACTION, _values(ids, campaign_id))
        last += [at for (at,) in cursor.fetchall() if at]
        span = _span(launched_at, left, last)
        values = {"start": span.start, "end": span.end, "seconds": span.piece.total_seconds()}
        cursor.execute(_COURSE, _values(ids, campaign_id) | values)
        course: dict[str, dict[str, int]] = {}
        for what, piece, number in cursor.fetchall():
            course.setdefault(what, {})[str(piece)] = number
    return {
        **groups,
        "variants": variants.counted(campaign, ids),
        "start": span.start.isoformat(),
        "piece_seconds": int(span.piece.total_seconds()),
        "pieces": -(-(span.end - span.start) // span.piece),
        "course": course,
    }


def _values(ids: IdRange, campaign_id: int) -> dict[str, Any]:
    return {"lowest": ids.lowest, "highest": ids.highest, "campaign": campaign_id}


def _span(launched_at: datetime, left: Iterable[datetime], last: Iterable[datetime]) -> _Span:
    """From the launch to when nothing was new, in pieces that begin at whole minutes, hours or days."""
    latest_left = max(left, default=launched_at)
    end = min(max([latest_left, *last]), latest_left + DRAWN)
    piece = next((piece for piece in PIECES if (end - launched_at) / piece <= MOST_PIECES - 2), PIECES[-1])
    seconds = int(piece.total_seconds())
    start = datetime.fromtimestamp(int(launched_at.timestamp()) // seconds * seconds, UTC)
    pieces = max((end - start) // piece + 1, 1)
    return _Span(start, start + pieces * piece, piece)
