"""Our end of an SMPP link alone, beside two libraries, submitting to the same simulated operator.

    make bench ARGS="smpp_link --messages 20000 --rtt 0 50 --windows 1 10 50 100"

Each client is a process of its own with one bind and one window, which it keeps full: as many tasks as the window has
places, each with its next text as soon as the last is answered; smpplib, which blocks, sends the next for each answer
that it reads. No receipts are asked for. What costs the client CPU is counted in its own process; the operator has
the other core. Where the operator takes its time, `--seconds` bound the number of texts.
"""

import argparse
import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from typing import Any

import uvloop

from benchmarks import report
from benchmarks.alone import Figures, alone
from benchmarks.hub import hub
from benchmarks.rivals.contest import Smsc, recipient, text
from benchmarks.servers import Servers
from benchmarks.smpp import operator
from benchmarks.usage import used
from delivery.smpp.link import connect
from delivery.smpp.pdu import BindTransceiver, SubmitSm

CLIENTS = ("ours", "smpp34", "smpplib")
SENDER = "15005550006"
WARM_UP = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rtt", type=float, nargs="+", default=[0, 50], help="until the operator answers, ms")
    parser.add_argument("--windows", type=int, nargs="+", default=[1, 10, 50, 100])
    parser.add_argument("--seconds", type=float, default=3, help="at most, as far as the answers' time goes")
    parser.add_argument("--clients", nargs="+", default=list(CLIENTS), choices=CLIENTS)


def run(servers: Servers, options: argparse.Namespace) -> int:
    rows, whole = [], True
    with hub(servers, (), migrated=False) as running:
        for rtt in options.rtt:
            smsc = operator(running, rtt)
            for window in options.windows:
                size = min(options.messages, int(options.seconds * 1000 * window / rtt)) if rtt else options.messages
                for client in options.clients:
                    before, spent = running.carrier.summary()["accepted"], used(running.pids)["simulator"].cpu
                    figures = alone(submit, client=client, smsc=asdict(smsc), window=window, size=size)
                    accepted = running.carrier.summary()["accepted"] - before
                    spent = used(running.pids)["simulator"].cpu - spent
                    whole = whole and figures["answered"] == size and accepted == size + min(WARM_UP, size)
                    rate = f"{figures['answered'] / figures['seconds']:,.0f}"
                    cpu = [f"{figures['cpu'] / size * 1e6:,.0f}", f"{spent / accepted * 1e6:,.0f}"]
                    rows.append([client, f"{rtt:g} ms", str(window), f"{size:,}", rate, *cpu])
            running.processes.discard("simulator")
    headings = ["client", "operator answers in", "window", "texts", "texts/s", "CPU, µs per text", "operator's"]
    report.say("One SMPP link", report.table(headings, rows))
    return int(not whole)


def submit(client: str, smsc: dict[str, Any], window: int, size: int) -> Figures:
    """In a process of its own: so many texts over one bind; the first few are not timed."""
    where = Smsc(**smsc)
    if client == "smpplib":
        return _smpplib(where, window, size)
    return uvloop.run((_ours if client == "ours" else _smpp34)(where, window, size))


async def _ours(where: Smsc, window: int, size: int) -> Figures:
    link = await connect(where.host, where.port, lambda _link, _request: None, window=window)
    bound = await link.request(BindTransceiver(where.system_id, where.password))
    if bound.status:
        raise SystemExit("The operator refused our bind.")

    async def one(number: int) -> int:
        to, body = recipient(number), text(number).encode()
        answer = await link.request(SubmitSm(source_addr=SENDER, destination_addr=to, short_message=body))
        return answer.status

    figures = await _timed(one, window, size)
    await link.unbind()
    return figures


async def _smpp34(where: Smsc, window: int, size: int) -> Figures:
    import smpp34

    client = smpp34.Client(where.host, where.port, where.system_id, where.password, window_size=window)
    session = await client.connect()

    async def one(number: int) -> int:
        answer = await session.submit_sm(recipient(number), text(number).encode(), source_addr=SENDER)
        return answer.command_status

    figures = await _timed(one, window, size)
    await session.unbind()
    await client.stop()
    return figures


async def _timed(one: Callable[[int], Awaitable[int]], window: int, size: int) -> Figures:
    async def work(numbers: Iterator[int]) -> int:
        answered = 0
        for number in numbers:
            answered += await one(number) == 0
        return answered

    for count, first in ((min(WARM_UP, size), 90_000_000), (size, 1)):
        numbers = iter(range(first, first + count))
        began, cpu = time.perf_counter(), time.process_time()
        answered = sum(await asyncio.gather(*(work(numbers) for _ in range(window))))
    return {"answered": answered, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def _smpplib(where: Smsc, window: int, size: int) -> Figures:
    import smpplib.client

    logging.getLogger("smpplib").setLevel(logging.CRITICAL)
    answers: list[int] = []
    client = smpplib.client.Client(where.host, where.port, allow_unknown_opt_params=True)
    client.set_message_sent_handler(lambda pdu: answers.append(pdu.status))
    client.connect()
    client.bind_transceiver(system_id=where.system_id, password=where.password)

    def send(number: int) -> None:
        to, body = recipient(number), text(number).encode()
        client.send_message(source_addr=SENDER, destination_addr=to, short_message=body)

    for count, first in ((min(WARM_UP, size), 90_000_000), (size, 1)):
        answers.clear()
        began, cpu = time.perf_counter(), time.process_time()
        for number in range(first, first + count):
            send(number)
            if number - first + 1 - len(answers) >= window:
                client.read_once()
        while len(answers) < count:
            client.read_once()
        seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    client.unbind()
    client.disconnect()
    return {"answered": answers.count(0), "seconds": seconds, "cpu": spent}
