"""Appointments as their source has them now: written once each, in sets, with an answer for every item.

All ways in (API, CSV, calendars, FHIR, plans) end here. A chunk is one transaction: contacts, appointments by one
INSERT … ON CONFLICT, and the plan of their reminders. It may be repeated and may run beside its twin; rows are taken
in the order of their ids, so two callers wait for each other and never deadlock. What changed is announced within that
transaction (`campaigns.signals.appointments_changed`).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext
from psycopg.types.json import Jsonb

from campaigns.appointments.items import IDENTIFIER, Checked, Item, Outcome, Rejected, Result, check
from campaigns.models import Appointment
from campaigns.models.appointments import COMING
from campaigns.reminders import planning
from campaigns.signals import appointments_changed
from delivery import clock

CHUNK = 1000

_COMING = "(" + ", ".join(f"'{status.value}'" for status in sorted(COMING)) + ")"
_SAME_TIME = "(kept.starts_at, kept.contact_id) = (excluded.starts_at, excluded.contact_id)"
# A source that has not heard of the person's answer must not undo it.
_STATUS = f"""
(CASE WHEN kept.status IN ('{Appointment.Status.CONFIRMED}', '{Appointment.Status.CANCELLED}')
       AND kept.answered_at IS NOT NULL AND {_SAME_TIME}
       AND excluded.status IN ('{Appointment.Status.BOOKED}', '{Appointment.Status.RESCHEDULED}')
      THEN kept.status ELSE excluded.status END)
"""
#: Another time, another person, or on again after it was off: whoever was reminded is to be reminded anew.
_MOVED = f"(NOT {_SAME_TIME} OR (kept.status NOT IN {_COMING} AND {_STATUS} IN {_COMING}))"
_CHANGED = f"""
((kept.starts_at, kept.contact_id, kept.time_zone, kept.kind, kept.attributes, kept.status)
 IS DISTINCT FROM (excluded.starts_at, excluded.contact_id, excluded.time_zone, excluded.kind, excluded.attributes,
                   {_STATUS}))
"""
_STALE = """
(COALESCE(excluded.source_version < kept.source_version, false)
 OR (COALESCE(excluded.source_version = kept.source_version, true)
     AND COALESCE(excluded.source_at < kept.source_at, false)))
"""
# A cancellation that the source itself speaks of is the source's: it may book again.
# What only has a newer version is written too, so that what is older than that is known for it.
_WRITE = f"""
INSERT INTO campaigns_appointment AS kept (source, external_id, contact_id, starts_at, time_zone, kind, attributes,
    status, time_version, source_version, source_at, plan_id, created_at, updated_at)
SELECT %(source)s, external_id, contact_id, starts_at, time_zone, kind, attributes, status, 1, source_version,
    source_at, plan_id, %(now)s, %(now)s
FROM unnest(%(external_ids)s::text[], %(contacts)s::bigint[], %(starts)s::timestamptz[], %(zones)s::text[],
            %(kinds)s::text[], %(attributes)s::jsonb[], %(statuses)s::text[], %(versions)s::bigint[],
            %(ats)s::timestamptz[], %(plans)s::bigint[])
    AS new (external_id, contact_id, starts_at, time_zone, kind, attributes, status, source_version, source_at, plan_id)
ORDER BY external_id
ON CONFLICT (source, external_id) DO UPDATE SET
    contact_id = excluded.contact_id, starts_at = excluded.starts_at, time_zone = excluded.time_zone,
    kind = excluded.kind, attributes = excluded.attributes, status = {_STATUS},
    time_version = kept.time_version + CASE WHEN {_MOVED} THEN 1 ELSE 0 END,
    answered_at = CASE WHEN {_MOVED} OR excluded.status = '{Appointment.Status.CANCELLED}' THEN NULL
                       ELSE kept.answered_at END,
    source_version = COALESCE(excluded.source_version, kept.source_version),
    source_at = COALESCE(excluded.source_at, kept.source_at),
    updated_at = CASE WHEN {_CHANGED} THEN excluded.updated_at ELSE kept.updated_at END
WHERE NOT {_STALE}
  AND ({_CHANGED} OR excluded.source_version > COALESCE(kept.source_version, excluded.source_version - 1)
       OR excluded.source_at > COALESCE(kept.source_at, '-infinity')
       OR (excluded.status = '{Appointment.Status.CANCELLED}' AND kept.answered_at IS NOT NULL))
