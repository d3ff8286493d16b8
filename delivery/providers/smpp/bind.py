"""One bind of an account: brought up, kept up, and given up when it is told to.

A lost link or one that cannot be made is tried again within seconds, at pauses that grow to LONGEST_PAUSE and are
jittered, so that many workers do not come back at once. An operator who refuses the bind is asked more rarely, by what
it says: an account that is bound too often already waits for the other bind to be found dead, refused credentials wait
for somebody to mend them.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

import structlog
from django.utils.translation import gettext_noop

from delivery.providers.base import Connection, ConnectionState
from delivery.providers.smpp.account import Account
from delivery.providers.smpp.opening import Role, in_words, open_bind
from delivery.smpp.constants import INTERFACE_VERSION, CommandStatus, Tag, status_name
from delivery.smpp.link import Handler, Link, LinkError, NotSent
from delivery.smpp.pdu import BindResp, Request, Response, integer

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
ALREADY_BOUND_PAUSE = 4.0
OTHER_REFUSAL_PAUSE = 30.0
CREDENTIALS_PAUSE = 300.0
STEADY_SECONDS = 5.0
"""A bind that was lost sooner than this is tried again a little more slowly."""

#: Refusals that only a person can mend.
CREDENTIALS = frozenset({CommandStatus.ESME_RINVPASWD, CommandStatus.ESME_RINVSYSID, CommandStatus.ESME_RINVSYSTYP})
_PAUSES: dict[int, tuple[float, str]] = {
    CommandStatus.ESME_RALYBND: (ALREADY_BOUND_PAUSE, gettext_noop("The account is bound already as often as it may")),
    CommandStatus.ESME_RTHROTTLED: (ALREADY_BOUND_PAUSE, gettext_noop("The operator says that binds come too fast")),
    CommandStatus.ESME_RINVPASWD: (CREDENTIALS_PAUSE, gettext_noop("The operator does not accept the password")),
    CommandStatus.ESME_RINVSYSID: (CREDENTIALS_PAUSE, gettext_noop("The operator does not know the system id")),
    CommandStatus.ESME_RINVSYSTYP: (CREDENTIALS_PAUSE, gettext_noop("The operator does not accept the system type")),
}


class HeldBind:
    """Begins to bind at once. `changed` is called when sending became possible, or stopped being it."""

    def __init__(
        self,
        name: str,
        role: Role,
        account: Account,
        handler: Handler,
        *,
        provider_id: int,
        private_addresses: bool,
        response_seconds: float,
        changed: Callable[[], None],
        lost: Callable[[Link], None],
    ) -> None:
        self.name = name
        self.role = role
        self.state = ConnectionState.CONNECTING
        self.optional = False
        """Whether the other side takes optional parameters, which it says by its version (§5.3.2.25)."""
        self.link: Link | None = None
        self.sends = role is not Role.RECEIVER
        self._account = account
        self._handler = handler
        self._provider_id = provider_id
        self._private = private_addresses
        self._response_seconds = response_seconds
        self._changed = changed
        self._lost = lost
        self._since = datetime.now(UTC)
        self._error = self._code = ""
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def room(self) -> int:
        return self.link.room if self.sends and self.link is not None else 0

    def submit(self, pdu: Request) -> "asyncio.Future[Response]":
        """The future of the response to a request that leaves now. Raises NotSent, ValueError."""
        if self.link is None:
            raise NotSent("The bind was lost")
        return self.link.submit(pdu)

    async def request(self, pdu: Request) -> Response:
        """The same, with a wait for room. Raises LinkError, ValueError."""
        if self.link is None:
            raise NotSent("The bind was lost")
        return await self.link.request(pdu)

    def shown(self) -> Connection:
        return Connection(
            self.name if self.role is Role.TRANSCEIVER else f"{self.name} {self.role}",
            self.state,
            self._since,
            in_flight=self.link.in_flight if self.link else 0,
            window=self._account.window if self.sends else 0,
            error=self._error,
            code=self._code,
        )

    async def stop(self) -> None:
        """Unbind, drained, and return when the link is gone."""
        self._stop.set()
        if self.link is not None:
            self._enter(ConnectionState.CLOSING)
            await self.link.unbind()
        elif not self._task.done():
            self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        tries = 0
        while not self._stop.is_set():
            self._enter(ConnectionState.CONNECTING)
            try:
                link, answer = await self._open()
            except (OSError, LinkError) as error:
                pause = self._failed(in_words(error))
            else:
                if answer.status:
                    pause = self._refused(answer.status)
                else:
                    began = monotonic()
                    await self._hold(link, answer)
                    tries = min(tries, 2) if monotonic() - began < STEADY_SECONDS else 0
                    pause = 0.0
            if self._stop.is_set():
                return
            growing = min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries)
            tries = min(tries + 1, 10)
            await self._rest((pause or growing) * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)

    async def _open(self) -> tuple[Link, Response]:
        """A link and the response to its bind. Raises OSError (TimeoutError and ssl.SSLError are some), LinkError."""
        return await open_bind(
            self._account,
            self.role,
            self._handler,
            private_addresses=self._private,
            response_seconds=self._response_seconds,
            on_close=self._link_closed,
            on_room=self._link_has_room,
        )

    async def _hold(self, link: Link, answer: Response) -> None:
        version = integer(answer.tlvs, Tag.SC_INTERFACE_VERSION) if isinstance(answer, BindResp) else None
        self.optional = (version or 0) >= INTERFACE_VERSION
        if link.is_open:
            self.link = link
            self._error = self._code = ""
            self._enter(ConnectionState.BOUND)
            log.info("bound", provider_id=self._provider_id, bind=self.name, role=self.role)
        await link.closed()
        self.link = None
        self._error = gettext_noop("The link ended: %(why)s") % {"why": link.why_closed}
        if not self._stop.is_set():
            log.warning("bind_lost", provider_id=self._provider_id, bind=self.name, error=link.why_closed)

    def _failed(self, words: str) -> float:
        self._error, self._code = words, ""
        log.warning("not_connected", provider_id=self._provider_id, bind=self.name, error=words)
        self._enter(ConnectionState.WAITING)
        return 0.0

    def _refused(self, status: int) -> float:
        credentials = status in CREDENTIALS
        pause, self._error = _PAUSES.get(status, (OTHER_REFUSAL_PAUSE, gettext_noop("The operator refuses to bind")))
        self._code = status_name(status)
        log.warning("bind_refused", provider_id=self._provider_id, bind=self.name, code=self._code)
        self._enter(ConnectionState.REFUSED if credentials else ConnectionState.WAITING)
        return pause

    @property
    def refused_by(self) -> str:
        """The code with which the credentials are refused; empty while they are not."""
        return self._code if self.state is ConnectionState.REFUSED else ""

    async def _rest(self, seconds: float) -> None:
        if self.state not in (ConnectionState.REFUSED, ConnectionState.WAITING):
            self._enter(ConnectionState.WAITING)
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            pass

    def _enter(self, state: ConnectionState) -> None:
        if state is not self.state:
            self.state, self._since = state, datetime.now(UTC)
        self._changed()

    def _link_closed(self, link: Link) -> None:
        if link is self.link:
            self.link = None
        self._lost(link)
        self._changed()

    def _link_has_room(self, link: Link) -> None:
        if link is self.link:
            self._changed()
