"""Why what is queued does not leave, in words: for the pages of campaigns, the home page and the doctor.

Told from what each process says of itself (`delivery.vitals`) and from how providers and senders are set; nothing here
is asked on the way of a message.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.retelling import retold
from contacts.wording import figure
from delivery import vitals
from delivery.heartbeat import EVERY_SECONDS
from delivery.ids import IdRange
from delivery.models import Provider, ProviderHealth, Sender
from delivery.providers import registry
from delivery.routing.rules import State
from delivery.states import Status

#: A provider for which messages wait claims some every round, or at least every few seconds.
NO_CLAIM = timedelta(minutes=2)
#: Workers say again and again which queues they read; to be late once or twice is no absence.
UNREAD = timedelta(seconds=3 * EVERY_SECONDS)
#: The clock ticks every second.
SILENCE = timedelta(seconds=15)
#: A rate limit left messages waiting a moment ago.
LIMITED = timedelta(seconds=10)
#: Streams of one campaign at one provider that are looked at; each costs one index probe.
MOST_STREAMS = 50


@dataclass(frozen=True, slots=True)
class Cause:
    what: str
    """To be the end of a sentence."""
    to_do: str


@dataclass(frozen=True, slots=True)
class Signs:
    """What the processes last said of themselves."""

    read: Mapping[str, datetime]
    """Queue → when somebody last said that they read it."""
    claimed: Mapping[int, datetime]
    """Provider → when messages were last claimed for it."""
    limited: Mapping[int, datetime]
    """Provider → when a rate limit last left messages waiting."""
    ticked: datetime | None

    def is_unread(self, queue: str) -> bool:
        return queue not in self.read or timezone.now() - self.read[queue] > UNREAD

    @property
    def is_clock_silent(self) -> bool:
        return self.ticked is None or timezone.now() - self.ticked > SILENCE

    def is_limited(self, provider_id: int) -> bool:
        at = self.limited.get(provider_id)
        return at is not None and timezone.now() - at < LIMITED


def signs() -> Signs:
    """Three reads of Redis. Raises redis.RedisError."""
    counts = vitals.counts()
    return Signs(
        read=vitals.queues_read(),
        claimed=_by_provider(counts.get("claimed", [])),
        limited=_by_provider(counts.get("limiter_waits", [])),
        ticked=max((tick.at for tick in counts.get("ticks", [])), default=None),
    )


def _by_provider(counts: Iterable[vitals.Count]) -> dict[int, datetime]:
    return {int(count.labels[0]): count.at for count in counts}


def of_stream(
    *, provider: str, provider_enabled: bool, sender_id: int, sender_enabled: bool, last_claim: datetime | None
) -> Cause | None:
    """Why nothing that is queued for this sender is sent; None if it only takes its time."""
    if not provider_enabled:
        return Cause(
            _("%(provider)s is switched off") % {"provider": provider},
            _("See its reason under Providers, and switch it on."),
        )
    if not sender_enabled:
        return Cause(
            _("sender %(number)s is switched off") % {"number": sender_id},
            _("See its reason under Senders, and switch it on."),
        )
    if last_claim is None or timezone.now() - last_claim > NO_CLAIM:
        return Cause(
            _("none has been claimed for %(provider)s in %(time)s")
            % {"provider": provider, "time": in_minutes(NO_CLAIM)},
            _("See that a dispatch worker runs, and look for limiter_away and database_away in its log."),
        )
    return None


def in_minutes(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return _("%(minutes)s minutes") % {"minutes": minutes} if minutes != 1 else _("a minute")


# The loose index scan of delivery.claim over the senders and countries of one campaign, at some providers. The bounds
# keep it to the campaign's month.
_QUEUED = f"""
SELECT at.id, found.sender_id, min(found.created_at) FROM unnest(%(providers)s::bigint[]) AS at (id)
CROSS JOIN LATERAL (
    WITH RECURSIVE hop AS (
        (SELECT sender_id, country, created_at, 1 AS n FROM delivery_message
         WHERE provider_id = at.id AND lane = %(lane)s AND campaign_id = %(campaign_id)s AND status = '{Status.QUEUED}'
           AND id BETWEEN %(lowest)s AND %(highest)s
         ORDER BY sender_id, country, created_at LIMIT 1)
        UNION ALL
        SELECT next.*, hop.n + 1 FROM hop CROSS JOIN LATERAL (
            SELECT sender_id, country, created_at FROM delivery_message
            WHERE provider_id = at.id AND lane = %(lane)s AND campaign_id = %(campaign_id)s
              AND status = '{Status.QUEUED}' AND (sender_id, country) > (hop.sender_id, hop.country)
              AND id BETWEEN %(lowest)s AND %(highest)s
            ORDER BY sender_id, country, created_at LIMIT 1) AS next
        WHERE hop.n < {MOST_STREAMS}
    ) SELECT sender_id, created_at FROM hop) AS found
