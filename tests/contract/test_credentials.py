"""Whether a provider lets an account in: the same for every provider that can be asked."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from delivery.providers.base import Access, ProviderConfig, Tried
from simulator.smsc import certificate
from tests.contract.harness import Can, Harness, Trouble, run
from tests.contract.harnesses import over


async def asked(harness: Harness, config: ProviderConfig) -> Tried:
    ask = harness.kind.try_credentials
    assert ask is not None
    found = await ask(config)
    for secret in config.credentials.values():
        assert secret not in found.sentence
    return found


@asynccontextmanager
async def somebody(says: bytes = b"", **options: Any) -> AsyncIterator[str]:
    """Where somebody listens who says this to all that comes, and nothing more."""

    writers = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read(1)
        writer.write(says)
        if says:
            writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0, **options) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in writers:
            writer.transport.abort()


@over(Can.TRY)
def test_it_lets_in_whoever_has_the_credentials(harness: Harness) -> None:
    assert run(asked(harness, harness.config())).access is Access.GRANTED


@over(Can.TRY)
def test_it_refuses_others_and_the_field_to_look_at_is_named(harness: Harness) -> None:
    with harness.trouble(Trouble.BAD_CREDENTIALS) as config:
        found = run(asked(harness, config))

    assert found.access is Access.REFUSED
    labels = {field.label for field in harness.kind.form if field.name in config.credentials}
    assert any(label in found.sentence for label in labels), found


@over(Can.TRY)
def test_where_nobody_listens_it_is_not_reached(harness: Harness) -> None:
    with harness.trouble(Trouble.REFUSED_CONNECTION) as config:
        found = run(asked(harness, config))

    assert (found.access, "Nobody listens" in found.sentence) == (Access.UNREACHABLE, True)


@over(Can.TRY)
def test_a_host_that_there_is_not_is_not_reached(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    found = run(asked(harness, harness.at("sms.example:443", tls=True)))

    assert (found.access, "no host of this name" in found.sentence) == (Access.UNREACHABLE, True)


@over(Can.TRY)
def test_a_name_that_leads_into_a_private_network_is_not_followed(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *more, **named: looked_up("127.0.0.1", *more, **named))

    async def scenario() -> Tried:
        async with somebody() as address:
            config = harness.at(f"sms.example:{address.rpartition(':')[2]}", tls=True)
            return await asked(harness, replace(config, private_addresses=False))

    found = run(scenario())

    assert (found.access, "private network" in found.sentence) == (Access.UNREACHABLE, True)


@over(Can.TRY)
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(harness: Harness) -> None:
    context, _pem = certificate.make()

    async def scenario() -> Tried:
        async with somebody(ssl=context) as address:
            return await asked(harness, harness.at(address, tls=True))

    found = run(scenario())

    assert (found.access, "certificate" in found.sentence) == (Access.UNREACHABLE, True)


@over(Can.TRY)
def test_whoever_does_not_speak_tls_is_told_apart(harness: Harness) -> None:
    async def scenario() -> Tried:
        async with somebody(b"220 mail.example ESMTP\r\n") as address:
            return await asked(harness, harness.at(address, tls=True))

    found = run(scenario())

    assert (found.access, "TLS" in found.sentence) == (Access.UNREACHABLE, True)


@over(Can.TRY)
def test_silence_is_a_time_out(harness: Harness) -> None:
    async def scenario() -> Tried:
        async with somebody() as address:
            return await asked(harness, replace(harness.at(address), timeout=0.3))

    assert run(scenario()).access is Access.TIMED_OUT


@over(Can.TRY)
@pytest.mark.parametrize(
    "says", [b"220 mail.example ESMTP\r\n", b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"a": [1, 2]}']
)
def test_somebody_elses_answer_says_nothing(harness: Harness, says: bytes) -> None:
    async def scenario() -> Tried:
        async with somebody(says) as address:
            return await asked(harness, harness.at(address))

    assert run(scenario()).access is Access.UNREACHABLE
