"""How providers do: counted with the batches that are written anyway, judged every few seconds by one worker.

Counts are deltas by a few seconds of time, as tallies are: settling adds what came of its attempts, reconciling the
receipts that came in time. `look` sums them over windows, lets `rules.judge` decide, and writes each change with its
reason and its figures. What then happens to messages is for `table` (new ones) and `failover` (queued ones).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.db import connection, transaction

from contacts.retelling import english
from delivery import clock
from delivery.models import TEST_PROVIDER, HealthChange, Provider, ProviderHealth
from delivery.providers import registry
from delivery.providers.base import Outcome, SendOutcome
from delivery.routing import routes, strain
from delivery.routing.rules import (
    PROVIDERS_FAULT,
    Change,
    Figures,
    Health,
    Pin,
    State,
    Thresholds,
    judge,
    pinned,
    trial_rate,
)
from delivery.routing.table import Table

log = structlog.get_logger(__name__)

#: Counts are kept by this much of time.
GRAIN_SECONDS = 5
KEEP = timedelta(days=1)
KEEP_CHANGES = timedelta(days=400)

_GRAIN = f"'{GRAIN_SECONDS} seconds'"

COUNT = f"""
INSERT INTO delivery_healthcount (provider_id, at, attempts, errors, taken, heard)
VALUES (%(provider_id)s, date_bin({_GRAIN}, statement_timestamp(), 'epoch'::timestamptz), %(attempts)s, %(errors)s,
        %(taken)s, 0)
"""


def counted(provider_id: int, outcomes: Iterable[SendOutcome]) -> dict[str, Any] | None:
    """The parameters of COUNT for a batch of outcomes; None: nothing of it says anything about the provider.

    A refusal for speed is ours to mend; that no connection could be made is not.
    """
    attempts = errors = taken = 0
    for outcome in outcomes:
        blamed = outcome.failure in PROVIDERS_FAULT
        if outcome.outcome is Outcome.THROTTLED and not blamed:
            continue
        attempts += 1
        errors += blamed or outcome.outcome is Outcome.UNCERTAIN
        taken += outcome.outcome is Outcome.ACCEPTED
    if not attempts:
        return None
    return {"provider_id": provider_id, "attempts": attempts, "errors": errors, "taken": taken}


# Before the batch of receipts is applied: the first word on an attempt is the one that finds it without any. Failures
# that carriers tell of count as errors of the attempts that settling counted.
HEARD = f"""
INSERT INTO delivery_healthcount (provider_id, at, attempts, errors, taken, heard)
SELECT m.provider_id, date_bin({_GRAIN}, COALESCE(m.sent_at, e.at), 'epoch'::timestamptz), 0,
       count(*) FILTER (WHERE e.failed), 0,
       count(*) FILTER (WHERE e.at <= COALESCE(m.sent_at, e.at) + make_interval(secs => %(late)s))
FROM unnest(%(ids)b::uuid[], %(attempts)b::smallint[], %(ats)b::timestamptz[], %(failed)b::bool[])
    AS e (id, attempt, at, failed)
JOIN delivery_message AS m ON m.id = e.id AND m.attempt = e.attempt
WHERE m.status IN ('sending', 'uncertain', 'accepted') AND m.provider_id IS NOT NULL
GROUP BY 1, 2
"""

_FIGURES = """
SELECT provider.id, provider.name, provider.adapter, provider.rate, provider.enabled, provider.disabled_reason,
       COALESCE(health.state, 'healthy'), COALESCE(health.factor, 100), health.since, COALESCE(health.openings, 0),
       COALESCE(health.pin, ''), COALESCE(health.unbound, false),
       CASE WHEN provider.unbound_at IS NOT NULL THEN COALESCE(NULLIF(provider.unbound_by, ''), 'Somebody') ELSE '' END,
       counted.*
