"""Dispatch: the loop that turns queued rows into texts, for one provider, in one worker.

Each round, a few dozen times a second:
1. settle the outcomes that have come in since the last round, and slow down what they say is too fast;
2. take tokens, and a share of the requests that may be open, from the limiter;
3. claim that many rows, committed as `sending` under a lease;
4. start their requests on this event loop, and come back while they are under way.

A run ends after some seconds, and after a moment if another provider waits for a worker. It goes on a little longer
where answers are late, and while its last requests are under way it still claims what is urgent.

Killed at any point, nothing is sent twice: what was claimed and not settled becomes `uncertain` when its lease
ends, and the provider is asked. A worker that was asleep longer than its lease does not send what it still holds.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

import psycopg
import redis
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings

from delivery import accounts, numbers, routing, slowing, vitals, wake
from delivery.claim import claim
from delivery.errors import Failure
from delivery.lanes import URGENT, Lane
from delivery.limiter import Bucket, Requests, account_bucket, this_process
from delivery.models import Provider
from delivery.providers.base import Adapter, OutboundMessage, Outcome, SendOutcome
from delivery.runtime import Runtime
from delivery.settle import settle
from delivery.slowing import Refusal

log = structlog.get_logger(__name__)

#: Between rounds: long enough to gather a batch, short against any provider's answer.
ROUND_SECONDS = 0.02
#: Without work for this long the loop ends; a wake-up or the next tick starts another.
IDLE_SECONDS = 0.5
#: So long a run goes on though another provider waits, and so often it looks.
MOMENT_SECONDS = 0.25
#: However long the limits ask to wait: something more urgent may come, for which there is a reserve.
LONGEST_PAUSE_SECONDS = 0.1
#: How often a worker renews its share of the open requests, whatever else it is busy with.
KEEP_SECONDS = 1.0
#: A limiter or a database that is away is asked again after this long; requests under way go on.
AWAY_SECONDS = 1.0
#: A database that is away is tried again for this long while outcomes wait to be settled.
SETTLE_PATIENCE_SECONDS = 30.0


@dataclass
class Dispatch:
    """One run of the loop for one provider."""

    provider: Provider
    runtime: Runtime
    adapter: Adapter
    in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    outcomes: list[SendOutcome] = field(default_factory=list)
    refused_account: str = ""
    refused_senders: dict[str, str] = field(default_factory=dict)
    """Address → code, of senders that the provider will not let us use."""
    sent: int = 0
    others: Sequence[int] = ()
    """Other providers, which may be waiting for this worker."""
    yielding: bool = False
    claiming: bool = False
    """Whether more may have been granted than is known in `in_flight` yet."""
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)
    looked_at: float = field(default_factory=monotonic)
    away_until: float = 0.0
    """When to try again after the limiter or the database was away."""

    async def run(self, *, seconds: float) -> int:
        """Send for about `seconds`, or until nothing was to do for a while. Returns how many were sent."""
        keeping = asyncio.create_task(self._keep_share())
        try:
            await self._rounds(until=monotonic() + seconds)
        finally:
            keeping.cancel()
            with suppress(redis.RedisError):
                await (await self.runtime.limiter()).leave(self._account, this_process())
        return self.sent

    async def _rounds(self, *, until: float) -> None:
        idle_since = monotonic()
        overdue: set[asyncio.Task[None]] | None = None
        urgent_until = 0.0
        while True:
            await self._settle()
            if monotonic() < until and self._somebody_waits():
                until, self.yielding = monotonic(), True
            stopping = monotonic() >= until or bool(self.refused_account)
            pause = ROUND_SECONDS
            if not stopping:
                claimed, wait = await self._claim(tuple(Lane))
                if claimed or self.in_flight:
                    idle_since = monotonic()
                elif wait:
                    # Nothing is under way and the limits say when to come back: no need to ask much before.
                    idle_since, pause = monotonic(), min(max(wait, ROUND_SECONDS), LONGEST_PAUSE_SECONDS)
            elif self.in_flight and not self.refused_account:
                # One answer that is late must keep nobody else waiting, and what is urgent waits for none.
                overdue = set(self.in_flight) if overdue is None else overdue & self.in_flight
                if overdue and not self.yielding and monotonic() < until + settings.SEND_TIMEOUT:
                    await self._claim(tuple(Lane))
                    urgent_until = monotonic() + settings.SEND_TIMEOUT
                elif monotonic() < max(urgent_until, until + settings.SEND_TIMEOUT):
                    await self._claim(URGENT)
            quiet = not self.in_flight and not self.outcomes
            if quiet and (stopping or monotonic() - idle_since > IDLE_SECONDS):
                return
            await asyncio.sleep(pause)

    def _somebody_waits(self) -> bool:
        if not self.others or monotonic() < max(self.looked_at + MOMENT_SECONDS, self.away_until):
            return False
        self.looked_at = monotonic()
        return wake.still_asleep(self.others)

    async def _claim(self, lanes: Sequence[Lane]) -> tuple[int, float]:
        """Claim what fits and start sending it. Returns how many, and the seconds that limits ask to wait."""
        if monotonic() < self.away_until or len(self.in_flight) >= self.provider.max_in_flight:
            return 0, max(0.0, self.away_until - monotonic())
        lease_ends = monotonic() + settings.LEASE_SECONDS
        self.claiming = True
        async with self.renewing:
            pass  # a renewal that knows nothing of this claim reaches Redis before it
        try:
            claimed = await claim(
                await self.runtime.connection(),
                await self.runtime.limiter(),
                self.runtime.turns[self.provider.pk],
                provider_id=self.provider.pk,
                rate=self.provider.rate,
                requests=self._requests,
                lease_seconds=settings.LEASE_SECONDS,
                lanes=lanes,
            )
        except (redis.RedisError, psycopg.OperationalError) as error:
            away = "limiter_away" if isinstance(error, redis.RedisError) else "database_away"
            log.warning(away, provider_id=self.provider.pk, error=type(error).__name__)
            self.away_until = monotonic() + AWAY_SECONDS
            return 0, AWAY_SECONDS
        finally:
            self.claiming = False
        for message in claimed.messages:
            task = asyncio.create_task(self._send(message, lease_ends))
            self.in_flight.add(task)
            task.add_done_callback(self.in_flight.discard)
        self.sent += len(claimed.messages)
        vitals.count("claimed", len(claimed.messages), self.provider.pk)
        vitals.count("limiter_waits", int(claimed.wait > 0), self.provider.pk)
        return len(claimed.messages), claimed.wait

    @property
    def _account(self) -> Bucket:
        return account_bucket(self.provider.pk, self.provider.rate)

    @property
    def _requests(self) -> Requests:
        return Requests(this_process(), open=len(self.in_flight), most=self.provider.max_in_flight)

    async def _keep_share(self) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            limiter = await self.runtime.limiter()
            with suppress(redis.RedisError):
                if self.claiming:
                    await limiter.keep(self._account, self._requests, claiming=True)
                else:
                    async with self.renewing:
                        await limiter.keep(self._account, self._requests, claiming=False)

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
            await sync_to_async(routing.disable_sender)(self.provider.pk, message.sender, outcome.code)

    async def _settle(self) -> None:
        """Write the outcomes that are in. They are kept in memory until the database has them."""
        batch, self.outcomes = self.outcomes, []
        if not batch:
            return
        give_up = monotonic() + SETTLE_PATIENCE_SECONDS
        while True:
            try:
                await settle(await self.runtime.connection(), batch)
                break
            except psycopg.OperationalError:
                if monotonic() > give_up:
                    raise
                await asyncio.sleep(0.5)
        for outcome in batch:
            vitals.count("outcomes", 1, self.provider.pk, outcome.outcome, outcome.code)
        too_fast = [Refusal(o.message_id, o.slows, o.code) for o in batch if o.slows]
        if too_fast:
            await sync_to_async(slowing.learn)(self.provider.pk, too_fast)
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
    others = list(Provider.objects.filter(enabled=True).exclude(pk=provider_id).values_list("pk", flat=True))

    async def work() -> Dispatch:
        adapter = await runtime.adapter(provider)
        run = Dispatch(provider, runtime, adapter, others=others)
        await run.run(seconds=seconds)
        return run

    run = runtime.run(work())
    if run.refused_account:
        accounts.disable(provider, f"The provider refuses the account (code {run.refused_account}).")
        log.error("provider_disabled", provider_id=provider.pk, code=run.refused_account)
    return run.sent
