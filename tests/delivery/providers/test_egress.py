"""Which addresses belong to the public internet, in all the ways to write one."""

import asyncio
import socket

import pytest
from aiohttp import ClientConnectorError, ClientSession, ServerDisconnectedError, TCPConnector

from delivery.providers.egress import is_public, socket_factory


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:a00:1::",
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(("private", "reached"), [(True, True), (False, False)])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_connection_itself_is_looked_at(host: str, private: bool, reached: bool) -> None:
    async def scenario() -> bool:
        arrived = asyncio.Event()

        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.set()
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connector = TCPConnector(socket_factory=socket_factory(public=True, private=private), family=socket.AF_INET)
        async with ClientSession(connector=connector) as session:
            with pytest.raises(ServerDisconnectedError if reached else ClientConnectorError):
                await session.get(f"http://{host}:{port}/")
        server.close()
        return arrived.is_set()

    assert asyncio.run(scenario()) is reached
