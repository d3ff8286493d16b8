"""How far a campaign is: from its tallies, never by counting messages."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import redis
from django.conf import settings
from django.utils import timezone

from campaigns import pace
from campaigns.models import Campaign
from delivery import control as delivery_control
from delivery import errors, tallies
from delivery.states import FINAL, OPEN, Status, WaitsFor
from delivery.timerules.release import waiting_until
from delivery.wake import client

#: The rate is that of about the last so many seconds of watching.
WINDOW = 30
_KEEP = 16
#: Of a campaign that is spread so thin that fewer leave within WINDOW, what was seen to leave says nothing.
_TELLING = 20

NOT_LEFT = frozenset({Status.HELD, Status.QUEUED, Status.SENDING})
_OVER = (Campaign.Status.COMPLETED, Campaign.Status.CANCELLED)
_NEVER_LEFT = frozenset({Status.SUPPRESSED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Why:
    """How many messages ended or stand in a status for one reason, in words, and what to do about it."""

    status: Status
    reason: str
    label: str
    advice: str
    messages: int


@dataclass(frozen=True, slots=True)
class Wait:
    """How many messages a time rule holds, and when the first and the last of them are looked at again."""

    reason: WaitsFor
    label: str
    messages: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """A campaign at one commit. `audience` is None until it is frozen; `materialised` contacts have a row.

    `handed_over` messages have left for a provider, whatever became of them. `percent` of the audience is final,
    0 to 100. `per_second` is how fast messages leave. By that, or by its own pace where that is slower, `left` is until
    the last one that may leave now has left, and `eta` when the last of all will have, those that are held not before
    they may; None where there is nothing to tell it from, as in a pause. `held_until` is when the first of these may.
    `to_send` people have a text that has not left and may still. `segments` are those of all messages that were not
    held back, written so far; `segments_sent` and `cost`, by the price list, are of what left.
    `waiting_for` says why messages wait that could leave, where the campaign's own pause or pace is the reason.
    """

    status: str
    audience: int | None
    materialised: int
    counts: dict[Status, int]
    reasons: tuple[Why, ...]
    waits: tuple[Wait, ...]
    segments: int
    segments_sent: int
    cost: Decimal
    currency: str
    handed_over: int
    to_send: int
    final: int
    open: int
    percent: float
    per_second: float | None
    left: timedelta | None
    held_until: datetime | None
    eta: datetime | None
    waiting_for: str
    started: datetime | None
    finished: datetime | None


def progress(campaign: Campaign) -> Progress:
    """One query (two when it is spread, two for each rule that it waits for) and one call to Redis, however large."""
    counts: dict[Status, int] = {}
    reasons = []
    waits = []
    segments = unsent = 0
    cost = Decimal(0)
    for count in tallies.counts([campaign.pk]):
        counts[count.status] = counts.get(count.status, 0) + count.messages
        if count.status not in _NEVER_LEFT:
            segments += count.segments
        if count.status in NOT_LEFT:
            unsent += count.segments
        if count.status not in tallies.NOT_HANDED_OVER:
            cost += count.cost
        if count.status is Status.HELD and count.reason in WaitsFor.values:
            first, last = waiting_until(campaign.pk, count.reason)
            waits.append(Wait(WaitsFor(count.reason), str(WaitsFor(count.reason).label), count.messages, first, last))
        elif count.reason:
            label = errors.in_words(count.status, count.reason)
            advice = errors.advice(count.reason)
            reasons.append(Why(count.status, count.reason, label, advice, count.messages))
    materialised = sum(counts.values())
    final = _total(counts, FINAL)
    handed_over = materialised - _total(counts, NOT_LEFT | _NEVER_LEFT)
    written = _total(counts, NOT_LEFT)
    waiting = max(campaign.audience_size or 0, materialised) - materialised + written
    held = sum(wait.messages for wait in waits)
    per_second = _rate(campaign, handed_over)
    pace_kept = _pace(campaign) if waiting or campaign.materialised_at is None else None
    # People without a message yet are taken to get one like those who have.
    speed = _speed(per_second, pace_kept, unsent / written if unsent else 1.0)
    return Progress(
        status=campaign.status,
        audience=campaign.audience_size,
        materialised=materialised,
        counts=counts,
        reasons=tuple(sorted(reasons, key=lambda why: -why.messages)),
        waits=tuple(waits),
        segments=segments,
        segments_sent=segments - unsent,
        cost=cost,
        currency=settings.CURRENCY,
        handed_over=handed_over,
        to_send=waiting if campaign.status not in _OVER else written,
        final=final,
        open=_total(counts, OPEN),
        percent=_percent(final, campaign.audience_size),
        per_second=per_second,
        left=_lasts(waiting - held, speed),
        held_until=min((wait.first for wait in waits if wait.first), default=None),
        eta=_eta(campaign, _lasts(waiting, speed), waits),
        waiting_for=_waiting_for(campaign, pace_kept) if waiting or campaign.materialised_at is None else "",
        started=campaign.launched_at,
        finished=campaign.finished_at,
    )


def _waiting_for(campaign: Campaign, pace_kept: float | None) -> str:
    if campaign.status not in (Campaign.Status.RUNNING, Campaign.Status.PAUSED):
        return ""
    return pace.why_waiting(campaign, pace_kept)


def _pace(campaign: Campaign) -> float | None:
    """The segments per second that it is spread to, while it is under way."""
    if campaign.spread_minutes is None or campaign.status != Campaign.Status.RUNNING:
        return None
    return delivery_control.pace(campaign.pk)


def _total(counts: dict[Status, int], statuses: frozenset[Status]) -> int:
    return sum(number for status, number in counts.items() if status in statuses)


def _percent(final: int, size: int | None) -> float:
    if size is None:
        return 0.0
    # Never rounded up to the end.
    return int(final * 1000 / size) / 10 if size else 100.0


def _speed(per_second: float | None, pace_kept: float | None, segments_each: float) -> float | None:
    """The messages per second to reckon with: those that leave, or fewer where its own pace says so."""
    if pace_kept is None:
        return per_second
    allowed = pace_kept / segments_each
    return allowed if per_second is None or allowed * WINDOW < _TELLING else min(per_second, allowed)


def _lasts(messages: int, speed: float | None) -> timedelta | None:
    return timedelta(seconds=min(messages / speed, 10 * 365 * 86_400)) if messages and speed else None


def _eta(campaign: Campaign, left: timedelta | None, waits: Sequence[Wait]) -> datetime | None:
    if campaign.status == Campaign.Status.PAUSED:
        return None
    last = [wait.last for wait in waits if wait.last]
    return max([*last, *([timezone.now() + left] if left else [])], default=None)


def _rate(campaign: Campaign, handed_over: int) -> float | None:
    """Messages per second: lately while it runs, over all of it when it is finished."""
    if campaign.launched_at is None or campaign.status == Campaign.Status.PAUSED:
        return None
    if campaign.finished_at is None:
        per_second = lately(str(campaign.pk), handed_over)
        if per_second is not None:
            return per_second
    seconds = ((campaign.finished_at or timezone.now()) - campaign.launched_at).total_seconds()
    return round(handed_over / seconds, 1) if seconds > 0 else None


def lately(what: str, handed_over: int) -> float | None:
    """Messages per second since the oldest look of the last WINDOW seconds at what has this name; each look leaves a
    sample for the next ones. None: nobody looked, or Redis does not answer."""
    key = f"{settings.REDIS_PREFIX}progress:{what}"
    now = time.time()
    try:
        pipe = client().pipeline(transaction=False)
        pipe.lrange(key, 0, -1)
        pipe.lpush(key, f"{now}:{handed_over}")
        pipe.ltrim(key, 0, _KEEP - 1)
        pipe.expire(key, WINDOW)
        samples = pipe.execute()[0]
    except redis.RedisError:
        return None
    for sample in reversed(samples):
        at, _, then = sample.decode().partition(":")
        if 1 <= (age := now - float(at)) <= WINDOW:
            return round(max(0, handed_over - int(then)) / age, 1)
    return None
