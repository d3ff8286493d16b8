"""What a provider package offers the hub, and what crosses between them. No Django model crosses.

A package `delivery/providers/<name>/` exposes one `ProviderKind`. Outbound it builds an `Adapter` that sends and
is asked; inbound it turns an HTTP callback into `Receipt`s and `InboundText`s. An adapter that holds a connection
and hears receipts on it takes them to the `Listener` given to `build` and acknowledges them to the provider only
after `Listener` returns, that is, after they are stored. docs/adding-a-provider.md shows how.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from delivery.errors import Failure
from delivery.lanes import Lane
from delivery.states import Status


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One configured account: `settings` are open, `credentials` secret (keep them out of every repr and log)."""

    id: int
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any] = field(repr=False)
    timeout: float = 15.0
    max_in_flight: int = 50
    private_addresses: bool = False
    """Whether the operator lets providers be reached on loopback and private addresses."""


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One attempt to hand one message over. `callback_url` names message and attempt in a signed token."""

    id: UUID
    attempt: int
    recipient: str = field(repr=False)
    sender: str
    body: str = field(repr=False)
    segments: int
    encoding: str
    callback_url: str = field(repr=False)
    validity_seconds: int | None = None
    lane: Lane = Lane.TRANSACTIONAL

    @property
    def token(self) -> str:
        """The sealed name of message and attempt alone, for a provider that gives a reference back."""
        return self.callback_url.rpartition("/")[2]


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    """The provider has it; `provider_message_id` is set."""
    REJECTED = "rejected"
    """The provider refused it for good; `failure` and `code` say why. It does not have it."""
    THROTTLED = "throttled"
    """Refused for speed or a passing condition; it does not have it, so another attempt is safe."""
    UNCERTAIN = "uncertain"
    """The request may have arrived: a time-out, a lost connection, a 5xx, an unreadable answer."""


class Slows(StrEnum):
    """The limit that a code says is too high: it is halved, and recovers by itself (`delivery.slowing`)."""

    REQUESTS = "requests"
    """Too many requests of the account are open at once."""
    ACCOUNT = "account"
    """The account as a whole sends too fast."""
    SENDER = "sender"
    """This sender sends too fast."""
    SENDER_AND_PACE = "pace"
    """This sender does, and whatever else sends under the same registration: the campaign's own pace as well."""


@dataclass(frozen=True, slots=True)
class SendOutcome:
    message_id: UUID
    attempt: int
    outcome: Outcome
    provider_message_id: str = ""
    failure: Failure | None = None
    code: str = ""
    detail: str = ""
    retry_after: float | None = None
    """Seconds; only with THROTTLED."""
    slows: Slows | None = None
    part_ids: tuple[str, ...] = ()
    """The ids of all parts, where the message went as several; `provider_message_id` is then the first of them."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A provider's word on what became of one attempt."""

    provider_message_id: str
    status: Status
    failure: Failure | None = None
    code: str = ""
    message_id: UUID | None = None
    attempt: int = 0
    token: str = field(default="", repr=False)
    """`OutboundMessage.token` where the provider gave it back: it names the message as the address does."""
    slows: Slows | None = None
    after: float = 0.0
    """Seconds from now until it counts; only a carrier within the hub knows what it will say."""


@dataclass(frozen=True, slots=True)
class InboundText:
    provider_message_id: str
    phone: str = field(repr=False)
    """Who wrote, E.164."""
    recipient: str
    """Our sender that was written to."""
    body: str = field(repr=False)
    opt_out_type: str = ""
    """STOP, START or HELP where the provider has already recognised (and answered) it; else empty."""


@dataclass(frozen=True, slots=True)
class Question:
    """What became of this attempt? With a provider id ask for that message, else look for one like it."""

    message_id: UUID
    attempt: int
    provider_message_id: str
    recipient: str = field(repr=False)
    sender: str
    body: str = field(repr=False)
    claimed_at: datetime
    asked_at: datetime | None = None
    """Now, on the clock of `claimed_at`: the provider's may be another."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`found` holds every message of the provider's that may be the one; empty: it says it has none."""

    message_id: UUID
    attempt: int
    found: Sequence[Receipt]


class CannotAsk(Exception):
    """The provider could not be asked now, or cannot be asked at all; nothing follows from it."""


