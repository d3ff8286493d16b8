"""Who is bound to the doors just now, said in Redis for the admin by each door. Nothing rests on it."""

import json
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import cast

import redis
from django.conf import settings

from delivery import vitals
from smshub.smpp_door.logins import Login
from smshub.smpp_door.session import Session

SAY_SECONDS = 3.0
_FORGET_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Seen:
    """A bound connection, as an operator sees it."""

    login_id: int
    system_id: str
    peer: str
    mode: str
    since: str
    """ISO 8601, UTC."""
    submitted: int
    told: int
    unacknowledged: int


def describe(sessions: Iterable[Session], logins: Mapping[int, Login]) -> list[Seen]:
    return [
        Seen(
            login_id=each.login_id,
            system_id=logins[each.login_id].system_id,
            peer=each.link.peer,
            mode=each.mode,
            since=each.since.isoformat(timespec="seconds"),
            submitted=each.submitted,
            told=each.told,
            unacknowledged=each.link.in_flight,
        )
        for each in sessions
        if each.login_id in logins
    ]


def say(seen: Iterable[Seen]) -> None:
    """What this process has. Nothing is said if Redis is away."""
    pipeline = vitals.client().pipeline(transaction=False)
    pipeline.sadd(_key(""), _me())
    pipeline.set(_key(_me()), json.dumps([asdict(each) for each in seen]), ex=_FORGET_SECONDS)
    with suppress(redis.RedisError):
        pipeline.execute()


def seen(login_id: int) -> list[Seen]:
    """Connections of a login at all doors. Raises redis.RedisError."""
    client = vitals.client()
    doors = sorted(door.decode() for door in cast(set[bytes], client.smembers(_key(""))))
    said = cast(list[bytes | None], client.mget([_key(door) for door in doors])) if doors else []
    if gone := [door for door, text in zip(doors, said, strict=True) if text is None]:
        client.srem(_key(""), *gone)
    found = [Seen(**each) for text in said if text is not None for each in json.loads(text)]
    return [each for each in found if each.login_id == login_id]


def _me() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


def _key(door: str) -> str:
    return f"{settings.REDIS_PREFIX}smpp-door:{door}"
