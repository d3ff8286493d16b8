"""As whom a request may send: within the senders of its API key."""

from collections.abc import Sequence
from typing import Any

from rest_framework.exceptions import PermissionDenied

from contacts.api.refusals import Invalid
from delivery.models import Sender


def of(request: Any, named: Sender | None) -> Sender | None:
    """The sender to use for what a request asks: the one it named, or the only one that its key has.

    None: the key may use any, and the routes choose. Raises Invalid.
    """
    allowed = _allowed(request)
    if not allowed:
        return named
    if named is None and len(allowed) == 1:
        return Sender.objects.select_related("provider").get(pk=allowed[0])
    if named is None:
        raise Invalid("sender", "This API key may use only some senders: name one of them.")
    if named.pk not in allowed:
        raise Invalid("sender", "This API key may not use this sender.")
    return named


def check(request: Any, sender_id: int | None) -> None:
    """Whether a request may set in motion what is there already and leaves by this sender. Raises PermissionDenied."""
    allowed = _allowed(request)
    if allowed and sender_id not in allowed:
        raise PermissionDenied("This API key may use only some senders, and this leaves by another.")


def visible(request: Any, queryset: Any) -> Any:
    """Of these senders those that the key of a request may use."""
    allowed = _allowed(request)
    return queryset.filter(pk__in=allowed) if allowed else queryset


def _allowed(request: Any) -> Sequence[int]:
    """Ids; empty: any."""
    found: Sequence[int] = request.auth.sender_ids
    return found
