"""What is due becomes messages: a batch to a transaction, each reminder by one worker.

A batch takes the due reminders that nobody else has, renders them, writes their messages and says of each reminder what
became of it. A worker killed anywhere in it has done nothing; two at once take different rows. The cost depends on what
is due: the rows are found by an index of planned ones.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction

from campaigns import templating
from campaigns.links.single import SingleLinks
from campaigns.models import Reminder, ReminderRule, TemplateVersion
from campaigns.reminders import texts
from campaigns.reminders.reasons import OF_STATUS, Reason
from contacts.consents import gate, standing
from contacts.consents.standing import Standing
from contacts.models import ConsentEvent
from delivery import clock, submit
from delivery.errors import Suppressed
from delivery.ids import reminder_message_id
from delivery.lanes import Lane
from delivery.states import Status
from delivery.submit import Draft

log = structlog.get_logger(__name__)

BATCH = 500

State, Purpose = Reminder.State, Reminder.Purpose

TAKE = f"""
SELECT id FROM campaigns_reminder WHERE state = '{State.PLANNED}' AND due_at <= %(now)s
ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
# A statement of its own, after the locks: what was changed while they were waited for is seen.
_READ = f"""
SELECT r.id, r.rule_id, r.purpose, r.time_version, r.due_at, r.valid_until, r.created_at, a.starts_at, a.time_zone,
       a.kind, a.attributes, a.status, a.time_version, a.answered_at, contact.id, contact.phone, contact.name,
       contact.language, contact.country, contact.attributes, {standing.OF_CONTACT_SQL}
FROM campaigns_reminder AS r
JOIN campaigns_appointment AS a ON a.id = r.appointment_id
JOIN contacts_contact AS contact ON contact.id = a.contact_id
WHERE r.id = ANY(%(ids)s) ORDER BY r.id
"""
_SETTLE = """
UPDATE campaigns_reminder AS kept SET state = done.state, reason = done.reason, message_id = done.message_id,
    submitted_at = done.submitted_at, escalate_at = done.escalate_at
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])
    AS done (id, state, reason, message_id, submitted_at, escalate_at)
WHERE kept.id = done.id
"""


class _Due(NamedTuple):
    """In the order of _READ's columns."""

    id: int
    rule_id: int
    purpose: str
    time_version: int
    due_at: datetime
    valid_until: datetime
    created_at: datetime
    starts_at: datetime
    time_zone: str
    kind: str
    attributes: str
    status: str
    current_version: int
    answered_at: datetime | None
    contact_id: int
    phone: str
    name: str
    language: str
    country: str
    contact_attributes: str
    said: str | None


