"""The housekeeping of the API and of the doors, and the wake-up of who tells Twilio logins what they are owed."""

from celery import shared_task

from delivery import submissions, wake, words
from smshub.api import idempotency
from smshub.twilio_door import worker


@shared_task
def tick() -> None:
    idempotency.purge()
    for purge in (words.purge, submissions.purge):
        while purge():
            pass


@shared_task
def tell_twilio() -> None:
    wake.heard("smshub.api.tasks.tell_twilio")
    worker.here().wake()
