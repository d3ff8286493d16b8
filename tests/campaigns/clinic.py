"""A clinic on a virtual clock: patients in twelve time zones, and everything that happens to appointments in a year.

A model of its own keeps what the patients should get, and the carrier's book what they got; `Report.problems` is where
the two disagree. The short form is a test, the long one `python -m benchmarks clinic`. Chance comes from a seed.
"""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from time import perf_counter
from typing import Any

from django.test import override_settings

from campaigns.appointments import plans
from campaigns.appointments.items import Item
from campaigns.appointments.upsert import upsert
from campaigns.models import Appointment, Plan, Reminder, ReminderRule
from campaigns.models.appointments import COMING
from campaigns.reminders import answers, rules, work
from contacts.models import Contact, Suppression
from delivery.models import Message
from tests.campaigns import clinic_oracle as oracle
from tests.campaigns import virtual_carrier as carrier
from tests.factories import ContactFactory, DefaultSenderFactory
from tests.reminder_factories import PlanFactory, ReminderRuleFactory

#: What must not happen, however often something else does.
NEVER = (
    *("doubles", "outside allowed hours", "more than the cap", "after STOP", "for an appointment that is off"),
    *("for a time that is no longer", "after the answer", "missing without a reason"),
)
DOSES = (8, 20)
FINAL_WITHOUT_TEXT = frozenset({"suppressed", "expired", "cancelled"})


@dataclass(slots=True)
class Visit:
    """What the clinic knows of an appointment."""

    external_id: str
    contact_id: int
    starts_at: datetime
    zone: str
    status: str = "booked"
    version: int = 1
    answered: bool = False


@dataclass(slots=True)
class Course:
    """A plan, and from when until when its doses are expected."""

    plan: Plan
    zone: str
    begins: datetime
    ends: datetime | None = None


@dataclass(slots=True)
class Report:
    seed: int
    patients: int
    days: int
    seconds: float = 0.0
    visits: int = 0
    doses: int = 0
    events: Counter[str] = field(default_factory=Counter)
    texts: int = 0
    states: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def problem(self, kind: str, of: str) -> None:
        self.found[kind] += 1
        if len(self.problems) < 1_000:
            self.problems.append(f"{of}: {kind}")


