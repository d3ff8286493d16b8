"""What the connections of an account are doing just now, in words: for its page and the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import redis
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from delivery import accounts
from delivery.connector import binds
from delivery.encryption import CannotDecrypt
from delivery.models import Provider
from delivery.providers.base import BadConfiguration, ConnectionState

_GROUP = {
    ConnectionState.BOUND: "delivered",
    ConnectionState.CONNECTING: "moving",
    ConnectionState.CLOSING: "moving",
    ConnectionState.WAITING: "stopped",
    ConnectionState.REFUSED: "failed",
}


@dataclass(frozen=True, slots=True)
class Line:
    worker: str
    name: str
    state: str
    group: str
    since: datetime
    in_flight: int
    window: int
    error: str
    code: str


@dataclass(frozen=True, slots=True)
class Panel:
    says: str
    """How the account stands, in a sentence or two."""
    well: bool
    lines: Sequence[Line] = ()
    unbound: bool = False
    """A person has had its connections given up."""


def panel(provider: Provider) -> Panel:
    unbound = provider.unbound_at is not None
    try:
        account = binds.look([provider.pk])[provider.pk]
    except redis.RedisError:
        return Panel(
            _("Redis does not answer: what its connections do cannot be seen just now."), False, unbound=unbound
        )
    lines = [
        Line(
            worker=bind.worker,
            name=bind.connection.name,
            state=bind.connection.state.value,
            group=_GROUP[bind.connection.state],
            since=bind.connection.since,
            in_flight=bind.connection.in_flight,
            window=bind.connection.window,
            error=bind.connection.error,
            code=bind.connection.code,
        )
        for bind in account.binds
    ]
    allowed = _allowed(provider)
    return Panel(_says(provider, account, allowed), not unbound and account.bound >= (allowed or 1), lines, unbound)


def _says(provider: Provider, account: binds.Account, allowed: int | None) -> str:
    if not provider.enabled:
        return _("It is switched off: no connection is held.")
    if provider.unbound_at is not None:
        since = timezone.localtime(provider.unbound_at)
        return _(
            "%(user)s has had its connections given up, on %(day)s at %(time)s. What is queued for it waits, "
            "or goes by another route where there is one. Receipts and incoming texts wait at the operator."
        ) % {
            "user": provider.unbound_by or _("Somebody"),
            "day": date_format(since, _("j M Y")),
            "time": f"{since:%H:%M}",
        }
    if not account.workers:
        return _(
            "No connector worker runs: nobody holds its connections, nothing is sent. Start the program connector."
        )
    up = _("%(done)s of %(total)s") % {"done": account.bound, "total": allowed} if allowed else str(account.bound)
    if account.bound:
        return _("%(number)s connections are up.") % {"number": up}
    return _(
        "%(number)s connections are up: what is queued for it waits, or goes by another route where there is one."
    ) % {"number": up}


def _allowed(provider: Provider) -> int | None:
    try:
        return accounts.connections_allowed(provider)
    except (BadConfiguration, CannotDecrypt, LookupError):
        return None
