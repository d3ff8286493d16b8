"""A provider that holds connections, whose other side is the test: what is sent lies in `sent`, `hear` brings back.

`installed` makes its kind known; a connector then builds a `Line` for each account of it, which `lines` finds.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import redis
import redis.asyncio
from django.conf import settings as django_settings

from delivery.connector import binds
from delivery.connector.holding import Connector
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import (
    Answer,
    CannotAsk,
    Connection,
    ConnectionState,
    InboundText,
    Listener,
    OutboundMessage,
    Outcome,
    ProviderConfig,
    ProviderKind,
    Question,
    Receipt,
    SendOutcome,
    Setting,
)

KIND = "line"
WINDOW = 10


@dataclass
class Line:
    config: ProviderConfig
    listener: Listener
    up: bool = True
    """Whether the other side lets anybody in."""
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    sent: list[OutboundMessage] = field(default_factory=list)
    held: int = 0
    most_held: int = 0
    closed: bool = False
    in_flight: int = 0
    asked: int = 0
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def hold(self, connections: int) -> None:
        self.held, self.most_held = connections, max(self.most_held, connections)

    def connections(self) -> Sequence[Connection]:
        state = ConnectionState.BOUND if self.up else ConnectionState.WAITING
        error = "" if self.up else "The other side refused the connection."
        return [
            Connection(str(n), state, self.since, self.in_flight if n == 1 else 0, WINDOW, error)
            for n in range(1, self.held + 1)
        ]

    async def send(self, message: OutboundMessage) -> SendOutcome:
        if not self.up or not self.held:
            return SendOutcome(message.id, message.attempt, Outcome.THROTTLED, retry_after=1)
        self.sent.append(message)
        self.in_flight += 1
        try:
            await self.answering.wait()
        finally:
            self.in_flight -= 1
        return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=known_as(message))

    async def ask(self, question: Question) -> Answer:
        self.asked += 1
        raise CannotAsk("nobody is there who could tell")

    async def close(self) -> None:
        assert not self.in_flight, "closed with requests under way"
        self.held, self.closed = 0, True


def known_as(message: OutboundMessage) -> str:
    return f"line-{message.id.hex}"


@dataclass
class Lines:
    """All that was built, by provider, in order."""

    built: list[Line] = field(default_factory=list)
    up: bool = True
    answering: bool = True

    def build(self, config: ProviderConfig, listener: Listener | None) -> Line:
        assert listener is not None
        line = Line(config, listener, up=self.up)
        if self.answering:
            line.answering.set()
        self.built.append(line)
        return line

    def of(self, provider_id: int) -> list[Line]:
        return [line for line in self.built if line.config.id == provider_id]


@contextmanager
def installed(*, connections: int = 1) -> Iterator[Lines]:
    lines = Lines()
    kind = ProviderKind(
        name=KIND,
        label="Line",
        form=[Setting("host", "Host")],
        check=lambda config: None,
        build=lines.build,
        can_ask=False,
        needs_connection=True,
        connections=lambda config: connections,
    )
    known = {**registry.kinds(), KIND: kind}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "kinds", lambda: known)
        yield lines


@contextmanager
def connector() -> Iterator[Connector]:
    """One of this process, as a connector worker has it."""
    running = Connector()
    running.start()
    try:
        yield running
    finally:
        running.close()


def say(provider: Provider, *states: ConnectionState, error: str = "", code: str = "", ago: float = 0) -> None:
    """What a connector says of the account's connections."""
    connections = [Connection(str(n), state, datetime.now(UTC), 0, 10, error, code) for n, state in enumerate(states)]
    client = redis.asyncio.Redis.from_url(django_settings.REDIS_URL)

    async def renew() -> None:
        await binds.Slots(client).renew(provider.pk, "host:1", connections, most=4)
        await client.aclose()

    asyncio.run(renew())
    if ago:
        last = int(datetime.now(UTC).timestamp() * 1e6 - ago * 1e6)
        redis.Redis.from_url(django_settings.REDIS_URL).set(binds._bound_key(provider.pk), last)


def hear(running: Connector, line: Line, heard: Sequence[Receipt | InboundText]) -> None:
    """What the other side says on the connection; returns when it would be acknowledged, raises if it would not."""
    running.runtime.run(listened(line, heard))


async def listened(line: Line, heard: Sequence[Receipt | InboundText]) -> None:
    await line.listener(heard)
