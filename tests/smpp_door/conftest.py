"""The door within the test's process, and systems that bind to it: what it does is committed, and seen from threads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from django.db import connection

from delivery.models import Sender
from delivery.smpp import link as links
from delivery.smpp.constants import CommandStatus
from delivery.smpp.link import Link
from delivery.smpp.pdu import Bind, BindTransceiver, DeliverSm, Request, Response, SubmitSm, response_to
from smshub.api import keys
from smshub.api.models import SmppLogin
from smshub.smpp_door import logins
from smshub.smpp_door.door import Door
from tests.factories import DefaultSenderFactory

T = TypeVar("T")
SENDER = "+16505550001"


@dataclass
class Account:
    """A login with its password."""

    login: SmppLogin
    password: str
    sender: Sender

    def bind(self, kind: type[Bind] = BindTransceiver, **fields: Any) -> Bind:
        return kind(system_id=self.login.system_id, password=self.password, **fields)


@dataclass
class System:
    """A system that is connected: what it was sent, and how it answers that."""

    link: Link
    heard: list[DeliverSm] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses of its next answers to deliver_sm; then it agrees."""

    async def ask(self, request: Request) -> Response:
        return await self.link.request(request)

    async def submit(self, text: bytes = b"Your table is ready.", **fields: Any) -> Response:
        return await self.ask(submit_sm(text, **fields))

    async def bound(self, bind: Bind) -> "System":
        response = await self.ask(bind)
        assert response.status == CommandStatus.ESME_ROK
        return self


def submit_sm(text: bytes = b"Your table is ready.", **fields: Any) -> SubmitSm:
    given: dict[str, Any] = {
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": "14155550123",
        "source_addr": SENDER[1:],
        "registered_delivery": 1,
    }
    return SubmitSm(**{**given, "short_message": text, **fields})


@dataclass
class Place:
    """A door that is open."""

    door: Door
    port: int

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[System]:
        system: list[System] = []

        def answer(_link: Link, request: Request) -> Response:
            (each,) = system
            if isinstance(request, DeliverSm):
                each.heard.append(request)
            return response_to(request, each.answers.pop(0) if each.answers else 0)

        link = await links.connect("127.0.0.1", self.port, answer, window=100, response_seconds=5)
        system.append(System(link))
        try:
            yield system[0]
        finally:
            link.abort()

    @asynccontextmanager
    async def bound(self, account: Account, **fields: Any) -> AsyncIterator[System]:
        async with self.connected() as system:
            yield await system.bound(account.bind(**fields))


@asynccontextmanager
async def open_door() -> AsyncIterator[Place]:
    door = Door()
    port = await door.open("127.0.0.1", 0)
    try:
        yield Place(door, port)
    finally:
        await door.close()


async def in_database(work: Callable[[], T]) -> T:
    """In a thread, whose connection is closed again."""

    def alone() -> T:
        try:
            return work()
        finally:
            connection.close()

    return await asyncio.to_thread(alone)


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def run(scenario: Coroutine[Any, Any, T]) -> T:
    async def in_time() -> T:
        async with asyncio.timeout(60):
            return await scenario

    return asyncio.run(in_time())


@pytest.fixture
def account(transactional_db: None) -> Account:
    """A login that may do everything, and the sender that it may write."""
    return make_account(DefaultSenderFactory(address=SENDER))


def make_account(sender: Sender, *, system_id: str = "hospital", scopes: Any = ("*",), **fields: Any) -> Account:
    key, _ = keys.issue(name=f"Key of {system_id}", scopes=scopes, actor=None)
    login, password = logins.make(api_key=key, system_id=system_id, actor=None, senders=[sender], **fields)
    return Account(login, password, sender)
