"""What the contract suite needs to know of a provider: how to start its other side, and how to make it fail."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from typing import Any, Protocol, TypeVar

from delivery.errors import Failure
from delivery.ids import new_message_id
from delivery.providers.base import Adapter, OutboundMessage, ProviderConfig, ProviderKind, Question

T = TypeVar("T")


class Can(StrEnum):
    """What a provider has at all. A case runs over those that can what it is about."""

    SEND = "send"
    FAIL = "fail"
    """A network lies in between, and what is at its end may refuse."""
    LIMIT = "limit"
    """It throttles by the number of requests in flight."""
    ASK = "ask"
    """It can be asked about a message by its id."""
    SEARCH = "search"
    """It can be asked about a message whose id we never learned."""
    CALL_BACK = "call_back"
    SIGN_ADDRESS = "sign_address"
    """What it posts is signed together with the address that it is posted to."""
    RECEIVE = "receive"
    TRY = "try"
    """It says whether it lets an account in."""


class Trouble(StrEnum):
    REFUSED_CONNECTION = "refused_connection"
    DROPPED_BEFORE = "dropped_before"
    DROPPED_AFTER = "dropped_after"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    LATE = "late"
    """Taken, and answered later than we wait."""
    GARBAGE = "garbage"
    """Taken, and answered with what is no answer."""
    THROTTLED = "throttled"
    BAD_CREDENTIALS = "bad_credentials"


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Taken:
    """A message as the other side's own ledger has it."""

    provider_message_id: str
    recipient: str
    body: str


class Harness(Protocol):
    """One provider and its other side. To add a provider to the suite is to write one of these."""

    kind: ProviderKind
    can: frozenset[Can]
    refusals: tuple[Refusal, ...]
    """What the other side can be made to refuse for good, and what that is in our words."""
    sender: str

    def start(self) -> None: ...
    def stop(self) -> None: ...

    def config(self, *, max_in_flight: int = 20) -> ProviderConfig:
        """A good configuration, with a time-out of about a second."""
        ...

    def at(self, address: str, *, tls: bool = False) -> ProviderConfig:
        """The same for another address, "host:port"."""
        ...

    def trouble(self, trouble: Trouble) -> AbstractContextManager[ProviderConfig]:
        """Within the block every send under the given configuration meets it."""
        ...

    def refusing(self, code: str) -> AbstractContextManager[None]: ...

    def limited(self, in_flight: int) -> AbstractContextManager[None]:
        """More than so many requests at once are throttled, and each takes a little while."""
        ...

    def taken(self, recipient: str) -> list[Taken]: ...

    def rotating(self) -> ProviderConfig:
        """The account with a new secret, which still knows the old one that signs what is posted to us."""
        ...

    def other_account(self) -> ProviderConfig:
        """An account whose secret signs nothing of what is posted to us."""
        ...

    def text_us(self, *, phone: str, body: str, url: str) -> tuple[int, str]:
        """A person texts our sender: posted to `url`; status and body of what was answered there."""
        ...


_numbers = count(1)


def new_number() -> str:
    """A recipient that no other case of this run has."""
    return f"+1415555{next(_numbers):04d}"


def new_message(harness: Harness, **given: Any) -> OutboundMessage:
    body = given.pop("body", "Your order Ø 42 is ready {today}.")
    fields = {
        "id": new_message_id(),
        "attempt": 1,
        "recipient": new_number(),
        "sender": harness.sender,
        "body": body,
        "segments": 1,
        "encoding": "gsm7",
        "callback_url": "http://127.0.0.1:9/callbacks/receipts/1/nobody-listens",
    }
    return OutboundMessage(**(fields | given))


def question(message: OutboundMessage, *, asked_from: datetime, provider_message_id: str = "") -> Question:
    return Question(
        message_id=message.id,
        attempt=message.attempt,
        provider_message_id=provider_message_id,
        recipient=message.recipient,
        sender=message.sender,
        body=message.body,
        claimed_at=asked_from,
    )


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def adapter_of(harness: Harness, config: ProviderConfig | None = None) -> AsyncIterator[Adapter]:
    adapter = harness.kind.build(config or harness.config(), None)
    try:
        yield adapter
    finally:
        await adapter.close()


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """One case in an event loop of its own, as a worker process has one."""

    async def within_a_minute() -> T:
        async with asyncio.timeout(60):
            return await scenario

    return asyncio.run(within_a_minute())
