"""Readings and counts as Prometheus families. Figures are taken when asked for; no process keeps any of its own.

A family is never about a person: labels are ids and names of providers, lanes, statuses, codes, processes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import redis
from django.db import DatabaseError
from django.db.models import Count as CountRows
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from campaigns.models import Campaign
from delivery import slowing, tallies, vitals
from delivery.connector import binds
from delivery.lanes import Lane
from delivery.models import Provider, Sender
from delivery.providers.base import ConnectionState
from delivery.providers.registry import connected
from delivery.routing.rules import State
from delivery.routing.table import FULL
from smshub.metrics import readings

#: Campaigns under way whose messages are summed; the latest ones.
MOST_CAMPAIGNS = 500
MOST_SENDERS = 1_000

Names = Mapping[str, str]
"""Provider id → name."""

#: Counter of `delivery.vitals` → (family, what it says, labels). A first label `provider` is shown by name.
COUNTERS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "claimed": ("smshub_messages_claimed", "Messages taken from the queue to be sent.", ("provider",)),
    "outcomes": (
        "smshub_attempts",
        "Attempts by what the provider answered, and its code.",
        ("provider", "outcome", "code"),
    ),
    "limiter_waits": ("smshub_limiter_waits", "Rounds in which a rate limit left messages waiting.", ("provider",)),
    "slowed": ("smshub_limits_cut", "Times that a limit was halved for a provider's refusals.", ("provider",)),
    "receipts_appended": ("smshub_receipts_stored", "Receipts stored at the door.", ("provider",)),
    "receipts_reconciled": ("smshub_receipts_reconciled", "Receipts looked at by reconciling.", ()),
    "reconcile_batches": ("smshub_reconcile_batches", "Batches of receipts.", ()),
    "leases_expired": ("smshub_leases_expired", "Messages whose worker went away while sending them.", ()),
    "ticks": ("smshub_clock_ticks", "Ticks of the clock that a worker has taken.", ()),
}


def _queue(names: Names) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "smshub_queue_oldest_seconds",
        "Age of the oldest queued message that is not on hold.",
        labels=("provider", "lane"),
    )
    depth = GaugeMetricFamily(
        "smshub_queue_messages",
        f"Queued messages, counted up to {readings.MOST_ROWS}; capped=true: at least.",
        labels=("provider", "lane", "capped"),
    )
    now = timezone.now()
    oldest: dict[tuple[int, int], float] = {}
    for stream in readings.streams():
        if not stream.on_hold:
            key = (stream.provider_id, stream.lane)
            oldest[key] = max(oldest.get(key, 0.0), (now - stream.oldest).total_seconds())
    for (provider_id, lane), counted in readings.depths().items():
        provider = _name(names, provider_id)
        age.add_metric((provider, _lane(lane)), oldest.get((provider_id, lane), 0.0))
        depth.add_metric((provider, _lane(lane), str(counted.capped).lower()), counted.rows)
    yield age
    yield depth


def _inbox(_names: Names) -> Iterator[Metric]:
    inbox = readings.inbox()
    yield GaugeMetricFamily(
        "smshub_receipts_late_seconds", "How long the first stored receipt has been due.", value=inbox.late_seconds
    )
    yield _counted("smshub_receipts_waiting", "Receipts stored and not applied", inbox.waiting)


def _uncertain(_names: Names) -> Iterator[Metric]:
    yield _counted("smshub_messages_uncertain", "Messages whose attempt is in doubt", readings.uncertain())


def _campaigns(_names: Names) -> Iterator[Metric]:
    by_status = GaugeMetricFamily("smshub_campaigns", "Campaigns that are not over.", labels=("status",))
    active = (Campaign.Status.SCHEDULED, Campaign.Status.RUNNING, Campaign.Status.PAUSED)
    there = dict(
        Campaign.objects.filter(status__in=active).order_by().values_list("status").annotate(n=CountRows("pk"))
    )
    for status in active:
        by_status.add_metric((status,), there.get(status, 0))
    yield by_status
    messages = GaugeMetricFamily(
        "smshub_campaign_messages", "Messages of launched campaigns that are not over.", labels=("status", "reason")
    )
    under_way = Campaign.objects.filter(status__in=active, launched_at__isnull=False).order_by("-pk")
    sums: Counter[tuple[str, str]] = Counter()
    for count in tallies.counts(list(under_way.values_list("pk", flat=True)[:MOST_CAMPAIGNS])):
        sums[count.status.value, count.reason] += count.messages
    for labels, total in sorted(sums.items()):
        messages.add_metric(labels, total)
    yield messages


def _accounts(_names: Names) -> Iterator[Metric]:
    providers = GaugeMetricFamily("smshub_provider_enabled", "1: sends; 0: switched off.", labels=("provider",))
    for name, enabled in Provider.objects.order_by("pk").values_list("name", "enabled"):
        providers.add_metric((name,), int(enabled))
    yield providers
    senders = GaugeMetricFamily("smshub_sender_enabled", "1: sends; 0: switched off.", labels=("provider", "sender"))
    rows = Sender.objects.order_by("pk").values_list("provider__name", "pk", "enabled")
    for name, pk, enabled in rows[:MOST_SENDERS]:
        senders.add_metric((name, str(pk)), int(enabled))
    yield senders


def _health(_names: Names) -> Iterator[Metric]:
    factor = GaugeMetricFamily(
        "smshub_provider_health_factor", "Percent of its weight that a provider gets.", labels=("provider",)
    )
    state = GaugeMetricFamily(
        "smshub_provider_health_state", "1: the state that a provider is in.", labels=("provider", "state")
    )
    rows = Provider.objects.order_by("pk").values_list("name", "health__state", "health__factor")
    for name, now, percent in rows:
        factor.add_metric((name,), FULL if percent is None else percent)
        for possible in State:
            state.add_metric((name, possible.value), int(possible == (now or State.HEALTHY)))
    yield factor
    yield state


def _connections(_names: Names) -> Iterator[Metric]:
    number = GaugeMetricFamily(
        "smshub_connections", "Connections of a provider by their state.", labels=("provider", "state")
    )
    open_now = GaugeMetricFamily(
        "smshub_connection_requests", "Messages without an answer on its connections.", labels=("provider",)
    )
    window = GaugeMetricFamily("smshub_connection_window", "How many of them there may be.", labels=("provider",))
    holding = dict(
        Provider.objects.filter(enabled=True, adapter__in=connected()).order_by("pk").values_list("pk", "name")
    )
    for provider_id, account in (binds.look(list(holding)) if holding else {}).items():
        states = Counter(bind.connection.state for bind in account.binds)
        for state in ConnectionState:
            number.add_metric((holding[provider_id], state.value), states[state])
        open_now.add_metric((holding[provider_id],), sum(bind.connection.in_flight for bind in account.binds))
        window.add_metric((holding[provider_id],), sum(bind.connection.window for bind in account.binds))
    yield number
    yield open_now
    yield window


def _slowed(names: Names) -> Iterator[Metric]:
    factors = GaugeMetricFamily(
        "smshub_limit_factor",
        "What a provider's refusals have left of a limit, 0.05 to 1; only of limits that are slowed.",
        labels=("provider", "limit"),
    )
    for provider_id, name in names.items():
        for slowed in slowing.slowed(int(provider_id)):
            factors.add_metric((name, slowed.limit), slowed.factor)
    yield factors


def _counters(names: Names) -> Iterator[Metric]:
    counts = vitals.counts()
    for counter, (family, says, labels) in COUNTERS.items():
        metric = CounterMetricFamily(family, says, labels=labels)
        # A field of another version of ours may have other labels.
        for count in (count for count in counts.get(counter, []) if len(count.labels) == len(labels)):
            values = list(count.labels)
            if labels[:1] == ("provider",):
                values[0] = _name(names, values[0])
            metric.add_metric(values, count.total)
        if not labels and not metric.samples:
            metric.add_metric((), 0)
        yield metric


def _heartbeats(_names: Names) -> Iterator[Metric]:
    ages = GaugeMetricFamily(
        "smshub_worker_heartbeat_seconds", "Since a worker last said that it is up.", labels=("worker",)
    )
    now = timezone.now()
    for worker, at in sorted(vitals.heard_of().items()):
        ages.add_metric((worker,), max(0.0, (now - at).total_seconds()))
    yield ages


PARTS: dict[str, Callable[[Names], Iterable[Metric]]] = {
    "queue": _queue,
    "inbox": _inbox,
    "uncertain": _uncertain,
    "campaigns": _campaigns,
    "accounts": _accounts,
    "health": _health,
    "slowed": _slowed,
    "connections": _connections,
    "counters": _counters,
    "heartbeats": _heartbeats,
}


class Hub(Collector):
    """Collects every part anew; one that cannot be read is left out and said to be, the others are there."""

    def collect(self) -> Iterator[Metric]:
        readable = GaugeMetricFamily("smshub_readable", "0: these figures could not be read.", labels=("part",))
        names = _provider_names()
        for part, read in PARTS.items():
            try:
                families = list(read(names))
            except (DatabaseError, redis.RedisError):
                families = []
                readable.add_metric((part,), 0)
            else:
                readable.add_metric((part,), 1)
            yield from families
        yield readable


def registry() -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Hub())
    return registry


def _provider_names() -> Names:
    try:
        return {str(pk): name for pk, name in Provider.objects.values_list("pk", "name")}
    except DatabaseError:
        return {}


def _name(names: Names, provider_id: int | str) -> str:
    return names.get(str(provider_id), str(provider_id))


def _lane(lane: int) -> str:
    return Lane(lane).name.lower()


def _counted(family: str, says: str, counted: readings.Counted) -> Metric:
    metric = GaugeMetricFamily(
        family, f"{says}, counted up to {readings.MOST_ROWS}; capped=true: at least.", labels=("capped",)
    )
    metric.add_metric((str(counted.capped).lower(),), counted.rows)
    return metric
