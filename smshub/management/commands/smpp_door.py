"""`manage.py smpp_door`: the door for systems that speak SMPP 3.4, a process of its own."""

import asyncio
import gc
import signal
import ssl
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError, CommandParser

from smshub.smpp_door.door import run


class Command(BaseCommand):
    help = "Let systems bind by SMPP 3.4 and submit, with the logins that stand in the admin. Ends on SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=2775, help="2775; 3550 is usual with TLS")
        parser.add_argument(
            "--tls-cert", help="file with the certificate and its chain: then TLS is spoken, and it alone"
        )
        parser.add_argument("--tls-key", help="file with its key, if that is another")

    def handle(
        self, *args: Any, host: str, port: int, tls_cert: str | None, tls_key: str | None, **options: Any
    ) -> None:
        tls = _context(tls_cert, tls_key)
        # What was loaded once is not to be looked through again and again.
        gc.collect()
        gc.freeze()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_until_stopped(host, port, tls))
        except OSError as error:
            raise CommandError(f"The door cannot be opened at {host}, port {port}: {error}") from None


async def _until_stopped(host: str, port: int, tls: ssl.SSLContext | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(host, port, tls, stop)


def _context(certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    if certificate is None:
        if key is not None:
            raise CommandError("--tls-key belongs to a --tls-cert.")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CommandError(f"The certificate cannot be used: {error}") from None
    return context
