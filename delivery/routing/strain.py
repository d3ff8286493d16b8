"""What keeps a provider from taking what it should, beyond what its answers say.

- None of its connections is up, for longer than it takes to make a new one.
- It has been refusing for speed for long: it is full.
- What is routed to it waits there for long: it is slow.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from contacts.wording import figure
from delivery import slowing
from delivery.connector import binds
from delivery.lanes import URGENT, Lane
from delivery.limiter import account_bucket
from delivery.models import ProviderHealth
from delivery.states import Status

#: A link that was lost is made anew in less.
DOWN_SECONDS = 3.0
#: So is the first one of an account.
FIRST_SECONDS = 10.0
#: Slowed to this part of what is configured or below, for HEALTH_FULL_SECONDS, it is full.
FULL_FACTOR = 0.5
#: What was held until now and leaves at once does not make a provider slow: it waits as long as this.
SLOW_FOR = timedelta(seconds=10)

# By the streams that wait in these lanes, each by its oldest, in the order of the claim index.
_LATE = f"""
WITH RECURSIVE lane AS (
    SELECT * FROM unnest(%(lanes)s::smallint[], %(seconds)s::float8[]) AS l (lane, seconds)
), start AS (
    SELECT provider.id AS provider_id, lane.lane, lane.seconds
    FROM unnest(%(ids)s::bigint[]) AS provider (id) CROSS JOIN lane
), stream AS (
    SELECT start.provider_id, start.lane, start.seconds, found.*
    FROM start CROSS JOIN LATERAL (
        SELECT campaign_id, sender_id, country, created_at, routed FROM delivery_message
        WHERE provider_id = start.provider_id AND lane = start.lane AND status = '{Status.QUEUED}'
        ORDER BY campaign_id, sender_id, country, created_at LIMIT 1) AS found
    UNION ALL
    SELECT stream.provider_id, stream.lane, stream.seconds, next.*
    FROM stream CROSS JOIN LATERAL (
        SELECT campaign_id, sender_id, country, created_at, routed FROM delivery_message
        WHERE provider_id = stream.provider_id AND lane = stream.lane AND status = '{Status.QUEUED}'
          AND (campaign_id, sender_id, country) > (stream.campaign_id, stream.sender_id, stream.country)
        ORDER BY campaign_id, sender_id, country, created_at LIMIT 1) AS next
)
SELECT provider_id, lane, min(created_at) FROM stream
WHERE routed AND created_at < %(now)s - make_interval(secs => seconds)
  AND NOT EXISTS (SELECT 1 FROM delivery_campaignhold AS hold WHERE hold.campaign_id = stream.campaign_id)
GROUP BY provider_id, lane
"""


def down(providers: Mapping[int, str]) -> dict[int, str]:
    """Why none of their connections is up, for those of which that is so; `providers` to who has given them up, if
    anybody has. Nothing is said of those of which nobody has ever heard, nor without Redis.
    """
    if not providers:
        return {}
    try:
        accounts = binds.look(list(providers))
    except redis.RedisError:
        return {}
    return {
        provider_id: _why(account, providers[provider_id])
        for provider_id, account in accounts.items()
        if not account.bound and _is_long(account)
    }


def strained(provider_ids: Collection[int], now: datetime) -> dict[int, str]:
    """Why these are to get less, in words, for those of which that is so."""
    if not provider_ids:
        return {}
    return _slow(provider_ids, now) | _full(provider_ids, now)


def _is_long(account: binds.Account) -> bool:
    if account.silent_seconds is None:
        return account.known_seconds >= FIRST_SECONDS
    return account.silent_seconds >= DOWN_SECONDS


def _why(account: binds.Account, given_up_by: str) -> str:
    if given_up_by:
        return _("%(who)s has had them given up.") % {"who": given_up_by}
    if not account.workers:
        return _("No connector worker holds the account.")
    for bind in account.binds:
        if bind.connection.error:
            code = f" ({bind.connection.code})" if bind.connection.code else ""
            return f"{bind.connection.error}{code}."
    return _("They are being made.")


def _full(provider_ids: Iterable[int], now: datetime) -> dict[int, str]:
    since = now - timedelta(seconds=settings.HEALTH_FULL_SECONDS)
    found = {}
    for provider_id in provider_ids:
        account = (account_bucket(provider_id, 0).name, slowing.REQUESTS)
        try:
            limits = [limit for limit in slowing.slowed(provider_id) if limit.limit in account]
        except redis.RedisError:
            return {}
        for limit in limits:
            if limit.factor <= FULL_FACTOR and limit.since <= since:
                seconds = (now - limit.since).total_seconds()
                found[provider_id] = _("For %(seconds)s seconds it has refused for speed (code %(code)s).") % {
                    "seconds": figure(seconds, 0),
                    "code": limit.code,
                }
    return found


def _slow(provider_ids: Collection[int], now: datetime) -> dict[int, str]:
    """Those at which messages have waited for too long, and still do a while after that was first seen."""
    limits = {lane: _patience(lane) for lane in Lane if _patience(lane)}
    parameters: dict[str, Any] = {
        "lanes": [lane.value for lane in limits],
        "seconds": list(limits.values()),
        "now": now,
        "ids": list(provider_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_LATE, parameters)
        late = {provider_id: (lane, oldest) for provider_id, lane, oldest in cursor.fetchall()}
    known = {row.provider_id: row.slow_since for row in ProviderHealth.objects.exclude(slow_since=None)}
    if over := known.keys() - late.keys():
        ProviderHealth.objects.filter(provider_id__in=over).update(slow_since=None)
    for provider_id in late.keys() - known.keys():
        ProviderHealth.objects.update_or_create(provider_id=provider_id, defaults={"slow_since": now})
    return {
        provider_id: _("Messages (%(lane_words)s) have waited at it for up to %(seconds)s seconds.")
        % {"lane_words": Lane(lane).label, "seconds": figure((now - oldest).total_seconds(), 0)}
        for provider_id, (lane, oldest) in late.items()
        if (since := known.get(provider_id)) and now - since >= SLOW_FOR
    }


def _patience(lane: Lane) -> float:
    return float(settings.HEALTH_SLOW_SECONDS if lane in URGENT else settings.HEALTH_SLOW_BULK_SECONDS)
