"""What a worker does with a started import, and how a lost one is found again.

`proceed` works in one transaction that ends with the import's own new status, so "done" and the contacts are
committed together: killed at any moment, it leaves everything as it was and a status that still says "importing",
which `resume_stale` picks up.

An advisory lock, held by that same transaction, tells whether anybody is at work on an import: Postgres lets go of
it exactly when the transaction's last effect is decided.
"""

import traceback
from contextlib import closing
from typing import BinaryIO, cast

import structlog
from celery import current_app
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.importing import consents, copy, opt_outs, undo
from contacts.importing.progress import Progress
from contacts.importing.read import ImportProblem, read_head, read_records
from contacts.importing.rejects import RejectedRows
from contacts.importing.rows import attribute_keys
from contacts.importing.sift import sift
from contacts.models import ContactImport

Status = ContactImport.Status

TASKS = {
    Status.CHECKING: "contacts.tasks.check_import",
    Status.IMPORTING: "contacts.tasks.run_import",
    Status.UNDOING: "contacts.tasks.undo_import",
}
# First half of the advisory lock's key; the other is the import's id.
LOCK = 0x1A90
# A started import that nobody works on is woken no more often than this.
WAKE_SECONDS = 10
_OURS = _(
    "Something went wrong on our side and nothing was imported. Try again; if it repeats, look at the server's log."
)
_OURS_UNDOING = _("Something went wrong on our side and nothing was undone. Try again; if it repeats, look at the log.")

logger = structlog.get_logger(__name__)


def proceed(*, import_id: int, status: Status) -> bool:
    """Carry out a started check (`status` CHECKING), run (IMPORTING) or undo (UNDOING) to its end.

    False, and nothing done, if it is not in that status or somebody is at work on it. A file that cannot be
    imported ends as failed, with the reason in `error`; an import that cannot be undone stays as it was. Raises
    OperationalError when the database is lost or chose this transaction to break a deadlock: the status stays, and
    the next tick tries again.
    """
    try:
        with transaction.atomic(durable=True):
            if not _try_lock(import_id):
                return False
            upload = (
                ContactImport.objects.select_related("contact_list", "created_by", "undone_by")
                .filter(pk=import_id, status=status)
                .first()
            )
            if upload is None:
                return False
            if status == Status.UNDOING:
                _conclude_undo(upload, undo.undo(upload))
            else:
                with (
                    RejectedRows(upload) as rejected,
                    opt_outs.OptOuts() as stops,
                    Progress(import_id) as progress,
                ):
                    counts = _transfer(upload, rejected, stops, progress)
                    _conclude(upload, counts, rejected)
    except ImportProblem as problem:
        _fail(import_id, status, problem.message)
    except Exception as error:
        if _passes(error):
            raise
        # Neither the message nor the row that a database error quotes: it may be somebody's number.
        stack = "".join(traceback.format_tb(error.__traceback__))
        logger.error("import failed", import_id=import_id, error=type(error).__name__, stack=stack)
        _fail(import_id, status, str(_OURS_UNDOING if status == Status.UNDOING else _OURS))
    return True


def _transfer(
    upload: ContactImport, rejected: RejectedRows, stops: opt_outs.OptOuts, progress: Progress
) -> copy.Counts:
    keys = attribute_keys(header=upload.header, mapping=upload.mapping)
    said = consents.statement(upload)
    brought = consents.reader(upload, said)
    more = consents.COLUMNS if brought else ()
    with upload.file.open("rb") as file:
        binary = cast(BinaryIO, file)
        shape = read_head(binary, encoding=upload.encoding, default_country=upload.default_country).shape
        if list(shape.header) != upload.header:
            raise ImportProblem(gettext("The stored file is not the one that was uploaded: upload it again."))

        def show(rows: int) -> None:
            progress.show(bytes_read=binary.tell(), rows_read=rows, rejected=rejected.count)

        with closing(read_records(binary, shape)) as records:
            accepted = sift(upload, records, brought=brought, rejected=rejected, stops=stops, show=show)
            staged = copy.stage(accepted, attributes=keys, more=more)
    rows = staged + rejected.count
    progress.show(bytes_read=upload.total_bytes, rows_read=rows, rejected=rejected.count, now=True)
    upload.opted_out_count, upload.rejected_opted_out_count = stops.stage(), stops.of_rejected
    folded = copy.fold(attributes=keys, more=more)
    if upload.status == Status.CHECKING:
        return copy.compare(staged=staged, folded=folded)
    upload.written_at = timezone.now()
    mark = copy.Mark(upload.pk, upload.written_at)
    counts = copy.write(staged=staged, folded=folded, contact_list=upload.contact_list, mark=mark)
    if brought:
        upload.first_consent_id, upload.last_consent_id = consents.record(upload, said)
    if upload.opted_out_count:
        opt_outs.record(upload)
    return counts


