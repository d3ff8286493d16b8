"""Settling: what came of a batch of attempts, written in one UPDATE, by the rank rule of `delivery.states`.

The UPDATE is safe against everything that may have happened meanwhile: a receipt that was quicker, a lease that was
swept, a batch that is settled twice because the first commit's answer was lost.
"""

import random
from collections.abc import Sequence
from typing import Any

import psycopg
from django.conf import settings

from delivery.errors import Failure
from delivery.providers.base import Outcome, SendOutcome
from delivery.routing import elsewhere, health
from delivery.states import FINAL, Status, sql_applies, sql_in

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_STATUS = {
    Outcome.ACCEPTED: Status.ACCEPTED,
    Outcome.REJECTED: Status.FAILED,
    Outcome.UNCERTAIN: Status.UNCERTAIN,
}

# Lists go over in binary (%(name)b): formatted as text, two thousand ids cost eight times as much.
# Rows are locked in the order of their ids before anything is written, here and in reconciling, so that batches
# that overlap wait for each other instead of deadlocking; the UPDATE that follows sees what they left.
LOCK = "SELECT 1 FROM delivery_message WHERE id = ANY(%(ids)b::uuid[]) ORDER BY id FOR UPDATE"

_EVIDENCE = f"""
WITH answer AS (
    SELECT *, statement_timestamp() AS now
    FROM unnest(%(ids)b::uuid[], %(attempts)b::smallint[], %(statuses)b::text[],
                %(provider_ids)b::text[], %(reasons)b::text[], %(codes)b::text[], %(details)b::text[])
        AS a (id, attempt, status, provider_message_id, reason, code, detail)
), noted AS (
    INSERT INTO delivery_messageevent (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
    SELECT id, 'answer:' || attempt || ':' || status, now,
           CASE reason WHEN '{Failure.TEXT_GONE}' THEN 'hub' ELSE 'provider' END, status, attempt, reason, code, detail
    FROM answer ON CONFLICT (message_id, fingerprint) DO NOTHING
)
UPDATE delivery_message AS m SET
    status = CASE WHEN {sql_applies("m", "answer")} THEN answer.status ELSE m.status END,
    reason = CASE WHEN {sql_applies("m", "answer")} THEN answer.reason ELSE m.reason END,
    error_code = CASE WHEN {sql_applies("m", "answer")} THEN answer.code ELSE m.error_code END,
    provider_message_id = CASE WHEN m.provider_message_id = '' OR answer.attempt > m.attempt
                               THEN answer.provider_message_id ELSE m.provider_message_id END,
    sent_at = CASE WHEN answer.status = '{Status.ACCEPTED}' THEN COALESCE(m.sent_at, answer.now) ELSE m.sent_at END,
    final_at = CASE WHEN {sql_applies("m", "answer")} AND answer.status IN {sql_in(FINAL)}
                    THEN answer.now ELSE m.final_at END,
    ask_at = CASE WHEN NOT {sql_applies("m", "answer")} THEN m.ask_at
                  WHEN answer.status = '{Status.UNCERTAIN}' THEN answer.now + make_interval(secs => %(ask_soon)s)
                  WHEN answer.status = '{Status.ACCEPTED}' THEN answer.now + make_interval(secs => %(ask_after)s) END,
    lease_until = NULL
FROM answer WHERE m.id = answer.id
"""

# A refusal for speed is no attempt: the provider does not have it, the same attempt is made again later.
_LATER = f"""
WITH answer AS (
    SELECT * FROM unnest(%(ids)b::uuid[], %(attempts)b::smallint[], %(delays)b::float8[])
        AS a (id, attempt, delay)
)
UPDATE delivery_message AS m SET
    status = '{Status.HELD}', not_before = statement_timestamp() + make_interval(secs => answer.delay),
    lease_until = NULL, claimed_at = NULL, ask_at = NULL
FROM answer
WHERE m.id = answer.id AND m.attempt = answer.attempt
  AND m.status IN ('{Status.SENDING}', '{Status.UNCERTAIN}')
"""


