"""Campaigns at the points of their life that tests begin from."""

import atexit
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connection

from campaigns import launch, materialise
from campaigns.models import Campaign
from contacts.models import Contact, ContactList
from delivery import tallies
from delivery.models import Message
from tests.factories import CampaignFactory, ContactListFactory, DefaultSenderFactory
from tests.nursery import Forked, Nursery


def crowd(size: int) -> ContactList:
    """A list with so many contacts, each with a name."""
    everyone = ContactListFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO contacts_contact
                   (phone, name, language, time_zone, country, attributes, created_at, updated_at)
               SELECT '+1415' || 1000000 + n, 'Person ' || n, 'en', '', 'US', '{}', now(), now()
               FROM generate_series(1, %s) AS n""",
            [size],
        )
        cursor.execute(
            """INSERT INTO contacts_membership (contact_list_id, contact_id, created_at)
               SELECT %s, id, now() FROM contacts_contact""",
            [everyone.pk],
        )
        # As after any bulk load: the planner may have seen these tables empty a moment ago.
        cursor.execute("ANALYZE contacts_contact, contacts_membership")
    return everyone


def launched(size: int = 0, *contacts: Contact, **fields: object) -> Campaign:
    """A campaign to a crowd, or to these contacts, that was launched and whose audience is not yet frozen."""
    DefaultSenderFactory()
    people = crowd(size) if size else ContactListFactory(contacts=list(contacts))
    return launch.launch(campaign=CampaignFactory(include=[people], **fields), actor=None)


def frozen(size: int = 0, *contacts: Contact, **fields: object) -> Campaign:
    campaign = launched(size, *contacts, **fields)
    materialise.freeze(campaign.pk)
    campaign.refresh_from_db()
    return campaign


def materialised(size: int = 0, *contacts: Contact, **fields: object) -> Campaign:
    campaign = frozen(size, *contacts, **fields)
    assert not materialise.materialise(campaign.pk, seconds=120)
    campaign.refresh_from_db()
    return campaign


def rows_by_status(campaign: Campaign) -> dict[tuple[str, str], tuple[int, int]]:
    """Messages and segments by (status, reason), counted on the rows themselves."""
    rows = Message.objects.filter(campaign_id=campaign.pk).values_list("status", "reason", "segments")
    messages: Counter[tuple[str, str]] = Counter()
    segments: Counter[tuple[str, str]] = Counter()
    for status, reason, count in rows:
        messages[status, reason] += 1
        segments[status, reason] += count
    return {key: (messages[key], segments[key]) for key in messages}


def tallies_by_status(campaign: Campaign) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (count.status.value, count.reason): (count.messages, count.segments) for count in tallies.counts([campaign.pk])
    }


def assert_everyone_has_one_row(campaign: Campaign, contact_ids: list[int]) -> None:
    have = list(
        Message.objects.filter(campaign_id=campaign.pk).order_by("contact_id").values_list("contact_id", flat=True)
    )
    assert have == sorted(contact_ids)
    assert tallies_by_status(campaign) == rows_by_status(campaign)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in threads that start together, each with its own connection; results or exceptions in order."""
    results: list[Any] = [RuntimeError("did not run")] * len(calls)
    start = threading.Barrier(len(calls))

    def run(index: int, call: Callable[[], Any]) -> None:
        try:
            start.wait(10)
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@cache
def _nursery() -> Nursery:
    database = connection.settings_dict
    host, port = database["HOST"], database["PORT"]
    url = f"postgres://{database['USER']}:{database['PASSWORD']}@{host}:{port}/{database['NAME']}"
    nursery = Nursery({**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "smshub.settings"})
    nursery.open()
    atexit.register(nursery.close)
    return nursery


def in_child(code: str) -> Forked:
    """Some lines of Python in a process of its own, with Django set up on the test database."""
    return _nursery().fork([sys.executable, "-c", code])


def eventually(true: Callable[[], object], *, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)
