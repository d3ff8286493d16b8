"""Dispatch: the loop that turns queued rows into texts, for one provider, in one worker.

Each round, a few dozen times a second:
1. settle the outcomes that have come in since the last round;
2. see how many requests may still be opened (the window, which adapts to refusals for speed);
3. take tokens from the limiter and claim that many rows, committed as `sending` under a lease;
4. start their requests on this event loop, and come back while they are under way.

Killed at any point, nothing is sent twice: what was claimed and not settled becomes `uncertain` when its lease
ends, and the provider is asked. A worker that was asleep longer than its lease does not send what it still holds.
"""

import asyncio
from dataclasses import dataclass, field
from time import monotonic

import psycopg
import redis
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings

from delivery import accounts, numbers, vitals
from delivery.claim import claim
from delivery.errors import Failure
from delivery.models import Provider
from delivery.providers.base import Adapter, OutboundMessage, Outcome, SendOutcome
from delivery.routing.senders import disable_sender
from delivery.runtime import Runtime
from delivery.settle import settle
from delivery.window import Window

log = structlog.get_logger(__name__)

#: Between rounds: long enough to gather a batch, short against any provider's answer.
ROUND_SECONDS = 0.02
#: Without work for this long the loop ends; a wake-up or the next tick starts another.
IDLE_SECONDS = 0.5
#: A database that is away is tried again for this long while outcomes wait to be settled.
SETTLE_PATIENCE_SECONDS = 30.0


@dataclass
class Dispatch:
    """One run of the loop for one provider."""

    provider: Provider
    runtime: Runtime
    adapter: Adapter
    window: Window
    in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    outcomes: list[SendOutcome] = field(default_factory=list)
    refused_account: str = ""
    refused_senders: dict[str, str] = field(default_factory=dict)
    """Address → code, of senders that the provider will not let us use."""
    sent: int = 0

    async def run(self, *, seconds: float) -> int:
        """Send for about `seconds`, or until nothing was to do for a while. Returns how many were sent."""
        until = monotonic() + seconds
        idle_since = monotonic()
        while True:
            await self._settle()
            stopping = monotonic() >= until or bool(self.refused_account)
            pause = ROUND_SECONDS
            if not stopping:
                claimed, wait = await self._claim()
                if claimed or self.in_flight:
                    idle_since = monotonic()
                elif wait:
                    # Nothing is under way and the limits say when to come back: no need to ask before.
                    idle_since, pause = monotonic(), min(max(wait, ROUND_SECONDS), 1.0)
            quiet = not self.in_flight and not self.outcomes
            if quiet and (stopping or monotonic() - idle_since > IDLE_SECONDS):
                return self.sent
            await asyncio.sleep(pause)

    async def _claim(self) -> tuple[int, float]:
        """Claim what fits and start sending it. Returns how many, and the seconds that limits ask to wait."""
        room = int(self.window.size) - len(self.in_flight)
        if room <= 0:
            return 0, 0.0
        lease_ends = monotonic() + settings.LEASE_SECONDS
        try:
            claimed = await claim(
                await self.runtime.connection(),
                await self.runtime.limiter(),
                provider_id=self.provider.pk,
                rate=self.provider.rate,
                window=int(self.window.size),
                room=room,
                lease_seconds=settings.LEASE_SECONDS,
            )
        except redis.RedisError as error:
            log.warning("limiter_away", provider_id=self.provider.pk, error=type(error).__name__)
            return 0, 1.0
        except psycopg.OperationalError as error:
            log.warning("database_away", provider_id=self.provider.pk, error=type(error).__name__)
            return 0, 1.0
        for message in claimed.messages:
            task = asyncio.create_task(self._send(message, lease_ends))
            self.in_flight.add(task)
            task.add_done_callback(self.in_flight.discard)
        self.sent += len(claimed.messages)
        vitals.count("claimed", len(claimed.messages), self.provider.pk)
        vitals.count("limiter_waits", int(claimed.wait > 0), self.provider.pk)
        return len(claimed.messages), claimed.wait

    async def _send(self, message: OutboundMessage, lease_ends: float) -> None:
        if monotonic() > lease_ends - settings.SEND_TIMEOUT:
            # Too late to be sure of answering within the lease: certainly not sent, so it may be claimed again.
            outcome = SendOutcome(message.id, message.attempt, Outcome.THROTTLED, detail="lease ran out unsent")
        else:
            try:
                outcome = await self.adapter.send(message)
            except Exception as error:
                log.exception("adapter_raised", message_id=str(message.id), error=type(error).__name__)
                outcome = SendOutcome(message.id, message.attempt, Outcome.UNCERTAIN, detail="adapter error")
        self.outcomes.append(outcome)
        if outcome.failure is Failure.ACCOUNT:
            self.refused_account = outcome.code or "account refused"
        if outcome.failure is Failure.SENDER and message.sender not in self.refused_senders:
            self.refused_senders[message.sender] = outcome.code
            await sync_to_async(disable_sender)(self.provider.pk, message.sender, outcome.code)

    async def _settle(self) -> None:
        """Write the outcomes that are in. They are kept in memory until the database has them."""
        batch, self.outcomes = self.outcomes, []
        if not batch:
            return
        self.window.learn(batch)
        give_up = monotonic() + SETTLE_PATIENCE_SECONDS
        while True:
            try:
                await settle(await self.runtime.connection(), batch, provider_id=self.provider.pk)
                break
            except psycopg.OperationalError:
                if monotonic() > give_up:
                    raise
                await asyncio.sleep(0.5)
        for outcome in batch:
            vitals.count("outcomes", 1, self.provider.pk, outcome.outcome, outcome.code)
        refusals = [(o.message_id, o.failure, o.code) for o in batch if o.failure in _LASTING]
        if refusals:
            await sync_to_async(numbers.suppress_refused)(refusals)


_LASTING: frozenset[Failure | None] = frozenset({Failure.OPTED_OUT, Failure.INVALID_NUMBER})


def dispatch(provider_id: int, *, runtime: Runtime, seconds: float) -> int:
    """Send what is queued for a provider, for about `seconds`. Returns how many messages were handed over.

    A provider that refuses our account is switched off with the reason, and what is queued for it stays queued.
    """
    provider = Provider.objects.filter(pk=provider_id, enabled=True).first()
    if provider is None:
        return 0

    async def work() -> Dispatch:
        adapter = await runtime.adapter(provider)
        window = runtime.window(provider)
        run = Dispatch(provider, runtime, adapter, window)
        await run.run(seconds=seconds)
        return run

    run = runtime.run(work())
    if run.refused_account:
        accounts.disable(provider, f"The provider refuses the account (code {run.refused_account}).")
        log.error("provider_disabled", provider_id=provider.pk, code=run.refused_account)
    return run.sent
