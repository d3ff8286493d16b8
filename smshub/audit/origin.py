"""On whose behalf a request writes, told to the database in the transaction of what it writes.

A trigger records changes (`triggers`), and knows of the request only what stands in the transaction's setting
`smshub.audit`. It is put there before each statement that touches a table of `tables.AUDITED`, and before no other, so
that sending a message costs nothing for it. Without a request the setting is empty, and the hub itself is the actor.
"""

import json
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest

from smshub.audit import tables

SETTING = "smshub.audit"

_WRITES = re.compile(
    r"(?:\bINSERT INTO|(?<!FOR )(?<!KEY )(?<!DO )\bUPDATE|\bDELETE FROM|\bMERGE INTO)\s+(?:ONLY\s+)?\"?(\w+)"
)
#: Written without anything having been done: sessions, counters of failed logins, the log itself.
_ASIDE = re.compile(r"audit_|accounts_session|django_|axes_|api_idempotencyrecord")


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who is answerable. `name` is the user's name or the key's prefix."""

    kind: str
    id: int
    name: str


@dataclass(slots=True)
class Origin:
    """A request, as far as the audit log is about it."""

    request: HttpRequest
    key: Actor | None = None
    wrote: bool = field(default=False)

    @property
    def actor(self) -> Actor | None:
        if self.key:
            return self.key
        # Without a session there is nobody, and to ask would make every answer of the API depend on cookies.
        has_session = settings.SESSION_COOKIE_NAME in self.request.COOKIES
        user = getattr(self.request, "user", None) if has_session else None
        return Actor("user", user.pk, user.get_username()) if isinstance(user, User) and user.pk else None

    @property
    def address(self) -> str | None:
        return valid_address(self.request.META.get("REMOTE_ADDR", ""))

    @property
    def request_id(self) -> str | None:
        return self.request.META.get("HTTP_X_REQUEST_ID")


current: ContextVar[Origin | None] = ContextVar("audit_origin", default=None)


def as_key(pk: int, prefix: str) -> None:
    """From here on the request acts for this API key; what was written before was about letting it in."""
    if origin := current.get():
        origin.key, origin.wrote = Actor("key", pk, prefix), False


def valid_address(text: str) -> str | None:
    """An IP address as Postgres takes it; None for a socket's name."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def follow_connections() -> None:
    """Have each connection to the database, now and later, say on whose behalf it writes."""
    connection_created.connect(_follow, dispatch_uid="audit")


def _follow(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _told not in connection.execute_wrappers:
        connection.execute_wrappers.append(_told)


def _told(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    origin = current.get()
    if origin is None:
        return execute(sql, params, many, context)
    written = set(_WRITES.findall(sql if isinstance(sql, str) else sql.as_string(None)))
    origin.wrote = origin.wrote or any(not _ASIDE.match(table) for table in written)
    if tables.names().isdisjoint(written) or (actor := origin.actor) is None:
        return execute(sql, params, many, context)
    connection = context["connection"]
    # Without a transaction around it the setting would be gone with the statement that makes it.
    with transaction.atomic(using=connection.alias, savepoint=False):
        connection.connection.execute("SELECT set_config(%s, %s, true)", [SETTING, _as_text(origin, actor)])
        return execute(sql, params, many, context)


def _as_text(origin: Origin, actor: Actor) -> str:
    # The kind comes first: conditions of triggers look at the beginning.
    return json.dumps(
        {
            "kind": actor.kind,
            "id": actor.id,
            "name": actor.name,
            "address": origin.address,
            "request": origin.request_id,
        }
    )
