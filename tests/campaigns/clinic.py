"""A clinic on a virtual clock: patients in twelve time zones, and everything that happens to appointments in a year.

A model of its own keeps what the patients should get, and the carrier's book what they got; `Report.problems` is where
the two disagree. The short form is a test, the long one `python -m benchmarks clinic`. Chance comes from a seed.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from campaigns.appointments.items import Item
from campaigns.appointments.upsert import upsert
from campaigns.models import Appointment, Reminder
from campaigns.models.appointments import COMING
from campaigns.reminders import work
from contacts.models import Contact, Suppression
from tests.factories import ContactFactory, DefaultSenderFactory
from tests.reminder_factories import ReminderRuleFactory

ZONES = [
    *("Europe/Berlin", "Europe/London", "Europe/Lisbon", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "Australia/Lord_Howe", "Australia/Sydney", "Asia/Kolkata", "Asia/Tokyo", "UTC"),
]

# As a claim does: a recipient who is suppressed by now is not sent to, nor is one that no longer makes sense.
_CARRIER = """
UPDATE delivery_message AS m SET status = CASE
    WHEN EXISTS (SELECT 1 FROM contacts_suppression AS s WHERE s.phone = m.recipient AND s.lifted_at IS NULL)
        THEN 'suppressed'
    WHEN m.valid_until <= %(now)s THEN 'expired' ELSE 'delivered' END, final_at = %(now)s
