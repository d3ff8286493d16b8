"""A tile for each provider: its state, how fast it is, what waits for it, and how its receipts do."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.retelling import retold
from contacts.wording import figure
from delivery import flow, standstill
from delivery.admin import slowed
from delivery.flow import Minute
from delivery.models import TEST_PROVIDER, Provider, ProviderHealth, Sender
from delivery.routing.rules import State
from smshub.metrics import readings

MOST = 20
#: Receipts are gathered for a moment before they are applied.
AT_ONCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Tile:
    provider: Provider
    group: str
    """Colour, as of messages (`delivery.admin.words`)."""
    state: str
    why: str
    per_second: float
    """Messages it answered for in the last whole minute."""
    at_limit: bool
    """A rate limit leaves messages waiting."""
    slowed: list[str]
    waits: str
    """How long the oldest queued message that is not on hold has; empty: there is none."""
    receipts: str
    """How many of what it took was heard of in time; empty: nothing to tell it from."""
    behind: str
    """How long the first receipt that is not applied yet has been due; empty: hardly at all."""


def accounts() -> Sequence[Provider]:
    """The first MOST by name, each with its health and how many of its senders are off. One read."""
    stopped = Count("senders", filter=Q(senders__enabled=False))
    live = Provider.objects.exclude(pk=TEST_PROVIDER).defer("credentials").select_related("health")
    return list(live.annotate(stopped_senders=stopped).order_by("name")[:MOST])


def lacks() -> str:
    """What has to be set up or switched on before anything can be sent: "provider", "sender", "switch", or nothing."""
    senders = Sender.objects.exclude(provider=TEST_PROVIDER)
    if senders.filter(enabled=True, provider__enabled=True).exists():
        return ""
    if senders.exists():
        return "switch"
    return "sender" if Provider.objects.exclude(pk=TEST_PROVIDER).exists() else "provider"


def tiles(providers: Sequence[Provider]) -> list[Tile]:
    """Three reads, and two of Redis with one for each provider."""
    ids = [provider.pk for provider in providers]
    now = timezone.now()
    late = timedelta(seconds=settings.HEALTH_RECEIPT_LATE_SECONDS)
    window = late + timedelta(seconds=settings.HEALTH_RECEIPT_WINDOW_SECONDS)
    minutes: defaultdict[int, list[Minute]] = defaultdict(list)
    for minute in flow.minutes(ids, since=now - max(window, timedelta(minutes=3))):
        minutes[minute.provider_id].append(minute)
    oldest, receipts = _oldest(now), _late(now)
    seen = standstill.look()
    return [
        Tile(
            provider=provider,
            **_state(provider),
            per_second=_per_second(minutes[provider.pk], now),
            at_limit=seen is not None and seen.is_limited(provider.pk),
            slowed=slowed.lines(provider),
            waits=_in_words(oldest.get(provider.pk)) if oldest is not None else _("Not known: too much waits"),
            receipts=_receipts(minutes[provider.pk], before=now - late),
            behind=_in_words(behind) if (behind := receipts.get(provider.pk)) and behind > AT_ONCE else "",
        )
        for provider in providers
    ]


def health_of(provider: Provider) -> ProviderHealth:
    found: ProviderHealth | None = getattr(provider, "health", None)
    return found or ProviderHealth()


def trouble(provider: Provider) -> str:
    """What keeps it from having all of its weight, in a sentence or two; empty: nothing."""
    if not provider.enabled:
        return " ".join(filter(None, (_("Switched off."), retold(provider.disabled_reason))))
    if provider.unbound_at is not None:
        return _("%(user)s has had its connections given up.") % {"user": provider.unbound_by or _("Somebody")}
    health = health_of(provider)
    if health.state == State.HEALTHY:
        return ""
    return (
        _("%(state)s, %(factor)s %% of its weight. %(reason)s")
        % {"state": health.get_state_display(), "factor": health.factor, "reason": retold(health.reason)}
    ).strip()


def _state(provider: Provider) -> dict[str, str]:
    why = trouble(provider)
    if not provider.enabled:
        return {"group": "failed", "state": _("Off"), "why": retold(provider.disabled_reason)}
    if not why:
        return {"group": "delivered", "state": _("On, healthy"), "why": ""}
    bad = provider.unbound_at is not None or health_of(provider).state == State.OPEN
    return {"group": "failed" if bad else "stopped", "state": _("On, not well"), "why": why}


def _per_second(minutes: Iterable[Minute], now: datetime) -> float:
    last = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    return round(sum(minute.attempts for minute in minutes if minute.at == last) / 60, 1)


def _receipts(minutes: Iterable[Minute], *, before: datetime) -> str:
    whole = [minute for minute in minutes if minute.at + timedelta(minutes=1) <= before]
    taken, heard = sum(minute.taken for minute in whole), sum(minute.heard for minute in whole)
    if not taken:
        return ""
    in_time = round(settings.HEALTH_RECEIPT_LATE_SECONDS / 60)
    return _("%(percent)s %% of %(taken)s heard of within %(in_time)s minutes") % {
        "percent": min(100, 100 * heard // taken),
        "taken": figure(taken),
        "in_time": in_time,
    }


def _oldest(now: datetime) -> dict[int, timedelta] | None:
    """None: it took too long to see."""
    found: dict[int, timedelta] = {}
    try:
        for stream in readings.streams():
            if not stream.on_hold:
                waited = max(timedelta(0), now - stream.oldest)
                found[stream.provider_id] = max(waited, found.get(stream.provider_id, waited))
    except DatabaseError:
        return None
    return found


def _late(now: datetime) -> dict[int, timedelta]:
    return {provider_id: max(timedelta(0), now - due) for provider_id, due in readings.first_due().items()}


def _in_words(span: timedelta | None) -> str:
    if span is None:
        return ""
    seconds = int(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
