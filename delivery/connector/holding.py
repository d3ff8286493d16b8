"""The connections of one process: taken up, told how many they may be, sent and listened on, given up.

All of it goes on on one event loop that always runs. Each account has its own task that sends what is queued for it, so
that none waits for another; while none of its connections is up nothing is claimed. What is heard is stored before it
is acknowledged, whether anything is being sent or not.

Killed at any point, what was under way becomes `uncertain` when its lease ends, as with any dispatch worker.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import redis
import structlog
from django.db import connection as database

from delivery import accounts, horizon
from delivery.connector.binds import RENEW_SECONDS, Slots, is_up
from delivery.dispatch import Dispatch, switch_off_if_refused
from delivery.ids import ANYTIME
from delivery.inbound.store import store
from delivery.limiter import this_process
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import ConnectedAdapter, InboundText, Listener, Receipt
from delivery.receipts.group import GroupCommit
from delivery.runtime import AlwaysRunning, Runtime, in_thread
from delivery.sending import Sending
from delivery.states import Status

log = structlog.get_logger(__name__)

#: How often the accounts and their queues are looked at; wake-ups are sooner.
LOOK_SECONDS = 1.0
#: A run of the loop that sends. What it remembers of refused senders is forgotten with it.
RUN_SECONDS = 60.0
#: As in `delivery.dispatch`. A window is small and answered within milliseconds: it is to be filled again several times
#: before the next claim. What is ahead is never more than was answered since the last one.
AHEAD_SHARE = 3.0
#: After trouble that nobody foresaw.
PAUSE_SECONDS = 1.0
#: What a process is given to drain and give up all that it holds; containers give it 90 seconds.
CLOSE_SECONDS = 60.0

_QUEUED = f"""
SELECT provider.id,
       (SELECT true FROM delivery_message
        WHERE provider_id = provider.id AND status = '{Status.QUEUED}' AND id >= %(floor)s
        ORDER BY lane, campaign_id, sender_id, country, created_at LIMIT 1)
