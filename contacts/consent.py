"""Who said stop. A suppression belongs to a number (E.164), whether or not a contact has it.

Its scope is "" where it holds for every sender, else the address of the one sender that it is about, as
`Sender.address` has it. A text is stopped by what holds for every sender and by what holds for its own.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from psycopg import sql

from contacts.models import Suppression
from contacts.signals import suppression_changed

_EVIDENCE = 200

Reason = Suppression.Reason

#: What a person brought about, and may therefore end by a START.
THEIR_OWN = (Reason.OPTED_OUT, Reason.REFUSED)

# Sorted, so that two callers with the same numbers wait for each other and never deadlock. What is known with less
# certainty gives way to what is known with more, never the other way round: a number that was only thought invalid
# becomes opted out when its owner says stop, and a refusal that nobody has looked at yet needs no look then.
_SUPPRESS = sql.SQL(
    """
    INSERT INTO {table} AS active (phone, scope, reason, evidence, created_at, created_by_id, lifted_evidence)
    SELECT DISTINCT phone, %(scope)s, %(reason)s, %(evidence)s, now(), %(actor)s::bigint, ''
    FROM unnest(%(phones)s::text[]) AS phone ORDER BY phone
    ON CONFLICT (phone, scope) WHERE lifted_at IS NULL DO UPDATE SET
        reason = excluded.reason, evidence = excluded.evidence, created_by_id = excluded.created_by_id
    WHERE active.reason <> excluded.reason
      AND (active.reason = {invalid}
           OR active.reason = {refused} AND active.reviewed_at IS NULL AND excluded.reason <> {invalid})
    RETURNING phone
    """
).format(
    table=sql.Identifier(Suppression._meta.db_table),
    invalid=sql.Literal(Reason.INVALID_NUMBER.value),
    refused=sql.Literal(Reason.REFUSED.value),
)


#: What stops the texts to a contact, for a query that reads contacts anyway: reasons by scope, as JSON or null.
OF_CONTACT_SQL = """(SELECT jsonb_object_agg(stop.scope, stop.reason) FROM contacts_suppression AS stop
    WHERE stop.phone = contact.phone AND stop.lifted_at IS NULL)"""


def stopping(scopes: Mapping[str, str], sender: str = "") -> str | None:
    """Of the reasons by scope the one that stops this sender; None: none does."""
    return scopes.get("") or scopes.get(sender)


@dataclass(frozen=True, slots=True)
class Stops:
    """What stands in the way of texts to some numbers, as read at one moment."""

    _scopes: Mapping[str, Mapping[str, str]]

    def reason(self, phone: str, sender: str = "") -> str | None:
        """Why this number may not be texted by this sender; None: it may. Without a sender: why by none at all."""
        return stopping(self._scopes.get(phone, {}), sender)


def suppress(*, phones: Sequence[str], reason: str, evidence: str, actor: User | None, scope: str = "") -> int:
    """Stop all texts to these numbers from now on, those of every sender or of the one that `scope` names.

    `evidence` says what it rests on ("STOP to +1…", "form of 3 May"); its first 200 characters are kept.
    Numbers already stopped in this scope keep their first reason and evidence, unless it was only that they seemed
    invalid, or a refusal that nobody has confirmed. Returns how many this made a difference to, and sends
    `suppression_changed` about these. Raises ValueError for a reason that is not one of Suppression.Reason.
    """
    reason, evidence = Reason(reason).value, evidence[:_EVIDENCE]
    if not phones:
        return 0
    values = {
        "scope": scope,
        "reason": reason,
        "evidence": evidence,
        "actor": actor.pk if actor else None,
        "phones": list(phones),
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_SUPPRESS, values)
            changed = [phone for (phone,) in cursor.fetchall()]
        _announce(changed, suppressed=True, reason=reason, scope=scope, evidence=evidence)
    return len(changed)


def lift(
    *,
    phones: Sequence[str],
    evidence: str,
    actor: User | None,
    reasons: Collection[str] = tuple(Reason),
    scope: str = "",
) -> int:
    """Allow texts to these numbers again. The rows stay, with when and why.

    `reasons` narrows it: a START from the recipient lifts what is THEIR_OWN, not what staff decided. Without a scope
    only what held for every sender is lifted; what somebody said to one sender stays. With a scope that sender's is
    lifted, and what the person had said to all as well: who writes START to a sender wants texts from it, and one that
    a global opt-out still swallowed would make a fool of them. What staff decided for all senders, and a bad number,
    are never lifted by way of a scope.

    Returns how many numbers this made a difference to, and sends `suppression_changed` about these.
    """
    held = Q(scope=scope, reason__in=reasons)
    if scope:
        held |= Q(scope="", reason__in=set(reasons).intersection(THEIR_OWN))
    return _end(Suppression.objects.filter(held, phone__in=set(phones)), scope, evidence, actor)


def lift_one(suppression: Suppression, *, evidence: str, actor: User | None) -> int:
    """End this one and no other, as staff decide who look at it. Returns 0 when it was lifted already."""
    return _end(Suppression.objects.filter(pk=suppression.pk), suppression.scope, evidence, actor)


def confirm(suppression: Suppression, *, actor: User) -> bool:
    """Say, having looked, that a refusal in free words was one. False: it was looked at, or lifted, already."""
    waiting = Suppression.objects.filter(pk=suppression.pk, reason=Reason.REFUSED, reviewed_at=None, lifted_at=None)
    return bool(waiting.update(reviewed_at=timezone.now(), reviewed_by=actor))


def is_suppressed(phone: str, sender: str = "") -> bool:
    return stops_among([phone]).reason(phone, sender) is not None


def suppressed_among(phones: Collection[str], sender: str = "") -> dict[str, str]:
    """Of these numbers those that this sender must not text, each with its reason; without one: that nobody must."""
    stops = stops_among(phones)
    return {phone: reason for phone in set(phones) if (reason := stops.reason(phone, sender))}


def stops_among(phones: Collection[str]) -> Stops:
    """For texts of several senders: what stops any of them, in one query."""
    active = Suppression.objects.filter(phone__in=set(phones), lifted_at=None)
    scopes: dict[str, dict[str, str]] = defaultdict(dict)
    for phone, scope, reason in active.values_list("phone", "scope", "reason"):
        scopes[phone][scope] = reason
    return Stops(scopes)


def _end(rows: QuerySet[Suppression], scope: str, evidence: str, actor: User | None) -> int:
    evidence = evidence[:_EVIDENCE]
    with transaction.atomic():
        # In the order of `suppress`, for the same reason.
        active = rows.filter(lifted_at=None).select_for_update().order_by("phone", "scope")
        found = list(active.values_list("id", "phone"))
        Suppression.objects.filter(id__in=[pk for pk, _ in found]).update(
            lifted_at=timezone.now(), lifted_evidence=evidence, lifted_by=actor
        )
        changed = sorted({phone for _, phone in found})
        _announce(changed, suppressed=False, reason="", scope=scope, evidence=evidence)
    return len(changed)


def _announce(phones: Sequence[str], *, suppressed: bool, reason: str, scope: str, evidence: str) -> None:
    if phones:
        suppression_changed.send(
            sender=Suppression, phones=phones, suppressed=suppressed, reason=reason, scope=scope, evidence=evidence
        )
