"""Files of appointments that staff upload: first what would become of each item, then the same in earnest.

Staff start either (`take_in`, `apply`); a worker does it (`proceed`) under a lease that it renews with each chunk, and
says how far it is. Killed anywhere, the lease ends and the file is read again from its beginning: what is written
already is answered as unchanged then.
"""

import csv
import tempfile
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from io import TextIOWrapper
from itertools import islice
from typing import Any, NamedTuple

import structlog
from django.contrib.auth.models import User
from django.core.files import File
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils.translation import gettext, gettext_lazy

from campaigns import wake
from campaigns.appointments import csv_files, fhir, ical
from campaigns.appointments.files import MAX_BYTES, UnreadableFile
from campaigns.appointments.items import MAX_SOURCE, Item, Outcome, Result
from campaigns.appointments.upsert import CHUNK, rehearse, upsert
from campaigns.appointments.zones import zone_name
from campaigns.models import AppointmentFile
from contacts.importing.rejects import harmless
from contacts.importing.run import presentable
from contacts.importing.values import country_code
from delivery import clock

log = structlog.get_logger(__name__)

Format, Status = AppointmentFile.Format, AppointmentFile.Status

#: What a worker is at, or is to begin.
OPEN = (Status.CHECKING, Status.APPLYING)
#: Longer than the reading of a file and one chunk take.
LEASE = timedelta(minutes=2)
COLUMNS = ("id", "begins", "time zone", "outcome", "detail")

_TAKE = """
UPDATE campaigns_appointmentfile SET claimed_until = %(until)s
WHERE id = %(id)s AND status = ANY(%(open)s) AND (claimed_until IS NULL OR claimed_until <= %(now)s)
RETURNING status
"""
_WAITING = """
SELECT id FROM campaigns_appointmentfile
WHERE status = ANY(%(open)s) AND (claimed_until IS NULL OR claimed_until <= %(now)s) ORDER BY id LIMIT 20
"""
_OURS = gettext_lazy("Something went wrong on our side: try again, and look at the server's log if it repeats.")


class UnusableUpload(ValueError):
    """`field` names what is wrong, the text says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Row(NamedTuple):
    """A line of the results, in the order of COLUMNS."""

    external_id: str
    begins: str
    time_zone: str
    outcome: str
    detail: str


def take_in(
    *,
    file: "File[bytes]",
    original_name: str,
    kind: str,
    actor: User | None,
    source: str = "",
    time_zone: str = "",
    default_country: str = "",
    phone_property: str = "",
) -> AppointmentFile:
    """Keep an uploaded file, and have a worker say what would become of it. Raises UnusableUpload; keeps nothing then.

    `kind` is one of Format; the others are for items that do not say so themselves.
    """
    if not file.size:
        raise UnusableUpload("file", gettext("The file is empty."))
    if file.size > MAX_BYTES:
        raise UnusableUpload("file", gettext("The file has more than %(most)s MB.") % {"most": MAX_BYTES // 1024**2})
    if len(source) > MAX_SOURCE:
        raise UnusableUpload("source", gettext("A source has at most %(most)s characters.") % {"most": MAX_SOURCE})
    zone = zone_name(time_zone) if time_zone else ""
    if zone is None:
        raise UnusableUpload("time_zone", gettext("This zone is not known; write it as in Europe/Paris."))
    country = country_code(default_country) if default_country else ""
    if country is None:
        raise UnusableUpload("default_country", gettext("This country is not known: use its two letters, such as GB."))
    upload = AppointmentFile(
        original_name=presentable(original_name, otherwise="appointments"),
        format=Format(kind),
        source=source,
        time_zone=zone,
        default_country=country,
        phone_property=phone_property,
        created_by=actor,
    )
    # The stored name is ours: theirs may hold a person's name, or a path.
    upload.file.save(f"{uuid.uuid4().hex}.{upload.format}", file, save=False)
    with transaction.atomic():
        upload.save()
        _wake(upload.pk)
    return upload


def apply(upload: AppointmentFile) -> bool:
    """Have a worker write what was checked. False: it is not at that point."""
    fresh: dict[str, Any] = {"status": Status.APPLYING, "items_done": 0, "claimed_until": None, "finished_at": None}
    with transaction.atomic():
        begun = AppointmentFile.objects.filter(pk=upload.pk, status=Status.CHECKED).update(**fresh)
        if begun:
            _wake(upload.pk)
    return bool(begun)


def _wake(file_id: int) -> None:
    # Robust: with the broker away the status stands, and the tick wakes it.
    transaction.on_commit(partial(wake.read_file, file_id), robust=True)


def waiting() -> list[int]:
    """Files that nobody is at work on and somebody should be. One probe of an index with nothing else in it."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"open": list(OPEN), "now": clock.now()})
        return [pk for (pk,) in cursor.fetchall()]


