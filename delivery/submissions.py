"""Messages handed in by somebody who waits for word of them: taken in batches, once each, and asked about.

`origin` is whoever hands in, a number that a door on a floor above has given them. The word that is owed to an origin
is read and struck off over a connection of the event loop (`delivery.words`); what is here runs on Django's.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from delivery import clock, submit
from delivery.errors import Suppressed
from delivery.ids import first_id
from delivery.models import Message, Submission
from delivery.states import FINAL, OPEN
from delivery.submit import Draft, Row, SubmitError

#: How long a reference names a message: longer than anybody tries again after an outage, and not so long that counters
#: of 16 bits, which begin anew, come to the same reference for the same text to the same person.
REFERENCE_KEPT = timedelta(hours=24)
#: What is known of a submission beyond its message, once that is final.
KEPT = timedelta(days=30)

_FORGET = """
UPDATE delivery_submission AS s SET reference = NULL
FROM unnest(%(origins)s::bigint[], %(references)s::bytea[]) AS asked (origin, reference)
WHERE s.origin = asked.origin AND s.reference = asked.reference AND s.message_id < %(before)s
"""
_KNOWN = """
SELECT s.origin, s.reference, s.message_id
FROM unnest(%(origins)s::bigint[], %(references)s::bytea[]) AS asked (origin, reference)
JOIN delivery_submission AS s ON s.origin = asked.origin AND s.reference = asked.reference
"""
# In the order of the unique key, so that two doors that are given the same wait for each other and never deadlock.
_NOTE = """
INSERT INTO delivery_submission (message_id, origin, reference, wants_word, wants_progress, said)
SELECT message_id, origin, reference, wants_word, wants_progress, said::jsonb
FROM unnest(%(ids)s::uuid[], %(origins)s::bigint[], %(references)s::bytea[], %(wants)s::boolean[],
            %(progress)s::boolean[], %(said)s::text[])
    AS s (message_id, origin, reference, wants_word, wants_progress, said)
ORDER BY origin, reference, message_id
ON CONFLICT (origin, reference) WHERE reference IS NOT NULL DO NOTHING
RETURNING message_id
"""
_OWE = """
INSERT INTO delivery_word (origin, subject, is_inbound, version, tries, not_before, created_at)
SELECT origin, subject, %(is_inbound)s, 1, 0, statement_timestamp(), statement_timestamp()
FROM unnest(%(origins)s::bigint[], %(subjects)s::uuid[]) AS due (origin, subject)
ON CONFLICT (origin, subject) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Handed:
    """One message as it is handed in. `said` is JSON, kept for the door that wrote it."""

    origin: int
    draft: Draft
    wants_word: bool = False
    wants_progress: bool = False
    reference: bytes | None = None
    said: str = field(default="{}", repr=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: for each the id that its message has, or why there is none; and who is to be woken."""

    results: Sequence[UUID | SubmitError]
    wake: frozenset[int] = frozenset()


def digest(*parts: bytes) -> bytes:
    """A reference together with what it stands for, so that another text under the same one is another message."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(4, "big") + part)
    return hashed.digest()


def take(batch: Sequence[Handed]) -> Taken:
    """Queue a batch, in one transaction. A reference that names a message already is answered with that one's id.

    The number of statements does not depend on the size of the batch.
    """
    with transaction.atomic():
        known = _known(batch)
        fresh = [handed for handed in batch if (handed.origin, handed.reference) not in known]
        prepared = submit.prepare([handed.draft for handed in fresh])
        outcome: dict[UUID, Row | SubmitError] = {
            handed.draft.id: result for handed, result in zip(fresh, prepared, strict=True)
        }
        good = [handed for handed in fresh if not isinstance(outcome[handed.draft.id], SubmitError)]
        noted = _note(good)
        rows = [row for pk, row in outcome.items() if pk in noted and not isinstance(row, SubmitError)]
        submit.write(rows)
        submit.write_requests([handed.draft for handed in good], written=noted)
        ended = {row.id for row in rows if row.status in FINAL}
        owe([(handed.origin, handed.draft.id) for handed in good if handed.wants_word and handed.draft.id in ended])
        if len(noted) < len(good):
            # Twins within the batch, or in that of another door a moment ago.
            known |= _known([handed for handed in good if handed.draft.id not in noted])
        results = [_result(handed, outcome, noted, known) for handed in batch]
    return Taken(results, frozenset(submit.to_wake(rows)))


def close(batch: Sequence[Handed], reason: Suppressed) -> None:
    """What was taken, and will not be sent: its row says why, and its origin is told. In a transaction."""
    noted = _note(batch)
    closed = [handed for handed in batch if handed.draft.id in noted]
    submit.write(submit.closed([handed.draft for handed in closed], reason))
    submit.write_requests([handed.draft for handed in closed], written=noted)
    owe([(handed.origin, handed.draft.id) for handed in closed if handed.wants_word])


def owe(due: Sequence[tuple[int, UUID]], *, is_inbound: bool = False) -> None:
    """Note that these origins are to be told of these subjects, in the transaction of what there is to tell."""
    if not due:
        return
    values: dict[str, Any] = {
        "origins": [origin for origin, _ in due],
        "subjects": [subject for _, subject in due],
        "is_inbound": is_inbound,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OWE, values)


def message_of(origin: int, message_id: UUID) -> Message | None:
    """A message that this origin handed in; None where it is another's, or of nobody."""
    if not Submission.objects.filter(pk=message_id, origin=origin).exists():
        return None
    return Message.objects.filter(pk=message_id).first()


def purge(*, now: datetime | None = None, limit: int = 5000) -> int:
    """Forget up to `limit` submissions that are old and whose message is not open. Returns how many."""
    before = first_id((now or clock.now()) - KEPT)
    is_open = Message.objects.filter(pk=OuterRef("message_id"), status__in=OPEN)
    old = Submission.objects.filter(~Exists(is_open), message_id__lt=before).order_by("message_id")
    return Submission.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]


def _result(
    handed: Handed,
    outcome: dict[UUID, Row | SubmitError],
    noted: set[UUID],
    known: dict[tuple[int, bytes | None], UUID],
) -> UUID | SubmitError:
    result = outcome.get(handed.draft.id)
    if isinstance(result, SubmitError):
        return result
    return handed.draft.id if handed.draft.id in noted else known[handed.origin, handed.reference]


def _known(batch: Sequence[Handed]) -> dict[tuple[int, bytes | None], UUID]:
    """Which references name a message; those that named one long ago name none any more."""
    asked = sorted({(handed.origin, handed.reference) for handed in batch if handed.reference is not None})
    if not asked:
        return {}
    values: dict[str, Any] = {
        "origins": [origin for origin, _ in asked],
        "references": [reference for _, reference in asked],
        "before": first_id(clock.now() - REFERENCE_KEPT),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, values)
        cursor.execute(_KNOWN, values)
        return {(origin, bytes(reference)): message_id for origin, reference, message_id in cursor.fetchall()}


def _note(handed: Sequence[Handed]) -> set[UUID]:
    if not handed:
        return set()
    values: dict[str, Any] = {
        "ids": [each.draft.id for each in handed],
        "origins": [each.origin for each in handed],
        "references": [each.reference for each in handed],
        "wants": [each.wants_word for each in handed],
        "progress": [each.wants_progress for each in handed],
        "said": [each.said for each in handed],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, values)
        return {message_id for (message_id,) in cursor.fetchall()}
