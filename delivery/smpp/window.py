"""Requests of one side that are under way on a link: their sequence numbers, their responses, and the room for more.

What became of a request is one of four things, and telling them apart is what keeps a text from being sent twice:

- a response (which may be a generic_nack, and whose status may be an error);
- `NotSent`: it never left, for the link was closed or closing, or there was no room in time;
- `NoResponse`: it left, and the response timer ran out. Its `late` is a future for the response that may still come;
- `Lost`: it left, and then the link was lost, or what answered it could not be read.
"""

import asyncio
from collections import deque

from delivery.smpp.constants import GENERIC_NACK, RESPONSE, Command
from delivery.smpp.pdu import Response

LAST_SEQUENCE = 0x7FFF_FFFF
"""3.2: sequence numbers begin at 1 again after it."""
MOST_LATE = 10_000
"""Requests without a response whose late ones are still waited for."""

# They keep the link itself, and take no room.
_CONTROL = frozenset({RESPONSE | Command.ENQUIRE_LINK, RESPONSE | Command.UNBIND})


class LinkError(Exception):
    """A request that got no response."""


class NotSent(LinkError):
    """It certainly never left."""


class Lost(LinkError):
    """It left, and there will be no response that could be read."""


class NoResponse(LinkError):
    """It left, and the response timer ran out; `late` is done if its response comes yet, cancelled if none can."""

    def __init__(self, message: str, late: "asyncio.Future[Response]") -> None:
        super().__init__(message)
        self.late = late


class _Pending:
    __slots__ = ("answer_id", "deadline", "future")

    def __init__(self, answer_id: int, deadline: float, future: "asyncio.Future[Response]") -> None:
        self.answer_id = answer_id
        self.deadline = deadline
        self.future = future


class Window:
    """At most `size` requests without a response; whoever finds no room waits, first come first served."""

    __slots__ = ("_control", "_granted", "_late", "_loop", "_pending", "_sequence", "_waiting", "paused", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.paused = False
        """Whether the connection takes no more bytes at the moment."""
        self._loop = asyncio.get_running_loop()
        self._pending: dict[int, _Pending] = {}
        self._late: dict[int, asyncio.Future[Response]] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._granted = 0
        self._control = 0
        self._sequence = 0

    @property
    def in_flight(self) -> int:
        """Requests without a response, enquire_link and unbind aside."""
        return len(self._pending) - self._control

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def room(self) -> int:
        """How many could leave at once."""
        if self.paused:
            return 0
        return max(0, self.size - len(self._pending) + self._control - self._granted - len(self._waiting))

    async def wait(self, seconds: float | None) -> None:
        """For a place, which is to be taken before anything else is awaited. Raises NotSent."""
        turn: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(turn)
        try:
            # Shielded, so that a turn that was given at the very end is known to have been.
            await asyncio.wait_for(asyncio.shield(turn), seconds)
        except (TimeoutError, asyncio.CancelledError) as error:
            if not turn.done():
                self._waiting.remove(turn)
            elif not turn.exception():
                self._granted -= 1
                self.make_room()
            if isinstance(error, TimeoutError):
                raise NotSent("No room in the window in time") from None
            raise
        self._granted -= 1

    def make_room(self) -> int:
        """Wake as many as there is room for, whose places are kept until they run. Returns the room that is left."""
        if self.paused:
            return 0
        free = self.size - self.in_flight - self._granted
        while free > 0 and self._waiting:
            self._waiting.popleft().set_result(None)
            self._granted += 1
            free -= 1
        return free

    def next_sequence(self) -> int:
        sequence = self._sequence
        while True:
            sequence = sequence + 1 if sequence < LAST_SEQUENCE else 1
            if sequence not in self._pending and sequence not in self._late:
                self._sequence = sequence
                return sequence

    def add(self, sequence: int, command_id: int, deadline: float) -> "asyncio.Future[Response]":
        """A request that leaves now; all have the same time to be answered in."""
        future: asyncio.Future[Response] = self._loop.create_future()
        answer_id = RESPONSE | command_id
        self._pending[sequence] = _Pending(answer_id, deadline, future)
        self._control += answer_id in _CONTROL
        return future

    def answered(self, sequence: int, command_id: int, response: Response | None) -> None:
        """A response came; None for one that could not be read."""
        pending = self._pending.pop(sequence, None)
        if pending is None:
            late = self._late.pop(sequence, None)
            if late is not None and response is not None and not late.done():
                late.set_result(response)
            return
        self._control -= pending.answer_id in _CONTROL
        future = pending.future
        if future.done():
            return
        if response is None or (command_id != pending.answer_id and command_id != GENERIC_NACK):
            future.set_exception(Lost("The response could not be read"))
        else:
            future.set_result(response)

    def expire(self, now: float) -> bool:
        """Give up what is overdue. Returns whether there was any."""
        overdue = []
        for sequence, pending in self._pending.items():
            if pending.deadline > now:
                break
            overdue.append(sequence)
        for sequence in overdue:
            pending = self._pending.pop(sequence)
            self._control -= pending.answer_id in _CONTROL
            late: asyncio.Future[Response] = self._loop.create_future()
            self._late[sequence] = late
            if len(self._late) > MOST_LATE:
                self._late.pop(next(iter(self._late))).cancel()
            if not pending.future.done():
                pending.future.set_exception(NoResponse("No response in time", late))
        return bool(overdue)

    def refuse(self, why: str) -> None:
        """No more requests: who waits for room is told."""
        while self._waiting:
            self._waiting.popleft().set_exception(NotSent(why))

    def lose(self, why: str) -> None:
        """The connection is gone: what has no response will have none."""
        self.refuse(why)
        pending, self._pending = self._pending, {}
        self._control = 0
        for each in pending.values():
            if not each.future.done():
                each.future.set_exception(Lost(f"No response: {why}"))
        for late in self._late.values():
            late.cancel()
        self._late.clear()
