"""As whom a request may send, and whose messages it sees: by the senders and the mode of its API key.

A test key is bound to the test carrier: it sends by its sender alone and sees what went there. A live key has nothing
to do with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import PermissionDenied

from contacts.api.refusals import Invalid
from delivery import testcarrier
from delivery.models import TEST_PROVIDER, Message, Sender


@dataclass(frozen=True, slots=True)
class Use:
    """What the key of a request may send by. Read once, for one message or for thousands."""

    key_id: int
    is_test: bool
    allowed: frozenset[int]
    """Ids of senders; empty: any."""
    only: Sender | None
    """The only one that it has."""

    def sender(self, named: Sender | None) -> Sender | None:
        """The one to use: the one that was named, or the only one.

        None: the key may use any, and the routes choose. Raises Invalid.
        """
        if self.is_test:
            if named is not None and not testcarrier.is_its(named):
                raise Invalid("sender", "A test key sends by the test carrier alone: leave the sender out.")
            return self.only
        if named is None:
            if self.allowed and self.only is None:
                raise Invalid("sender", "This API key may use only some senders: name one of them.")
            return self.only
        if testcarrier.is_its(named) or (self.allowed and named.pk not in self.allowed):
            raise Invalid("sender", "This API key may not use this sender.")
        return named


def use(request: Any) -> Use:
    key = request.auth
    if key.is_test:
        return Use(key.pk, is_test=True, allowed=frozenset(), only=testcarrier.sender())
    allowed = frozenset(_allowed(request))
    only = None
    if len(allowed) == 1:
        only = Sender.objects.select_related("provider").get(pk__in=allowed)
    return Use(key.pk, is_test=False, allowed=allowed, only=only)


def of(request: Any, named: Sender | None) -> Sender | None:
    """As `Use.sender`, for a request that asks for one thing."""
    return use(request).sender(named)


def check(request: Any, sender_id: int | None) -> None:
    """Whether a request may set in motion what is there already and leaves by this sender. Raises PermissionDenied."""
    allowed = _allowed(request)
    if allowed and sender_id not in allowed:
        raise PermissionDenied("This API key may use only some senders, and this leaves by another.")


def visible(request: Any, senders: QuerySet[Sender]) -> QuerySet[Sender]:
    """Of these senders those that the key of a request may use."""
    if request.auth.is_test:
        return senders.filter(provider_id=TEST_PROVIDER)
    allowed = _allowed(request)
    live = senders.exclude(provider_id=TEST_PROVIDER)
    return live.filter(pk__in=allowed) if allowed else live


def seen_by(request: Any, messages: QuerySet[Message]) -> QuerySet[Message]:
    """Of these messages those that the key of a request may know of: test messages, or all others."""
    if request.auth.is_test:
        return messages.filter(provider_id=TEST_PROVIDER)
    return messages.exclude(provider_id=TEST_PROVIDER)


def _allowed(request: Any) -> Sequence[int]:
    """Ids; empty: any."""
    found: Sequence[int] = request.auth.sender_ids
    return found
