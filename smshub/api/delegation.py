"""What a key may hand on: never more than it may itself, whichever way one looks at it.

The same holds for keys that are there already. A key that could give a stronger one a new secret would have its rights.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from smshub.api import networks
from smshub.api.models import ApiKey
from smshub.api.networks import Network


@dataclass(frozen=True, slots=True)
class Rights:
    """`senders` and `networks`: none means any. Quotas: requests, 0 means without end."""

    is_test: bool
    scopes: frozenset[str]
    senders: frozenset[int]
    networks: tuple[Network, ...]
    own_messages: bool
    per_second: int
    per_minute: int
    expires_at: datetime | None


def rights(key: ApiKey, sender_ids: Any = None) -> Rights:
    """Those of a key as it stands, saved or not. `sender_ids`: None asks the database."""
    if sender_ids is None:
        sender_ids = [sender.pk for sender in key.senders.all()]
    return Rights(
        is_test=key.is_test,
        scopes=frozenset(key.scopes),
        senders=frozenset(sender_ids),
        networks=networks.parse(key.allowed_from),
        own_messages=key.own_messages,
        per_second=settings.API_RATE_PER_SECOND if key.per_second is None else key.per_second,
        per_minute=settings.API_RATE_PER_MINUTE if key.per_minute is None else key.per_minute,
        expires_at=key.expires_at,
    )


def beyond(wanted: Rights, own: Rights) -> list[str]:
    """In words, what `wanted` may that `own` may not; none: it is no more."""
    found = []
    if own.is_test and not wanted.is_test:
        found.append("live messages")
    if scopes := wanted.scopes - own.scopes:
        found.append(f"the scopes {', '.join(sorted(scopes))}")
    # What a test key sends leaves by the test carrier and is all that it sees.
    if not wanted.is_test:
        if own.senders and not (wanted.senders and wanted.senders <= own.senders):
            found.append("other senders")
        if own.own_messages and not wanted.own_messages:
            found.append("messages that others handed in")
    if own.networks and not (wanted.networks and all(_within(each, own.networks) for each in wanted.networks)):
        found.append("other networks")
    if _more(wanted.per_second, own.per_second) or _more(wanted.per_minute, own.per_minute):
        found.append("more requests")
    if own.expires_at and (wanted.expires_at is None or wanted.expires_at > own.expires_at):
        found.append("a longer time")
    return found


def _more(asked: int, most: int) -> bool:
    return bool(most) and not 0 < asked <= most


def _within(network: Network, others: tuple[Network, ...]) -> bool:
    return any(network.version == other.version and network.subnet_of(other) for other in others)  # type: ignore[arg-type]  # of one version
