"""Which worker may hold how many connections of an account, and what each of them is doing: kept in Redis.

A worker renews its slots each second and says what became of its connections. Slots held never sum above what the
account allows: a worker gets more only when others have given theirs up, or have been silent for LEASE_SECONDS. Without
Redis everybody keeps what they have and opens nothing beyond it.

A worker that slept for longer than its lease still has its connections when it wakes; until it is told to give them up
the account may have more of them open than it allows, and the other side refuses what is too many.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import redis.asyncio
from django.conf import settings

from delivery import vitals
from delivery.providers.base import Connection, ConnectionState

RENEW_SECONDS = 1.0
LEASE_SECONDS = 4.0
#: In so long a time each worker has said what it holds to a Redis that knew nothing of it.
SETTLE_SECONDS = 1.5
#: For so long it is remembered when an account was last connected.
REMEMBER_SECONDS = 86_400

#: A connection in one of these states is open at the other side, or may be.
OPEN_STATES = frozenset({ConnectionState.CONNECTING, ConnectionState.BOUND, ConnectionState.CLOSING})

_SCRIPT = (Path(__file__).parent / "binds.lua").read_text()


def _slots_key(provider_id: int) -> str:
    return f"{settings.REDIS_PREFIX}binds:{provider_id}"


def _bound_key(provider_id: int) -> str:
    return f"{settings.REDIS_PREFIX}bound:{provider_id}"


def is_up(connection: Connection) -> bool:
    """Whether messages can be sent on it."""
    return connection.state is ConnectionState.BOUND and connection.window > 0


def _slots_taken(connections: Sequence[Connection]) -> int:
    """Slots that these have taken: some accounts have two connections in each, one for either way, named "1 …"."""
    open_ones = (connection for connection in connections if connection.state in OPEN_STATES)
    return max(Counter(connection.name.partition(" ")[2] for connection in open_ones).values(), default=0)


class Slots:
    """Asks Redis for connections. Raises redis.RedisError when it is away."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._client = client
        self._script = client.register_script(_SCRIPT)

    async def renew(
        self, provider_id: int, worker: str, connections: Sequence[Connection], *, most: int, wants: bool = True
    ) -> int:
        """How many of `most` connections the worker may hold for LEASE_SECONDS; `connections` are those it has now."""
        up = any(map(is_up, connections))
        arguments: list[Any] = [worker, most, _slots_taken(connections), int(wants)]
        arguments += (int(LEASE_SECONDS * 1e6), int(SETTLE_SECONDS * 1e6), int(up), REMEMBER_SECONDS * 1000)
        arguments.append(json.dumps([asdict(each) | {"since": each.since.isoformat()} for each in connections]))
        return int(await self._script(keys=[_slots_key(provider_id), _bound_key(provider_id)], args=arguments))

    async def leave(self, provider_id: int, worker: str) -> None:
        """The worker has no connection any more, and wants none."""
        await self._client.hdel(_slots_key(provider_id), worker)


@dataclass(frozen=True, slots=True)
class Bind:
    worker: str
    connection: Connection


@dataclass(frozen=True, slots=True)
class Account:
    """What the workers that are alive say of one account."""

    workers: Sequence[str] = ()
    binds: Sequence[Bind] = ()
    silent_seconds: float | None = None
    """Since any of its connections was last up; None: as long as anybody remembers."""
    known_seconds: float = 0.0
    """For how long workers have been after it without a break."""

    @property
    def bound(self) -> int:
        return sum(is_up(bind.connection) for bind in self.binds)


def look(provider_ids: Sequence[int]) -> dict[int, Account]:
    """What is known now of these accounts. Raises redis.RedisError."""
    pipeline = vitals.client().pipeline(transaction=False)
    pipeline.time()
    for provider_id in provider_ids:
        pipeline.hgetall(_slots_key(provider_id))
        pipeline.get(_bound_key(provider_id))
    (seconds, microseconds), *answers = pipeline.execute()
    now = seconds * 1_000_000 + microseconds
    return {
        provider_id: _account(entries, last, now)
        for provider_id, entries, last in zip(provider_ids, answers[0::2], answers[1::2], strict=True)
    }


def _account(entries: Mapping[bytes, bytes], last: bytes | None, now: int) -> Account:
    workers, binds, since = [], [], now
    for name, entry in sorted(entries.items()):
        if not name:
            since = int(entry)
            continue
        until, _held, _wants, told = entry.split(b" ", 3)
        if int(until) > now:
            workers.append(name.decode())
            binds += [Bind(name.decode(), _connection(each)) for each in json.loads(told)]
    silent = None if last is None else max(0.0, (now - int(last)) / 1e6)
    return Account(workers, binds, silent, max(0.0, (now - since) / 1e6))


def _connection(told: dict[str, Any]) -> Connection:
    state, since = ConnectionState(told["state"]), datetime.fromisoformat(told["since"])
    return Connection(**told | {"state": state, "since": since})