RETURNING id, external_id, created_at = %(now)s, updated_at = %(now)s, status
"""
_LOCK = """
SELECT id, external_id FROM campaigns_appointment WHERE source = %s AND external_id = ANY(%s)
ORDER BY id FOR NO KEY UPDATE
"""
_LEFT = f"""
SELECT kept.external_id, kept.id, {_STALE.replace("excluded.", "given.")}
FROM campaigns_appointment AS kept
JOIN unnest(%(external_ids)s::text[], %(versions)s::bigint[], %(ats)s::timestamptz[])
    AS given (external_id, source_version, source_at) USING (external_id)
WHERE kept.source = %(source)s AND NOT kept.id = ANY(%(written)s)
"""
_NEW_CONTACTS = """
INSERT INTO contacts_contact (phone, name, language, time_zone, country, attributes, created_at, updated_at)
SELECT phone, name, '', '', country, attributes, now(), now()
FROM unnest(%s::text[], %s::text[], %s::text[], %s::jsonb[]) AS new (phone, name, country, attributes)
ORDER BY phone ON CONFLICT (phone) DO NOTHING
"""


def upsert(
    items: Iterable[Item], *, source: str = "", default_zone: str = "", default_country: str | None = None
) -> Iterator[Result]:
    """Write each item, and plan its reminders. Yields one result for each, in order, after its chunk is committed.

    An item that is wrong is rejected with a sentence, and the rest proceeds. `default_zone` is for items that name no
    time zone, `default_country` for numbers without a country code.
    """
    country = settings.DEFAULT_COUNTRY if default_country is None else default_country
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        yield from _chunk(chunk, source, default_zone, country)


def rehearse(
    items: Iterable[Item], *, source: str = "", default_zone: str = "", default_country: str | None = None
) -> Iterator[Result]:
    """What `upsert` would answer now; nothing of it stays, and no reminder is planned.

    Each chunk is tried alone and taken back, so an item whose id stands in an earlier chunk as well is answered as if
    that one had not been.
    """
    country = settings.DEFAULT_COUNTRY if default_country is None else default_country
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        with transaction.atomic():
            results = _chunk(chunk, source, default_zone, country, rehearsal=True)
            transaction.set_rollback(True)
        yield from (replace(result, appointment_id=None) for result in results)


def _chunk(
    items: Sequence[Item], source: str, default_zone: str, default_country: str, *, rehearsal: bool = False
) -> list[Result]:
    results: dict[int, Result] = {}
    good: dict[int, Checked] = {}

    def reject(index: int, why: str) -> None:
        results[index] = Result(items[index].external_id, Outcome.REJECTED, why)

    for index, item in enumerate(items):
        try:
            good[index] = check(item, default_zone=default_zone, default_country=default_country)
        except Rejected as problem:
            reject(index, str(problem))
    for index, other in _superseded(good):
        del good[index]
        again = gettext("The same id stands again as item %(item)s of these; that one counts.")
        reject(index, again % {"item": other + 1})
    with transaction.atomic():
        planning.share()
        contacts = _contacts(good)
        for index in good.keys() - contacts.keys():
            del good[index]
            reject(index, gettext("There is no such contact, and no number to make one of."))
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [source, [checked.item.external_id for checked in good.values()]])
            known = {external_id for _, external_id in cursor.fetchall()}
        now = clock.now()
        for index in [index for index, checked in good.items() if _is_over(checked, known, now)]:
            del good[index]
            reject(index, gettext("It begins in the past: a new one may only if it is done, missed or cancelled."))
        written, changed = _written(good, contacts, source, now)
        results |= written
        if not rehearsal:
            planning.plan(sorted(changed), now=now)
            _announce(changed)
    return [results[index] for index in range(len(items))]


def _is_over(checked: Checked, known: Collection[str], now: datetime) -> bool:
    item = checked.item
    return checked.starts_at <= now and item.status in COMING and item.external_id not in known


def _superseded(good: dict[int, Checked]) -> list[tuple[int, int]]:
    """Of items with the same id, those that do not count, each with the one that does: the newest, else the last."""
    best: dict[str, int] = {}
    beaten: list[tuple[int, str]] = []
    for index, checked in good.items():
        other = best.get(checked.item.external_id)
        if other is not None and _is_older(checked.item, good[other].item):
            beaten.append((index, checked.item.external_id))
            continue
        if other is not None:
            beaten.append((other, checked.item.external_id))
        best[checked.item.external_id] = index
    return [(index, best[external_id]) for index, external_id in beaten]


def _is_older(item: Item, other: Item) -> bool:
    """As _STALE has it."""
    versions = (item.source_version, other.source_version)
    if None not in versions and versions[0] != versions[1]:
        return versions[0] < versions[1]  # type: ignore[operator]  # neither is None
    return item.source_at is not None and other.source_at is not None and item.source_at < other.source_at


def _contacts(good: dict[int, Checked]) -> dict[int, int]:
    """Index → contact, of those that have one or were given one now."""
    items = {index: checked.item for index, checked in good.items()}
    given = {item.contact_id for item in items.values() if item.contact_id is not None}
    identifiers = {item.identifier for item in items.values() if item.identifier and item.contact_id is None}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM contacts_contact WHERE id = ANY(%s)", [sorted(given)])
        exist = {pk for (pk,) in cursor.fetchall()}
        by_identifier: dict[str, int] = {}
        if identifiers:
            cursor.execute(
                f"""SELECT attributes ->> '{IDENTIFIER}', min(id) FROM contacts_contact
                    WHERE attributes ->> '{IDENTIFIER}' = ANY(%s) GROUP BY 1""",
                [sorted(identifiers)],
            )
            by_identifier = dict(cursor.fetchall())
        # Of several for one number a new contact takes after the one that says most of it.
        telling = sorted(good.values(), key=lambda checked: (checked.item.identifier != "", checked.item.name != ""))
        by_phone = {
            checked.phone: checked
            for checked in telling
            if checked.phone and checked.item.identifier not in by_identifier
        }
        found: dict[str, int] = {}
        if by_phone:
            cursor.execute("SELECT phone, id FROM contacts_contact WHERE phone = ANY(%s)", [sorted(by_phone)])
            found = dict(cursor.fetchall())
            if missing := [checked for phone, checked in by_phone.items() if phone not in found]:
                cursor.execute(
                    _NEW_CONTACTS,
                    [
                        [checked.phone for checked in missing],
                        [checked.item.name for checked in missing],
                        [checked.country for checked in missing],
                        [
                            Jsonb({IDENTIFIER: checked.item.identifier} if checked.item.identifier else {})
                            for checked in missing
                        ],
                    ],
                )
                cursor.execute("SELECT phone, id FROM contacts_contact WHERE phone = ANY(%s)", [sorted(by_phone)])
                found = dict(cursor.fetchall())

    def contact_of(checked: Checked) -> int | None:
        item = checked.item
        if item.contact_id is not None:
            return item.contact_id if item.contact_id in exist else None
        return by_identifier.get(item.identifier) or found.get(checked.phone)

    pairs = ((index, contact_of(checked)) for index, checked in good.items())
    return {index: contact for index, contact in pairs if contact is not None}


def _written(
    good: dict[int, Checked], contacts: dict[int, int], source: str, now: datetime
) -> tuple[dict[int, Result], dict[int, str]]:
    """Index → result; and of the appointments that are another than before: id → status."""
    rows = [(index, checked, checked.item) for index, checked in good.items()]
    parameters: dict[str, Any] = {
        "source": source,
        "now": now,
        "external_ids": [item.external_id for _, _, item in rows],
        "contacts": [contacts[index] for index, _, _ in rows],
        "starts": [checked.starts_at for _, checked, _ in rows],
        "zones": [checked.time_zone for _, checked, _ in rows],
        "kinds": [item.kind for _, _, item in rows],
        "attributes": [Jsonb(dict(item.attributes)) for _, _, item in rows],
        "statuses": [item.status for _, _, item in rows],
        "versions": [item.source_version for _, _, item in rows],
        "ats": [item.source_at for _, _, item in rows],
        "plans": [item.plan_id for _, _, item in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, parameters)
        rows_written = cursor.fetchall()
        written = {external_id: (pk, created, changed) for pk, external_id, created, changed, _ in rows_written}
        cursor.execute(_LEFT, parameters | {"written": [pk for pk, _, _ in written.values()]})
        left = {external_id: (pk, stale) for external_id, pk, stale in cursor.fetchall()}
    results = {index: _result(item.external_id, written, left) for index, _, item in rows}
    return results, {pk: status for pk, _, _, changed, status in rows_written if changed}


def _announce(changed: dict[int, str]) -> None:
    off = Appointment.Status.CANCELLED
    for change, ids in (
        ("saved", sorted(pk for pk, status in changed.items() if status != off)),
        ("cancelled", sorted(pk for pk, status in changed.items() if status == off)),
    ):
        if ids:
            appointments_changed.send(Appointment, appointments=ids, change=change)


def _result(external_id: str, written: dict[str, tuple[int, bool, bool]], left: dict[str, tuple[int, bool]]) -> Result:
    if external_id in written:
        pk, created, changed = written[external_id]
        outcome = Outcome.CREATED if created else Outcome.UPDATED if changed else Outcome.UNCHANGED
        return Result(external_id, outcome, appointment_id=pk)
    pk, stale = left[external_id]
    why = gettext("It is older than what is known of it already.") if stale else ""
    return Result(external_id, Outcome.UNCHANGED, why, pk)
