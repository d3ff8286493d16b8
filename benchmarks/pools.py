"""What a round of claiming costs with a pool of senders, and how much of their limits is used.

    make bench ARGS="pools --senders 1 30 300"

One campaign to two countries, its messages spread over so many senders with a rate of their own, and an account that
could send twice that: claimed in rounds as the dispatch loop does, by a carrier that takes everything at once.
"""

import argparse
import asyncio
import time
from statistics import median
from typing import Any

import redis.asyncio
from django.conf import settings
from django.db import connection

from benchmarks import report, scenes
from benchmarks.servers import Servers, fresh_database
from delivery.claim import claim
from delivery.dispatch import ROUND_SECONDS
from delivery.limiter import Limiter, Requests
from delivery.models import Sender
from delivery.runtime import connect
from delivery.states import Status
from delivery.streams import Turns

_SPREAD = """
UPDATE delivery_message SET sender_id = (SELECT min(id) FROM delivery_sender) + contact_id %% %(senders)s,
    country = CASE WHEN contact_id / %(senders)s %% 2 = 0 THEN 'US' ELSE 'CA' END
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--senders", type=int, nargs="+", default=[1, 30, 300])
    parser.add_argument("--rate", type=int, default=2, help="of each sender, segments per second")
    parser.add_argument("--seconds", type=float, default=10)


def run(servers: Servers, options: argparse.Namespace) -> int:
    rows = []
    for senders in options.senders:
        with fresh_database():
            rounds, claimed, took = measure(senders, options.rate, options.seconds)
        share = claimed / (senders * options.rate * took)
        slow = sorted(rounds)[int(0.95 * len(rounds))]
        rows.append([f"{senders} × 2", f"{1000 * median(rounds):.1f} ms", f"{1000 * slow:.1f} ms", f"{share:.1%}"])
    report.say(
        f"Pools of senders at {options.rate}/s each",
        report.table(["senders × countries", "a round, median", "95 %", "of the limits used"], rows),
    )
    return 0


def measure(senders: int, rate: int, seconds: float) -> tuple[list[float], int, float]:
    """The time of each round, messages that were claimed after the first burst, and in what time."""
    first = scenes.sender()
    others = [Sender(provider=first.provider, address=f"+1500555{1000 + n}", rate=rate) for n in range(senders - 1)]
    Sender.objects.bulk_create(others)
    Sender.objects.update(rate=rate)
    scenes.messages(int(senders * (rate * (seconds + 5) + 4)), first, Status.QUEUED)
    with connection.cursor() as cursor:
        cursor.execute(_SPREAD, {"senders": senders})
        cursor.execute("VACUUM ANALYZE delivery_message")
    return asyncio.run(_rounds(first.provider_id, rate=2 * rate * senders, seconds=seconds))


async def _rounds(provider_id: int, *, rate: int, seconds: float) -> tuple[list[float], int, float]:
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    limiter, turns = Limiter(client), Turns()
    rounds: list[float] = []
    claimed, begin = 0, time.perf_counter() + 1.0

    async def one(connection: Any) -> int:
        requests = Requests("benchmark", open=0, most=10_000)
        taken = await claim(
            connection, limiter, turns, provider_id=provider_id, rate=rate, requests=requests, lease_seconds=60
        )
        return len(taken.messages)

    async with await connect() as connection:
        while (began := time.perf_counter()) < begin + seconds:
            found = await one(connection)
            if began >= begin:  # the first second is the buckets' first burst
                claimed += found
                rounds.append(time.perf_counter() - began)
            await asyncio.sleep(ROUND_SECONDS)
    await client.aclose()
    return rounds, claimed, time.perf_counter() - begin
