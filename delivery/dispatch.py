"""Dispatch: the loop that turns queued rows into texts, for one provider, in one worker.

Two things go on side by side, a few dozen times a second each:
- claiming: see how many messages may still be held (the window of requests, which adapts to refusals for speed, and
  some to go on with), take tokens from the limiter and claim that many rows, committed as `sending` under a lease;
  start their requests on this event loop, the most urgent first, each as soon as a request may be opened;
- settling: write the outcomes that have come in since the last time.

Killed at any point, nothing is sent twice: what was claimed and not settled becomes `uncertain` when its lease
ends, and the provider is asked. A worker that was asleep longer than its lease does not send what it still holds.
"""

import asyncio
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from time import monotonic
from uuid import UUID

import redis
import structlog
from django.conf import settings

from delivery import accounts, horizon, numbers, vitals
from delivery.claim import RESERVED_SHARE, claim
from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.models import Provider
from delivery.providers.base import Adapter, OutboundMessage, Outcome, SendOutcome
from delivery.routing.senders import disable_sender
from delivery.runtime import DATABASE_AWAY, Runtime, in_thread
from delivery.settle import settle
from delivery.window import Window

log = structlog.get_logger(__name__)

#: Between rounds: long enough to gather a batch, short against any provider's answer.
ROUND_SECONDS = 0.02
#: Claimed beyond the window, so that no request that may be opened waits for the database: as many as were answered
#: since the last claim, at most this share of the window. More would have its tokens from a second before last when a
#: provider that stood still goes on, and exceed a rate.
AHEAD_SHARE = 0.5
#: Without work for this long the loop ends; a wake-up or the next tick starts another.
IDLE_SECONDS = 0.5
#: A database that is away is tried again for this long while outcomes wait in memory to be settled.
SETTLE_PATIENCE_SECONDS = 300.0


