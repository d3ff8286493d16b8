"""Where sessions are kept (SESSION_ENGINE), how long they last, and how they are ended.

A session ends some time after its user last did something, some time after the sign-in whatever they do, and at once
when it is taken away. Parts of pages that renew themselves do not count as doing something.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from smshub.accounts.models import Session

_SINCE, _SEEN, _ADDRESS, _AGENT = "since", "seen", "address", "agent"
#: How exactly it is known when somebody last did something; each time it is written costs an UPDATE.
_EXACT = timedelta(minutes=1)


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.signed_in_at, row.seen_at = _time(data.get(_SINCE)), _time(data.get(_SEEN))
        row.address, row.agent = data.get(_ADDRESS, ""), data.get(_AGENT, "")
        return row


def _time(stamp: int | None) -> datetime | None:
    return datetime.fromtimestamp(stamp, UTC) if stamp else None


def is_over(request: HttpRequest) -> bool:
    """Whether the time of this request's session is up. One that goes on is marked as used, now and then."""
    session, now = request.session, timezone.now()
    since, seen = _time(session.get(_SINCE)), _time(session.get(_SEEN))
    if since is None or seen is None:
        return True
    if now - since > timedelta(hours=settings.SESSION_HOURS) or now - seen > timedelta(
        minutes=settings.SESSION_IDLE_MINUTES
    ):
        return True
    renews_itself = request.method == "GET" and request.headers.get("HX-Request") == "true"
    if now - seen > _EXACT and not renews_itself:
        session[_SEEN] = int(now.timestamp())
    return False


def begin(request: HttpRequest, **_: Any) -> None:
    """For Django's signal of a sign-in: since when the session is, from where, and with which browser."""
    now = int(timezone.now().timestamp())
    request.session.update(
        {
            _SINCE: now,
            _SEEN: now,
            _ADDRESS: request.META.get("REMOTE_ADDR", "")[:45],
            _AGENT: request.headers.get("User-Agent", "")[:200],
        }
    )


def of(user: User) -> list[Session]:
    """Where this user is signed in, what was used last first; at most fifty.

    A session from before a change of the password is none any more, though its row is there until it expires.
    """
    rows = Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-seen_at")[:50]
    wanted = user.get_session_auth_hash()
    return [row for row in rows if constant_time_compare(row.get_decoded().get(HASH_SESSION_KEY, ""), wanted)]


def end(user: User, *, but: SessionBase | None = None) -> int:
    """Sign this user out everywhere, but in one session. Returns how many ended."""
    ended, _ = Session.objects.filter(user=user).exclude(session_key=but.session_key if but else None).delete()
    return ended


def forget_expired() -> int:
    """Take away what nobody can use any more."""
    gone, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return gone