GROUP BY at.id, found.sender_id ORDER BY at.id, found.sender_id
"""


@dataclass(frozen=True, slots=True)
class Queue:
    """What a campaign has queued at one sender."""

    provider_id: int
    sender: Sender
    """With its provider."""
    since: datetime
    """When its oldest message was made."""
    why: str
    """What it waits for, as a sentence."""


def queues(
    *, campaign_id: int, lane: int, ids: IdRange, provider_ids: Sequence[int], seen: Signs, turn: str = ""
) -> list[Queue]:
    """Where messages of the campaign wait, by sender, of each provider the first MOST_STREAMS streams; and why.

    `turn` is how the campaign's own pace is told, for those that nothing but that holds up. Three queries."""
    if not provider_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _QUEUED,
            {
                "campaign_id": campaign_id,
                "lane": lane,
                "providers": list(provider_ids),
                "lowest": ids.lowest,
                "highest": ids.highest,
            },
        )
        found = cursor.fetchall()
    senders = Sender.objects.select_related("provider").defer("provider__credentials")
    by_id = senders.in_bulk({sender_id for _, sender_id, _ in found})
    ill = ProviderHealth.objects.in_bulk(list(provider_ids))
    return [
        Queue(provider_id, sender, since, _why(sender, since, ill.get(provider_id), seen, turn))
        for provider_id, sender_id, since in found
        if (sender := by_id.get(sender_id)) is not None
    ]


def _why(sender: Sender, since: datetime, health: ProviderHealth | None, seen: Signs, own_pace: str) -> str:
    provider = sender.provider
    if not provider.enabled:
        return (
            _("%(provider)s is switched off. %(disabled_reason)s")
            % {"provider": provider.name, "disabled_reason": retold(provider.disabled_reason)}
        ).strip()
    if not sender.enabled:
        return (
            _("%(address)s is switched off. %(disabled_reason)s")
            % {"address": sender.address, "disabled_reason": retold(sender.disabled_reason)}
        ).strip()
    if provider.unbound_at is not None:
        return _("%(user)s has had the connections of %(provider)s given up.") % {
            "user": provider.unbound_by or _("Somebody"),
            "provider": provider.name,
        }
    queue = dispatch_queue(provider)
    if seen.is_unread(queue):
        return _("No worker sends: %(unread)s") % {"unread": unread(queue, seen)}
    if health is not None and health.trial_rate is not None:
        given = (
            _("no more than %(rate)s segments a second") % {"rate": f"{health.trial_rate:g}"}
            if health.trial_rate
            else _("nothing")
        )
        return (
            _("%(provider)s is not well and gets %(given)s. %(reason)s")
            % {"provider": provider.name, "given": given, "reason": retold(health.reason)}
        ).strip()
    if own_pace:
        return own_pace  # which may be so slow that nothing is claimed for minutes
    if timezone.now() - max(since, seen.claimed.get(provider.pk, since)) > NO_CLAIM:
        return _("Nothing has been claimed for %(provider)s in %(time)s.") % {
            "provider": provider.name,
            "time": in_minutes(NO_CLAIM),
        }
    if health is not None and health.state != State.HEALTHY:
        return (
            f"{provider.name}: {health.get_state_display().lower()}, {health.factor} %. {retold(health.reason)}".strip()
        )
    own = f", {sender.address} {figure(sender.rate)}" if sender.rate else ""
    turn = (
        _("It goes as fast as the limits allow") if seen.is_limited(provider.pk) else _("Its turn, within the limits")
    )
    return _("%(turn)s: %(provider)s %(rate)s segments a second%(own)s.") % {
        "turn": turn,
        "provider": provider.name,
        "rate": figure(provider.rate),
        "own": own,
    }


def dispatch_queue(provider: Provider) -> str:
    """Of Celery: where what is to be sent by this provider is woken."""
    return "connector" if provider.adapter in registry.connected() else "dispatch"


def unread(queue: str, seen: Signs) -> str:
    """That nobody reads the queue, and since when, as a sentence."""
    at = seen.read.get(queue)
    if at is None:
        return _("nobody has read the queue “%(queue)s” for an hour or longer.") % {"queue": queue}
    return _("nobody has read the queue “%(queue)s” since %(at)s.") % {
        "queue": queue,
        "at": f"{timezone.localtime(at):%H:%M:%S}",
    }


def look() -> Signs | None:
    """As `signs`; None when Redis does not answer."""
    try:
        return signs()
    except redis.RedisError:
        return None
