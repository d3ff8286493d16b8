"""Who said stop. A suppression belongs to a number (E.164), whether or not a contact has it.

After an erasure (`contacts.erasing`) it belongs to the number's digest, which every question here is also asked by.

Its scope is "" where it holds for every sender, else the address of the one sender that it is about, as
`Sender.address` has it. A text is stopped by what holds for every sender and by what holds for its own.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from contacts import digests
from contacts.models import Suppression
from contacts.signals import suppression_changed

_EVIDENCE = 200

Reason = Suppression.Reason

#: What a person brought about, and may therefore end by a START.
THEIR_OWN = (Reason.OPTED_OUT, Reason.REFUSED, Reason.ERASED)

# Sorted, so that two callers with the same numbers wait for each other and never deadlock. What is known with less
# certainty gives way to what is known with more, never the other way round: a number that was only thought invalid
# becomes opted out when its owner says stop, and a refusal that nobody has looked at yet needs no look then. What only
# files say gives way to whatever a person says or does, and must outlive the undo of these files then; another file
# joins them. An erased number that says stop is stopped already, and does not come back into the table for it.
_SUPPRESS = sql.SQL(
    """
    WITH changed AS (
        INSERT INTO {table} AS active
            (phone, scope, reason, evidence, created_at, created_by_id, lifted_evidence, imports)
        SELECT DISTINCT phone, %(scope)s, %(reason)s, left(place || %(evidence)s, {most}), now(), %(actor)s::bigint, '',
               %(imports)s::bigint[]
        FROM unnest(%(phones)s::text[], %(digests)s::bytea[], %(places)s::text[]) AS asked (phone, digest, place)
        WHERE NOT EXISTS (SELECT 1 FROM {table} AS gone
                          WHERE gone.digest = asked.digest AND gone.scope = '' AND gone.lifted_at IS NULL)
        ORDER BY phone
        ON CONFLICT (phone, scope) WHERE lifted_at IS NULL DO UPDATE SET
            (reason, evidence, created_by_id, imports) = (
                SELECT CASE WHEN joins OR active.imports IS NOT NULL AND excluded.reason = {refused}
                            THEN active.reason ELSE excluded.reason END,
                       CASE WHEN joins THEN active.evidence ELSE excluded.evidence END,
                       CASE WHEN joins THEN active.created_by_id ELSE excluded.created_by_id END,
                       CASE WHEN joins THEN active.imports || excluded.imports END
                FROM (SELECT active.imports IS NOT NULL AND excluded.imports IS NOT NULL AS joins) AS files
            )
        WHERE active.imports IS NULL AND active.reason <> excluded.reason
              AND (active.reason = {invalid}
                   OR active.reason = {refused} AND active.reviewed_at IS NULL AND excluded.reason <> {invalid})
           OR active.imports IS NOT NULL AND excluded.reason <> {invalid}
              AND active.imports @> excluded.imports IS NOT TRUE
        RETURNING phone, imports
    ) SELECT phone, NULL::bytea FROM changed WHERE cardinality(imports) > 1 IS NOT TRUE
    """
).format(
    table=sql.Identifier(Suppression._meta.db_table),
    invalid=sql.Literal(Reason.INVALID_NUMBER.value),
    refused=sql.Literal(Reason.REFUSED.value),
    most=sql.Literal(_EVIDENCE),
)
# In the order of the above, for the same reason.
_LOCK = """
WITH active AS MATERIALIZED (
    SELECT id, phone, digest FROM contacts_suppression WHERE {whose} AND lifted_at IS NULL
    ORDER BY phone, scope FOR UPDATE
) SELECT id, phone, digest, NULL::bytea FROM active
"""
_OF_NUMBERS = """(phone = ANY(%(phones)s::text[]) OR digest = ANY(%(digests)s::bytea[]))
    AND (scope = %(scope)s AND reason = ANY(%(reasons)s::text[]) OR scope = '' AND reason = ANY(%(own)s::text[]))"""

# An OR of two conditions, each with an index of its own.
_ACTIVE = """
SELECT phone, digest, scope, reason, NULL::bytea FROM contacts_suppression
WHERE (phone = ANY(%(phones)s::text[]) OR digest = ANY(%(digests)s::bytea[])) AND lifted_at IS NULL
"""
_GONE = """
SELECT digest, NULL::bytea FROM contacts_suppression
WHERE digest = ANY(%(digests)s::bytea[]) AND scope = '' AND lifted_at IS NULL
"""
# Added to each of these where this process has not seen the key for digests yet: so asking for it costs no query of its
# own. If there is one after all, the question is asked again.
_KEY = " UNION ALL SELECT {nothing}, sealed FROM contacts_numberkey"

#: What stops the texts to a contact, for a query that reads contacts anyway: reasons by scope, as JSON or null.
OF_CONTACT_SQL = """(SELECT jsonb_object_agg(stop.scope, stop.reason) FROM contacts_suppression AS stop
    WHERE stop.phone = contact.phone AND stop.lifted_at IS NULL)"""

#: And the key for those who are known by digest only, for `erased_by_key`; the same in every row.
KEY_SQL = "(SELECT sealed FROM contacts_numberkey)"


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


def suppress(
    *,
    phones: Sequence[str],
    reason: str,
    evidence: str,
    actor: User | None,
    scope: str = "",
    places: Mapping[str, str] | None = None,
    import_id: int | None = None,
) -> int:
    """Stop all texts to these numbers from now on, those of every sender or of the one that `scope` names.

    `evidence` says what it rests on ("STOP to +1…", "form of 3 May"); its first 200 characters are kept. `places` are
    where in it some of the numbers stand ("Line 7 of "), and are written before it. `import_id` says that only a file
    has it so: what rests on nothing else ends with the import's undo.
    Numbers already stopped in this scope keep their first reason and evidence, unless it was only that they seemed
    invalid, a refusal that nobody has confirmed, or only what a file says. Returns how many this made a difference to,
    and sends `suppression_changed` about these. Raises ValueError for a reason that is not one of Suppression.Reason.
    """
    reason, evidence = Reason(reason).value, evidence[:_EVIDENCE]
    if not phones:
        return 0
    numbers = sorted(set(phones))
    known = {phone: digest for digest, phone in digests.digests(numbers).items()}
    values = {
        "scope": scope,
        "reason": reason,
        "evidence": evidence,
        "actor": actor.pk if actor else None,
        "phones": numbers,
        "digests": [known.get(phone) for phone in numbers],
        "places": [(places or {}).get(phone, "") for phone in numbers],
        "imports": None if import_id is None else [import_id],
    }
    with transaction.atomic():
        rows, learned = _ask(_SUPPRESS.as_string(None), values, columns=1)
        if learned:
            transaction.set_rollback(True)
        changed = sorted(phone for (phone,) in rows)
        if not learned:
            _announce(changed, suppressed=True, reason=reason, scope=scope, evidence=evidence)
    if learned:
        return suppress(
            phones=phones,
            reason=reason,
            evidence=evidence,
            actor=actor,
            scope=scope,
            places=places,
            import_id=import_id,
        )
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

    What an erasure left is lifted by the number as well: so a START of the person's own lets them be texted again.

    Returns how many numbers this made a difference to, and sends `suppression_changed` about these.
    """
    numbers = set(phones)
    values = {
        "phones": list(numbers),
        "scope": scope,
        "reasons": list(reasons),
        "own": [reason for reason in reasons if reason in THEIR_OWN] if scope else [],
    }
    return _end(_OF_NUMBERS, values, numbers, scope, evidence, actor)