def proceed(file_id: int) -> bool:
    """Do what a file waits for, to its end. False: it waits for nothing, or somebody else is at it."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"id": file_id, "open": list(OPEN), "now": now, "until": now + LEASE})
        taken = cursor.fetchone()
    if taken is None:
        return False
    upload = AppointmentFile.objects.get(pk=file_id)
    try:
        _work(upload, Status(taken[0]))
    except UnreadableFile as problem:
        _end(upload, Status.FAILED, error=str(problem)[:300])
    except FileNotFoundError:
        _end(upload, Status.FAILED, error=gettext("The file is no longer there: upload it again."))
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:
        # Not what it says: it may quote an item.
        log.error("appointment_file_failed", file_id=file_id, error=type(error).__name__)
        _end(upload, Status.FAILED, error=str(_OURS))
    return True


def _work(upload: AppointmentFile, status: AppointmentFile.Status) -> None:
    items = list(read(upload))
    AppointmentFile.objects.filter(pk=upload.pk).update(items_total=len(items), items_done=0)
    doing = upsert if status == Status.APPLYING else rehearse
    counts: Counter[str] = Counter()
    with tempfile.TemporaryFile() as kept, TextIOWrapper(kept, encoding="utf-8-sig", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for done, row in enumerate(_rows(doing, upload, items), start=1):
            counts[row.outcome] += 1
            writer.writerow(map(harmless, row))
            if not done % CHUNK and not _renew(upload, status, done):
                return
        text.flush()
        kept.seek(0)
        name = upload.results_file.storage.save(
            f"appointments/results/{uuid.uuid4().hex}.csv", File(kept, name="results.csv")
        )
    end = Status.DONE if status == Status.APPLYING else Status.CHECKED
    _end(
        upload,
        end,
        counts={outcome.value: counts[outcome] for outcome in Outcome},
        items_done=len(items),
        results_file=name,
    )


def _rows(doing: Any, upload: AppointmentFile, items: Iterable[Item]) -> Iterator[Row]:
    under_way: deque[Item] = deque()

    def noted() -> Iterator[Item]:
        for item in items:
            under_way.append(item)
            yield item

    country = upload.default_country or None
    results: Iterable[Result] = doing(
        noted(), source=upload.source, default_zone=upload.time_zone, default_country=country
    )
    for result in results:
        item = under_way.popleft()
        begins = "" if item.starts_at is None else f"{item.starts_at:%Y-%m-%d %H:%M}"
        zone = item.time_zone or ("UTC" if item.starts_at and item.starts_at.tzinfo else upload.time_zone)
        yield Row(result.external_id, begins, zone, result.outcome.value, result.detail)


def read(upload: AppointmentFile) -> Iterator[Item]:
    """The file's items. Raises UnreadableFile, FileNotFoundError."""
    with upload.file.open("rb") as stored:
        data = stored.read(MAX_BYTES + 1)
    if upload.format == Format.CSV:
        return csv_files.read(data)
    if upload.format == Format.FHIR:
        return fhir.read(data)
    return ical.read(data, now=clock.now(), phone_property=upload.phone_property)


def _renew(upload: AppointmentFile, status: AppointmentFile.Status, done: int) -> bool:
    """False: it was deleted, or is another's by now."""
    mine = AppointmentFile.objects.filter(pk=upload.pk, status=status)
    return bool(mine.update(claimed_until=clock.now() + LEASE, items_done=done))


def _end(upload: AppointmentFile, status: AppointmentFile.Status, **fields: Any) -> None:
    storage, stale = upload.results_file.storage, upload.results_file.name
    with transaction.atomic():
        ended = AppointmentFile.objects.filter(pk=upload.pk, status__in=OPEN).update(
            status=status, claimed_until=None, finished_at=clock.now(), **fields
        )
        superfluous = stale if ended and "results_file" in fields else None if ended else fields.get("results_file")
        if superfluous:
            transaction.on_commit(partial(storage.delete, superfluous), robust=True)


def results(upload: AppointmentFile, *, most: int) -> list[Row]:
    """The first of them, those that were rejected before the others."""
    rejected: list[Row] = []
    others: list[Row] = []
    for row in _kept(upload):
        if row.outcome == Outcome.REJECTED:
            rejected.append(row)
        elif len(others) < most:
            others.append(row)
        if len(rejected) >= most:
            break
    return (rejected + others)[:most]


def rejected(upload: AppointmentFile) -> Iterator[Row]:
    return (row for row in _kept(upload) if row.outcome == Outcome.REJECTED)


def _kept(upload: AppointmentFile) -> Iterator[Row]:
    if not upload.results_file:
        return
    try:
        with upload.results_file.open("rb") as stored:
            lines = csv.reader(TextIOWrapper(stored, encoding="utf-8-sig", newline=""))
            yield from (Row(*line) for line in islice(lines, 1, None) if len(line) == len(COLUMNS))
    except FileNotFoundError:
        return
