"""Who said stop. A suppression belongs to a number (E.164), whether or not a contact has it."""

from collections.abc import Collection, Sequence

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from contacts.models import Suppression

_EVIDENCE = 200

_TABLE = sql.Identifier(Suppression._meta.db_table)
# Sorted, so that two callers with the same numbers wait for each other and never deadlock. A number that was only
# thought invalid becomes opted out when its owner says stop: finding the number valid again must not undo that.
_SUPPRESS = sql.SQL(
    """
    INSERT INTO {table} AS active (phone, reason, evidence, created_at, created_by_id, lifted_evidence)
    SELECT DISTINCT phone, %s, %s, now(), %s::bigint, '' FROM unnest(%s::text[]) AS phone ORDER BY phone
    ON CONFLICT (phone) WHERE lifted_at IS NULL DO UPDATE SET
        reason = excluded.reason, evidence = excluded.evidence, created_by_id = excluded.created_by_id
    WHERE active.reason = {invalid} AND excluded.reason <> {invalid}
    """
).format(table=_TABLE, invalid=sql.Literal(Suppression.Reason.INVALID_NUMBER.value))


def suppress(*, phones: Sequence[str], reason: str, evidence: str, actor: User | None) -> int:
    """Stop all texts to these numbers from now on; returns how many were not stopped already.

    `evidence` says what it rests on ("STOP to +1…", "form of 3 May"); its first 200 characters are kept.
    Numbers already stopped keep their first reason and evidence, unless it was only that they seemed invalid.
    Raises ValueError for a reason that is not one of Suppression.Reason.
    """
    reason = Suppression.Reason(reason).value
    if not phones:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SUPPRESS, [reason, evidence[:_EVIDENCE], actor.pk if actor else None, list(phones)])
        return int(cursor.rowcount)


def lift(
    *,
    phones: Sequence[str],
    evidence: str,
    actor: User | None,
    reasons: Collection[str] = tuple(Suppression.Reason),
) -> int:
    """Allow texts to these numbers again; returns how many were stopped. The rows stay, with when and why.

    `reasons` narrows it: a START from the recipient lifts what their STOP began, not what staff decided.
    """
    with transaction.atomic():
        active = Suppression.objects.filter(phone__in=set(phones), reason__in=reasons, lifted_at=None)
        ids = list(active.select_for_update().order_by("phone").values_list("id", flat=True))
        return Suppression.objects.filter(id__in=ids).update(
            lifted_at=timezone.now(), lifted_evidence=evidence[:_EVIDENCE], lifted_by=actor
        )


def is_suppressed(phone: str) -> bool:
    return Suppression.objects.filter(phone=phone, lifted_at=None).exists()


def suppressed_among(phones: Collection[str]) -> dict[str, str]:
    """Of these numbers those that must not be texted, each with its reason."""
    active = Suppression.objects.filter(phone__in=set(phones), lifted_at=None)
    return dict(active.values_list("phone", "reason"))
