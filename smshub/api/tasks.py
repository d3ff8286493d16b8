"""The housekeeping of the API and of the SMPP door."""

from celery import shared_task

from delivery import submissions, words
from smshub.api import idempotency


@shared_task
def tick() -> None:
    idempotency.purge()
    for purge in (words.purge, submissions.purge):
        while purge():
            pass
