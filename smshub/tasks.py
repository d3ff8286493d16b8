"""What workers do for the hub as a whole. Harmless twice, and beside a twin."""

from celery import shared_task

from contacts.consents import opt_in
from smshub.doctor import last
from smshub.doctor.examine import examine
from smshub.privacy import erasing

_SECONDS = 20.0


@shared_task(ignore_result=True)
def tick() -> None:
    """Go on with erasures, and say of requests for consent that their time is over."""
    erasing.proceed(seconds=_SECONDS)
    while opt_in.expire():
        pass


@shared_task(ignore_result=True)
def health() -> None:
    """Have the doctor look, for the home page."""
    last.keep(examine())
