"""Sign-ins, sign-outs and failures, from Django's signals."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from smshub.audit import trail
from smshub.audit.models import Entry
from smshub.audit.origin import Actor, Origin, current
from smshub.audit.places import Place


def follow() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
    user_login_failed.connect(_failed, dispatch_uid="audit")


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    _record(request, user, "signed in")


def _signed_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    _record(request, user, "signed out")


def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    # What was typed as a name may be a password: only a name that exists is written down.
    user = User.objects.filter(username=str(credentials.get("username", ""))[:150]).first()
    _record(request, user, "failed")


def _record(request: HttpRequest | None, user: User | None, verb: str) -> None:
    if user is None or current.get() is None or request is None:
        return
    actor = Actor("user", user.pk, user.get_username())
    trail.record(Origin(request), actor, Entry.Kind.SIGN_IN, Place("auth.User", verb, str(user.pk)))
