"""The hourly housekeeping of the API, the doors, sessions and the audit log, and the wake-up of who tells Twilio logins
what they are owed."""

from celery import shared_task

from delivery import submissions, wake, words
from smshub.accounts import sessions
from smshub.api import idempotency
from smshub.audit import trail
from smshub.twilio_door import worker


@shared_task
def tick() -> None:
    idempotency.purge()
    sessions.forget_expired()
    for purge in (words.purge, submissions.purge, trail.forget):
        while purge():
            pass


@shared_task
def tell_twilio() -> None:
    wake.heard("smshub.api.tasks.tell_twilio")
    worker.here().wake()
