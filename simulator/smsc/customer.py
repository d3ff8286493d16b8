"""One account of the service centre: its binds, what it may do, what it is told."""

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from delivery.smpp.constants import CommandStatus, status_name
from delivery.smpp.pdu import SubmitSm
from simulator.carrier import VALIDITY_EXPIRED, Carrier
from simulator.ledger import Entry
from simulator.smsc.knobs import SmppKnobs
from simulator.smsc.outbox import Outbox, Parcel
from simulator.smsc.receipts import Receipt, render, write_id
from simulator.smsc.rules import Account, RefusalError

if TYPE_CHECKING:
    from simulator.smsc.session import Session

_STATES = {"queued": "ENROUTE", "sent": "ENROUTE", "delivered": "DELIVRD", "failed": "REJECTD"}


class Customer:
    def __init__(self, carrier: Carrier, account: Account) -> None:
        self._carrier = carrier
        self.account = account
        self.outbox = Outbox(carrier)
        self.binds: list[Session] = []
        self.forget()

    def forget(self) -> None:
        """Count anew from the binds that there are."""
        self.outbox.forget()
        self._recent: deque[float] = deque()
        self._refused: Counter[str] = Counter()
        self._sessions = self._most_binds = len(self.binds)
        self._most_in_flight = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "sessions": self._sessions,
            "most_binds": self._most_binds,
            "most_in_flight": self._most_in_flight,
            "refused": dict(self._refused),
            "kept": len(self.outbox),
            "binds": [bind.as_json() for bind in self.binds],
        }

    # Binds.

    def check_bind(self, mode: str) -> None:
        """RefusalError when this one is one too many, not offered, or unlucky."""
        dice = self._carrier.dice
        faults, name = dice.faults, self.account.system_id
        try:
            if (status := dice.bind_rejection(name)) is not None:
                raise RefusalError(status)
            if mode not in faults.smpp_bind_modes.split():
                raise RefusalError(CommandStatus.ESME_RBINDFAIL)
            limits = [limit for limit in (faults.smpp_max_binds, self.account.max_binds) if limit]
            if limits and len(self.binds) >= min(limits):
                raise RefusalError(CommandStatus.ESME_RALYBND)
        except RefusalError as refusal:
            self.count_refusal(refusal.status)
            raise

    def count_refusal(self, status: int) -> None:
        self._refused[status_name(status)] += 1

    def join(self, bind: "Session") -> None:
        self.binds.append(bind)
        self._sessions += 1
        self._most_binds = max(self._most_binds, len(self.binds))
        if bind.mode != "transmitter":
            self.outbox.join(bind)

    def leave(self, bind: "Session", undelivered: list[Parcel]) -> None:
        self.binds.remove(bind)
        self.outbox.leave(bind, undelivered)

    # Submits.

    @property
    def in_flight(self) -> int:
        """Submits that no bind has had its answer to."""
        return sum([len(bind.submits) for bind in self.binds])

    def count_in_flight(self) -> None:
        self._most_in_flight = max(self._most_in_flight, self.in_flight)

    def within_rate(self) -> bool:
        """Whether one more may be accepted in this second; if so it is counted."""
        limit = self._carrier.dice.faults.smpp_max_per_second
        if not limit:
            return True
        now, recent = self._carrier.agenda.now(), self._recent
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if len(recent) >= limit:
            return False
        recent.append(now)
        return True

    # Receipts.

    def receipt(
        self,
        origin: "Session",
        submit: SubmitSm,
        number: int,
        only_failures: bool,
        entry: Entry,
        status: str,
        error: int | None,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Tell of what has become of `submit`, and call `then` when that has been heard."""
        if only_failures and status == "delivered":
            return
        faults, stats = self._carrier.dice.faults, self._carrier.stats
        receipt = Receipt(
            message_id=write_id(number, faults.smpp_receipt_ids or faults.smpp_ids),
            state=state_of(status, error, faults),
            error=error or 0,
            submitted=entry.created,
            done=entry.updated,
            text=entry.body,
        )
        pdu = render(
            receipt,
            submit,
            dialect=faults.smpp_receipt_text,
            tlvs=faults.smpp_receipt_tlvs,
            data_sm=faults.smpp_receipt_data_sm,
        )
        stats.callbacks_sent += 1
        stats.callbacks_pending += 1
        self.outbox.send(Parcel(pdu, origin, partial(self._settled, entry, status, then)))

    def _settled(self, entry: Entry, status: str, then: Callable[[], None] | None, answer: int | None) -> None:
        stats = self._carrier.stats
        stats.callbacks_pending -= 1
        if answer == CommandStatus.ESME_ROK:
            stats.callbacks_ok += 1
            entry.acknowledged = (*entry.acknowledged, status)
        else:
            stats.callbacks_failed += 1
        if then is not None:
            then()


def state_of(status: str, error: int | None, knobs: SmppKnobs) -> str:
    """A status of the ledger in the word of a receipt."""
    if error == VALIDITY_EXPIRED:
        return "EXPIRED"
    return _STATES.get(status) or knobs.smpp_failed_state
