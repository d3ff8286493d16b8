"""Finding out: leases that ended, messages in doubt, and messages that never got a final receipt.

Nothing here is resent because of its age. A lease that ended makes a message `uncertain`; the provider is asked;
only its word that it has no such message, given long enough after the attempt, lets a second attempt be made. For
providers that cannot be asked at all `delivery.in_doubt` says what the operator has decided.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction

from delivery import bodies, clock, in_doubt, vitals, wake
from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.models import Attempt, Message, Provider
from delivery.providers import registry
from delivery.providers.base import Adapter, Answer, CannotAsk, ProviderKind, Question
from delivery.receipts.evidence import Evidence, apply
from delivery.runtime import Runtime
from delivery.states import ASKABLE, Status, sql_in

log = structlog.get_logger(__name__)

BATCH = 500
#: Questions open at the same time; they cost the provider as much as sends do.
CONCURRENT_QUESTIONS = 20
#: While in doubt a message is asked about no more often than after this part of the time that makes absence believed.
IN_DOUBT_SHARE = 1 / 6
#: A message that the provider swallowed this often is given up rather than tried for ever.
MAX_ATTEMPTS = 5

_NOBODY = UUID(int=0)

_SWEEP = f"""
WITH swept AS (
    UPDATE delivery_message SET status = '{Status.UNCERTAIN}', lease_until = NULL, ask_at = %(now)s
    WHERE id = ANY(ARRAY(SELECT id FROM delivery_message WHERE status = '{Status.SENDING}' AND lease_until < %(now)s
                 ORDER BY lease_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    RETURNING id, attempt
)
INSERT INTO delivery_messageevent (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
SELECT id, 'lease:' || attempt, %(now)s, 'hub', '{Status.UNCERTAIN}', attempt, '', '',
       'The worker that had claimed it went away.'
FROM swept ON CONFLICT (message_id, fingerprint) DO NOTHING
"""

# Due questions move on at once, so that two workers never ask the same and a provider that cannot answer is not
# asked without end: ever more rarely as the message ages, and not beyond the moment when it is given up, or when the
# policy for what cannot be asked about lets it go again. From the former on it stays due, for `give_up` to find.
_TAKE = f"""
UPDATE delivery_message SET ask_at = LEAST(
    %(now)s + GREATEST(
        make_interval(secs => CASE status WHEN '{Status.UNCERTAIN}' THEN %(in_doubt)s ELSE %(ask_after)s END),
        (%(now)s - COALESCE(claimed_at, created_at)) / 2),
    COALESCE(claimed_at, created_at) + make_interval(secs => %(give_up_after)s),
    (SELECT over.at FROM unnest(%(lanes)s::smallint[], %(again_after)s::int[]) AS policy (lane, after)
     CROSS JOIN LATERAL (SELECT COALESCE(claimed_at, created_at) + make_interval(secs => policy.after)) AS over (at)
     WHERE policy.lane = delivery_message.lane AND status = '{Status.UNCERTAIN}' AND over.at > %(now)s))
WHERE id = ANY(ARRAY(SELECT id FROM delivery_message
             WHERE status IN {sql_in(ASKABLE)} AND ask_at <= %(now)s AND provider_id = %(provider_id)s
               AND COALESCE(claimed_at, created_at) > %(now)s - make_interval(secs => %(give_up_after)s)
             ORDER BY ask_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING id, attempt, provider_message_id, recipient,
          (SELECT address FROM delivery_sender WHERE delivery_sender.id = sender_id), body,
          COALESCE(claimed_at, created_at), %(now)s, lane
"""

_GIVE_UP = f"""
WITH over AS (
    UPDATE delivery_message SET status = '{Status.EXPIRED}', reason = '{Failure.NO_RECEIPT}', final_at = %(now)s,
        ask_at = NULL
    WHERE id = ANY(ARRAY(SELECT id FROM delivery_message WHERE status IN {sql_in(ASKABLE)} AND ask_at <= %(now)s
                   AND COALESCE(claimed_at, created_at) <= %(now)s - make_interval(secs => %(give_up_after)s)
                 ORDER BY ask_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    RETURNING id, attempt
)
INSERT INTO delivery_messageevent (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
SELECT id, 'given-up', %(now)s, 'hub', '{Status.EXPIRED}', attempt, '{Failure.NO_RECEIPT}', '', ''
FROM over ON CONFLICT (message_id, fingerprint) DO NOTHING
"""

# The provider never had it: another attempt, or the end after too many.
_AGAIN = f"""
WITH again AS (
    UPDATE delivery_message AS m SET
        status = CASE WHEN m.attempt < {MAX_ATTEMPTS} THEN '{Status.QUEUED}' ELSE '{Status.FAILED}' END,
        reason = CASE WHEN m.attempt < {MAX_ATTEMPTS} THEN '' ELSE '{Failure.UNKNOWN}' END,
        final_at = CASE WHEN m.attempt < {MAX_ATTEMPTS} THEN NULL ELSE %(now)s::timestamptz END,
        attempt = LEAST(m.attempt + 1, {MAX_ATTEMPTS}), ask_at = NULL
    FROM unnest(%(ids)s::uuid[], %(attempts)s::smallint[]) AS absent (id, attempt)
    WHERE m.id = absent.id AND m.attempt = absent.attempt AND m.status = '{Status.UNCERTAIN}'
    RETURNING m.id, absent.attempt, m.status, m.provider_id, m.claimed_at
), kept AS (
    INSERT INTO delivery_attempt (message_id, number, provider_id, provider_message_id, status, reason, error_code,
                                  claimed_at, ended_at)
    SELECT id, attempt, provider_id, '', '{Status.UNCERTAIN}', '', '', claimed_at, %(now)s
    FROM again WHERE status = '{Status.QUEUED}'
)
INSERT INTO delivery_messageevent (message_id, fingerprint, at, source, status, attempt, reason, code, detail)
SELECT id, 'absent:' || attempt, %(now)s, 'asked', status, attempt, '', '', 'The provider never had it.'
FROM again ON CONFLICT (message_id, fingerprint) DO NOTHING
"""


def sweep_leases(*, limit: int = 5000) -> int:
    """Claims whose lease ended become `uncertain`. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP, {"now": clock.now(), "limit": limit})
        swept = int(cursor.rowcount)
    vitals.count("leases_expired", swept)
    return swept


def give_up(*, limit: int = 5000) -> int:
    """Close messages that no receipt and no answer has closed in GIVE_UP_AFTER_SECONDS. Returns how many."""
    parameters = {"now": clock.now(), "give_up_after": settings.GIVE_UP_AFTER_SECONDS, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_UP, parameters)
        return int(cursor.rowcount)


def ask(provider_id: int, *, runtime: Runtime) -> int:
    """Ask a provider about the messages that are due for it. Returns how many these were.

    About an attempt whose answer was lost not every provider can be asked: then the operator's policy decides.
    """
    provider = Provider.objects.filter(pk=provider_id, enabled=True).first()
    if provider is None:
        return 0
    kind = registry.kind(provider.adapter)
    again_after = in_doubt.send_again_after(kind)
    due = _take(provider_id, again_after)
    questions = [question for question, _ in due if _can_be_asked(kind, question)]
    if questions:
        _learn(provider_id, questions, runtime.run(_ask_all(runtime, provider, questions)))
    if again_after:
        _send_again([each for each in due if not each[0].provider_message_id], again_after, provider_id)
    return len(due)


def _can_be_asked(kind: ProviderKind, question: Question) -> bool:
    """Without its text no message can be told from another: to ask would be to hear that there is none like it."""
    return bool(question.provider_message_id) or (kind.can_ask and bool(question.body))


def _send_again(doubts: Sequence[tuple[Question, Lane]], after: dict[Lane, int], provider_id: int) -> None:
    with transaction.atomic():
        if sent_again := in_doubt.send_again(doubts, after, now=clock.now()):
            log.warning("sent_again_in_doubt", provider_id=provider_id, messages=sent_again)
            transaction.on_commit(lambda: wake.dispatch(provider_id))


def _take(provider_id: int, again_after: dict[Lane, int]) -> list[tuple[Question, Lane]]:
    parameters: dict[str, Any] = {
        "now": clock.now(),
        "in_doubt": settings.BELIEVE_ABSENCE_AFTER_SECONDS * IN_DOUBT_SHARE,
        "ask_after": settings.ASK_AFTER_SECONDS,
        "give_up_after": settings.GIVE_UP_AFTER_SECONDS,
        "lanes": [lane.value for lane in again_after],
        "again_after": list(again_after.values()),
        "provider_id": provider_id,
        "limit": BATCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, parameters)
        rows = cursor.fetchall()
    due = []
    for message_id, attempt, provider_message_id, recipient, sender, body, *times, lane in rows:
        text = bodies.shown(message_id, body) or ""
        question = Question(message_id, attempt, provider_message_id, recipient, sender, text, *times)
        due.append((question, Lane(lane)))
    return due


async def _ask_all(runtime: Runtime, provider: Provider, questions: Sequence[Question]) -> list[Answer | None]:
    adapter = await runtime.adapter(provider)
    gate = asyncio.Semaphore(CONCURRENT_QUESTIONS)
    return await asyncio.gather(*(_ask_one(adapter, question, gate) for question in questions))


async def _ask_one(adapter: Adapter, question: Question, gate: asyncio.Semaphore) -> Answer | None:
    async with gate:
        try:
            return await adapter.ask(question)
        except CannotAsk:
            return None
        except Exception as error:
            log.exception("ask_raised", message_id=str(question.message_id), error=type(error).__name__)
            return None


def _learn(provider_id: int, questions: Sequence[Question], answers: Sequence[Answer | None]) -> None:
    now = clock.now()
    evidence: list[Evidence] = []
    absent: list[Question] = []
    taken = _bound_ids(provider_id, answers)
    for question, answer in zip(questions, answers, strict=True):
        if answer is None:
            continue
        # A text that looks the same may be another message's: what is bound to one is not this one.
        own = [r for r in answer.found if taken.get(r.provider_message_id, question.message_id) == question.message_id]
        if own:
            receipt = own[0]
            taken[receipt.provider_message_id] = question.message_id
            evidence.append(
                Evidence(
                    message_id=question.message_id,
                    attempt=question.attempt,
                    provider_message_id=receipt.provider_message_id,
                    status=receipt.status,
                    reason=receipt.failure.value if receipt.failure else "",
                    code=receipt.code,
                    at=now,
                    source="asked",
                )
            )
        elif not question.provider_message_id and _long_enough(question):
            absent.append(question)
    with transaction.atomic():
        apply(evidence)
        if absent:
            _try_again(absent, now)
            transaction.on_commit(lambda: wake.dispatch(provider_id))


def _long_enough(question: Question) -> bool:
    """When it was asked, not when the answer came: that may have been on its way for long."""
    believed_from = question.claimed_at + timedelta(seconds=settings.BELIEVE_ABSENCE_AFTER_SECONDS)
    return question.asked_at is not None and question.asked_at >= believed_from


def _bound_ids(provider_id: int, answers: Sequence[Answer | None]) -> dict[str, UUID]:
    """Which of the texts that were found belong to a message already, as its present attempt or an earlier one."""
    found = [receipt.provider_message_id for answer in answers if answer for receipt in answer.found]
    named = {"provider_message_id__in": found, "provider_id": provider_id}
    bound = dict(Message.objects.filter(**named).values_list("provider_message_id", "id"))
    # Even of the same message: the text of an attempt that failed is not that of the one in doubt.
    given_up = Attempt.objects.filter(**named).values_list("provider_message_id", flat=True)
    return bound | dict.fromkeys(given_up, _NOBODY)


def _try_again(absent: Sequence[Question], now: datetime) -> None:
    arguments: dict[str, Any] = {
        "ids": [question.message_id for question in absent],
        "attempts": [question.attempt for question in absent],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, arguments)
    log.info("sent_again_after_absence", messages=len(absent))
