"""Calendar feeds: set up by people, fetched by themselves when they are due, their events written as appointments.

A round claims some feeds under a lease, fetches them at the same time, and reads one after the other; there is one
round at a time, whoever runs it. Killed anywhere, the lease ends and the feed is fetched again: writing it twice
changes nothing. What a feed no longer has is called off (`vanishing`).
"""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from campaigns.appointments import fetching, ical, vanishing
from campaigns.appointments.fetching import CannotFetch, Fetched, Wanted
from campaigns.appointments.files import UnreadableFile
from campaigns.appointments.items import Outcome
from campaigns.appointments.upsert import upsert
from campaigns.appointments.zones import zone_name
from campaigns.models import CalendarFeed
from campaigns.models.feeds import MAX_MINUTES, MIN_MINUTES
from contacts.importing.values import country_code
from contacts.wording import figure
from delivery import clock

log = structlog.get_logger(__name__)

#: Fetched at the same time, each with up to `fetching.MAX_BYTES` in memory.
TOGETHER = 8
#: Longer than a fetch and the reading of one calendar take.
LEASE = timedelta(minutes=3)
#: Repeating events are written half a year ahead; a calendar that stays as it is goes on from there.
READ_AGAIN = timedelta(days=7)
LONGEST_BACKOFF = timedelta(days=1)
FIRST_PROBLEMS = 20
_JITTER = 0.1
#: Beside the outcomes of items, in the counts.
_VANISHED = gettext_noop("vanished")
_OURS = gettext_lazy("Something went wrong on our side: look at the server's log.")

_DUE = """
SELECT true FROM campaigns_calendarfeed WHERE next_at <= %(now)s
  AND NOT EXISTS (SELECT 1 FROM campaigns_calendarfeed WHERE claimed_until > %(now)s) ORDER BY next_at LIMIT 1
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('smshub feeds', 0))"


class UnusableFeed(ValueError):
    """`field` names what is wrong, the text says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check(feed: CalendarFeed, *, url: str | None = None, authorization: str | None = None) -> None:
    """Raises UnusableFeed; what is right is put into the form that is kept. None: the address stays as it is."""
    if url is None and not feed.host:
        raise UnusableFeed("url", gettext("Give the address of the calendar."))
    if url is not None:
        try:
            fetching.address(url, private=settings.ALLOW_PRIVATE_PROVIDER_URLS)
        except fetching.UnusableAddress as problem:
            raise UnusableFeed("url", str(problem)) from None
    if authorization and not (len(authorization) <= 2_000 and authorization.isascii() and authorization.isprintable()):
        raise UnusableFeed("authorization", gettext("A header has at most 2,000 printable ASCII characters."))
    if not MIN_MINUTES <= feed.every_minutes <= MAX_MINUTES:
        raise UnusableFeed(
            "every_minutes",
            gettext("Give %(least)s to %(most)s minutes.") % {"least": MIN_MINUTES, "most": figure(MAX_MINUTES)},
        )
    if feed.time_zone:
        feed.time_zone = zone_name(feed.time_zone) or ""
        if not feed.time_zone:
            raise UnusableFeed("time_zone", gettext("This zone is not known; write it as in Europe/Paris."))
    if feed.default_country:
        feed.default_country = country_code(feed.default_country) or ""
        if not feed.default_country:
            raise UnusableFeed(
                "default_country", gettext("This country is not known: use its two letters, such as GB.")
            )
    if feed.phone_property and not feed.phone_property.replace("-", "").isalnum():
        raise UnusableFeed("phone_property", gettext("The name of a property has letters, digits and hyphens."))


def save(feed: CalendarFeed, *, url: str | None = None, authorization: str | None = None) -> CalendarFeed:
    """Store it, and have it fetched at once if it is switched on. None: that secret stays. Raises UnusableFeed."""
    check(feed, url=url, authorization=authorization)
    given = {name: value for name, value in (("url", url), ("authorization", authorization)) if value is not None}
    if url is not None:
        found = fetching.address(url, private=settings.ALLOW_PRIVATE_PROVIDER_URLS)
        host = (found.host or "")[:255]
        # Those of another host are not for this one.
        if host != feed.host and authorization is None:
            given["authorization"] = ""
        feed.host = host
    feed.secrets = {**feed.secrets, **given}
    feed.revision += 1
    feed.etag = feed.last_modified = feed.error = ""
    feed.failures, feed.claimed_until, feed.doubted_at = 0, None, None
    feed.next_at = clock.now() if feed.enabled else None
    try:
        with transaction.atomic():
            feed.save()
    except IntegrityError:
        raise UnusableFeed("name", gettext("There is a feed of this name already.")) from None
    return feed