def lift_one(suppression: Suppression, *, evidence: str, actor: User | None) -> int:
    """End this one and no other, as staff decide who look at it. Returns 0 when it was lifted already."""
    return _end("id = %(id)s", {"id": suppression.pk}, set(), suppression.scope, evidence, actor)


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
    scopes: dict[str, dict[str, str]] = defaultdict(dict)
    erased = digests.digests(phones)
    rows, learned = _ask(_ACTIVE, {"phones": list(phones), "digests": list(erased)}, columns=4)
    if learned:
        return stops_among(phones)
    for phone, digest, scope, reason in rows:
        scopes[erased[bytes(digest)] if phone is None else phone].setdefault(scope, reason)
    return Stops(scopes)


def erased_among(phones: Collection[str]) -> set[str]:
    """Of these numbers those whose owners had themselves erased, and have not written START since."""
    known = digests.digests(phones)
    rows, learned = _ask(_GONE, {"digests": list(known)}, columns=1)
    return erased_among(phones) if learned else {known[bytes(digest)] for (digest,) in rows}


def erased_by_key(phones: Iterable[str], sealed: bytes | memoryview | None) -> set[str]:
    """As `erased_among`, with the key that a query has brought along; without one nothing is asked."""
    return erased_among(list(phones)) if digests.learn(sealed) else set()


def erased_test() -> Callable[[str], bool] | None:
    """For many numbers one after the other: whether one was erased, as things are now. None: nobody was.

    It keeps the digests of all who were, 32 bytes each.
    """
    erased_among([])
    if not digests.is_known():
        return None
    active = Suppression.objects.filter(digest__isnull=False, scope="", lifted_at=None)
    gone = {bytes(digest or b"") for digest in active.values_list("digest", flat=True).iterator()}
    return (lambda phone: digests.digest(phone) in gone) if gone else None


def _ask(query: str, values: Mapping[str, Any], *, columns: int) -> tuple[list[tuple[Any, ...]], bool]:
    """The rows without their last column, which is the key; and whether this process has learned it just now."""
    unknown = not digests.is_known()
    with connection.cursor() as cursor:
        if unknown:
            query += _KEY.format(nothing=", ".join(["NULL"] * columns))
        cursor.execute(query, values)
        found = cursor.fetchall()
    sealed = next((key for *_, key in found if key is not None), None) if unknown else None
    return [tuple(row) for *row, key in found if key is None], digests.learn(sealed)


def _end(
    whose: str, values: Mapping[str, Any], phones: Collection[str], scope: str, evidence: str, actor: User | None
) -> int:
    evidence = evidence[:_EVIDENCE]
    erased = digests.digests(phones)
    with transaction.atomic():
        rows, learned = _ask(_LOCK.format(whose=whose), {**values, "digests": list(erased)}, columns=3)
        if learned:
            return _end(whose, values, phones, scope, evidence, actor)
        Suppression.objects.filter(id__in=[pk for pk, *_ in rows]).update(
            lifted_at=timezone.now(), lifted_evidence=evidence, lifted_by=actor
        )
        numbers = (erased.get(bytes(digest)) if phone is None else phone for _, phone, digest in rows)
        changed = sorted(set(filter(None, numbers)))
        _announce(changed, suppressed=False, reason="", scope=scope, evidence=evidence)
    # One that is looked at and has no number any more is one as well.
    return max(len(changed), min(1, len(rows)))


def _announce(phones: Sequence[str], *, suppressed: bool, reason: str, scope: str, evidence: str) -> None:
    if phones:
        suppression_changed.send(
            sender=Suppression, phones=phones, suppressed=suppressed, reason=reason, scope=scope, evidence=evidence
        )
