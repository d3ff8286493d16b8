"""The steps of a sign-in: the password, and where there is one, the second factor. A passkey may be both at once.

Between the two steps the session knows who has given the right password, for a few minutes, and nobody is signed in.
"""

import time

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate, login
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from smshub.accounts import recovery, totp

#: In the session: whether its user has given a second factor, or none was asked for.
FACTOR = "second_factor"
_PENDING, _CONFIRMED = "pending", "confirmed_until"
_SECONDS = 300
_BACKEND = "django.contrib.auth.backends.ModelBackend"


def pend(request: HttpRequest, user: User) -> None:
    """The password was right: wait for the second factor."""
    request.session.cycle_key()
    request.session[_PENDING] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "until": int(time.time()) + _SECONDS,
    }


def pending(request: HttpRequest) -> User | None:
    """Who has given the right password lately, and has not changed it since."""
    found = request.session.get(_PENDING)
    if not found or time.time() > found["until"]:
        return None
    user = User.objects.filter(pk=found["user"], is_active=True, is_staff=True).first()
    return user if user and constant_time_compare(user.get_session_auth_hash(), found["password"]) else None


def take_code(request: HttpRequest, user: User, code: str) -> bool:
    """Whether this is the app's code, or a recovery code; one that is not counts as a failed login.

    Raises totp.TooMany, and PermissionDenied where this name and address have failed too often.
    """
    credentials = {"username": user.get_username()}
    if not AxesProxyHandler.is_allowed(request, credentials):
        raise PermissionDenied
    right = totp.check(user, code) if len("".join(code.split())) <= 6 else recovery.use(user, code)
    if not right:
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
    return right


def finish(request: HttpRequest, user: User, *, factor: bool) -> None:
    """Sign this user in."""
    request.session.pop(_PENDING, None)
    login(request, user, backend=_BACKEND)
    request.session[FACTOR] = factor
    confirmed(request)


def confirm(request: HttpRequest, user: User, password: str) -> bool:
    """Whether this is the password of whoever is signed in; failures count as failed logins."""
    right = authenticate(request, username=user.get_username(), password=password) == user
    if right:
        confirmed(request)
    return right


def confirmed(request: HttpRequest) -> None:
    request.session[_CONFIRMED] = int(time.time()) + _SECONDS


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the user has shown within minutes that it is still they who sit there."""
    return time.time() < float(request.session.get(_CONFIRMED, 0))
