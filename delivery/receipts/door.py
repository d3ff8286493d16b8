"""The door for providers' callbacks: verify, append, answer. A raw ASGI application, for it must outrun sending.

Three receipts come per message. So nothing here touches a session, a middleware or the ORM: the signature is checked,
the receipt joins the batch that is being gathered, and the answer is given when that batch is committed. What is not
committed is answered 503, and the provider comes again.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

from delivery import accounts, callbacks
from delivery.inbound.store import store
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import BadCallback, Callback, InboundText, ProviderConfig, ProviderKind
from delivery.receipts.group import GroupCommit

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = tuple[int, str, bytes]

#: A provider's callback is a few hundred bytes.
MAX_BODY = 64 * 1024
#: How long a change of a provider's credentials may take to be known here.
CONFIG_SECONDS = 5.0

_PATH = re.compile(callbacks.PREFIX + r"/(receipts|inbound)/(\d{1,18})(?:/([A-Za-z0-9_=-]{1,64}))?$")


class Door:
    """ASGI application for everything under `/callbacks/`."""

    def __init__(self) -> None:
        self.group = GroupCommit()
        self._configs: dict[int, tuple[float, tuple[ProviderKind, ProviderConfig] | None]] = {}

    async def lifespan(self, _scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                await self.group.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, content_type, body = await self.answer(scope, receive)
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        path = scope["path"]
        match = _PATH.match(path)
        if match is None:
            return _refusal(404, "There is nothing here.")
        if scope["method"] != "POST":
            return _refusal(405, "Callbacks are POSTed.")
        purpose, provider_id, token = match[1], int(match[2]), match[3]
        about = callbacks.read_token(token) if token else None
        if token and (about is None or purpose != "receipts"):
            return _refusal(404, "This callback address was not made by this hub.")
        if self.group.full:
            return _refusal(503, "Too many receipts are waiting; try again.")
        configured = await self._configured(provider_id)
        if configured is None:
            return _refusal(404, "There is no such provider.")
        body = await _read(receive)
        if body is None:
            return _refusal(413, "The callback is too large.")
        query = scope["query_string"].decode("latin-1")
        callback = Callback(
            url=settings.PUBLIC_URL + path,
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            body=body,
            query=query,
        )
        try:
            if purpose == "receipts":
                return await self._receipts(provider_id, configured, callback, about)
            return await self._inbound(provider_id, configured, callback)
        except BadCallback as error:
            return _refusal(error.status, str(error))
        except Exception as error:
            log.warning("callback_not_stored", provider_id=provider_id, error=type(error).__name__)
            return _refusal(503, "The callback could not be stored; try again.")

    async def _receipts(
        self,
        provider_id: int,
        configured: tuple[ProviderKind, ProviderConfig],
        callback: Callback,
        about: tuple[UUID, int] | None,
    ) -> Answer:
        kind, config = configured
        if kind.parse_receipts is None:
            return _refusal(404, "This provider sends no receipts here.")
        if about is None and not kind.receipts_without_token:
            return _refusal(404, "This callback address was not made by this hub.")
        bound = [callbacks.bind(receipt, about) for receipt in kind.parse_receipts(callback, config)]
        await self.group.store(provider_id, bound)
        return 204, "text/plain", b""

    async def _inbound(
        self, provider_id: int, configured: tuple[ProviderKind, ProviderConfig], callback: Callback
    ) -> Answer:
        kind, config = configured
        if kind.parse_inbound is None:
            return _refusal(404, "This provider delivers no texts here.")
        await sync_to_async(_store_inbound)(provider_id, kind.parse_inbound(callback, config))
        return 200, *kind.inbound_answer

    async def _configured(self, provider_id: int) -> tuple[ProviderKind, ProviderConfig] | None:
        known = self._configs.get(provider_id)
        if known and monotonic() - known[0] < CONFIG_SECONDS:
            return known[1]
        configured = await sync_to_async(_load)(provider_id)
        if len(self._configs) > 1000:
            self._configs.clear()
        self._configs[provider_id] = (monotonic(), configured)
        return configured


async def _read(receive: Receive) -> bytes | None:
    """The request's body; None if it is too large, without having read all of it."""
    body = bytearray()
    while True:
        event = await receive()
        body += event.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not event.get("more_body"):
            return bytes(body)


def _refusal(status: int, text: str) -> Answer:
    return status, "text/plain; charset=utf-8", text.encode()


def _load(provider_id: int) -> tuple[ProviderKind, ProviderConfig] | None:
    close_old_connections()
    provider = Provider.objects.filter(pk=provider_id).first()
    if provider is None:
        return None
    return registry.kind(provider.adapter), accounts.provider_config(provider)


def _store_inbound(provider_id: int, text: InboundText) -> None:
    close_old_connections()
    store(provider_id, text)