class BadCallback(Exception):
    """The callback is not from the provider (403) or not readable (400), and nothing is stored.

    503 where the provider may have left the signature out by mistake and is to come again.
    """

    def __init__(self, message: str, *, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


class BadConfiguration(Exception):
    """Settings or credentials of a provider do not make sense; the message says which and what to do."""


def text_of(values: Mapping[str, Any], name: str) -> str:
    """A setting or credential that is text, without the space around it; "" where there is none.

    Raises BadConfiguration where it is anything else.
    """
    value = values.get(name, "")
    if not isinstance(value, str):
        raise BadConfiguration(_("%(name)s: must be text.") % {"name": name})
    return value.strip()


class Access(StrEnum):
    """What came of asking a provider whether it lets an account in."""

    GRANTED = "granted"
    REFUSED = "refused"
    """A credential is wrong, or may not do what is needed; the sentence says where to look."""
    BARRED = "barred"
    """The credentials are right, and the account may not send: it is suspended or closed."""
    UNREACHABLE = "unreachable"
    """Nobody is there, or somebody who does not speak as this provider does."""
    TIMED_OUT = "timed_out"
    BUSY = "busy"
    """It refused to say just now; nothing follows."""
    NOT_ASKED = "not_asked"
    """There is nobody to ask."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of trying an account's credentials."""

    access: Access
    sentence: str
    """For the person who set the account up; no secrets, no numbers of people, nothing that the provider wrote."""


@dataclass(frozen=True, slots=True)
class Callback:
    """An HTTP request from a provider, as received. `url` is the public URL that the provider was given."""

    url: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    query: str = ""


Listener = Callable[[Sequence[Receipt | InboundText]], Awaitable[None]]
"""Stores what a connection hears; returns when it is durable."""


class Adapter(Protocol):
    """Speaks to one account from one event loop. Never raises out of `send`: what went wrong is an outcome."""

    async def send(self, message: OutboundMessage) -> SendOutcome: ...

    async def ask(self, question: Question) -> Answer:
        """Raises CannotAsk."""
        ...

    async def close(self) -> None: ...


class ConnectionState(StrEnum):
    CONNECTING = "connecting"
    BOUND = "bound"
    WAITING = "waiting"
    """Between two tries; `Connection.error` says what came of the last one."""
    REFUSED = "refused"
    """The account is refused: tried again at long intervals, until somebody mends it."""
    CLOSING = "closing"
    """Takes no more messages, and waits for what is under way."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of an adapter as an operator sees it."""

    name: str
    """Its place among those of this worker: "1", "2"."""
    state: ConnectionState
    since: datetime
    """Aware, UTC."""
    in_flight: int
    window: int
    error: str = ""
    """The last trouble in words; no personal data, no secrets."""
    code: str = ""
    """The provider's own name for it, e.g. "ESME_RINVPASWD"."""


class ConnectedAdapter(Adapter, Protocol):
    """An adapter that holds connections, none until it is told how many."""

    def hold(self, connections: int) -> None:
        """How many it may hold from now on; 0: give all up, drained. It works towards that by itself."""
        ...

    def connections(self) -> Sequence[Connection]: ...


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a provider's form."""

    name: str
    label: str
    help: str = ""
    required: bool = False
    default: Any = ""
    secret: bool = False
    is_url: bool = False
    """An address that the adapter connects to: `delivery.accounts` looks where it leads."""
    choices: Sequence[str] = ()
    """The values there are, where they are few."""


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """A provider package, as the registry knows it."""

    name: str
    label: str
    form: Sequence[Setting]
    """Open settings and secret credentials; secrets are write-only in every interface."""
    check: Callable[[ProviderConfig], None]
    """Raises BadConfiguration; makes no network call."""
    build: Callable[[ProviderConfig, Listener | None], Adapter]
    """Called inside the running event loop of a worker process."""
    parse_receipts: Callable[[Callback, ProviderConfig], Sequence[Receipt]] | None = None
    """Verifies, then reads. Raises BadCallback. None: this provider calls no HTTP endpoint."""
    parse_inbound: Callable[[Callback, ProviderConfig], InboundText] | None = None
    receipts_without_token: bool = False
    """Whether receipts may also come to one address for all: they carry our token, or an id that we know."""
    inbound_answer: tuple[str, bytes] = ("text/plain", b"")
    """Content type and body with which an inbound callback is acknowledged."""
    answers_keywords: bool = False
    """Whether it usually answers STOP, START and HELP itself, so that the hub must not as well."""
    explain: Callable[[str], tuple[str, str]] | None = None
    """A code in words and a link to the provider's page about it."""
    words: Sequence[str] = ()
    """All that `explain` may say, and what its outcomes may give as detail: to be found by translators."""
    can_ask: bool = True
    """Whether it can tell what became of an attempt whose answer was lost, that is, be asked without an id of its own.
    False: only a receipt will say, and `delivery.uncertain` goes by the operator's policy."""
    needs_connection: bool = False
    """True: only a connector worker may build it, never web or a bulk worker; `build` makes a ConnectedAdapter."""
    is_test: bool = False
    """It is within the hub and reaches nobody. `build` is given a Listener: nobody else would tell of receipts."""
    try_credentials: Callable[[ProviderConfig], Awaitable[Tried]] | None = None
    """Asks the provider whether it lets the account in: quickly, within `config.timeout`, sending nothing, costing
    nothing and changing nothing. Called from any process, in a loop of its own, with a configuration that `check` has
    taken. Does not raise. None: there is nobody to ask."""
    connections: Callable[[ProviderConfig], int] | None = None
    """How many connections the account allows, over all workers together."""
