"""What workers do for contacts. Arguments are ids; every task may run twice, or beside its twin, without harm."""

from celery import shared_task

from contacts.importing.undo import forget_old
from contacts.importing.work import Status, proceed, resume_stale

# An import of the largest file allowed. The redelivery that the broker makes long before finds it locked.
_HOURS = 6 * 3600


@shared_task(ignore_result=True, soft_time_limit=_HOURS)
def check_import(import_id: int) -> None:
    proceed(import_id=import_id, status=Status.CHECKING)


@shared_task(ignore_result=True, soft_time_limit=_HOURS)
def run_import(import_id: int) -> None:
    proceed(import_id=import_id, status=Status.IMPORTING)


@shared_task(ignore_result=True, soft_time_limit=_HOURS)
def undo_import(import_id: int) -> None:
    proceed(import_id=import_id, status=Status.UNDOING)


@shared_task(ignore_result=True)
def tick() -> None:
    resume_stale()
    forget_old()
