"""The API's housekeeping."""

from celery import shared_task

from smshub.api import idempotency


@shared_task
def tick() -> None:
    idempotency.purge()