class _Settled(NamedTuple):
    """In the order of _SETTLE's arrays."""

    id: int
    state: str
    reason: str = ""
    message_id: UUID | None = None
    submitted_at: datetime | None = None
    escalate_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of a batch, and the newest text of each of their templates."""

    rules: dict[int, ReminderRule]
    versions: dict[int, TemplateVersion]

    def version(self, rule_id: int, purpose: str) -> TemplateVersion | None:
        rule = self.rules[rule_id]
        template = rule.cancel_template_id if purpose == Purpose.CANCELLATION else rule.template_id
        return self.versions.get(template) if template else None


def hand_over(*, seconds: float) -> bool:
    """Hand over what is due, for about so many seconds. True: there may be more."""
    until = time.monotonic() + seconds
    while hand_over_batch() == BATCH:
        if time.monotonic() > until:
            return True
    return False


def hand_over_batch(limit: int = BATCH) -> int:
    """One batch, all of it or nothing. Returns how many were looked at."""
    with transaction.atomic():
        now = clock.now()
        with connection.cursor() as cursor:
            cursor.execute(TAKE, {"now": now, "limit": limit})
            ids = [pk for (pk,) in cursor.fetchall()]
        if not ids:
            return 0
        gate.keep_still(ConsentEvent.Purpose.REMINDERS)
        rows = _read(ids)
        rules = _rules({row.rule_id for row in rows})
        links = SingleLinks(rules.versions.values(), messages=len(rows))
        settled: list[_Settled] = []
        pending: dict[UUID, tuple[_Due, Draft]] = {}
        for row in rows:
            if why := _stands_in_the_way(row, rules.rules[row.rule_id], now):
                settled.append(_Settled(row.id, *why))
            elif isinstance(draft := _draft(row, rules, links), Draft):
                pending[draft.id] = (row, draft)
            else:
                settled.append(_Settled(row.id, State.SKIPPED, draft))
        queued = submit.queue([draft for _, draft in pending.values()])
        links.save(queued.values())
        for message_id, (row, _) in pending.items():
            written = queued.get(message_id)
            if written and written.status == Status.SUPPRESSED:
                settled.append(_Settled(row.id, State.SKIPPED, written.reason, message_id))
            else:
                escalate_at = _escalate_at(row, rules.rules[row.rule_id], now)
                settled.append(_Settled(row.id, State.SUBMITTED, "", message_id, now, escalate_at))
        _write(settled)
    return len(ids)


def _read(ids: list[int]) -> list[_Due]:
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"ids": ids, "purpose": ConsentEvent.Purpose.REMINDERS})
        return [_Due(*row) for row in cursor.fetchall()]


def _rules(ids: set[int]) -> _Rules:
    rules = ReminderRule.objects.select_related("sender__provider").in_bulk(ids)
    templates = {rule.template_id for rule in rules.values()}
    templates |= {rule.cancel_template_id for rule in rules.values() if rule.cancel_template_id}
    newest = TemplateVersion.objects.filter(template__in=templates).order_by("template_id", "-number")
    return _Rules(rules, {version.template_id: version for version in newest.distinct("template_id")})


def _stands_in_the_way(row: _Due, rule: ReminderRule, now: datetime) -> tuple[str, str] | None:
    """State and reason of one that is not to be sent. Planning has withdrawn such already; this is the last look."""
    cancellation = row.purpose == Purpose.CANCELLATION
    if row.time_version != row.current_version:
        return State.WITHDRAWN, Reason.MOVED
    if cancellation and row.status != "cancelled":
        return State.WITHDRAWN, Reason.NOT_MEANT
    if not rule.enabled:
        return State.WITHDRAWN, Reason.RULE_OFF
    if not cancellation and row.status not in rule.statuses:
        return State.WITHDRAWN, OF_STATUS.get(row.status, Reason.NOT_MEANT)
    if not cancellation and rule.reply_expected and row.answered_at:
        return State.WITHDRAWN, Reason.ANSWERED
    if row.valid_until <= now:
        return State.EXPIRED, Reason.EXPIRED
    sender = rule.sender.address if rule.sender else ""
    if row.said and standing.decide(standing.said(json.loads(row.said)), sender) == Standing.WITHDRAWN:
        return State.SKIPPED, Suppressed.NO_CONSENT
    return None


def _draft(row: _Due, rules: _Rules, links: SingleLinks) -> Draft | str:
    """The message, or the reason why there can be none."""
    version = rules.version(row.rule_id, row.purpose)
    if version is None:
        return Reason.NO_TEXT
    rule = rules.rules[row.rule_id]
    contact = {
        "name": row.name,
        "phone": row.phone,
        "language": row.language,
        "country": row.country,
        "attributes": _mapping(row.contact_attributes),
    }
    # Neither changes once it is due: the one id that this reminder's message can have, in a month that is open.
    message_id = reminder_message_id(max(row.due_at, row.created_at), row.id)
    try:
        variables = texts.context(
            contact,
            starts_at=row.starts_at,
            time_zone=row.time_zone,
            kind=row.kind,
            attributes=_mapping(row.attributes),
        )
        body = texts.render(version, variables | links.context(version.template_id, message_id, variables))
    except templating.TemplateError:
        return Suppressed.MISSING_VARIABLE
    return Draft(
        id=message_id,
        recipient=row.phone,
        body=body,
        contact_id=row.contact_id,
        lane=Lane(rule.lane),
        sender=rule.sender,
        not_before=row.due_at,
        valid_until=row.valid_until,
    )


def _escalate_at(row: _Due, rule: ReminderRule, now: datetime) -> datetime | None:
    if row.purpose == Purpose.CANCELLATION or not rule.unanswered_minutes or row.answered_at:
        return None
    return now + timedelta(minutes=rule.unanswered_minutes)


def _write(settled: Sequence[_Settled]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [list(column) for column in zip(*settled, strict=True)])


def _mapping(stored: Any) -> dict[str, Any]:
    found = json.loads(stored) if isinstance(stored, str) else stored
    return found if isinstance(found, dict) else {}