FROM delivery_provider AS provider
LEFT JOIN delivery_providerhealth AS health ON health.provider_id = provider.id
LEFT JOIN LATERAL (
    SELECT COALESCE(sum(attempts) FILTER (WHERE at >= %(errors_from)s), 0),
           COALESCE(sum(errors) FILTER (WHERE at >= %(errors_from)s), 0),
           COALESCE(sum(taken) FILTER (WHERE at < %(receipts_to)s), 0),
           COALESCE(sum(heard) FILTER (WHERE at < %(receipts_to)s), 0)
    FROM delivery_healthcount
    WHERE provider_id = provider.id
      AND at >= GREATEST(LEAST(%(errors_from)s, %(receipts_from)s), COALESCE(health.since, '-infinity'))) AS counted
  ON true
WHERE provider.id <> %(not_judged)s
ORDER BY provider.id
"""

_SQUASH = """
WITH crowded AS MATERIALIZED (
    SELECT provider_id, at FROM delivery_healthcount GROUP BY provider_id, at HAVING count(*) > 1
), gone AS (
    DELETE FROM delivery_healthcount WHERE ctid = ANY(ARRAY(
        SELECT delivery_healthcount.ctid FROM delivery_healthcount JOIN crowded USING (provider_id, at)
        FOR UPDATE OF delivery_healthcount SKIP LOCKED))
    RETURNING provider_id, at, attempts, errors, taken, heard
)
INSERT INTO delivery_healthcount (provider_id, at, attempts, errors, taken, heard)
SELECT provider_id, at, sum(attempts), sum(errors), sum(taken), sum(heard) FROM gone GROUP BY provider_id, at
"""


class Seen(NamedTuple):
    """A provider as the rules see it."""

    provider_id: int
    name: str
    rate: int
    health: Health
    figures: Figures


class _Row(NamedTuple):
    pk: int
    name: str
    adapter: str
    rate: int
    enabled: bool
    disabled_reason: str
    state: str
    factor: int
    since: datetime | None
    openings: int
    pin: str
    unbound: bool
    unbound_by: str
    attempts: Decimal
    errors: Decimal
    taken: Decimal
    heard: Decimal


def look() -> None:
    """Judge every provider, and write what changes. Of several workers one does it, the others go on."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('smshub health', 0))")
        if not cursor.fetchone()[0]:
            return
        now, rules = clock.now(), thresholds()
        providers = see(now)
        slow = [seen for seen in providers if seen.figures.taken >= rules.at_least]
        all_slow = len(slow) > 1 and all(seen.figures.missing_percent >= rules.missing_worse for seen in slow)
        for seen in providers:
            if change := judge(seen.health, seen.figures, rules, all_slow=all_slow, now=now):
                _write(seen, change, now)
        _limit_trials()


def see(now: datetime) -> list[Seen]:
    """What the rules go by at this moment."""
    late = timedelta(seconds=settings.HEALTH_RECEIPT_LATE_SECONDS)
    parameters: dict[str, Any] = {
        "errors_from": now - timedelta(seconds=settings.HEALTH_WINDOW_SECONDS),
        "receipts_from": now - late - timedelta(seconds=settings.HEALTH_RECEIPT_WINDOW_SECONDS),
        "receipts_to": now - late,
        "not_judged": TEST_PROVIDER,
    }
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, parameters)
        rows = [_Row(*row) for row in cursor.fetchall()]
    able = replaceable(routes.table())
    strained = strain.strained(able, now)
    down = strain.down({row.pk: row.unbound_by for row in rows if row.enabled and row.adapter in registry.connected()})
    for row in rows:
        attempts, errors, taken, heard = map(int, row[-4:])
        if not _tells_receipts(row.adapter):
            taken = heard = 0
        figures = Figures(attempts, errors, taken, max(0, taken - heard))
        health = Health(
            State(row.state),
            row.factor,
            row.since,
            row.openings,
            Pin(row.pin),
            row.enabled,
            row.disabled_reason,
            down.get(row.pk, ""),
            row.unbound,
            strained.get(row.pk, ""),
        )
        found.append(Seen(row.pk, row.name, row.rate, health, figures))
    return found


