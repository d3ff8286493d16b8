"""`python -m simulator`: run the carrier until SIGTERM or SIGINT."""

import argparse
import asyncio
import gc
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvloop
from aiohttp import web

from simulator import control, twilio, vonage
from simulator.callbacks import Callbacks
from simulator.carrier import Carrier
from simulator.faults import Faults
from simulator.posting import Poster
from simulator.smsc import certificate
from simulator.smsc.desk import Desk
from simulator.smsc.rules import Account as SmppAccount
from simulator.smsc.service import Service
from simulator.vonage_callbacks import Account, VonageCallbacks

DEFAULT_ACCOUNT = "AC" + "0" * 32
DEFAULT_TOKEN = "simulator-auth-token"  # noqa: S105 - a public demonstration value that opens nothing real
DEFAULT_VONAGE = Account("simulate", "simulator-secret", "simulator-signature-secret-of-32-bytes-or-more")
DEFAULT_SMPP = SmppAccount("simulate", "smppsim")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A carrier on loopback.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8900, help="0 picks a free one; the ready line tells it")
    parser.add_argument("--account", default=DEFAULT_ACCOUNT, metavar="AC…")
    parser.add_argument("--auth-token", default=DEFAULT_TOKEN)
    parser.add_argument(
        "--credential",
        action="append",
        default=[],
        type=_credential,
        metavar="AC…:TOKEN",
        help="a further account, or a further token of one; repeatable",
    )
    parser.add_argument(
        "--api-key",
        action="append",
        default=[],
        type=_api_key,
        metavar="AC…:SK…:SECRET",
        help="a standard API key of an account of the Twilio face; repeatable",
    )
    parser.add_argument(
        "--vonage-account",
        action="append",
        default=[],
        type=_vonage_account,
        metavar="KEY:SECRET:SIGNATURE_SECRET[:STATUS_URL]",
        help="in place of the usual account of the Vonage face; repeatable",
    )
    parser.add_argument(
        "--smpp-port", type=int, help="where SMPP is spoken; 0 picks a free one and another ready line tells it"
    )
    parser.add_argument("--smpp-tls-port", type=int, help="the same over TLS, with a certificate of its own making")
    parser.add_argument(
        "--smpp-account",
        action="append",
        default=[],
        type=_smpp_account,
        metavar="SYSTEM_ID:PASSWORD[:BINDS]",
        help="in place of the usual account of the SMPP face, and how many binds it may have at once; repeatable",
    )
    parser.add_argument("--smpp-first-id", type=int, help="the number of the first message; else of fifteen digits")
    parser.add_argument(
        "--sender",
        action="append",
        default=[],
        help="an owned number or MG… sid; repeatable; none: any is taken",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=_faults, default=Faults(), metavar="JSON")
    parser.add_argument("--callback-connections", type=int, default=200, help="per webhook host")
    return parser.parse_args(arguments)


def _credential(text: str) -> tuple[str, str]:
    account, colon, token = text.partition(":")
    if not account or not colon or not token:
        raise argparse.ArgumentTypeError("expected AC…:TOKEN")
    return account, token


def _api_key(text: str) -> twilio.ApiKey:
    parts = text.split(":", 2)
    if len(parts) != 3 or not all(parts):
        raise argparse.ArgumentTypeError("expected AC…:SK…:SECRET")
    return twilio.ApiKey(*parts)


def _vonage_account(text: str) -> Account:
    parts = text.split(":", 3)
    if len(parts) < 3 or not all(parts):
        raise argparse.ArgumentTypeError("expected KEY:SECRET:SIGNATURE_SECRET[:STATUS_URL]")
    return Account(*parts)


def _smpp_account(text: str) -> SmppAccount:
    system_id, _, rest = text.partition(":")
    password, _, binds = rest.partition(":")
    if not system_id or not password or not (binds or "0").isdecimal():
        raise argparse.ArgumentTypeError("expected SYSTEM_ID:PASSWORD[:BINDS]")
    return SmppAccount(system_id, password, int(binds or 0))


def _faults(text: str) -> Faults:
    try:
        given = json.loads(text)
        if not isinstance(given, dict):
            raise ValueError("expected a JSON object")
        return Faults().changed(given)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@contextmanager
def _named(host: str, port: int) -> Iterator[None]:
    """Says which address could not be had."""
    try:
        yield
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {error}") from error


async def serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    credentials: dict[str, list[str]] = {}
    for account, token in [(options.account, options.auth_token), *options.credential]:
        credentials.setdefault(account, []).append(token)
    carrier = Carrier(loop, credentials, options.sender, options.faults, options.seed)
    poster = Poster(loop, options.callback_connections)
    carrier.on_reset.append(poster.forget)
    callbacks = Callbacks(carrier, poster)
    face = twilio.TwilioFace(carrier, callbacks, options.api_key)
    other_callbacks = VonageCallbacks(carrier, poster, options.vonage_account or [DEFAULT_VONAGE])
    other_face = vonage.VonageFace(carrier, other_callbacks)
    service = Service(carrier, options.smpp_account or [DEFAULT_SMPP], options.smpp_first_id)
    context, pem = certificate.make() if options.smpp_tls_port is not None else (None, "")
    desk = control.Control(carrier, callbacks, other_callbacks, further=Desk(service, pem).routes())

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if path.startswith(twilio.PREFIX):
            return await face.handle(request, path)
        if path.startswith(vonage.PREFIX) or path == vonage.BALANCE:
            return await other_face.handle(request, path)
        if path.startswith(control.PREFIX):
            return await desk.handle(request, path)
        return web.json_response({"code": 20404, "message": f"{path} was not found", "status": 404}, status=404)

    # A bare server: routing, middlewares and access logs of an application would cost more than the work.
    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.3)
    await runner.setup()
    try:
        listening = []
        for port, secured in ((options.smpp_port, None), (options.smpp_tls_port, context)):
            if port is not None:
                with _named(options.host, port):
                    listening.append(await service.listen(options.host, port, secured))
        with _named(options.host, options.port):
            await web.TCPSite(runner, options.host, options.port, backlog=2048).start()
        for scheme, host, port in [("http", *runner.addresses[0][:2]), *listening]:
            print(f"simulator: listening on {scheme}://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
        await stop.wait()
    finally:
        service.close()
        poster.close()
        carrier.agenda.clear()
        await runner.cleanup()


def main() -> int:
    options = parse(sys.argv[1:])
    # The ledger only grows: traversing it again and again would be most of the collector's work.
    gc.freeze()
    gc.set_threshold(50_000, 20, 1_000)
    try:
        uvloop.run(serve(options))
    except OSError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
