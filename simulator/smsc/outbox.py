"""What waits for an account's receivers: receipts and texts, until a bind has acknowledged them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery.smpp.constants import CommandStatus
from delivery.smpp.pdu import DataSm, DeliverSm
from simulator.carrier import Carrier

if TYPE_CHECKING:
    from simulator.smsc.session import Session

_MOST_TRIES = 50
# SMPP 3.4, 5.1.3: the application's permanent error, and its refusal. Others are thought to pass.
_FOR_GOOD = frozenset({CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN})


@dataclass(slots=True, eq=False)
class Parcel:
    """One PDU for the client. `settled` is told the status of its last answer, None if there never was one."""

    pdu: DeliverSm | DataSm
    origin: "Session | None"
    settled: Callable[[int | None], None]
    tries: int = 0
    due: float = 0.0
    """When it is taken for unanswered."""


class Outbox:
    """One account's. What cannot be given to a bind now is kept, in order."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._kept: deque[Parcel] = deque()
        self._receivers: list[Session] = []
        self._turn = 0

    def __len__(self) -> int:
        return len(self._kept)

    def join(self, receiver: "Session") -> None:
        self._receivers.append(receiver)
        self.flush()

    def leave(self, receiver: "Session", unanswered: list[Parcel]) -> None:
        """A bind has ended, with these of its parcels not acknowledged."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)
        self._kept.extendleft(reversed(unanswered))
        self.flush()

    def forget(self) -> None:
        self._kept.clear()

    def send(self, parcel: Parcel) -> None:
        receiver = None if self._kept else self._receiver_for(parcel)
        if receiver is None:
            self._kept.append(parcel)
            self.flush()
        else:
            receiver.deliver(parcel)

    def flush(self) -> None:
        """Hand over what the binds will take."""
        while self._kept and (receiver := self._receiver_for(self._kept[0])) is not None:
            receiver.deliver(self._kept.popleft())

    def answered(self, parcel: Parcel, status: int) -> None:
        if status == CommandStatus.ESME_ROK or status in _FOR_GOOD or parcel.tries >= _MOST_TRIES:
            parcel.settled(status)
        else:
            agenda = self._carrier.agenda
            agenda.at(agenda.now() + self._carrier.dice.faults.smpp_redeliver_seconds, self._again, parcel)
        if self._kept:
            self.flush()

    def unanswered(self, parcel: Parcel) -> None:
        if parcel.tries >= _MOST_TRIES:
            parcel.settled(None)
        else:
            self._again(parcel)

    def _again(self, parcel: Parcel) -> None:
        self._carrier.stats.callbacks_retried += 1
        self.send(parcel)

    def _receiver_for(self, parcel: Parcel) -> "Session | None":
        """The bind whose turn it is, of those that have room, by the knob's rule."""
        faults = self._carrier.dice.faults
        open_to = self._receivers
        if faults.smpp_receipts_to != "any" and len(open_to) > 1:
            same = faults.smpp_receipts_to == "same"
            open_to = [each for each in open_to if (each is parcel.origin) == same] or open_to
        window = faults.smpp_deliver_window
        for offset in range(len(open_to)):
            turn = (self._turn + offset) % len(open_to)
            if not window or open_to[turn].undelivered < window:
                self._turn = turn + 1
                return open_to[turn]
        return None
