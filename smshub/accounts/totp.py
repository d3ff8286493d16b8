"""Codes of an authenticator app: six digits, anew every 30 seconds (RFC 6238, with its SHA-1, which all apps know)."""

import base64
import secrets
from datetime import timedelta

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from smshub.accounts.models import Totp

STEP_SECONDS = 30
#: Codes of so many steps before and after are taken too: clocks differ, and people type slowly (RFC 6238, 5.2).
DRIFT = 1
#: So many wrong codes cost nothing; each further one makes the next wait, twice as long each time.
FREE_FAILURES = 4
LONGEST_WAIT = timedelta(minutes=15)
# RFC 4226, 4: as long as the hash.
_SECRET_BYTES = 20


class TooMany(Exception):
    """Too many wrong codes. `seconds`: until when the next one is looked at."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} seconds")
        self.seconds = seconds


def begin(user: User) -> Totp:
    """What is to be scanned: the one that waits to be confirmed, or a new one. What is in use stays as it is.

    Raises ValueError: one is in use, and is to be removed first.
    """
    found, _ = Totp.objects.get_or_create(
        user=user, defaults={"secret": {"key": base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()}}
    )
    if found.confirmed_at:
        raise ValueError("There is one already.")
    return found


def uri(totp: Totp, *, issuer: str) -> str:
    """What the QR code says (otpauth://)."""
    return _codes(totp).get_provisioning_uri(totp.user.get_username(), issuer)


def drawn(text: str) -> str:
    """A QR code as an SVG element, dark on light in any theme."""
    return str(segno.make(text, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=False))


def check(user: User, code: str, *, confirming: bool = False) -> bool:
    """Whether this is the user's code of now, or of a step beside it, that has not been given before.

    `confirming`: the first code of an app that was just set up; from then on it is in use. Raises TooMany.
    """
    with transaction.atomic():
        totp = Totp.objects.select_for_update().filter(user=user, confirmed_at__isnull=confirming).first()
        if totp is None:
            return False
        if wait := _wait(totp):
            raise TooMany(wait)
        step = _step_of(totp, "".join(code.split()))
        if step is None:
            Totp.objects.filter(pk=totp.pk).update(failures=F("failures") + 1, failed_at=timezone.now())
            return False
        totp.last_step, totp.failures, totp.failed_at = step, 0, None
        totp.confirmed_at = totp.confirmed_at or timezone.now()
        totp.save(update_fields=["last_step", "failures", "failed_at", "confirmed_at"])
        return True


def _step_of(totp: Totp, code: str) -> int | None:
    codes, now = _codes(totp), int(timezone.now().timestamp()) // STEP_SECONDS
    for step in range(now - DRIFT, now + DRIFT + 1):
        if step > totp.last_step and constant_time_compare(codes.generate(step * STEP_SECONDS), code.encode()):
            return step
    return None


def _codes(totp: Totp) -> TOTP:
    return TOTP(base64.b32decode(totp.secret["key"]), 6, SHA1(), STEP_SECONDS)  # noqa: S303  (see above)


def _wait(totp: Totp) -> int:
    """Seconds until the next code is looked at."""
    if totp.failed_at is None or totp.failures < FREE_FAILURES:
        return 0
    pause = min(timedelta(seconds=2 ** min(totp.failures - FREE_FAILURES, 20)), LONGEST_WAIT)
    left = (totp.failed_at + pause - timezone.now()).total_seconds()
    return max(0, int(left + 0.999))