def fetch_soon(feed: CalendarFeed) -> bool:
    """Have it fetched now, whole, and not when its turn comes. False: it is switched off."""
    fresh = {"next_at": clock.now(), "claimed_until": None, "etag": "", "last_modified": ""}
    switched_on = CalendarFeed.objects.filter(pk=feed.pk, enabled=True)
    return bool(switched_on.update(revision=F("revision") + 1, **fresh))


def is_any_due() -> bool:
    """Whether a round would find work. Two index probes."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": clock.now()})
        return cursor.fetchone() is not None


def fetch_due() -> int:
    """A round: up to TOGETHER feeds that are due. Returns how many; 0 as well if another round is under way."""
    feeds = _claim()
    if not feeds:
        return 0
    now = clock.now()
    wanted = {feed.pk: _wanted(feed, now) for feed in feeds}
    answers = asyncio.run(fetching.fetch_all(wanted, private=settings.ALLOW_PRIVATE_PROVIDER_URLS))
    for feed in feeds:
        CalendarFeed.objects.filter(pk__in=wanted, claimed_until__isnull=False).update(
            claimed_until=clock.now() + LEASE
        )
        _conclude(feed, answers[feed.pk])
    return len(feeds)


def _claim() -> list[CalendarFeed]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        now = clock.now()
        if CalendarFeed.objects.filter(claimed_until__gt=now).exists():
            return []
        due = list(CalendarFeed.objects.filter(next_at__lte=now).order_by("next_at")[:TOGETHER])
        CalendarFeed.objects.filter(pk__in=[feed.pk for feed in due]).update(claimed_until=now + LEASE)
    return due


def _wanted(feed: CalendarFeed, now: datetime) -> Wanted:
    url, authorization = str(feed.secrets.get("url", "")), str(feed.secrets.get("authorization", ""))
    if feed.read_at is None or feed.read_at < now - READ_AGAIN:
        return Wanted(url, authorization)
    return Wanted(url, authorization, feed.etag, feed.last_modified)


def _conclude(feed: CalendarFeed, answer: Fetched | CannotFetch) -> None:
    """Write what came of it, unless somebody has changed the feed meanwhile: then it is fetched anew."""
    try:
        if isinstance(answer, CannotFetch):
            outcome = _failed(feed, str(answer), answer.retry_after)
        elif answer.data is None:
            outcome = _succeeded(feed)
        else:
            outcome = _read(feed, answer.data) | {"etag": answer.etag, "last_modified": answer.last_modified}
            if outcome.get("doubted_at"):
                # It is to be sent whole next time as well, whether or not it has changed.
                outcome |= {"etag": "", "last_modified": ""}
    except UnreadableFile as problem:
        outcome = _failed(feed, str(problem))
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:
        # Not what it says: it may quote an event.
        log.error("feed_failed", feed_id=feed.pk, error=type(error).__name__)
        outcome = _failed(feed, str(_OURS))
    CalendarFeed.objects.filter(pk=feed.pk, revision=feed.revision).update(claimed_until=None, **outcome)


def _succeeded(feed: CalendarFeed) -> dict[str, Any]:
    now = clock.now()
    return {"failures": 0, "error": "", "fetched_at": now, "next_at": now + _jittered(_every(feed))}


def _failed(feed: CalendarFeed, why: str, retry_after: timedelta = timedelta(0)) -> dict[str, Any]:
    wait = min(LONGEST_BACKOFF, _every(feed) * 2 ** min(feed.failures, 10))
    return {
        "failures": feed.failures + 1,
        "error": why[:300],
        "next_at": clock.now() + max(retry_after, _jittered(wait)),
    }


def _every(feed: CalendarFeed) -> timedelta:
    return timedelta(minutes=feed.every_minutes)


def _jittered(wait: timedelta) -> timedelta:
    return wait * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  (no secret: so that feeds do not march in step)


def _read(feed: CalendarFeed, data: bytes) -> dict[str, Any]:
    """Write the events, and call off what is gone. Raises UnreadableFile."""
    now = clock.now()
    seen = vanishing.Seen()
    items = seen.noting(ical.read(data, now=now, phone_property=feed.phone_property))
    counts: Counter[str] = Counter()
    problems: list[list[str]] = []
    country = feed.default_country or None
    for result in upsert(items, source=feed.source, default_zone=feed.time_zone, default_country=country):
        counts[result.outcome] += 1
        if result.outcome == Outcome.REJECTED and len(problems) < FIRST_PROBLEMS:
            problems.append([result.external_id, result.detail])
    gone = vanishing.Gone()
    if feed.cancel_vanished and seen.is_complete(data):
        gone = vanishing.call_off(feed.source, seen, now=now, believed=feed.doubted_at is not None)
    return {
        **_succeeded(feed),
        "error": str(vanishing.DOUBT) if gone.doubted else "",
        "read_at": now,
        "doubted_at": now if gone.doubted else None,
        "counts": {outcome.value: counts[outcome] for outcome in Outcome} | {_VANISHED: gone.cancelled},
        "problems": problems,
    }