class Clinic:
    """`busy`: how many times as much happens, for a test that has not got a year."""

    def __init__(self, clock: Any, *, seed: int, patients: int, days: int, busy: int = 1) -> None:
        self.clock = clock
        self.busy = busy
        self.chance = random.Random(seed)
        self.report = Report(seed, patients, days)
        self.visits: dict[str, Visit] = {}
        self.courses: list[Course] = []
        self.stopped: set[str] = set()
        self.got: Counter[int] = Counter()
        self.texted: defaultdict[str, list[datetime]] = defaultdict(list)
        self.to_answer: list[tuple[int, int, str]] = []
        self.days = days
        oracle.set_up_rules()
        self.sender = DefaultSenderFactory()
        self.early = ReminderRuleFactory(
            body="Three days: {{ appointment.time }}.", amount=3, at_time=time(9, 0), kind="visit"
        )
        self.asking = ReminderRuleFactory(
            body="Tomorrow: {{ appointment.time }}. 1: yes, 2: no", amount=24, unit="hours", kind="visit",
            reply_expected=True,
        )  # fmt: skip
        self.dose = ReminderRuleFactory(body="Now.", amount=0, unit="minutes", kind="dose", valid_minutes=150)
        countries = list(oracle.NUMBERS)
        people = [
            ContactFactory.build(
                phone=oracle.NUMBERS[country].format(2_000_000 + n), country=country, time_zone=oracle.ZONES[n % 12]
            )
            for n in range(patients)
            for country in [countries[n // 12 % len(countries)]]
        ]
        self.people = Contact.objects.bulk_create(people)
        self.by_phone = {person.phone: person for person in self.people}

    def run(self) -> Report:
        began = perf_counter()
        outage = 0
        with override_settings(TIME_RULES_LANES=["reminder", "bulk"]), carrier.database_on_a_virtual_clock():
            carrier.tell_the_time(self.clock())
            self._begin_courses()
            for _ in range(self.days * 24):
                self._an_hour_of_business()
                self.clock.forward(hours=1)
                carrier.tell_the_time(self.clock())
                if outage:
                    outage -= 1
                elif self.chance.random() < 0.01:
                    outage = self.chance.randint(1, 30)
                    self.report.events["planner outages"] += 1
                else:
                    self._planner()
                carrier.hold_and_release()
                if self.chance.random() < 0.95:
                    self._carrier()
            self._planner()
            self._carrier()
            self._check_visits()
            self._check_courses()
            self._check_reminders()
        self.report.seconds = perf_counter() - began
        self.report.visits = len(self.visits)
        return self.report

    # --- what happens -----------------------------------------------------------------------------------------

    def _planner(self) -> None:
        if work.is_there_any():
            while work.work(seconds=60):
                pass

    def _begin_courses(self) -> None:
        """One patient in twenty takes something, every day at the same hours of the clock on the wall."""
        for n, person in enumerate(self.chance.sample(self.people, len(self.people) // 20)):
            plan = PlanFactory.build(
                contact=person,
                time_zone="",
                kind="dose",
                external_id=f"course-{n}",
                starts_on=self.clock().date() - timedelta(days=1),
                rule=f"FREQ=DAILY;BYHOUR={','.join(map(str, DOSES))}",
            )
            self.courses.append(Course(plans.save(plan), person.time_zone, self.clock()))

    def _an_hour_of_business(self) -> None:
        """Each patient comes about every two months; a sixth of the visits are moved, a sixth called off."""
        chance, changed = self.chance, []
        self._answers()
        for _ in range(_about(chance, self.busy * len(self.people) / (60 * 24))):
            person = chance.choice(self.people)
            at = (self.clock() + timedelta(hours=chance.randint(1, 24 * 21))).replace(minute=chance.choice([0, 15, 30]))
            if at > self.clock():
                visit = Visit(f"v{len(self.visits)}", person.pk, at, person.time_zone)
                self.visits[visit.external_id] = visit
                changed.append(visit)
        # Those of this hour are not known to the hub yet: what they were before it was told is no version of theirs.
        known = [visit for visit in self._recent() if visit.starts_at > self.clock() and visit not in changed]
        for visit in chance.sample(known, min(len(known), _about(chance, self.busy * len(known) / (14 * 24 * 3)))):
            changed.append(self._change(visit))
        if chance.random() < self.busy * len(self.people) / (24 * 1_000):
            self._stop(chance.choice(self.people))
        if chance.random() < 1 / (24 * 3):
            self._change_a_rule()
        if chance.random() < len(self.courses) / (24 * 60):
            self._end_a_course()
        items = {visit.external_id: visit for visit in changed}
        list(upsert([_item(visit) for visit in items.values()], source="clinic"))

    def _recent(self) -> list[Visit]:
        return list(self.visits.values())[-len(self.people) :]

    def _change(self, visit: Visit) -> Visit:
        if visit.status == "cancelled":
            if visit.answered:
                # Before the clinic may book it anew it has heard of the patient's own cancellation, and says so.
                visit.answered = False
            elif self.chance.random() < 0.2:
                visit.status, visit.version, visit.answered = "booked", visit.version + 1, False
                self.report.events["taken up again"] += 1
        elif self.chance.random() < 0.5:
            before = visit.starts_at
            visit.starts_at += timedelta(hours=self.chance.choice([-48, -3, 1, 24, 24 * 7]))
            visit.starts_at = max(visit.starts_at, self.clock() + timedelta(minutes=30))
            if visit.starts_at != before:
                visit.version, visit.answered = visit.version + 1, False
            visit.status = "rescheduled"
            self.report.events["moved"] += 1
        else:
            visit.status = "cancelled"
            self.report.events["cancelled"] += 1
        return visit

    def _answers(self) -> None:
        """Some of those who were asked in the last hour: 1 for yes, 2 for no."""
        for appointment_id, version, external_id in self.to_answer:
            visit, said = self.visits[external_id], self.chance.choice("111122--------")
            if said == "-" or visit.version != version or visit.status not in COMING or visit.answered:
                continue
            status = Appointment.Status.CONFIRMED if said == "1" else Appointment.Status.CANCELLED
            if answers.answered(appointment_id=appointment_id, at=self.clock(), status=status):
                visit.status, visit.answered = status.value, True
                self.report.events[f"answered {said}"] += 1
        self.to_answer.clear()

    def _stop(self, person: Contact) -> None:
        if person.phone not in self.stopped:
            Suppression.objects.create(phone=person.phone, reason="opted_out", evidence="STOP")
            self.stopped.add(person.phone)
            self.report.events["stops"] += 1

    def _change_a_rule(self) -> None:
        rule = ReminderRule.objects.get(pk=self.early.pk)
        rule.amount, rule.at_time = self.chance.choice([2, 3, 4]), time(self.chance.choice([7, 9, 17]), 0)
        rules.save(rule)
        self.report.events["rule changes"] += 1

    def _end_a_course(self) -> None:
        course = self.chance.choice(self.courses)
        if course.ends is None:
            course.plan.status, course.ends = Plan.Status.ENDED, self.clock()
            plans.save(course.plan)
            self.report.events["courses ended"] += 1

    # --- who got what -----------------------------------------------------------------------------------------

    def _carrier(self) -> None:
        delivered = carrier.deliver(self.sender, list(oracle.NUMBERS), now=self.clock())
        about = Reminder.objects.filter(message_id__in=[one.message_id for one in delivered])
        of = {row.message_id: row for row in about.select_related("appointment")}
        for one in delivered:
            self.report.texts += 1
            self._check_text(of[one.message_id], self.by_phone[one.phone])

    def _check_text(self, reminder: Reminder, person: Contact) -> None:
        name, now, say = reminder.appointment.external_id, self.clock(), self.report.problem
        self.got[reminder.pk] += 1
        if self.got[reminder.pk] > 1:
            say("doubles", name)
        if not oracle.may_arrive(person.country, person.time_zone, now):
            say("outside allowed hours", name)
        recent = [at for at in self.texted[person.phone] if at > now - timedelta(hours=24)]
        self.texted[person.phone] = [*recent, now]
        if person.country == "US" and len(recent) >= oracle.CAP:
            say("more than the cap", name)
        if person.phone in self.stopped:
            say("after STOP", name)
        if reminder.rule_id == self.dose.pk:
            course = next(course for course in self.courses if course.plan.pk == reminder.appointment.plan_id)
            # One whose time had come before the end is still told, as long as it makes sense: what is past stays.
            if course.ends is not None and reminder.appointment.starts_at > course.ends:
                say("for an appointment that is off", name)
            return
        visit = self.visits[name]
        if visit.status not in COMING:
            say("for an appointment that is off", name)
        if visit.version != reminder.time_version or visit.starts_at <= now:
            say("for a time that is no longer", name)
        if reminder.rule_id == self.asking.pk:
            if visit.answered:
                say("after the answer", name)
            self.to_answer.append((reminder.appointment_id, visit.version, name))

    def _check_visits(self) -> None:
        """Each version of each visit has a reminder by each rule."""
        rows = Reminder.objects.filter(rule__in=[self.early, self.asking], purpose="reminder")
        have = Counter(rows.values_list("appointment__external_id", "time_version").iterator())
        created = set(Appointment.objects.filter(source="clinic").values_list("external_id", flat=True))
        for visit in self.visits.values():
            for version in {1, visit.version}:
                found = have[visit.external_id, version]
                if visit.external_id not in created or (found != 2 and not (visit.status == "cancelled" and not found)):
                    self.report.problem("missing without a reason", f"{visit.external_id} v{version}: {found} of 2")

    def _check_courses(self) -> None:
        """Each dose from its beginning to its end has its reminder, at the hour of the clock on the wall."""
        for course in self.courses:
            last = min(course.ends or self.clock(), self.clock())
            wanted = set(oracle.doses(course.zone, DOSES, first=course.begins, last=last))
            rows = Reminder.objects.filter(appointment__plan=course.plan, rule=self.dose, due_at__lte=last)
            found = Counter(rows.values_list("due_at", flat=True))
            self.report.doses += len(wanted)
            for at in wanted ^ set(found) | {at for at, times in found.items() if times > 1}:
                self.report.problem("missing without a reason", f"dose of {course.plan.external_id} at {at}")

    def _check_reminders(self) -> None:
        """Every one was sent, is to come, or says why not; so does the message of each that was handed over."""
        fates: dict[Any, tuple[str, str]] = {
            pk: (status, reason)
            for pk, status, reason in Message.objects.values_list("id", "status", "reason").iterator()
        }
        rows = Reminder.objects.values_list("id", "state", "reason", "due_at", "valid_until", "message_id")
        for pk, state, reason, due_at, valid_until, message_id in rows.iterator():
            status, why = fates.get(message_id, ("", "")) if state == "submitted" else ("", "")
            self.report.states[" ".join(filter(None, (state, reason, status, why)))] += 1
            unexplained = (
                (state == "planned" and due_at <= self.clock())
                or (state not in ("planned", "submitted") and not reason)
                or (state == "expired" and valid_until > self.clock())
                or (state == "submitted" and status in FINAL_WITHOUT_TEXT and not (why or reason))
                or (state == "submitted" and status in ("queued", "held", "sending") and valid_until <= self.clock())
            )
            if unexplained:
                self.report.problem("missing without a reason", f"reminder {pk} ({state} {status})")


def _about(chance: random.Random, mean: float) -> int:
    """A whole number near it, with the mean kept."""
    return int(mean) + (chance.random() < mean % 1)


def _item(visit: Visit) -> Item:
    return Item(
        visit.external_id,
        visit.starts_at,
        visit.zone,
        contact_id=visit.contact_id,
        status=visit.status,
        kind="visit",
    )