@dataclass
class Dispatch:
    """One run of the loop for one provider."""

    provider: Provider
    runtime: Runtime
    adapter: Adapter
    window: Window
    floor: UUID
    """Where the queue begins."""
    ready: list[tuple[Lane, int, OutboundMessage, float]] = field(default_factory=list)
    """A heap of what is claimed and not yet sent: lane, order of claiming, the message, the end of its lease."""
    in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    outcomes: list[SendOutcome] = field(default_factory=list)
    refused_account: str = ""
    refused_senders: dict[str, str] = field(default_factory=dict)
    """Address → code, of senders that the provider will not let us use."""
    switched_off: set[str] = field(default_factory=set)
    """Those of them of which the database knows."""
    sent: int = 0
    answered: int = 0
    """Requests that ended since the last claim."""
    _order: "count[int]" = field(default_factory=count)

    @property
    def held(self) -> int:
        """Messages that are claimed and have no outcome yet."""
        return len(self.ready) + len(self.in_flight)

    async def run(self, *, seconds: float) -> int:
        """Send for about `seconds`, or until nothing was to do for a while. Returns how many were sent."""
        claiming = asyncio.create_task(self._claim_for(seconds))
        try:
            while not claiming.done() or self.outcomes:
                await self._settle()
                await asyncio.wait([claiming], timeout=ROUND_SECONDS)
        finally:
            claiming.cancel()
        return claiming.result()

    async def _claim_for(self, seconds: float) -> int:
        """Until the time is over, or nothing was to do for a while, and all that was claimed has its outcome."""
        until = monotonic() + seconds
        idle_since = monotonic()
        while True:
            stopping = monotonic() >= until or bool(self.refused_account)
            pause = ROUND_SECONDS
            if not stopping:
                claimed, wait = await self._claim()
                if claimed or self.held:
                    idle_since = monotonic()
                elif wait:
                    # Nothing is under way and the limits say when to come back: no need to ask before.
                    idle_since, pause = monotonic(), min(max(wait, ROUND_SECONDS), 1.0)
            if not self.held and (stopping or monotonic() - idle_since > IDLE_SECONDS):
                return self.sent
            await asyncio.sleep(pause)

    async def _claim(self) -> tuple[int, float]:
        """Claim what fits and start sending it. Returns how many, and the seconds that limits ask to wait."""
        ahead, self.answered = min(self.answered, int(self.window.size * AHEAD_SHARE)), 0
        window = int(self.window.size) + ahead
        room = window - self.held
        if room <= 0:
            return 0, 0.0
        lease_ends = monotonic() + settings.LEASE_SECONDS
        try:
            claimed = await claim(
                await self.runtime.connection("claiming"),
                await self.runtime.limiter(),
                provider_id=self.provider.pk,
                rate=self.provider.rate,
                window=window,
                room=room,
                lease_seconds=settings.LEASE_SECONDS,
                floor=self.floor,
            )
        except redis.RedisError as error:
            log.warning("limiter_away", provider_id=self.provider.pk, error=type(error).__name__)
            return 0, 1.0
        except DATABASE_AWAY as error:
            log.warning("database_away", provider_id=self.provider.pk, error=type(error).__name__)
            await self.runtime.leave_connection("claiming")
            return 0, 1.0
        self.outcomes += claimed.unreadable
        for message in claimed.messages:
            heappush(self.ready, (message.lane, next(self._order), message, lease_ends))
        self._open_requests()
        self.sent += len(claimed.messages)
        vitals.count("claimed", len(claimed.messages), self.provider.pk)
        vitals.count("limiter_waits", int(claimed.wait > 0), self.provider.pk)
        return len(claimed.messages), claimed.wait

    def _open_requests(self) -> None:
        """As many as the window allows; reminders and bulk leave a share of it alone."""
        while self.ready:
            lane, _, message, lease_ends = self.ready[0]
            share = 1.0 if lane < Lane.REMINDER else 1.0 - RESERVED_SHARE
            if len(self.in_flight) >= max(1, int(self.window.size * share)):
                return
            heappop(self.ready)
            task = asyncio.create_task(self._send(message, lease_ends))
            self.in_flight.add(task)
            task.add_done_callback(self._sent)

    def _sent(self, request: asyncio.Task[None]) -> None:
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
                outcome = SendOutcome(message.id, message.attempt, Outcome.UNCERTAIN, detail="adapter error")
        self.outcomes.append(outcome)
        if outcome.failure is Failure.ACCOUNT and not self.refused_account:
            self.refused_account = outcome.code or "account refused"
        if outcome.failure is Failure.SENDER:
            self.refused_senders[message.sender] = outcome.code

    def _unsent(self, message: OutboundMessage, lease_ends: float) -> SendOutcome | None:
        """Why a message is not even tried, so that it may be claimed again; None: nothing speaks against it."""
        if self.refused_account:
            failure, detail = Failure.ACCOUNT, "the account was refused meanwhile"
        elif message.sender in self.refused_senders:
            failure, detail = None, "the sender was refused meanwhile"
        elif monotonic() > lease_ends - settings.SEND_TIMEOUT:
            # Too late to be sure of an answer within the lease.
            failure, detail = None, "lease ran out unsent"
        else:
            return None
        return SendOutcome(message.id, message.attempt, Outcome.THROTTLED, failure=failure, detail=detail)

    async def _settle(self) -> None:
        """Write the outcomes that are in. They are kept in memory until the database has them."""
        batch, self.outcomes = self.outcomes, []
        if not batch:
            return
        self.window.learn(batch)
        give_up = monotonic() + SETTLE_PATIENCE_SECONDS
        while True:
            try:
                await self._write(batch)
                break
            except DATABASE_AWAY as error:
                log.warning("outcomes_wait", outcomes=len(batch), error=type(error).__name__)
                await self.runtime.leave_connection("settling")
                if monotonic() > give_up:
                    raise
                await asyncio.sleep(0.5)
        for outcome in batch:
            vitals.count("outcomes", 1, self.provider.pk, outcome.outcome, outcome.code)

    async def _write(self, batch: list[SendOutcome]) -> None:
        """All that follows from the outcomes. Safe to repeat."""
        await settle(await self.runtime.connection("settling"), batch, provider_id=self.provider.pk)
        if refusals := [(o.message_id, o.failure, o.code) for o in batch if o.failure in _LASTING]:
            await in_thread(numbers.suppress_refused, refusals)
        for sender, code in self.refused_senders.items():
            if sender not in self.switched_off:
                await in_thread(disable_sender, self.provider.pk, sender, code)
                self.switched_off.add(sender)


_LASTING: frozenset[Failure | None] = frozenset({Failure.OPTED_OUT, Failure.INVALID_NUMBER})


def dispatch(provider_id: int, *, runtime: Runtime, seconds: float) -> int:
    """Send what is queued for a provider, for about `seconds`. Returns how many messages were handed over.

    A provider that refuses our account is switched off with the reason, and what is queued for it stays queued.
    """
    provider = Provider.objects.filter(pk=provider_id, enabled=True).first()
    if provider is None:
        return 0

    floor = horizon.floor()

    async def work() -> Dispatch:
        adapter = await runtime.adapter(provider)
        window = runtime.window(provider)
        run = Dispatch(provider, runtime, adapter, window, floor)
        await run.run(seconds=seconds)
        return run

    run = runtime.run(work())
    if run.refused_account:
        accounts.disable(provider, f"The provider refuses the account (code {run.refused_account}).")
        log.error("provider_disabled", provider_id=provider.pk, code=run.refused_account)
    return run.sent
