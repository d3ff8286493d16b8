"""The messages that one worker has claimed of one provider and not yet seen the end of, on its event loop.

Those that may not leave yet wait in a heap, the most urgent first; each request that is answered opens the next.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from time import monotonic

import structlog
from django.conf import settings
from django.utils.translation import gettext_noop

from delivery.errors import Failure
from delivery.lanes import URGENT, Lane
from delivery.providers.base import Adapter, OutboundMessage, Outcome, SendOutcome

log = structlog.get_logger(__name__)

# As the message's timeline has it.
_STOPPED = gettext_noop("the worker is being stopped")
_RAISED = gettext_noop("adapter error")
_ACCOUNT_REFUSED = gettext_noop("the account was refused meanwhile")
_SENDER_REFUSED = gettext_noop("the sender was refused meanwhile")
_LEASE_OVER = gettext_noop("lease ran out unsent")


@dataclass
class Sending:
    """Hand messages over with `add`; what became of them gathers in `outcomes`."""

    adapter: Adapter
    outcomes: list[SendOutcome] = field(default_factory=list)
    ready: list[tuple[Lane, int, OutboundMessage, float]] = field(default_factory=list)
    """A heap of what is not yet sent: lane, order of claiming, the message, the end of its lease."""
    in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    may_open: tuple[int, int] = (0, 0)
    """Requests that may be open: for what is urgent, and for the rest."""
    answered: int = 0
    """Requests that ended, ever."""
    refused_account: str = ""
    refused_senders: dict[str, str] = field(default_factory=dict)
    """Address → code, of senders that the provider will not let us use."""
    _order: "count[int]" = field(default_factory=count)

    @property
    def held(self) -> int:
        """Messages that have no outcome yet."""
        return len(self.ready) + len(self.in_flight)

    def add(self, messages: Iterable[OutboundMessage], *, lease_ends: float) -> None:
        """Send these, each as soon as a request may be opened, and not when its lease is about to end."""
        for message in messages:
            heappush(self.ready, (message.lane, next(self._order), message, lease_ends))
        self._open_requests()

    def stop(self) -> None:
        """Send nothing that is not on its way yet: somebody else may claim it again."""
        for _, _, message, _ in self.ready:
            outcome = SendOutcome(message.id, message.attempt, Outcome.THROTTLED, detail=_STOPPED)
            self.outcomes.append(outcome)
        self.ready.clear()

    def _open_requests(self) -> None:
        urgent, rest = self.may_open
        while self.ready:
            lane, _, message, lease_ends = self.ready[0]
            if len(self.in_flight) >= (urgent if lane in URGENT else rest):
                return
            heappop(self.ready)
            request = asyncio.create_task(self._send(message, lease_ends))
            self.in_flight.add(request)
            request.add_done_callback(self._ended)

    def _ended(self, request: asyncio.Task[None]) -> None:
        self.in_flight.discard(request)
        self.answered += 1
        self._open_requests()

    async def _send(self, message: OutboundMessage, lease_ends: float) -> None:
        outcome = self._unsent(message, lease_ends)
        if outcome is None:
            try:
                outcome = await self.adapter.send(message)
            except Exception as error:
                log.exception("adapter_raised", message_id=str(message.id), error=type(error).__name__)
                outcome = SendOutcome(message.id, message.attempt, Outcome.UNCERTAIN, detail=_RAISED)
        self.outcomes.append(outcome)
        if outcome.failure is Failure.ACCOUNT and not self.refused_account:
            self.refused_account = outcome.code or "account refused"
        if outcome.failure is Failure.SENDER:
            self.refused_senders[message.sender] = outcome.code

    def _unsent(self, message: OutboundMessage, lease_ends: float) -> SendOutcome | None:
        """Why a message is not even tried, so that it may be claimed again; None: nothing speaks against it."""
        if self.refused_account:
            failure, detail = Failure.ACCOUNT, _ACCOUNT_REFUSED
        elif message.sender in self.refused_senders:
            failure, detail = None, _SENDER_REFUSED
        elif monotonic() > lease_ends - settings.SEND_TIMEOUT:
            # Too late to be sure of an answer within the lease.
            failure, detail = None, _LEASE_OVER
        else:
            return None
        return SendOutcome(message.id, message.attempt, Outcome.THROTTLED, failure=failure, detail=detail)
