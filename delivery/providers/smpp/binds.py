"""The binds of one adapter: as many as it may hold, and the one that a message goes out on."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from delivery.providers.base import Connection, ConnectionState
from delivery.providers.smpp.account import Account, Mode
from delivery.providers.smpp.bind import HeldBind
from delivery.providers.smpp.opening import Role

_ROLES = {Mode.TRANSCEIVER: (Role.TRANSCEIVER,), Mode.PAIR: (Role.TRANSMITTER, Role.RECEIVER)}

#: Makes a bind of this name and role, told whom to call when it has changed.
Opener = Callable[[str, Role, Callable[[], None]], HeldBind]


class NoBind(Exception):
    """There is none that a message could go out on; nothing was sent."""

    def __init__(self, message: str, *, refused_by: str = "", full: bool = False) -> None:
        super().__init__(message)
        self.refused_by = refused_by
        """The command_status with which the operator refuses the account, by name."""
        self.full = full
        """Whether there were some, with no room in time."""


class Binds:
    def __init__(self, account: Account, opener: Opener) -> None:
        self._account = account
        self._open = opener
        self._held: list[list[HeldBind]] = []
        self._senders: list[HeldBind] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._stopping: dict[asyncio.Task[None], HeldBind] = {}

    def hold(self, count: int) -> None:
        """Bind or unbind until there are `count`. What is unbound takes no more messages from now on."""
        while len(self._held) < count:
            # A name that is still being unbound may be held again: they are two, for a moment.
            name = str(len(self._held) + 1)
            self._held.append([self._open(name, role, self._changed) for role in _ROLES[self._account.mode]])
        while len(self._held) > count:
            for bind in self._held.pop():
                stopping = asyncio.create_task(bind.stop())
                self._stopping[stopping] = bind
                stopping.add_done_callback(self._stopping.pop)
        self._senders = [bind for binds in self._held for bind in binds if bind.sends]
        self._wake_all()

    async def close(self) -> None:
        self.hold(0)
        if self._stopping:
            await asyncio.wait(list(self._stopping))

    def connections(self) -> Sequence[Connection]:
        held = [bind for binds in self._held for bind in binds]
        return [bind.shown() for bind in [*held, *self._stopping.values()]]

    async def one_with_room(self, seconds: float) -> HeldBind:
        """The bind with the shortest queue; waits up to `seconds` for room, and for one that is about to be bound.

        What is done with it must be done at once. Raises NoBind.
        """
        if (bind := self._shortest()) is not None and not self._waiting:
            return bind
        until = asyncio.get_running_loop().time() + seconds
        while True:
            if not any(bind.link or bind.state is ConnectionState.CONNECTING for bind in self._senders):
                raise self._none()
            await self._turn(until)
            if (bind := self._shortest()) is not None:
                return bind

    def _shortest(self) -> HeldBind | None:
        best, least = None, 0
        for bind in self._senders:
            if (room := bind.room) > least:
                best, least = bind, room
        return best

    async def _turn(self, until: float) -> None:
        """First come first served; one whose turn came to nothing waits again."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout_at(until):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.cancelled():
                with suppress(ValueError):  # passed over already by whoever looked for the next
                    self._waiting.remove(turn)
            else:
                self._changed()  # the turn came at the very end, and goes to the next
            if isinstance(error, TimeoutError):
                raise NoBind("No room in a window in time", full=True) from None
            raise

    def _none(self) -> NoBind:
        refused_by = next((bind.refused_by for bind in self._senders if bind.refused_by), "")
        return NoBind("The operator refuses the account" if refused_by else "There is no bind", refused_by=refused_by)

    def _changed(self) -> None:
        """A bind has room, or has gone."""
        if not self._waiting:
            return
        room = sum(bind.room for bind in self._senders)
        if not room:
            if not any(bind.link or bind.state is ConnectionState.CONNECTING for bind in self._senders):
                self._wake_all()
            return
        while room > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1

    def _wake_all(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
