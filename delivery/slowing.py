"""Limits that adapt: a provider's codes that say "too fast" halve the limit that they are about.

Which code is about which limit is data in the provider's package (`slows`). The state lives in Redis beside the
buckets and is applied where they are (`limiter.lua`); it recovers by itself, and a Redis that was emptied has forgotten
it, which the next refusal makes good. Too many open requests are believed only when a good part of the answers say so:
`Answers`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID

import redis
import structlog
from django.db import connection

from delivery import vitals
from delivery.limiter import account_bucket, pace_bucket, script, sender_bucket, slowed_key
from delivery.providers.base import SendOutcome, Slows

log = structlog.get_logger(__name__)

_SCRIPT = script("slowing.lua")
#: The name of the limit that bounds open requests, beside those of buckets.
REQUESTS = "requests"
#: Refusals for too many open requests, as a part of the answers, that are put up with: each is only sent again, while
#: half the requests is half the speed. A limit that is really lower refuses more than that.
TOLERATED_SHARE = 0.15
#: And fewer than this many say nothing.
TOLERATED = 5
#: Of the answers that are older, half count.
MEMORY_SECONDS = 5.0

_LIMITS = """
SELECT m.id, m.sender_id, CASE WHEN own.rate IS NOT NULL THEN m.campaign_id END
FROM delivery_message AS m LEFT JOIN delivery_campaignlimit AS own ON own.campaign_id = m.campaign_id
WHERE m.id = ANY(%(ids)s::uuid[]) AND m.provider_id = %(provider_id)s
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A provider's word that one message went too fast for a limit."""

    message_id: UUID
    slows: Slows
    code: str


@dataclass(frozen=True, slots=True)
class Slowed:
    """A limit that is below what is configured: its bucket's name, or REQUESTS."""

    limit: str
    factor: float
    since: datetime
    code: str


@dataclass(slots=True)
class Answers:
    """What one worker was answered by a provider of late."""

    counted: float = 0.0
    refused: float = 0.0
    since: float = field(default_factory=monotonic)

    def too_fast(self, outcomes: Sequence[SendOutcome]) -> list[Refusal]:
        """Count these answers. Returns the refusals that something is to be learnt from."""
        while monotonic() - self.since > MEMORY_SECONDS and self.counted > 1:
            self.counted, self.refused, self.since = self.counted / 2, self.refused / 2, self.since + MEMORY_SECONDS
        self.since = max(self.since, monotonic() - MEMORY_SECONDS)
        self.counted += len(outcomes)
        self.refused += sum(outcome.slows is Slows.REQUESTS for outcome in outcomes)
        believed = self.refused > max(TOLERATED, TOLERATED_SHARE * self.counted)
        return [
            Refusal(outcome.message_id, outcome.slows, outcome.code)
            for outcome in outcomes
            if outcome.slows and (believed or outcome.slows is not Slows.REQUESTS)
        ]


def learn(provider_id: int, refusals: Iterable[Refusal]) -> None:
    """Halve the limits that these are about. Without Redis nothing is learnt: nothing is sent then either."""
    codes = _limits(provider_id, refusals)
    if not codes:
        return
    try:
        cuts, slowed = _run(provider_id, codes)
    except redis.RedisError as error:
        log.warning("slowing_not_noted", provider_id=provider_id, error=type(error).__name__)
        return
    vitals.count("slowed", cuts, provider_id)
    for limit in slowed if cuts else ():
        log.warning("slowed", provider_id=provider_id, limit=limit.limit, factor=limit.factor, code=limit.code)


def slowed(provider_id: int) -> list[Slowed]:
    """The limits of an account and of all that sends by it that are slowed now. Raises redis.RedisError."""
    return _run(provider_id, {})[1]


def _limits(provider_id: int, refusals: Iterable[Refusal]) -> dict[str, str]:
    """The limits that the refusals are about, each with the last code about it."""
    codes: dict[str, str] = {}
    by_message: defaultdict[UUID, list[Refusal]] = defaultdict(list)
    for refusal in refusals:
        if refusal.slows is Slows.REQUESTS:
            codes[REQUESTS] = refusal.code
        elif refusal.slows is Slows.ACCOUNT:
            codes[account_bucket(provider_id, 0).name] = refusal.code
        else:
            by_message[refusal.message_id].append(refusal)
    if by_message:
        with connection.cursor() as cursor:
            cursor.execute(_LIMITS, {"ids": list(by_message), "provider_id": provider_id})
            rows = cursor.fetchall()
        for message_id, sender_id, paced_campaign in rows:
            for refusal in by_message[message_id]:
                codes[sender_bucket(sender_id, 0).name] = refusal.code
                if refusal.slows is Slows.SENDER_AND_PACE and paced_campaign:
                    codes[pace_bucket(paced_campaign, 0).name] = refusal.code
    return codes


def _run(provider_id: int, codes: dict[str, str]) -> tuple[int, list[Slowed]]:
    account = account_bucket(provider_id, 0).name
    arguments = [part or "-" for limit in sorted(codes) for part in (limit, codes[limit])]
    run = vitals.client().register_script(_SCRIPT)
    cuts, *told = run(keys=[slowed_key(account)], args=arguments)
    parts = [part.decode() for part in told]
    return cuts, [
        Slowed(limit, float(factor), datetime.fromtimestamp(int(since) / 1_000_000, UTC), code)
        for limit, factor, since, code in zip(parts[0::4], parts[1::4], parts[2::4], parts[3::4], strict=True)
    ]
