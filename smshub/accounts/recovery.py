"""Recovery codes: ten at a time, shown once, each good once."""

import base64
import hashlib
import secrets

from django.contrib.auth.models import User
from django.db import transaction

from smshub.accounts.models import RecoveryCode

NUMBER = 10
# 80 bits: too many to guess, so a plain SHA-256 is enough, as with API keys.
_BYTES = 10


def issue(user: User) -> list[str]:
    """New codes, `abcd-efgh-ijkl-mnop`; those from before are good for nothing. They cannot be had again."""
    codes = [base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower() for _ in range(NUMBER)]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def use(user: User, code: str) -> bool:
    """Whether this is a code of the user's. It is none from now on, whoever else gives it at the same moment."""
    gone, _ = RecoveryCode.objects.filter(user=user, digest=_digest(code)).delete()
    return gone > 0


def left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user).count()


def _digest(code: str) -> bytes:
    return hashlib.sha256("".join(filter(str.isalnum, code.lower())).encode()).digest()
