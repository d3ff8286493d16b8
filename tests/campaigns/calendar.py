"""A clock that tests set, and appointments as a source would send them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.appointments.items import Item, Result
from campaigns.appointments.upsert import upsert
from campaigns.models import Reminder
from campaigns.reminders import work
from contacts.models import Contact
from delivery import clock, months
from delivery.models import Message
from tests.factories import ContactFactory


class VirtualClock:
    """What every process of ours asks for the time. Messages need their months, so those are opened on the way."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._opened: set[tuple[int, int]] = set()
        self.set(at)

    def __call__(self) -> datetime:
        return self.at

    def set(self, at: datetime) -> None:
        self.at = at
        if (at.year, at.month) not in self._opened:
            months.open_ahead(at)
            self._opened.add((at.year, at.month))

    def forward(self, **duration: float) -> None:
        self.set(self.at + timedelta(**duration))


@contextmanager
def virtual_clock(at: datetime) -> Iterator[VirtualClock]:
    with pytest.MonkeyPatch.context() as patch:
        mine = VirtualClock(at)
        patch.setattr(clock, "now", mine)
        yield mine


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def visit(external_id: str = "v1", *, contact: Contact | None = None, starts: Any, **fields: Any) -> Item:
    """An appointment of a contact, made if need be. `starts` is a text, local to the zone, or an aware time."""
    at = datetime.fromisoformat(starts) if isinstance(starts, str) else starts
    who = contact.pk if contact else None if "phone" in fields else ContactFactory().pk
    return Item(external_id, at, fields.pop("time_zone", "Europe/Berlin"), contact_id=who, **fields)


def put(*items: Item, **options: Any) -> list[Result]:
    return list(upsert(items, **options))


def planner() -> None:
    """One round, to the end of what there is."""
    while work.work(seconds=60):
        pass


def reminders() -> list[tuple[str, str, int]]:
    """(state, reason, version of the time), in the order they were planned in."""
    return list(Reminder.objects.order_by("id").values_list("state", "reason", "time_version"))


def texts() -> list[str | None]:
    """What is on its way or has left."""
    return [message.body for message in Message.objects.exclude(status="cancelled").order_by("created_at", "id")]
