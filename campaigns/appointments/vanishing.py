"""What a calendar no longer has: appointments to come that it once brought are cancelled when they are gone from it.

Only a calendar that was read whole says that something is gone: to its end, within every limit, and without an event
that is not known by its id. An event that is there and cannot be read is not gone. And a calendar that has suddenly
lost most of what it had is more often broken than true: it is believed when it says so a second time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext_lazy

from campaigns.appointments.items import MAX_EXTERNAL_ID, Item, as_known
from campaigns.appointments.upsert import upsert
from campaigns.models import Appointment
from campaigns.models.appointments import COMING

#: More than so many at once, and more than this share of what is to come, is doubted.
FEW = 5
SHARE = 0.5
DOUBT = gettext_lazy(
    "Most of what was to come is gone from the calendar. If it still is at the next fetch, that is cancelled."
)


@dataclass(slots=True)
class Seen:
    """What a reading has come across."""

    ids: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    """Ids of events that are there and cannot be read, with all their occurrences."""
    unknown: bool = False
    """There was something that has no id; so is what says that a limit was reached."""

    def noting(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items, each noted on its way."""
        for item in items:
            self.ids.add(item.external_id)
            self.unknown |= not item.external_id
            if item.problem:
                self.unread.add(item.external_id)
            yield item

    def is_complete(self, data: bytes) -> bool:
        """Whether what is not here is not in the calendar."""
        ends = data.rstrip()[-len(b"END:VCALENDAR") :].upper() == b"END:VCALENDAR"
        return ends and not self.unknown

    def has(self, external_id: str) -> bool:
        uid = external_id.rpartition("/")[0]
        return external_id in self.ids or external_id in self.unread or uid[:MAX_EXTERNAL_ID] in self.unread


@dataclass(frozen=True, slots=True)
class Gone:
    cancelled: int = 0
    doubted: bool = False


def call_off(source: str, seen: Seen, *, now: datetime, believed: bool) -> Gone:
    """Cancel what is to come of a source and was not seen. `believed`: however much that is."""
    coming = Appointment.objects.filter(source=source, starts_at__gt=now, status__in=COMING)
    gone, known = [], 0
    for row in coming.iterator(chunk_size=2000):
        known += 1
        if not seen.has(row.external_id):
            gone.append(row)
    if not believed and len(gone) > FEW and len(gone) > known * SHARE:
        return Gone(doubted=True)
    return Gone(_cancelled(source, gone))


def _cancelled(source: str, rows: Sequence[Appointment]) -> int:
    # As the source last had it, so that it is on again when the calendar has it again.
    items = (replace(as_known(row), status=Appointment.Status.CANCELLED.value) for row in rows)
    return len([result for result in upsert(items, source=source) if result.appointment_id])
