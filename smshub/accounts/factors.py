"""Second factors as a whole: who has one, who must have one, and what a change of them entails."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction

from smshub.accounts import recovery, sessions
from smshub.accounts.models import Passkey, RecoveryCode, Totp

#: Beside the names of groups, in REQUIRE_TWO_FACTOR.
EVERYBODY, SUPERUSERS = "everybody", "superusers"


@dataclass(frozen=True, slots=True)
class Factors:
    """What a user has set up. Recovery codes stand in for one of the others, and are none by themselves."""

    app: bool
    passkeys: int
    codes: int

    def __bool__(self) -> bool:
        return self.app or self.passkeys > 0


def of(user: User) -> Factors:
    return Factors(
        app=Totp.objects.filter(user=user, confirmed_at__isnull=False).exists(),
        passkeys=Passkey.objects.filter(user=user).count(),
        codes=recovery.left(user),
    )


def required_of(user: User) -> bool:
    """Whether REQUIRE_TWO_FACTOR names everybody, superusers, or a group that this user is in."""
    named = set(settings.REQUIRE_TWO_FACTOR)
    if not named:
        return False
    if EVERYBODY in named or (SUPERUSERS in named and user.is_superuser):
        return True
    return user.groups.filter(name__in=named).exists()


def removed(user: User, session: SessionBase) -> None:
    """After a factor was removed. Codes go with the last of them."""
    sessions.end(user, but=session)
    if not of(user):
        RecoveryCode.objects.filter(user=user).delete()


def reset(user: User) -> None:
    """Take all of them away from somebody who has lost them, and sign them out everywhere."""
    with transaction.atomic():
        for model in (Totp, Passkey, RecoveryCode):
            model.objects.filter(user=user).delete()
        sessions.end(user)
