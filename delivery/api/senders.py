"""As whom a request may send, and whose messages it sees: by the senders and the mode of its API key.

A test key is bound to the test carrier: it sends by its sender alone and sees what went there. A live key has nothing
to do with it.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import PermissionDenied

from contacts.api.refusals import Invalid
from delivery import testcarrier
from delivery.models import TEST_PROVIDER, Message, Sender


def of(request: Any, named: Sender | None) -> Sender | None:
    """The sender to use for what a request asks: the one it named, or the only one that its key has.

    None: the key may use any, and the routes choose. Raises Invalid.
    """
    if request.auth.is_test:
        if named is not None and not testcarrier.is_its(named):
            raise Invalid("sender", "A test key sends by the test carrier alone: leave the sender out.")
        return testcarrier.sender()
    allowed = _allowed(request)
    if named is None and len(allowed) == 1:
        return Sender.objects.select_related("provider").get(pk=allowed[0])
    if named is None and allowed:
        raise Invalid("sender", "This API key may use only some senders: name one of them.")
    if named is not None and (testcarrier.is_its(named) or (allowed and named.pk not in allowed)):
        raise Invalid("sender", "This API key may not use this sender.")
    return named


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