# Beside the message itself, for an attempt that went as several.
_PARTS = f"""
INSERT INTO delivery_messagepart
    (message_id, attempt, place, provider_id, provider_message_id, status, reason, code, at)
SELECT message_id, attempt, place, %(provider_id)s, provider_message_id, '{Status.ACCEPTED}', '', '',
       statement_timestamp()
FROM unnest(%(ids)b::uuid[], %(attempts)b::smallint[], %(places)b::smallint[], %(provider_ids)b::text[])
    AS part (message_id, attempt, place, provider_message_id)
WHERE EXISTS (SELECT 1 FROM delivery_message WHERE delivery_message.id = part.message_id)
ON CONFLICT (message_id, attempt, place) DO NOTHING
"""


async def settle(connection: Connection, outcomes: Sequence[SendOutcome], *, provider_id: int | None = None) -> None:
    """Write a batch of outcomes in one transaction. Safe to repeat.

    `provider_id`: whose they are, for its health and for what another route may make good.
    """
    evidence = [outcome for outcome in outcomes if outcome.outcome is not Outcome.THROTTLED]
    later = [outcome for outcome in outcomes if outcome.outcome is Outcome.THROTTLED]
    async with connection.transaction():
        await connection.execute(LOCK, {"ids": [outcome.message_id for outcome in outcomes]})
        if evidence:
            await connection.execute(_EVIDENCE, _evidence_arguments(evidence))
        if in_parts := [outcome for outcome in evidence if len(outcome.part_ids) > 1]:
            await connection.execute(_PARTS, _parts_arguments(in_parts, provider_id))
        if later:
            await connection.execute(_LATER, _later_arguments(later))
        if provider_id is not None:
            if counts := health.counted(provider_id, outcomes):
                await connection.execute(health.COUNT, counts)
            # Of what went in parts, some may have arrived: it goes by no other route.
            whole = [outcome for outcome in evidence if not any(outcome.part_ids)]
            failed = [outcome.message_id for outcome in whole if outcome.failure in elsewhere.ROUTES_FAULT]
            if failed:
                await elsewhere.retry(connection, failed)


def clean(text: str, length: int) -> str:
    """What a provider said, made fit for a column: one odd value must not cost a batch."""
    return text.replace("\x00", "")[:length]


def _evidence_arguments(outcomes: Sequence[SendOutcome]) -> dict[str, Any]:
    return {
        "ids": [outcome.message_id for outcome in outcomes],
        "attempts": [outcome.attempt for outcome in outcomes],
        "statuses": [_STATUS[outcome.outcome].value for outcome in outcomes],
        "provider_ids": [clean(outcome.provider_message_id, 64) for outcome in outcomes],
        "reasons": [outcome.failure.value if outcome.failure else "" for outcome in outcomes],
        "codes": [clean(outcome.code, 20) for outcome in outcomes],
        "details": [clean(outcome.detail, 200) for outcome in outcomes],
        "ask_soon": settings.ASK_UNCERTAIN_AFTER_SECONDS,
        "ask_after": settings.ASK_AFTER_SECONDS,
    }


def _parts_arguments(outcomes: Sequence[SendOutcome], provider_id: int | None) -> dict[str, Any]:
    parts = [(o, place, known_as) for o in outcomes for place, known_as in enumerate(o.part_ids, start=1)]
    return {
        "provider_id": provider_id,
        "ids": [outcome.message_id for outcome, _, _ in parts],
        "attempts": [outcome.attempt for outcome, _, _ in parts],
        "places": [place for _, place, _ in parts],
        "provider_ids": [clean(known_as, 64) for _, _, known_as in parts],
    }


def _later_arguments(outcomes: Sequence[SendOutcome]) -> dict[str, Any]:
    return {
        "ids": [outcome.message_id for outcome in outcomes],
        "attempts": [outcome.attempt for outcome in outcomes],
        "delays": [_delay(outcome) for outcome in outcomes],
    }


def _delay(outcome: SendOutcome) -> float:
    """Seconds, with jitter, so that what was refused together does not come back together."""
    if outcome.failure is Failure.ACCOUNT:
        # The provider is being switched off: what waits, waits for somebody to switch it on, and not for a time.
        return 0.0
    asked = 1.0 if outcome.retry_after is None else outcome.retry_after
    return asked * random.uniform(1.0, 1.5)  # noqa: S311  (no secret)