FROM unnest(%(ids)s::bigint[]) AS provider (id)
"""


@dataclass
class Held:
    """One account that this process has an adapter of."""

    provider: Provider
    version: str
    adapter: ConnectedAdapter
    most: int
    """Connections that the account allows over all workers."""
    wants: bool = True
    """Whether connections are wanted at all: a person may have said that none be held."""
    floor: UUID = ANYTIME
    slots: int = 0
    work: asyncio.Event = field(default_factory=asyncio.Event)
    run: Dispatch | None = None
    serving: asyncio.Task[None] | None = None
    ending: asyncio.Task[None] | None = None

    @property
    def called(self) -> str:
        """What sets its database connections apart."""
        return f" of {self.provider.pk}"

    def capacity(self) -> int:
        """Requests that may be open on the connections that are up."""
        return sum(each.window for each in self.adapter.connections() if is_up(each))


@dataclass(frozen=True, slots=True)
class _Wanted:
    provider: Provider
    queued: bool
    floor: UUID


class Connector:
    """Start it once in a process; `close` gives everything up. The other methods may be called from any thread."""

    def __init__(self) -> None:
        self.loop = AlwaysRunning()
        self.runtime = Runtime(self.loop)
        self.held: dict[int, Held] = {}
        self._receipts = GroupCommit()
        self._going: list[asyncio.Task[None]] = []
        self._closing = False

    def start(self) -> None:
        async def begin() -> None:
            self._going = [asyncio.create_task(self._look_after()), asyncio.create_task(self._keep_slots())]

        self.runtime.run(begin())

    def wake(self, provider_id: int) -> None:
        """The account has messages to send."""
        self.loop.loop.call_soon_threadsafe(self._wake, provider_id)

    def holds(self, provider_id: int) -> bool:
        return provider_id in self.held

    def close(self) -> None:
        """Drain, settle, give up every connection; what is not done in CLOSE_SECONDS is left."""
        self.runtime.run(self._close())
        self.loop.close()

    def _wake(self, provider_id: int) -> None:
        if held := self.held.get(provider_id):
            held.work.set()

    async def _close(self) -> None:
        self._closing = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                for held in list(self.held.values()):
                    self._give_up(held)
                await asyncio.gather(*(held.ending for held in list(self.held.values()) if held.ending))
                await self._receipts.close()
        except TimeoutError:
            log.error("connections_not_given_up", providers=sorted(self.held))
        for task in self._going:
            task.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)

    # --- which accounts ---------------------------------------------------------------------------------------

    async def _look_after(self) -> None:
        while not self._closing:
            try:
                self._take(await in_thread(_wanted))
            except Exception as error:
                # What is held stays: a database that is away is no reason to stop listening.
                log.warning("accounts_not_read", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    def _take(self, wanted: Iterable[_Wanted]) -> None:
        if self._closing:
            return
        now = {each.provider.pk: each for each in wanted}
        for provider_id, held in list(self.held.items()):
            if provider_id not in now or accounts.config_version(now[provider_id].provider) != held.version:
                self._give_up(held)  # and taken up again at a later look, when nothing is left of it
        for provider_id, each in now.items():
            if provider_id not in self.held:
                asyncio.create_task(self._take_up(each.provider))  # noqa: RUF006  (looked for again in a second)
                continue
            held = self.held[provider_id]
            held.wants, held.floor = each.provider.unbound_at is None, each.floor
            if each.queued:
                held.work.set()

    async def _take_up(self, provider: Provider) -> None:
        kind = registry.kind(provider.adapter)
        try:
            config = await in_thread(accounts.provider_config, provider)
            most = await in_thread(accounts.connections_allowed, provider)
            if provider.pk in self.held or self._closing:
                return
            adapter = cast(ConnectedAdapter, kind.build(config, self._listener(provider.pk)))
        except Exception as error:
            log.exception("account_not_taken_up", provider_id=provider.pk, error=type(error).__name__)
            return
        version = accounts.config_version(provider)
        held = Held(provider, version, adapter, most, wants=provider.unbound_at is None)
        self.held[provider.pk] = held
        self.runtime.adapters[provider.pk] = (version, adapter)
        held.serving = asyncio.create_task(self._serve(held))
        await self._renew(held)

    def _give_up(self, held: Held) -> None:
        if held.ending is None:
            held.ending = asyncio.create_task(self._end(held))

    async def _end(self, held: Held) -> None:
        held.wants = False
        if held.run:
            held.run.stop()
        held.work.set()
        if held.serving:
            await held.serving
        held.adapter.hold(0)
        try:
            await held.adapter.close()
        except Exception as error:
            log.exception("adapter_not_closed", provider_id=held.provider.pk, error=type(error).__name__)
        del self.held[held.provider.pk], self.runtime.adapters[held.provider.pk]
        with suppress(redis.RedisError):
            await (await self._slots()).leave(held.provider.pk, this_process())
        for purpose in ("claiming", "settling"):
            await self.runtime.leave_connection(purpose + held.called)

    # --- how many connections -----------------------------------------------------------------------------------

    async def _keep_slots(self) -> None:
        while True:
            await asyncio.gather(*(self._renew(held) for held in self.held.values()))
            await asyncio.sleep(RENEW_SECONDS)

    async def _renew(self, held: Held) -> None:
        try:
            slots = await (await self._slots()).renew(
                held.provider.pk, this_process(), held.adapter.connections(), most=held.most, wants=held.wants
            )
            if held.ending is None and slots != held.slots:
                held.adapter.hold(slots)
                held.slots = slots
        except redis.RedisError as error:
            log.warning("slots_not_renewed", provider_id=held.provider.pk, error=type(error).__name__)
        except Exception as error:
            log.exception("adapter_raised", provider_id=held.provider.pk, error=type(error).__name__)

    async def _slots(self) -> Slots:
        return Slots(await self.runtime.redis())

    # --- sending and hearing ------------------------------------------------------------------------------------

    async def _serve(self, held: Held) -> None:
        while held.ending is None:
            await held.work.wait()
            held.work.clear()
            if held.ending is None and held.wants and held.capacity():
                try:
                    await self._send(held)
                except Exception as error:
                    log.exception("sending_failed", provider_id=held.provider.pk, error=type(error).__name__)
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _send(self, held: Held) -> None:
        held.run = run = Dispatch(
            held.provider,
            self.runtime,
            Sending(held.adapter),
            floor=held.floor,
            capacity=lambda: held.capacity() if held.wants else 0,
            ahead_share=AHEAD_SHARE,
            apart=held.called,
        )
        try:
            if await run.run(seconds=RUN_SECONDS):
                held.work.set()
        finally:
            held.run = None
        await in_thread(switch_off_if_refused, run)

    def _listener(self, provider_id: int) -> Listener:
        async def store_what_was_heard(heard: Sequence[Receipt | InboundText]) -> None:
            if self._receipts.full:
                raise RuntimeError("too much that was heard waits to be stored")
            await self._receipts.store(provider_id, [each for each in heard if isinstance(each, Receipt)])
            for text in heard:
                if isinstance(text, InboundText):
                    await in_thread(store, provider_id, text)

        return store_what_was_heard


def _wanted() -> list[_Wanted]:
    """The accounts that want connections, and which of them have something to send."""
    providers = list(Provider.objects.filter(enabled=True, adapter__in=registry.connected()).defer("credentials"))
    if not providers:
        return []
    floor = horizon.floor()
    with database.cursor() as cursor:
        cursor.execute(_QUEUED, {"ids": [provider.pk for provider in providers], "floor": floor})
        queued = dict(cursor.fetchall())
    return [_Wanted(provider, bool(queued[provider.pk]), floor) for provider in providers]
