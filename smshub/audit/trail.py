"""Writing the trail beside what the trigger writes, and cutting it off at its old end."""

import time
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from smshub.audit.models import Entry
from smshub.audit.origin import Actor, Origin
from smshub.audit.places import BY_FAMILY, Place

#: The same view by the same user is written down once in this time.
VIEW_EVERY = timedelta(minutes=10)
#: And by the same key: systems look again and again.
READ_EVERY = timedelta(hours=1)
BATCH = 5000

#: What this process knows to be written down: key, address's family, verb and number, and until when (monotonic) that
#: is enough. So a read costs a query once in READ_EVERY, and not at each request.
_written: dict[tuple[str, str, str, str], float] = {}
_MOST_WRITTEN = 20_000

_VIEW = """
INSERT INTO audit_entry
    (kind, actor_kind, actor_id, actor, address, request_id, subject, verb, object_id, changes)
SELECT 'view', %(actor_kind)s, %(actor_id)s, %(actor)s, %(address)s, %(request_id)s, %(subject)s, %(verb)s,
    %(object_id)s, '{}'
WHERE NOT EXISTS (
    SELECT 1 FROM audit_entry
    WHERE subject = %(subject)s AND object_id = %(object_id)s
        AND at > statement_timestamp() - make_interval(secs => %(every)s)
        AND kind = 'view' AND actor_kind = %(actor_kind)s AND actor_id = %(actor_id)s AND verb = %(verb)s
)
"""
_FORGET = """
DELETE FROM audit_entry WHERE id IN (
    SELECT id FROM audit_entry WHERE at < %(before)s ORDER BY at, id LIMIT %(size)s
)
"""


def record(origin: Origin, actor: Actor, kind: Entry.Kind, place: Place) -> None:
    """One entry: who did or saw this, in this request."""
    Entry.objects.create(
        kind=kind,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor=actor.name[:150],
        address=origin.address,
        request_id=origin.request_id,
        subject=place.subject,
        verb=place.verb,
        object_id=place.object_id,
    )


def record_reading(origin: Origin, actor: Actor, place: Place) -> None:
    """One entry in READ_EVERY for what a key reads: lists by their family, a record by its number, but for families of
    which systems read each (`places.BY_FAMILY`)."""
    if place.subject in BY_FAMILY:
        place = replace(place, object_id="")
    known, now = (actor.name, place.subject, place.verb, place.object_id), time.monotonic()
    if _written.get(known, 0) > now:
        return
    record_view(origin, actor, place, every=READ_EVERY)
    if len(_written) >= _MOST_WRITTEN:
        _written.clear()
    _written[known] = now + READ_EVERY.total_seconds()


def record_view(origin: Origin, actor: Actor, place: Place, *, every: timedelta) -> None:
    """One entry, unless they have seen this within that time: pages renew themselves every few seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            _VIEW,
            {
                "actor_kind": actor.kind,
                "actor_id": actor.id,
                "actor": actor.name[:150],
                "address": origin.address,
                "request_id": origin.request_id,
                "subject": place.subject,
                "verb": place.verb,
                "object_id": place.object_id,
                "every": every.total_seconds(),
            },
        )


def forget() -> int:
    """Take away a batch of what is older than AUDIT_RETENTION_DAYS. Returns how many; 0: nothing is, or all stay."""
    if not settings.AUDIT_RETENTION_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    with transaction.atomic(), connection.cursor() as cursor:
        # Whom the trigger that keeps the log lets delete; what is younger not even then.
        cursor.execute("SELECT set_config('smshub.audit_forgets', %s, true)", [before.isoformat()])
        cursor.execute(_FORGET, {"before": before, "size": BATCH})
        return int(cursor.rowcount)
