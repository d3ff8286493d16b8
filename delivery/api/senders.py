"""As whom a request may send (`delivery.uses`), and whose messages it sees."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import PermissionDenied

from contacts.api.refusals import Invalid
from delivery import uses
from delivery.models import TEST_PROVIDER, Message, Sender
from delivery.uses import Use


def use(request: Any) -> Use:
    key = request.auth
    return uses.of_key(key.pk, is_test=key.is_test, sender_ids=_allowed(request))


def chosen(by: Use, named: Sender | None) -> Sender | None:
    """As `Use.sender`. Raises Invalid."""
    try:
        return by.sender(named)
    except uses.NotAllowed as error:
        raise Invalid("sender", str(error)) from None


def of(request: Any, named: Sender | None) -> Sender | None:
    """As `chosen`, for a request that asks for one thing."""
    return chosen(use(request), named)


def check(request: Any, sender_id: int | None) -> None:
    """Whether a request may set in motion what is there already and leaves by this sender. Raises PermissionDenied."""
    allowed = _allowed(request)
    if allowed and sender_id not in allowed:
        raise PermissionDenied("This API key may use only some senders, and this leaves by another.")


def check_set_up(request: Any, sender_id: int | None) -> None:
    """Whether a request may set up what belongs to this sender; None: to the whole hub. Raises PermissionDenied."""
    allowed = _allowed(request)
    if allowed and sender_id not in allowed:
        raise PermissionDenied("This API key is bound to senders: it may set up only what is theirs.")


def visible(request: Any, senders: QuerySet[Sender]) -> QuerySet[Sender]:
    """Of these senders those that the key of a request may use."""
    if request.auth.is_test:
        return senders.filter(provider_id=TEST_PROVIDER)
    allowed = _allowed(request)
    live = senders.exclude(provider_id=TEST_PROVIDER)
    return live.filter(pk__in=allowed) if allowed else live


def seen_by(request: Any, messages: QuerySet[Message]) -> QuerySet[Message]:
    """Of these messages those that the key of a request may know of: its own, or all but test messages."""
    key = request.auth
    if key.own_messages:
        return messages.filter(request__api_key_id=key.pk)
    return messages.exclude(provider_id=TEST_PROVIDER)


def _allowed(request: Any) -> Sequence[int]:
    """Ids; empty: any."""
    found: Sequence[int] = request.auth.sender_ids
    return found