WHERE m.status = 'queued' RETURNING m.id, m.recipient, m.status, m.contact_id
"""


@dataclass(slots=True)
class Visit:
    """What the clinic knows of an appointment."""

    external_id: str
    contact_id: int
    starts_at: datetime
    zone: str
    status: str = "booked"
    version: int = 1


@dataclass(slots=True)
class Report:
    seed: int
    patients: int
    days: int
    seconds: float = 0.0
    visits: int = 0
    events: Counter[str] = field(default_factory=Counter)
    texts: int = 0
    states: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Clinic:
    def __init__(self, clock: Any, *, seed: int, patients: int, days: int) -> None:
        self.clock = clock
        self.chance = random.Random(seed)
        self.report = Report(seed, patients, days)
        self.visits: dict[str, Visit] = {}
        self.stopped: dict[str, datetime] = {}
        self.got: Counter[tuple[int, int, str, int]] = Counter()
        self.days = days
        DefaultSenderFactory()
        ReminderRuleFactory(body="Three days: {{ appointment.time }}.", amount=3, at_time=time(9, 0))
        ReminderRuleFactory(body="Tomorrow: {{ appointment.time }}.", amount=24, unit="hours")
        people = [ContactFactory.build(phone=f"+1415{2_000_000 + n}", country="US") for n in range(patients)]
        self.people = Contact.objects.bulk_create(people)
        self.zones = {person.pk: ZONES[n % len(ZONES)] for n, person in enumerate(self.people)}

    def run(self) -> Report:
        began = perf_counter()
        outage = 0
        for _ in range(self.days * 24):
            self._an_hour_of_business()
            self.clock.forward(hours=1)
            if outage:
                outage -= 1
            elif self.chance.random() < 0.01:
                outage = self.chance.randint(1, 30)
                self.report.events["planner outages"] += 1
            else:
                self._planner()
            if self.chance.random() < 0.95:
                self._carrier()
        self._planner()
        self._carrier()
        self._check_everyone()
        self.report.seconds = perf_counter() - began
        self.report.visits = len(self.visits)
        return self.report

    def _planner(self) -> None:
        if work.is_there_any():
            while work.work(seconds=60):
                pass

    def _an_hour_of_business(self) -> None:
        """Each patient comes about every two months; a sixth of the visits are moved, a sixth called off."""
        chance, changed = self.chance, []
        for _ in range(_about(chance, len(self.people) / (60 * 24))):
            person = chance.choice(self.people)
            at = (self.clock() + timedelta(hours=chance.randint(1, 24 * 21))).replace(minute=chance.choice([0, 15, 30]))
            if at > self.clock():
                visit = Visit(f"v{len(self.visits)}", person.pk, at, self.zones[person.pk])
                self.visits[visit.external_id] = visit
                changed.append(visit)
        # Those of this hour are not known to the hub yet: what they were before it was told is no version of theirs.
        known = [visit for visit in self._recent() if visit.starts_at > self.clock() and visit not in changed]
        for visit in chance.sample(known, min(len(known), _about(chance, len(known) / (14 * 24 * 3)))):
            changed.append(self._change(visit))
        if chance.random() < len(self.people) / (24 * 1_000):
            self._stop(chance.choice(self.people))
        items = {visit.external_id: visit for visit in changed}
        list(upsert([_item(visit) for visit in items.values()], source="clinic"))

    def _recent(self) -> list[Visit]:
        return list(self.visits.values())[-len(self.people) :]

    def _change(self, visit: Visit) -> Visit:
        if visit.status == "cancelled":
            if self.chance.random() < 0.2:
                visit.status, visit.version = "booked", visit.version + 1
                self.report.events["taken up again"] += 1
        elif self.chance.random() < 0.5:
            before = visit.starts_at
            visit.starts_at += timedelta(hours=self.chance.choice([-48, -3, 1, 24, 24 * 7]))
            visit.starts_at = max(visit.starts_at, self.clock() + timedelta(minutes=30))
            visit.status, visit.version = "rescheduled", visit.version + (visit.starts_at != before)
            self.report.events["moved"] += 1
        else:
            visit.status = "cancelled"
            self.report.events["cancelled"] += 1
        return visit

    def _stop(self, person: Contact) -> None:
        if person.phone not in self.stopped:
            Suppression.objects.create(phone=person.phone, reason="opted_out", evidence="STOP")
            self.stopped[person.phone] = self.clock()
            self.report.events["stops"] += 1

    def _carrier(self) -> None:
        """The place for the allowed hours as well: what is taken here is on a handset at `self.clock()`."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_CARRIER, {"now": self.clock()})
            rows = cursor.fetchall()
        delivered = [(pk, phone) for pk, phone, status, _ in rows if status == "delivered"]
        about = Reminder.objects.filter(message_id__in=[pk for pk, _ in delivered]).annotate(
            external_id=F("appointment__external_id")
        )
        of: dict[UUID | None, Any] = {row.message_id: row for row in about}
        for pk, phone in delivered:
            reminder = of[pk]
            visit = self.visits[reminder.external_id]
            self.report.texts += 1
            key = (reminder.appointment_id, reminder.rule_id, reminder.purpose, reminder.time_version)
            self.got[key] += 1
            if self.got[key] > 1:
                self.report.problems.append(f"{visit.external_id}: twice")
            if phone in self.stopped:
                self.report.problems.append(f"{visit.external_id}: after STOP")
            if visit.status not in COMING:
                self.report.problems.append(f"{visit.external_id}: it is {visit.status}")
            if visit.version != reminder.time_version or visit.starts_at <= self.clock():
                self.report.problems.append(f"{visit.external_id}: for a time that is no longer")

    def _check_everyone(self) -> None:
        """Each version of each visit has a reminder by each rule: sent, to come, or with a reason."""
        expected = {(visit.external_id, number) for visit in self.visits.values() for number in (1, visit.version)}
        rows = Reminder.objects.values_list(
            "appointment__external_id", "time_version", "state", "reason", "due_at", "valid_until"
        )
        have: Counter[tuple[str, int]] = Counter()
        for external_id, version, state, reason, due_at, valid_until in rows.iterator():
            have[external_id, version] += 1
            self.report.states[f"{state} {reason}".strip()] += 1
            if state == "planned" and due_at <= self.clock():
                self.report.problems.append(f"{external_id}: due and not looked at")
            if state not in ("planned", "submitted") and not reason:
                self.report.problems.append(f"{external_id}: {state} without a reason")
            if state == "expired" and valid_until > self.clock():
                self.report.problems.append(f"{external_id}: expired too early")
        created = set(Appointment.objects.values_list("external_id", flat=True))
        for external_id, version in expected:
            visit = self.visits[external_id]
            if external_id not in created:
                self.report.problems.append(f"{external_id}: not written")
            elif (found := have[external_id, version]) != 2 and not (visit.status == "cancelled" and not found):
                self.report.problems.append(f"{external_id} v{version}: {found} reminders")


def _about(chance: random.Random, mean: float) -> int:
    """A whole number near it, with the mean kept."""
    return int(mean) + (chance.random() < mean % 1)


def _item(visit: Visit) -> Item:
    return Item(visit.external_id, visit.starts_at, visit.zone, contact_id=visit.contact_id, status=visit.status)
