"""An adapter of an account, and an operator at the other end who does what a test tells him."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from delivery.providers.base import (
    ConnectionState,
    InboundText,
    OutboundMessage,
    ProviderConfig,
    Receipt,
)
from delivery.providers.smpp.adapter import SmppAdapter, build
from delivery.smpp.constants import INTERFACE_VERSION, Tag
from delivery.smpp.link import Link
from delivery.smpp.pdu import (
    Bind,
    BindResp,
    Request,
    Response,
    SubmitSm,
    SubmitSmResp,
    integer_tlv,
    response_to,
)
from tests.delivery.smpp.ends import centre, until

Reply = Response | None | Awaitable[Response | None]


@dataclass
class Operator:
    """Takes everything under ids from 1 on, unless `reply` has another answer for a request."""

    reply: Callable[[Link, Request], Reply] | None = None
    asked: list[Request] = field(default_factory=list)
    binds: list[Bind] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    version: int | None = INTERFACE_VERSION
    port: int = 0

    @property
    def submits(self) -> list[SubmitSm]:
        return [each for each in self.asked if isinstance(each, SubmitSm)]

    @property
    def bound(self) -> list[Link]:
        return [link for link in self.links if link.is_open]

    def handle(self, link: Link, request: Request) -> Reply:
        (self.binds if isinstance(request, Bind) else self.asked).append(request)  # type: ignore[arg-type]
        answer = self.reply(link, request) if self.reply else response_to(request)
        if isinstance(answer, BindResp) and not answer.status and self.version:
            answer = replace(answer, tlvs=(integer_tlv(Tag.SC_INTERFACE_VERSION, self.version, 1),))
        if isinstance(answer, SubmitSmResp) and not answer.status and not answer.message_id:
            answer = SubmitSmResp(f"id-{len(self.submits)}")
        return answer


def saying(status: int, to: type[Request] = SubmitSm) -> Callable[[Link, Request], Response]:
    """A reply of this status to one kind of request."""
    return lambda _link, request: response_to(request, status if isinstance(request, to) else 0)


@dataclass
class Ear:
    """A listener that stores, or does not."""

    heard: list[Receipt | InboundText] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    storing: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, heard: Sequence[Receipt | InboundText]) -> None:
        if self.storing is not None:
            await self.storing()
        self.batches.append(len(heard))
        self.heard += heard

    @property
    def texts(self) -> list[InboundText]:
        return [each for each in self.heard if isinstance(each, InboundText)]

    @property
    def receipts(self) -> list[Receipt]:
        return [each for each in self.heard if isinstance(each, Receipt)]


def config(port: int, *, timeout: float = 2.0, password: str = "secret", **settings: Any) -> ProviderConfig:
    return ProviderConfig(
        id=1,
        settings={"address": f"smpp://127.0.0.1:{port}", "system_id": "hub", "id_base": "same", **settings},
        credentials={"password": password},
        timeout=timeout,
        private_addresses=True,
    )


@asynccontextmanager
async def adapter_and(
    operator: Operator, ear: Ear | None = None, *, hold: int = 1, bound: bool = True, **given: Any
) -> AsyncIterator[SmppAdapter]:
    """An adapter that holds binds to an operator, all of them bound."""
    async with centre(operator.handle, window=50) as there:
        operator.links, operator.port = there.links, there.port
        adapter = build(config(there.port, **given), ear)
        adapter.hold(hold)
        if bound:
            await until(lambda: {each.state for each in adapter.connections()} == {ConnectionState.BOUND})
        try:
            yield adapter
        finally:
            await adapter.close()
            assert adapter.connections() == []


def message(body: str = "Hello", **given: Any) -> OutboundMessage:
    fields = {
        "id": uuid4(),
        "attempt": 1,
        "recipient": "+14155550123",
        "sender": "+15005550006",
        "body": body,
        "segments": 1,
        "encoding": "gsm7",
        "callback_url": "",
    }
    return OutboundMessage(**(fields | given))


async def soon(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        await until(condition)
