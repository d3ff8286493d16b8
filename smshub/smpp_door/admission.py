"""Whether a bind is let in. Whatever is wrong with its credentials, the answer and its price are the same."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import structlog
from django.db import Error as DatabaseError

from delivery import vitals
from delivery.smpp.constants import CommandStatus
from delivery.smpp.pdu import Bind
from smshub.smpp_door import logins
from smshub.smpp_door.limits import Lockout
from smshub.smpp_door.logins import Login

log = structlog.get_logger(__name__)

#: Binds that wait for the slow hash of their password, of which one at a time is made.
MOST_WAITING = 20

InThread = Callable[[Callable[[], Login | None]], Awaitable[Login | None]]


class Admission:
    def __init__(self) -> None:
        self._lockout = Lockout()
        self._credentials = logins.Credentials()
        self._hashing = ThreadPoolExecutor(1, "hashing")
        self._waiting = 0

    async def of(self, bind: Bind, peer: str, in_thread: InThread) -> tuple[CommandStatus, Login | None]:
        """The login, or the status of the refusal. `in_thread` runs what asks the database."""
        if self._lockout.is_locked(peer, monotonic()) or self._waiting >= MOST_WAITING:
            return CommandStatus.ESME_RBINDFAIL, None
        self._waiting += 1
        try:
            found = await in_thread(lambda: logins.find(bind.system_id))
            loop = asyncio.get_running_loop()
            right = await loop.run_in_executor(self._hashing, self._credentials.are_right, found, bind.password)
        except DatabaseError as error:
            log.warning("bind_not_looked_up", error=type(error).__name__)
            return CommandStatus.ESME_RSYSERR, None
        finally:
            self._waiting -= 1
        if not right or found is None or not found.may_come_from(peer):
            self._lockout.failed(peer, monotonic())
            vitals.count("smpp_binds_refused")
            log.warning("smpp_bind_refused", login_id=found.id if found else None, peer=peer)
            return CommandStatus.ESME_RINVPASWD, None
        self._lockout.succeeded(peer)
        return CommandStatus.ESME_ROK, found

    def close(self) -> None:
        self._hashing.shutdown(wait=False, cancel_futures=True)
