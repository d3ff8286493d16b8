"""Dispatch: the loop that turns queued rows into texts, for one provider, in one worker.

Two things go on side by side, a few dozen times a second each:
- claiming: take tokens, and a share of the requests that may be open, from the limiter; claim that many rows and a few
  to go on with, committed as `sending` under a lease; start their requests (`delivery.sending`);
- settling: write the outcomes that have come in since the last time, and slow down what they say is too fast.

A run ends after some seconds, and after a moment if another provider waits for a worker. It goes on a little longer
where answers are late, and while its last requests are under way it still claims what is urgent. In a connector
(`delivery.connector`) each account has a run of its own, which ends when there is nothing to do.

Killed at any point, nothing is sent twice: what was claimed and not settled becomes `uncertain` when its lease
ends, and the provider is asked. A worker that was asleep longer than its lease does not send what it still holds.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from delivery import accounts, horizon, numbers, slowing, vitals, wake
from delivery.claim import Claimed, claim
from delivery.errors import Failure
from delivery.ids import ANYTIME
from delivery.lanes import URGENT, Lane
from delivery.limiter import Bucket, Requests, account_bucket, this_process
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import SendOutcome
from delivery.routing.senders import disable_sender
from delivery.runtime import DATABASE_AWAY, Runtime, in_thread
from delivery.sending import Sending
from delivery.settle import settle

log = structlog.get_logger(__name__)

#: Between rounds: long enough to gather a batch, short against any provider's answer.
ROUND_SECONDS = 0.05
#: Claimed beyond the requests that may be open, so that none of them waits for the database: as many as were answered
#: since the last claim, at most this share of all. More would have its tokens from a second before last when a
#: provider that stood still goes on, and exceed a rate.
AHEAD_SHARE = 0.5
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
#: A database that is away is tried again for this long while outcomes wait in memory to be settled.
SETTLE_PATIENCE_SECONDS = 300.0


@dataclass
class Dispatch:
    """One run of the loop for one provider."""

    provider: Provider
    runtime: Runtime
    sending: Sending
    others: Sequence[int] = ()
    """Other providers, which may be waiting for this worker."""
    floor: UUID = ANYTIME
    """Where the queue begins."""
    capacity: Callable[[], int] | None = None
    """How many requests the adapter can have open at this moment, where that changes. 0: nothing is claimed."""
    ahead_share: float = AHEAD_SHARE
    apart: str = ""
    """Of runs that go on at the same time in one process, each has database connections of its own by this name."""
    stopped: bool = False
    sent: int = 0
    switched_off: set[str] = field(default_factory=set)
    """Refused senders of which the database knows."""
    yielding: bool = False
    claiming: bool = False
    """Whether more may have been granted than is known to `sending` yet."""
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)
    looked_at: float = field(default_factory=monotonic)
    answered: int = 0
    """Requests that had ended at the last claim."""
    away_until: float = 0.0
    """When to try again after the limiter or the database was away."""

    async def run(self, *, seconds: float) -> int:
        """Send for about `seconds`, or until nothing was to do for a while. Returns how many were sent."""
        claiming = asyncio.create_task(self._claim_for(seconds))
        keeping = asyncio.create_task(self._keep_share())
        try:
            while not claiming.done() or self.sending.outcomes:
                await self._settle()
                await asyncio.wait([claiming], timeout=ROUND_SECONDS)
            await claiming
        finally:
            claiming.cancel()
            keeping.cancel()
            with suppress(redis.RedisError):
                await (await self.runtime.limiter()).leave(self._account, this_process())
        return self.sent

    def stop(self) -> None:
        """Claim nothing more, send nothing that is not on its way; `run` returns when all has its outcome."""
        self.stopped = True
        self.sending.stop()

    async def _claim_for(self, seconds: float) -> None:
        """Until the time is over, or nothing was to do for a while, and all that was claimed has its outcome."""
        until = monotonic() + seconds
        idle_since = monotonic()
        overdue: set[asyncio.Task[None]] | None = None
        urgent_until = 0.0
        while True:
            if monotonic() < until and self._somebody_waits():
                until, self.yielding = monotonic(), True
            stopping = self.stopped or monotonic() >= until or bool(self.sending.refused_account)
            pause = ROUND_SECONDS
            if not stopping:
                claimed, wait = await self._claim(tuple(Lane))
                if claimed or self.sending.held:
                    idle_since = monotonic()
                elif wait:
                    # Nothing is under way and the limits say when to come back: no need to ask much before.
                    idle_since, pause = monotonic(), min(max(wait, ROUND_SECONDS), LONGEST_PAUSE_SECONDS)
            elif self.sending.held and not self.sending.refused_account:
                # One answer that is late must keep nobody else waiting, and what is urgent waits for none.
                under_way = self.sending.in_flight
                overdue = set(under_way) if overdue is None else overdue & under_way
                if overdue and not self.yielding and monotonic() < until + settings.SEND_TIMEOUT:
                    await self._claim(tuple(Lane))
                    urgent_until = monotonic() + settings.SEND_TIMEOUT
                elif monotonic() < max(urgent_until, until + settings.SEND_TIMEOUT):
                    await self._claim(URGENT)
            if not self.sending.held and (stopping or monotonic() - idle_since > IDLE_SECONDS):
                return
            await asyncio.sleep(pause)

    def _somebody_waits(self) -> bool:
        if not self.others or monotonic() < max(self.looked_at + MOMENT_SECONDS, self.away_until):
            return False
        self.looked_at = monotonic()
        return wake.still_asleep(self.others)

    async def _claim(self, lanes: Sequence[Lane]) -> tuple[int, float]:
        """Claim what fits and start sending it. Returns how many, and the seconds that limits ask to wait."""
        requests = self._requests()
        if not self._may_claim() or monotonic() < self.away_until or requests.room <= 0:
            return 0, max(0.0, self.away_until - monotonic())
        self.answered = self.sending.answered
        lease_ends = monotonic() + settings.LEASE_SECONDS
        self.claiming = True
        try:
            async with self.renewing:
                pass  # a renewal that knows nothing of this claim reaches Redis before it
            claimed = await self._ask_for(requests, lanes)
        except (redis.RedisError, *DATABASE_AWAY) as error:
            away = "limiter_away" if isinstance(error, redis.RedisError) else "database_away"
            log.warning(away, provider_id=self.provider.pk, error=type(error).__name__)
            self.away_until = monotonic() + AWAY_SECONDS
            await self.runtime.leave_connection(f"claiming{self.apart}")
            return 0, AWAY_SECONDS
        finally:
            self.claiming = False
        if claimed.may_open:
            self.sending.may_open = self._bounded(*claimed.may_open)
        self.sending.outcomes += claimed.unreadable
        self.sending.add(claimed.messages, lease_ends=lease_ends)
        if self.stopped:
            self.sending.stop()
        self.sent += len(claimed.messages)
        vitals.count("claimed", len(claimed.messages), self.provider.pk)
        vitals.count("limiter_waits", int(claimed.wait > 0), self.provider.pk)
        return len(claimed.messages), claimed.wait

    async def _ask_for(self, requests: Requests, lanes: Sequence[Lane]) -> Claimed:
        return await claim(
            await self.runtime.connection(f"claiming{self.apart}"),
            await self.runtime.limiter(),
            self.runtime.turns[self.provider.pk],
            provider_id=self.provider.pk,
            rate=self.provider.rate,
            requests=requests,
            lease_seconds=settings.LEASE_SECONDS,
            lanes=lanes,
            floor=self.floor,
        )

    def _may_claim(self) -> bool:
        if self.stopped or self.capacity is None:
            return not self.stopped
        most = self.capacity()
        return len(self.sending.ready) < most and self.sending.held < most * (1 + self.ahead_share)

    def _bounded(self, urgent: int, rest: int) -> tuple[int, int]:
        most = max(urgent, rest) if self.capacity is None else self.capacity()
        return min(urgent, most), min(rest, most)

    @property
    def _account(self) -> Bucket:
        return account_bucket(self.provider.pk, self.provider.rate)

    def _requests(self) -> Requests:
        most, sending = self.provider.max_in_flight, self.sending
        return Requests(
            this_process(),
            open=len(sending.in_flight),
            most=most,
            ready=len(sending.ready),
            ahead=min(sending.answered - self.answered, int(most * self.ahead_share)),
        )

    async def _keep_share(self) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            limiter = await self.runtime.limiter()
            with suppress(redis.RedisError):
                if self.claiming:
                    await limiter.keep(self._account, self._share(), claiming=True)
                else:
                    async with self.renewing:
                        await limiter.keep(self._account, self._share(), claiming=False)

    def _share(self) -> Requests:
        """What it has open, and will have without asking again."""
        will_open = min(self.sending.held, self.sending.may_open[0])
        share = max(len(self.sending.in_flight), will_open)
        return Requests(this_process(), open=share, most=self.provider.max_in_flight)

    async def _settle(self) -> None:
        """Write the outcomes that are in. They are kept in memory until the database has them."""
        batch, self.sending.outcomes = self.sending.outcomes, []
        if not batch:
            return
        give_up = monotonic() + SETTLE_PATIENCE_SECONDS
        while True:
            try:
                await self._write(batch)
                break
            except DATABASE_AWAY as error:
                log.warning("outcomes_wait", outcomes=len(batch), error=type(error).__name__)
                await self.runtime.leave_connection(f"settling{self.apart}")
                if monotonic() > give_up:
                    raise
                await asyncio.sleep(0.5)
        for outcome in batch:
            vitals.count("outcomes", 1, self.provider.pk, outcome.outcome, outcome.code)

    async def _write(self, batch: list[SendOutcome]) -> None:
        """All that follows from the outcomes. Safe to repeat."""
        connection = await self.runtime.connection(f"settling{self.apart}")
        await settle(connection, batch, provider_id=self.provider.pk)
        if too_fast := self.runtime.answers[self.provider.pk].too_fast(batch):
            await in_thread(slowing.learn, self.provider.pk, too_fast)
        if refusals := [(o.message_id, o.failure, o.code) for o in batch if o.failure in _LASTING]:
            await in_thread(numbers.suppress_refused, refusals)
        for sender, code in list(self.sending.refused_senders.items()):
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
    others = Provider.objects.filter(enabled=True).exclude(pk=provider_id).exclude(adapter__in=registry.connected())
    waiting = list(others.values_list("pk", flat=True))
    floor = horizon.floor()

    async def work() -> Dispatch:
        run = Dispatch(provider, runtime, Sending(await runtime.adapter(provider)), waiting, floor)
        await run.run(seconds=seconds)
        return run

    run = runtime.run(work())
    switch_off_if_refused(run)
    return run.sent


def switch_off_if_refused(run: Dispatch) -> None:
    code = run.sending.refused_account
    if not code:
        return
    if accounts.refuse(run.provider, _("The provider refuses the account (code %(code)s).") % {"code": code}):
        log.error("provider_disabled", provider_id=run.provider.pk, code=code)
