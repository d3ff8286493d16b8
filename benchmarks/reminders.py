"""Planning and the tick, with many reminders stored and few of them due.

    make bench ARGS="reminders --stored 1000000 --due 500"

Fills the tables with appointments of a year ahead, plans a rule for all of them, changes it and plans it anew, then
hands over what is due: what it takes with all of it stored, and with nothing else. The plan of the statement that finds
what is due is printed as Postgres says it, and that of a screen of the next two weeks.
"""

import argparse
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from benchmarks import report
from benchmarks.alone import seconds
from benchmarks.servers import Servers, fresh_database

_PEOPLE = """
INSERT INTO contacts_contact (phone, name, language, time_zone, country, attributes, created_at, updated_at)
SELECT '+1415' || 1000000 + n, 'Person ' || n, 'en', '', 'US', '{}', now(), now() FROM generate_series(1, %s) AS n
"""
_APPOINTMENTS = """
INSERT INTO campaigns_appointment (source, external_id, contact_id, starts_at, time_zone, kind, attributes, status,
    time_version, created_at, updated_at)
SELECT 'bench', 'a' || n, people.ids[1 + n %% array_length(people.ids, 1)],
    CASE WHEN n <= %(due)s THEN %(now)s + interval '23 hours'
         ELSE %(now)s + interval '72 hours' + n * interval '25 s' END,
    (ARRAY['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Tokyo'])[1 + n %% 4], 'visit', '{}',
    'booked', 1, now(), now()
FROM generate_series(1, %(stored)s) AS n, (SELECT array_agg(id) AS ids FROM contacts_contact) AS people
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stored", type=int, default=200_000)
    parser.add_argument("--due", type=int, default=500)


def run(_servers: Servers, options: argparse.Namespace) -> int:
    rows = []
    explained = ""
    for stored in (options.due, options.stored):
        with fresh_database():
            figures, explained = _measure(stored, options.due)
        rows.append([f"{stored:,}", *(f"{each:.3f}" for each in figures)])
    columns = [
        "Reminders stored",
        "planned, s",
        "planned anew, s",
        "look of the tick, ms",
        f"{options.due} handed over, s",
    ]
    report.say("Reminders", report.table(columns, rows), f"```\n{explained}\n```")
    return 0


def _measure(stored: int, due_now: int) -> tuple[list[float], str]:
    from campaigns.models import ReminderRule
    from campaigns.reminders import due, planning, upcoming, work
    from tests.factories import DefaultSenderFactory
    from tests.reminder_factories import ReminderRuleFactory

    DefaultSenderFactory()
    rule = ReminderRuleFactory(amount=24, unit="hours", body="See you at {{ appointment.time }}.")
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [min(stored, 10_000)])
        cursor.execute(_APPOINTMENTS, {"stored": stored, "due": due_now, "now": now})
        cursor.execute("ANALYZE")
    planned = seconds(lambda: planning.replan_rule(rule.pk))
    # To days by the clock of the place, which is the dearest to plan; then back, for as many to be due.
    ReminderRule.objects.update(unit="days", amount=1, at_time="09:00", valid_minutes=40_000, replan=True)
    again = seconds(lambda: planning.replan_rule(rule.pk))
    ReminderRule.objects.update(unit="hours", amount=24, at_time=None, valid_minutes=720, replan=True)
    planning.replan_rule(rule.pk)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE campaigns_reminder")
    look = min(seconds(work.is_there_any) for _ in range(5))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, BUFFERS) {due.TAKE}", {"now": now + timedelta(seconds=1), "limit": due.BATCH}
        )
        explained = "\n".join(line for (line,) in cursor.fetchall())
        transaction.set_rollback(True)
    screen = upcoming.following(upcoming.planned(rule_id=rule.pk), None)[:51]
    explained += "\n\n" + screen.explain(analyze=True, buffers=True)
    handed_over = seconds(lambda: due.hand_over(seconds=60))
    return [planned, again, look * 1000, handed_over], explained
