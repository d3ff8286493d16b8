"""By which senders somebody may send: whoever acts in the name of an API key, over the API or through a door.

A test key is bound to the test carrier and sends by its sender alone. A live key has nothing to do with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from delivery import testcarrier
from delivery.models import Sender


class NotAllowed(ValueError):
    """The key may not send so; the text says what it may."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a key may send by. Read once, for one message or for thousands."""

    key_id: int
    is_test: bool
    allowed: frozenset[int]
    """Ids of senders; empty: any."""
    only: Sender | None
    """The only one that it has."""

    def sender(self, named: Sender | None) -> Sender | None:
        """The one to use: the one that was named, or the only one.

        None: the key may use any, and the routes choose. Raises NotAllowed.
        """
        if self.is_test:
            if named is not None and not testcarrier.is_its(named):
                raise NotAllowed("A test key sends by the test carrier alone: leave the sender out.")
            return self.only
        if named is None:
            if self.allowed and self.only is None:
                raise NotAllowed("This API key may use only some senders: name one of them.")
            return self.only
        if testcarrier.is_its(named) or (self.allowed and named.pk not in self.allowed):
            raise NotAllowed("This API key may not use this sender.")
        return named


def of_key(key_id: int, *, is_test: bool, sender_ids: Iterable[int]) -> Use:
    """`sender_ids`: those that the key is bound to; none: it is bound to no sender."""
    if is_test:
        return Use(key_id, is_test=True, allowed=frozenset(), only=testcarrier.sender())
    allowed = frozenset(sender_ids)
    only = testcarrier.live_senders().filter(pk__in=allowed).first() if len(allowed) == 1 else None
    return Use(key_id, is_test=False, allowed=allowed, only=only)
