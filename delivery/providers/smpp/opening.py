"""Opening a bind of an account: a connection to where the operator lets adapters connect, and the request to bind."""

import asyncio
import socket
import ssl
from enum import StrEnum
from functools import cache
from typing import Any

from django.utils.translation import gettext_noop

from delivery.providers.egress import socket_factory
from delivery.providers.smpp.account import Account
from delivery.smpp.link import Handler, Link, LinkError, connect
from delivery.smpp.pdu import Bind, BindReceiver, BindTransceiver, BindTransmitter, Response

CONNECT_SECONDS = 10.0


class Role(StrEnum):
    TRANSCEIVER = "transceiver"
    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"


_BINDS: dict[Role, type[Bind]] = {
    Role.TRANSCEIVER: BindTransceiver,
    Role.TRANSMITTER: BindTransmitter,
    Role.RECEIVER: BindReceiver,
}


async def open_bind(
    account: Account,
    role: Role,
    handler: Handler,
    *,
    private_addresses: bool,
    response_seconds: float,
    **options: Any,
) -> tuple[Link, Response]:
    """A link and the response to its bind; a link that was refused is closed. `options` are further ones of `Link`.

    Raises OSError (TimeoutError and ssl.SSLError are some), LinkError.
    """
    async with asyncio.timeout(CONNECT_SECONDS):
        sock = await _socket(account, private_addresses)
        at: dict[str, Any] = {
            "host": None,
            "port": None,
            "sock": sock,
            "ssl": _tls(account.verify_tls) if account.tls else None,
        }
        if account.tls:
            at["server_hostname"] = account.host
        try:
            link = await connect(
                None,
                None,
                handler,
                at=at,
                window=account.window,
                response_seconds=response_seconds,
                enquire_seconds=account.enquire_seconds,
                **options,
            )
        except BaseException:
            sock.close()
            raise
    answer = None
    try:
        answer = await link.request(_BINDS[role](account.system_id, account.password, account.system_type))
    finally:
        if answer is None or answer.status:
            link.close("not bound")
    return link, answer


async def _socket(account: Account, private: bool) -> socket.socket:
    """A connected one, to the first address that may be connected to and is there."""
    loop = asyncio.get_running_loop()
    open_socket = socket_factory(public=True, private=private)
    found = await loop.getaddrinfo(account.host, account.port, type=socket.SOCK_STREAM)
    failure: OSError = OSError("no address")
    for info in found:
        try:
            sock = open_socket(info)
        except OSError as error:
            failure = error
            continue
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, info[4])
            return sock
        except OSError as error:
            failure = error
            sock.close()
        except BaseException:
            sock.close()
            raise
    raise failure


@cache
def _tls(verify: bool) -> ssl.SSLContext:
    """Made once: to read the system's certificates takes tens of milliseconds."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def in_words(error: Exception) -> str:
    """What went wrong with a connection, without what an operating system may put into its messages."""
    if isinstance(error, TimeoutError):
        return gettext_noop("No connection in time")
    if isinstance(error, ssl.SSLCertVerificationError):
        return gettext_noop("The certificate is not valid for this host")
    if isinstance(error, ssl.SSLError):
        return gettext_noop("No TLS connection could be made")
    if isinstance(error, PermissionError):
        return gettext_noop("This address may not be connected to")
    if isinstance(error, socket.gaierror):
        return gettext_noop("There is no host of this name")
    if isinstance(error, ConnectionRefusedError):
        return gettext_noop("The connection was refused")
    if isinstance(error, LinkError):
        return gettext_noop("The link ended before the bind was answered")
    return gettext_noop("No connection (%(kind)s)") % {"kind": type(error).__name__}