def _conclude_undo(upload: ContactImport, counts: dict[str, int]) -> None:
    found = ContactImport.objects.filter(pk=upload.pk, status=Status.UNDOING).update(
        status=Status.UNDONE, undone=counts, undone_at=timezone.now(), undo_until=None
    )
    if not found:
        raise ImportProblem(gettext("The import was deleted while it was undone."))


def _conclude(upload: ContactImport, counts: copy.Counts, rejected: RejectedRows) -> None:
    is_check, now = upload.status == Status.CHECKING, timezone.now()
    storage, stale = upload.rejected_file.storage, upload.rejected_file.name
    stored = rejected.store()
    try:
        found = ContactImport.objects.filter(pk=upload.pk, status=upload.status).update(
            status=Status.CHECKED if is_check else Status.DONE,
            bytes_read=upload.total_bytes,
            rows_read=counts.created + counts.updated + counts.unchanged + counts.duplicates + rejected.count,
            created_count=counts.created,
            updated_count=counts.updated,
            unchanged_count=counts.unchanged,
            duplicate_count=counts.duplicates,
            rejected_count=rejected.count,
            opted_out_count=upload.opted_out_count,
            rejected_opted_out_count=upload.rejected_opted_out_count,
            rejected_file=stored,
            finished_at=now,
            written_at=upload.written_at,
            first_consent_id=upload.first_consent_id,
            last_consent_id=upload.last_consent_id,
            undo_until=None if is_check else now + undo.UNDO_FOR,
        )
        if not found:
            raise ImportProblem(gettext("The import was deleted while it ran."))
    except BaseException:
        if stored:
            storage.delete(stored)
        raise
    if stale:
        transaction.on_commit(lambda: storage.delete(stale), robust=True)


def _fail(import_id: int, status: Status, message: str) -> None:
    if status == Status.UNDOING:
        ContactImport.objects.filter(pk=import_id, status=status).update(status=Status.DONE, error=message)
        return
    ContactImport.objects.filter(pk=import_id, status=status).update(
        status=Status.FAILED, error=message, finished_at=timezone.now()
    )


def _passes(error: Exception) -> bool:
    """Whether trying again may end otherwise: the database is away, or read-only since another took its place (25006).

    Not where it is out of disk or memory (class 53), or a timeout cancelled what we asked (57014).
    """
    code = getattr(error.__cause__, "sqlstate", None) or ""
    if isinstance(error, OperationalError | InterfaceError):
        return not code.startswith("53") and code != "57014"
    return code == "25006"


# --- waking ----------------------------------------------------------------------------------------------------


def resume_stale() -> int:
    """Wake every started import that nobody works on: its task, or the worker with it, was lost.

    For a tick, and harmless at any time. Returns how many were woken.
    """
    started = ContactImport.objects.filter(status__in=TASKS).order_by("id").values_list("id", "status")[:100]
    woken = 0
    for import_id, status in started:
        # Held until the end of this transaction only, in which nobody would miss it.
        with transaction.atomic():
            idle = _try_lock(import_id)
        if idle and cache.add(wake_key(import_id), True, timeout=WAKE_SECONDS):
            _enqueue(import_id, Status(status))
            woken += 1
    return woken


def wake(import_id: int, status: Status) -> None:
    cache.set(wake_key(import_id), True, timeout=WAKE_SECONDS)
    _enqueue(import_id, status)


def wake_key(import_id: int) -> str:
    return f"contacts.import.wake:{import_id}"


def _enqueue(import_id: int, status: Status) -> None:
    # By name: the tasks stand above this module.
    current_app.send_task(TASKS[status], args=[import_id])


def _try_lock(import_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, import_id])
        return bool(cursor.fetchone()[0])
