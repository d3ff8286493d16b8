"""Claiming as a dispatch worker does, with as much room as a test wants."""

import math
from itertools import count

from delivery.claim import Claimed, Connection, claim
from delivery.limiter import RESERVED_SHARE, Limiter, Requests
from delivery.streams import Turns

_workers = count(1)


def requests(room: int, *, worker: str = "", seconds: float = 5.0) -> Requests:
    """So many that bulk finds `room` among them, beside what is kept for the urgent."""
    return Requests(worker or f"worker {next(_workers)}", 0, math.ceil(room / (1 - RESERVED_SHARE)), seconds=seconds)


async def claim_some(
    connection: Connection,
    limiter: Limiter,
    *,
    provider_id: int,
    room: int = 100,
    rate: int = 1_000_000,
    turns: Turns | None = None,
    most: Requests | None = None,
) -> Claimed:
    """By a worker that has nothing open, and whose requests are answered at once."""
    mine = most or requests(room, seconds=0.000001)
    return await claim(
        connection,
        limiter,
        turns or Turns(),
        provider_id=provider_id,
        rate=rate,
        requests=mine,
        lease_seconds=30,
    )