def pin(*, provider: Provider, pin: Pin, who: str) -> None:
    """A person's word over what is measured, until it is taken back. Recorded with who."""
    with transaction.atomic():
        ProviderHealth.objects.get_or_create(provider=provider)
        row = ProviderHealth.objects.select_for_update().get(provider=provider)
        if row.pin == pin:
            return
        row.pin = pin
        row.save(update_fields=["pin"])
        now = clock.now()
        seen = next(seen for seen in see(now) if seen.provider_id == provider.pk)
        with english():
            change = pinned(pin, who)
        if not seen.health.enabled:  # its account decides for as long as it is off
            change = Change(seen.health.state, seen.health.factor, seen.health.openings, change.reason)
        _write(seen, change, now, who=who)
        _limit_trials()


def squash() -> None:
    """Fold deltas of the same few seconds together, and forget what nobody looks at any more."""
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SQUASH, {"now": now})
        cursor.execute("DELETE FROM delivery_healthcount WHERE at < %s", [now - KEEP])
        cursor.execute("DELETE FROM delivery_healthchange WHERE at < %s", [now - KEEP_CHANGES])


def thresholds() -> Thresholds:
    return Thresholds(
        at_least=settings.HEALTH_AT_LEAST,
        trial_at_least=settings.HEALTH_TRIAL_AT_LEAST,
        errors_worse=settings.HEALTH_ERRORS_WORSE_PERCENT,
        errors_open=settings.HEALTH_ERRORS_OPEN_PERCENT,
        errors_better=settings.HEALTH_ERRORS_BETTER_PERCENT,
        missing_worse=settings.HEALTH_MISSING_WORSE_PERCENT,
        missing_open=settings.HEALTH_MISSING_OPEN_PERCENT,
        missing_better=settings.HEALTH_MISSING_BETTER_PERCENT,
        step=settings.HEALTH_STEP_PERCENT,
        floor=settings.HEALTH_FLOOR_PERCENT,
        trial_factor=settings.HEALTH_TRIAL_PERCENT,
        min_seconds=settings.HEALTH_MIN_SECONDS,
        rise_seconds=settings.HEALTH_RISE_SECONDS,
        open_seconds=settings.HEALTH_OPEN_SECONDS,
        open_most_seconds=settings.HEALTH_OPEN_MOST_SECONDS,
    )


def replaceable(table: Table) -> set[int]:
    """Providers for some of whose destinations another one, that is well enough, stands in."""
    found: set[int] = set()
    for lines in table.sets():
        able = {route.provider_id for route in lines if route.pull}
        found |= {route.provider_id for route in lines if route.on and able - {route.provider_id}}
    return found


def _write(seen: Seen, change: Change, now: datetime, *, who: str = "") -> None:
    worse = change.factor < seen.health.factor
    values: dict[str, Any] = {
        "state": change.state,
        "factor": change.factor,
        "since": now,
        "reason": change.reason[:300],
        "openings": change.openings,
        "unbound": change.unbound,
    }
    if worse:
        values |= {"review": True, "review_after": None}
    ProviderHealth.objects.update_or_create(provider_id=seen.provider_id, defaults=values)
    HealthChange.objects.create(
        provider_id=seen.provider_id,
        at=now,
        from_state=seen.health.state,
        to_state=change.state,
        from_factor=seen.health.factor,
        factor=change.factor,
        reason=change.reason[:300],
        figures=asdict(seen.figures),
        actor_label=who[:150],
    )
    log.warning(
        "provider_health",
        provider_id=seen.provider_id,
        state=change.state.value,
        factor=change.factor,
        **asdict(seen.figures),
    )


def _limit_trials() -> None:
    """Hold back what is queued for a provider that is open or on trial, where others can stand in for it."""
    able = replaceable(routes.table())
    rows = ProviderHealth.objects.select_related("provider").defer("provider__credentials")
    for row in rows.exclude(state=State.HEALTHY, trial_rate=None):
        health = Health(State(row.state), row.factor)
        rate = trial_rate(health, row.provider.rate) if row.provider_id in able else None
        if rate != row.trial_rate:
            ProviderHealth.objects.filter(pk=row.pk).update(trial_rate=rate)


def _tells_receipts(adapter: str) -> bool:
    kind = registry.kinds().get(adapter)
    return kind is not None and kind.parse_receipts is not None


def history(provider_id: int, *, last: int = 50) -> Sequence[HealthChange]:
    return list(HealthChange.objects.filter(provider_id=provider_id)[:last])
