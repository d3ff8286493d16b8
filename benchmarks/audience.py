"""A large audience that is narrowed by rules: how long its pages take, and the statement that freezes it.

    make bench ARGS="audience --people 1000000"

So many people on one list, a fifth of them on another and a tenth on one that is left out; attributes, and a consent
of each; one in twenty suppressed; a text of the last weeks to every second. Times are the median of `--looks`.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from benchmarks import report, scenes
from benchmarks.servers import Servers, fresh_database
from campaigns import audience, headcount, who
from campaigns.headcount import Group
from campaigns.models import Campaign
from contacts.models import ContactList
from delivery.models import AllowedHours, FrequencyCap
from delivery.states import Status

CLINIC = {"field": "attributes.clinic", "op": "one_of", "value": ["Elm", "Oak"]}
RULES: dict[str, dict[str, Any]] = {
    "no rules": {},
    "an attribute": {"match": "all", "conditions": [CLINIC]},
    "an attribute, not texted for 7 days": {
        "match": "all",
        "conditions": [CLINIC, {"field": "texted", "op": "not_within_days", "value": 7}],
    },
}
ENOUGH = 600_000

_FILL = """
UPDATE contacts_contact SET attributes = jsonb_build_object(
    'clinic', (ARRAY['Elm', 'Oak', 'Ash', 'Yew'])[1 + id % 4], 'visits', id % 17);
INSERT INTO contacts_consentevent (phone, purpose, channel, scope, action, source, at, recorded_at, wording,
    evidence, recorded_by, code)
SELECT phone, 'marketing', 'sms', '', 'granted', 'import', now(), now(), '', '', '', '' FROM contacts_contact;
INSERT INTO contacts_suppression (phone, scope, reason, evidence, lifted_evidence, created_at)
SELECT phone, '', 'opted_out', '', '', now() FROM contacts_contact WHERE id % 20 = 1;
UPDATE delivery_message SET sent_at = now() - make_interval(days => contact_id::int % 14);
"""
_ON = """
INSERT INTO contacts_membership (contact_list_id, contact_id, created_at)
SELECT %s, id, now() FROM contacts_contact WHERE id %% %s = 0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--looks", type=int, default=3)
    parser.add_argument("--plans", action="store_true", help="print how each audience is selected")


def run(_servers: Servers, options: argparse.Namespace) -> int:
    with fresh_database():
        campaign = _made(options.people)
        rows = []
        for name, rules in RULES.items():
            Campaign.objects.filter(pk=campaign.pk).update(rules=rules)
            campaign.refresh_from_db()
            rows += [[f"{name}: {what}", *_timed(look, options.looks)] for what, look in _looks(campaign).items()]
            if options.plans:
                report.say(f"How it is selected: {name}", _plan(campaign))
        report.say(f"An audience of {options.people:,}", report.table(["", "time, ms", "people"], rows))
    return 0


def _made(people: int) -> Campaign:
    sender = scenes.sender()
    everyone = scenes.people(people)
    scenes.messages(people // 2, sender, Status.DELIVERED)
    campaign = scenes.campaign(everyone, sender)
    second, left_out = ContactList.objects.create(name="Second"), ContactList.objects.create(name="Left out")
    with connection.cursor() as cursor:
        cursor.execute(_FILL)
        cursor.execute(_ON, [second.pk, 5])
        cursor.execute(_ON, [left_out.pk, 10])
        cursor.execute("VACUUM ANALYZE")
    campaign.include.add(second)
    campaign.exclude.add(left_out)
    AllowedHours.objects.all().delete()
    FrequencyCap.objects.create(most=3, hours=24)
    return campaign


def _looks(campaign: Campaign) -> dict[str, Callable[[], int]]:
    one_in = headcount.one_in_for(headcount.places(campaign))
    return {
        "freeze": lambda: _selected(campaign),
        "estimate": lambda: headcount.count(campaign, one_in=one_in, milliseconds=ENOUGH).texted,
        "everybody": lambda: headcount.count(campaign, milliseconds=ENOUGH).texted,
        "who is suppressed": lambda: len(who.page(campaign, Group.SUPPRESSED).people),
    }


def _selected(campaign: Campaign) -> int:
    """What a freeze reads, without writing it."""
    chosen = audience.contact_ids(campaign)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({chosen.sql}) AS audience", chosen.values)
        return int(cursor.fetchone()[0])


def _timed(look: Callable[[], int], looks: int) -> list[str]:
    times, found = [], 0
    for _ in range(looks):
        begin = time.perf_counter()
        with transaction.atomic():
            found = look()
        times.append(1000 * (time.perf_counter() - begin))
    return [f"{statistics.median(times):,.0f}", f"{found:,}"]


def _plan(campaign: Campaign) -> str:
    chosen = audience.contact_ids(campaign)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {chosen.sql}", chosen.values)
        return "\n".join(f"    {line}" for (line,) in cursor.fetchall())
