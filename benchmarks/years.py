"""Years of messages, written by Postgres itself: campaigns and messages of their own in every month, and in the last
one whatever can be on its way."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks import scenes
from campaigns.models import Campaign, Template
from delivery import months
from delivery.ids import month_of, months_later
from delivery.models import Sender
from delivery.states import Status

#: People who are texted again and again.
PEOPLE = 300_000

# Ids as `delivery.ids` makes them: of a launch, a campaign and a contact; or of a moment and chance.
_OF_CAMPAIGN = """(lpad(to_hex(%(at)s::bigint), 12, '0') || '7' || lpad(to_hex(%(campaign)s::bigint >> 18), 3, '0')
    || to_hex((-9223372036854775808)::bigint | ((%(campaign)s::bigint & 262143) << 44) | n))::uuid"""
_OF_CHANCE = """(lpad(to_hex(%(at)s::bigint + n * %(apart)s::bigint), 12, '0') || '7'
    || substr(md5(n::text || 'id'), 1, 3) || '8' || substr(md5(n::text || 'id'), 4, 15))::uuid"""
_FILL = """
INSERT INTO delivery_message (id, campaign_id, contact_id, provider_id, sender_id, recipient, country, body, encoding,
    segments, cost, lane, status, reason, error_code, attempt, provider_message_id, created_at, claimed_at, sent_at,
    final_at, ask_at, lease_until, not_before, place_id)
SELECT {id}, %(campaign)s, n, %(provider)s, %(sender)s, '+1415' || 1000000 + n %% %(people)s, 'US',
    decode(repeat(md5(n::text), 3), 'hex'), 'gsm7', 1, 0.0079, %(lane)s, %(status)s, '', '', 1,
    CASE WHEN %(known)s THEN 'SM' || md5(%(campaign)s::text || '-' || n || '-' || %(at)s) ELSE '' END,
    %(made)s, CASE WHEN %(known)s THEN %(made)s END, CASE WHEN %(known)s THEN %(made)s END,
    %(final)s, %(ask)s::timestamptz + apart, %(lease)s::timestamptz + apart, %(not_before)s::timestamptz + apart,
    %(place)s
FROM generate_series(%(first)s, %(last)s) AS n, LATERAL (SELECT (n - %(first)s) * interval '1 ms' AS apart) AS each
"""
_TIMELINE = """
INSERT INTO delivery_messageevent (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
SELECT id, source || ':1:' || what || ':', created_at, source, what, 1, '', '', ''
FROM delivery_message, (VALUES ('answer', 'accepted'), ('receipt', 'delivered')) AS told (source, what)
WHERE id >= %s AND id < %s AND provider_message_id <> ''
"""


# What callers of the API said of messages of their own: of an order, and of one of five shops.
_REQUESTS = """
INSERT INTO delivery_messagerequest (message_id, api_key_id, metadata, client_reference)
SELECT id, 1, jsonb_build_object('order', n, 'shop', 'shop ' || n %% 5), 'order-' || n
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM delivery_message
      WHERE id >= %s AND id < %s AND campaign_id = 0) AS own
"""


@dataclass(frozen=True, slots=True)
class Years:
    sender: Sender
    big: Campaign
    small: Campaign
    over: Campaign
    """One that is done, of half a year ago."""


def make(messages: int, number: int, *, timelines: bool = True) -> Years:
    """So many messages over so many months, of which the last is this one. Their `timelines` are most of the work."""
    by = scenes.sender()
    this = month_of(timezone.now())
    each = messages // number
    over: Campaign | None = None
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for back in range(number - 1, -1, -1):
            month = months_later(this, -back)
            months.open_month(month)
            filled = _month(by, month, each)
            over = filled if over is None or back >= 6 else over
        big, small = _under_way(by, each)
        for month in [months_later(this, -back) for back in range(number)]:
            if timelines:
                cursor.execute(_TIMELINE, months.month_bounds(month))
            cursor.execute(_REQUESTS, months.month_bounds(month))
        cursor.execute(
            "VACUUM ANALYZE delivery_message, delivery_messageevent, delivery_messagerequest, delivery_inboxreceipt"
        )
    if over is None:
        raise RuntimeError("There is no month.")
    return Years(by, big, small, over)


def _month(by: Sender, month: date, size: int) -> Campaign:
    """Three campaigns and as many messages of their own as each of them has, all of them done."""
    begin = datetime(month.year, month.month, 1, tzinfo=UTC)
    part = size // 4
    for number in range(3):
        campaign = _campaign(by, begin + timedelta(hours=7 * number), Campaign.Status.COMPLETED)
        _fill(by, campaign, last=part, status=Status.DELIVERED, made=campaign.launched_at)
    _fill(by, None, last=size - 3 * part, status=Status.DELIVERED, made=begin, apart=1000)
    return campaign


def _under_way(by: Sender, size: int) -> tuple[Campaign, Campaign]:
    now = timezone.now()
    big = _campaign(by, now - timedelta(minutes=10), Campaign.Status.RUNNING)
    small = _campaign(by, now - timedelta(minutes=5), Campaign.Status.RUNNING)
    first = 0
    for status, rows, rest in (
        (Status.QUEUED, size, {}),
        (Status.SENDING, 500, {"lease": now - timedelta(minutes=1)}),
        (Status.ACCEPTED, 20_000, {"ask": now + timedelta(minutes=5)}),
        (Status.SENT, 20_000, {"ask": now + timedelta(minutes=5)}),
        (Status.UNCERTAIN, 1_000, {"ask": now - timedelta(minutes=1)}),
        (Status.FAILED, 5_000, {}),
        (Status.HELD, 5_000, {"not_before": now - timedelta(minutes=1)}),
    ):
        _fill(by, big, first=first + 1, last=first + rows, status=status, made=now, **rest)
        first += rows
    _fill(by, small, last=1_000, status=Status.QUEUED, made=now)
    _fill(by, None, last=1_000, status=Status.QUEUED, made=now, apart=1)
    return big, small


def _campaign(by: Sender, at: datetime | None, status: str) -> Campaign:
    template, _ = Template.objects.get_or_create(name="Of years")
    return Campaign.objects.create(name=f"Of {at}", template=template, sender=by, status=status, launched_at=at)


def _fill(by: Sender, campaign: Campaign | None, *, last: int, status: Status, made: Any, **rest: Any) -> None:
    values = {
        "campaign": campaign.pk if campaign else 0,
        "at": int(made.timestamp() * 1000) if campaign is None else int(campaign.launched_at.timestamp() * 1000),
        "provider": by.provider_id,
        "sender": by.pk,
        "people": PEOPLE,
        "lane": 3 if campaign else 1,
        "status": status.value,
        "known": status in (Status.ACCEPTED, Status.SENT, Status.DELIVERED),
        "made": made,
        "final": made if status in (Status.DELIVERED, Status.FAILED) else None,
        "place": scenes.everywhere(),
        "first": 1,
        "last": last,
        **dict.fromkeys(("ask", "lease", "not_before", "apart")),
        **rest,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FILL.format(id=_OF_CAMPAIGN if campaign else _OF_CHANCE), values)
