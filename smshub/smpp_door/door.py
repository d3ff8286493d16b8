"""The server: who may bind, what is answered to whom, and how it all ends.

Nothing here knows a rule about messages, and nothing waits for a database in the event loop: what is asked of one runs
in threads of its own, apart from the slow hashes of passwords, so that a flood of binds delays no submit.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ssl import SSLContext
from time import monotonic
from typing import TypeVar

import structlog
from django.db import close_old_connections

from delivery import clock
from delivery.smpp import times
from delivery.smpp.constants import INTERFACE_VERSION, RESPONSE, CommandStatus, MessageState, Tag
from delivery.smpp.link import Answer, Link, serve
from delivery.smpp.pdu import (
    RESPONSES,
    Bind,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    QuerySm,
    QuerySmResp,
    Request,
    Response,
    SubmitSm,
    SubmitSmResp,
    integer_tlv,
    response_to,
)
from delivery.states import FINAL, Status
from delivery.submissions import message_of
from delivery.submit import cancel
from smshub.api import rates
from smshub.smpp_door import intake, long_texts, presence, reading, receipts
from smshub.smpp_door import logins as accounts
from smshub.smpp_door.admission import Admission
from smshub.smpp_door.gather import Gathering
from smshub.smpp_door.limits import Bucket
from smshub.smpp_door.logins import Login
from smshub.smpp_door.session import WITH_TLVS, Session, mode_of
from smshub.smpp_door.telling import Telling

log = structlog.get_logger(__name__)
T = TypeVar("T")

SYSTEM_ID = "SMSHub"
MOST_SESSIONS = 500
#: Connections of one address that have not bound yet.
MOST_UNBOUND = 20
BIND_SECONDS = 10.0
#: Short messages of one bind that are not answered yet; beyond it nothing more is read from it.
UNANSWERED = 200
#: Receipts and texts to one bind that it has not acknowledged yet.
WINDOW = 20
RESPONSE_SECONDS, ENQUIRE_SECONDS = 10.0, 30.0
#: How long a change in the admin may take to be known here.
REFRESH_SECONDS = 5.0
CLOSE_TEXTS_SECONDS = 10.0
DRAIN_SECONDS = 5.0


class Door:
    def __init__(self) -> None:
        self.links: set[Link] = set()
        self.sessions: dict[Link, Session] = {}
        self.logins: dict[int, Login] = {}
        """Of those that are bound, as they were a moment ago."""
        self.gathering = Gathering()
        self.telling = Telling(lambda: list(self.sessions.values()), self.logins)
        self._buckets: dict[int, Bucket] = {}
        self._quotas = rates.Here()
        self._admission = Admission()
        self._binding: set[Link] = set()
        self._asking = ThreadPoolExecutor(1, "asking")
        self._began = (datetime.now(UTC), monotonic())
        self._tasks: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None

    async def open(self, host: str, port: int, tls: SSLContext | None = None) -> int:
        """Take connections from now on. Returns the port."""
        self._server = await serve(
            self.answer,
            host=host,
            port=port,
            tls=tls,
            window=WINDOW,
            response_seconds=RESPONSE_SECONDS,
            enquire_seconds=ENQUIRE_SECONDS,
            unanswered=UNANSWERED,
            on_open=self._opened,
            on_close=self._closed,
            on_room=lambda _link: self.telling.look_soon(),
        )
        self._tasks = [
            asyncio.create_task(each)
            for each in (
                self.telling.run(),
                self._again_and_again(REFRESH_SECONDS, self._refresh),
                self._again_and_again(presence.SAY_SECONDS, self._say),
                self._again_and_again(CLOSE_TEXTS_SECONDS, self._close_texts),
            )
        ]
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Unbind everybody when what they have submitted is answered, and end. Once is enough."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for link in self.links - self.sessions.keys():
            link.close("the hub is stopping")
        await asyncio.gather(*(link.unbind(drain_seconds=DRAIN_SECONDS) for link in list(self.sessions)))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.gathering.close()
        await self._say()
        self._asking.shutdown(wait=False, cancel_futures=True)
        self._admission.close()

    # Connections

    def _opened(self, link: Link) -> None:
        self.links.add(link)
        unbound = Counter(each.peer for each in self.links if each not in self.sessions)
        if len(self.links) > MOST_SESSIONS or unbound[link.peer] > MOST_UNBOUND:
            link.close("too many connections")
            return
        asyncio.get_running_loop().call_later(BIND_SECONDS, self._close_unbound, link)

    def _closed(self, link: Link) -> None:
        self.links.discard(link)
        self._binding.discard(link)
        session = self.sessions.pop(link, None)
        if session is not None:
            log.info("smpp_unbound", login_id=session.login_id, why=link.why_closed)

    def _close_unbound(self, link: Link) -> None:
        if link in self.links and link not in self.sessions:
            link.close("it did not bind in time")

    # Requests

    def answer(self, link: Link, request: Request) -> Answer | Awaitable[Answer]:
        """The handler of every link."""
        session = self.sessions.get(link)
        if isinstance(request, Bind):
            if session is not None or link in self._binding:
                return response_to(request, CommandStatus.ESME_RALYBND)
            self._binding.add(link)
            return self._bind(link, request)
        login = self.logins.get(session.login_id) if session else None
        if session is None or login is None:
            return response_to(request, CommandStatus.ESME_RINVBNDSTS)
        if isinstance(request, SubmitSm | DataSm):
            return self._submit(session, login, request)
        if isinstance(request, QuerySm | CancelSm):
            if not session.may_submit:
                return response_to(request, CommandStatus.ESME_RINVBNDSTS)
            if not self._may(login):
                return response_to(request, CommandStatus.ESME_RTHROTTLED)
            return self._query(login, request) if isinstance(request, QuerySm) else self._cancel(login, request)
        return response_to(request, CommandStatus.ESME_RINVCMDID)

    async def _bind(self, link: Link, request: Bind) -> Response:
        try:
            status, login = await self._admission.of(request, link.peer, self._in_thread)
        finally:
            self._binding.discard(link)
        if login is None or not link.is_open:
            asyncio.get_running_loop().call_later(1.0, self._close_unbound, link)
            return response_to(request, status)
        # From here to the entry nothing is waited for, so that binds at the same time are counted rightly.
        if sum(each.login_id == login.id for each in self.sessions.values()) >= login.max_binds:
            return response_to(request, CommandStatus.ESME_RALYBND)
        self.logins[login.id] = login
        session = Session(link, login.id, mode_of(request), request.interface_version)
        self.sessions[link] = session
        self.telling.look_soon()
        log.info("smpp_bound", login_id=login.id, mode=session.mode, peer=link.peer)
        note = asyncio.create_task(self._in_thread(lambda: accounts.note_bound(login.id)))
        note.add_done_callback(lambda done: done.cancelled() or done.exception())
        version = (integer_tlv(Tag.SC_INTERFACE_VERSION, INTERFACE_VERSION, 1),)
        answer = RESPONSES[RESPONSE | request.command_id]
        return answer(system_id=SYSTEM_ID, tlvs=version if request.interface_version >= WITH_TLVS else ())  # type: ignore[call-arg]

    def _submit(self, session: Session, login: Login, request: SubmitSm | DataSm) -> Answer | Awaitable[Answer]:
        if not session.may_submit:
            return response_to(request, CommandStatus.ESME_RINVBNDSTS)
        if accounts.SUBMIT not in login.scopes:
            return response_to(request, CommandStatus.ESME_RSUBMITFAIL)
        if not self._may(login):
            return response_to(request, CommandStatus.ESME_RTHROTTLED)
        try:
            order = reading.read(request, login, now=self._now())
        except reading.Refused as refused:
            return response_to(request, refused.status)
        return self._stored(session, order, isinstance(request, DataSm))

    async def _stored(self, session: Session, order: reading.Order, is_data: bool) -> Response:
        result = await self.gathering.store(order)
        answer = DataSmResp if is_data else SubmitSmResp
        if isinstance(result, CommandStatus):
            return answer(status=result)
        session.submitted += 1
        return answer(message_id=result)

    async def _query(self, login: Login, request: QuerySm) -> Response:
        message_id = intake.message_id_of(request.message_id)
        if accounts.ASK not in login.scopes or message_id is None:
            return QuerySmResp(status=CommandStatus.ESME_RQUERYFAIL)
        message = await self._in_thread(lambda: message_of(login.id, message_id))
        if message is None:
            return QuerySmResp(status=CommandStatus.ESME_RQUERYFAIL)
        state = receipts.state_of(message.status)
        final = message.final_at if Status(message.status) in FINAL else None
        return QuerySmResp(
            message_id=request.message_id,
            final_date=times.write(final) if final else "",
            message_state=state,
            error_code=receipts.error_of(message.status, message.reason) if state is not MessageState.ENROUTE else 0,
        )

    async def _cancel(self, login: Login, request: CancelSm) -> Response:
        message_id = intake.message_id_of(request.message_id)
        if accounts.SUBMIT not in login.scopes or message_id is None:
            return CancelSmResp(status=CommandStatus.ESME_RCANCELFAIL)

        def cancelled() -> bool:
            return message_of(login.id, message_id) is not None and cancel(message_id=message_id)

        done = await self._in_thread(cancelled)
        return CancelSmResp(status=CommandStatus.ESME_ROK if done else CommandStatus.ESME_RCANCELFAIL)

    def _may(self, login: Login) -> bool:
        """Whether the login's rate, over all its binds, and its key's quotas allow one more now."""
        now = monotonic()
        if login.rate is not None:
            bucket = self._buckets.get(login.id)
            if bucket is None or bucket.rate != login.rate:
                bucket = self._buckets[login.id] = Bucket(login.rate, now)
            if not bucket.take(now):
                return False
        return not login.quotas or self._quotas.take(login.use.key_id, login.quotas, now).let_in

    # What goes on by itself

    async def _refresh(self) -> None:
        """Logins as they are now, and the database's time. Who may not be bound any more is unbound."""
        bound = {session.login_id for session in self.sessions.values()}
        found, now = await self._in_thread(lambda: (accounts.current(bound), clock.now()))
        self._began = (now, monotonic())
        for login_id in list(self.logins):
            if login_id in found:
                self.logins[login_id] = found[login_id]
            elif login_id in bound or all(each.login_id != login_id for each in self.sessions.values()):
                del self.logins[login_id]
        for link, session in list(self.sessions.items()):
            login = found.get(session.login_id)
            may_stay = login is not None and login.may_come_from(link.peer)
            if session.login_id in bound and not may_stay and link.is_open:
                log.info("smpp_unbinding", login_id=session.login_id)
                self._tasks.append(asyncio.create_task(link.unbind()))

    def _now(self) -> datetime:
        """The database's time, of the last refresh and what has gone by since."""
        at, then = self._began
        return at + timedelta(seconds=monotonic() - then)

    async def _say(self) -> None:
        seen = presence.describe(self.sessions.values(), self.logins)
        await self._in_thread(lambda: presence.say(seen))

    async def _close_texts(self) -> None:
        await self._in_thread(long_texts.close_old)

    async def _again_and_again(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception as error:
                log.warning("smpp_door_work_failed", work=getattr(work, "__name__", ""), error=type(error).__name__)
            await asyncio.sleep(seconds)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def with_a_connection_that_works() -> T:
            close_old_connections()
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._asking, with_a_connection_that_works)


async def run(host: str, port: int, tls: SSLContext | None, stop: asyncio.Event) -> None:
    """The door until it is told to stop."""
    door = Door()
    opened = await door.open(host, port, tls)
    log.info("smpp_door_open", port=opened, tls=tls is not None)
    with suppress(asyncio.CancelledError):
        await stop.wait()
    await door.close()
