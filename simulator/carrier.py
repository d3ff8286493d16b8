"""The life of an accepted message, common to all faces: queued, sent, its end, and the receipts of each."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from simulator.agenda import Agenda
from simulator.faults import Dice, Faults, Outcome
from simulator.ledger import FINAL, Entry, Ledger

VALIDITY_EXPIRED = 30036

# The provider gives these up itself; any other failure is the network's word after `sent`.
_NEVER_SENT = frozenset({14107, 21610, 30001, 30002, 30010, 30018, 30024, 30032, 30034, 30036, 30450})

# After an answer has been handed to the transport, so that an ordinary receipt does not overtake it.
_FIRST_RECEIPT_AFTER = 0.01
_REORDER_GAP = 0.05

NO_RECEIPTS: frozenset[str] = frozenset()
ALL_RECEIPTS = frozenset({"queued", "sent", "final"})

Notify = Callable[[Entry, str, int | None], None]
"""Tells the client of a state: (message, status, error code)."""


@dataclass(slots=True)
class Stats:
    """Counts since the start or the last reset."""

    requests: int = 0
    in_flight: int = 0
    creates: Counter[str] = field(default_factory=Counter)
    callbacks_sent: int = 0
    callbacks_ok: int = 0
    callbacks_failed: int = 0
    callbacks_retried: int = 0
    callbacks_pending: int = 0
    receipts_lost: int = 0
    receipts_doubled: int = 0
    receipts_reordered: int = 0
    receipts_early: int = 0
    inbound_posted: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    """`after` seconds from the start the message becomes `status`, and the receipt of `announce` goes out."""

    after: float
    status: str | None
    announce: str | None
    error: int | None = None


@dataclass(slots=True)
class _Life:
    entry: Entry
    notify: Notify
    steps: Sequence[_Step]
    began: float
    done: int = 0


class Carrier:
    """Ledger, dice, clock and counts, and the life of each message between them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        credentials: Mapping[str, Sequence[str]],
        senders: Sequence[str] = (),
        faults: Faults | None = None,
        seed: int = 0,
    ) -> None:
        self.ledger = Ledger()
        self.agenda = Agenda(loop)
        self.stats = Stats()
        self.credentials = credentials
        """Account to its tokens; the first signs what the carrier posts."""
        self.senders = tuple(senders)
        self._start = (faults or Faults(), seed)
        self.dice = Dice(*self._start)
        self.on_reset: list[Callable[[], None]] = []
        self._release = asyncio.Event()

    def reset(self, changes: Mapping[str, Any], seed: int | None = None) -> None:
        """An empty ledger, no counts, nothing pending, and the faults of the start with `changes`."""
        faults = self._start[0].changed(changes)
        self.agenda.clear()
        self.ledger.clear()
        in_flight = self.stats.in_flight
        self.stats = Stats(in_flight=in_flight)
        self.dice = Dice(faults, self._start[1] if seed is None else seed)
        for forget in self.on_reset:
            forget()
        self._release.set()
        self._release = asyncio.Event()

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than to the next reset: no request of before it may count against after it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._release.wait()

    def begin(self, entry: Entry, notify: Notify, receipts: frozenset[str]) -> tuple[str, int | None] | None:
        """Start the life of an accepted message whose client wants the `receipts` of these moments.

        Returns None, or (status, error code) of the receipt that must reach the client before the answer
        to its create does; giving that one is then up to the caller.
        """
        outcome = self.dice.outcome()
        steps = self._plan(entry, outcome, receipts)
        life = _Life(entry, notify, steps, self.agenda.now())
        early = None
        if outcome.early:
            first = next((n for n, step in enumerate(steps) if step.announce), None)
            if first is not None:
                for step in steps[: first + 1]:
                    self._move(entry, step)
                life.done = first + 1
                early = (steps[first].announce or "", steps[first].error)
                self.stats.receipts_early += 1
        if life.done < len(steps):
            self.agenda.at(life.began + steps[life.done].after, self._step, life)
        return early

    def _plan(self, entry: Entry, outcome: Outcome, receipts: frozenset[str]) -> list[_Step]:
        def told(status: str) -> str | None:
            return status if ("final" if status in FINAL else status) in receipts else None

        steps = []
        if entry.status != "queued":
            steps.append(_Step(_FIRST_RECEIPT_AFTER, "queued", told("queued")))
        elif self.dice.faults.queued_callback and told("queued"):
            steps.append(_Step(_FIRST_RECEIPT_AFTER, None, "queued"))
        end = max(outcome.delay, _FIRST_RECEIPT_AFTER)
        middle = max(end / 2, _FIRST_RECEIPT_AFTER)
        error = outcome.error
        if entry.validity is not None and middle > entry.validity:
            error, end = VALIDITY_EXPIRED, entry.validity
        if error in _NEVER_SENT:
            return [*steps, _Step(end, "failed", told("failed"), error)]
        final = "delivered" if error is None else "undelivered"
        if outcome.never_final:
            steps.append(_Step(middle, "sent", told("sent")))
        elif outcome.reordered and told("sent") and told(final):
            self.stats.receipts_reordered += 1
            steps.append(_Step(middle, "sent", None))
            steps.append(_Step(end, final, final, error))
            steps.append(_Step(end + _REORDER_GAP, None, "sent"))
        elif outcome.reordered and told(final):
            self.stats.receipts_reordered += 1
            steps.append(_Step(middle, "sent", None))
            steps.append(_Step(end, final, None, error))
            steps.append(_Step(end + _REORDER_GAP, None, final, error))
        else:
            steps.append(_Step(middle, "sent", told("sent")))
            steps.append(_Step(end, final, told(final), error))
        return steps

    def _move(self, entry: Entry, step: _Step) -> None:
        if step.status is None:
            return
        if step.status != "queued" and entry.sender is None:
            entry.sender = self.pooled_sender()
        self.ledger.move(entry, step.status, step.error)

    def pooled_sender(self) -> str:
        """The number that a messaging service picks."""
        return next((sender for sender in self.senders if sender.startswith("+")), "+15005550006")

    def _step(self, life: _Life) -> None:
        step = life.steps[life.done]
        life.done += 1
        if life.done < len(life.steps):
            self.agenda.at(life.began + life.steps[life.done].after, self._step, life)
        self._move(life.entry, step)
        if step.announce:
            self.announce(life.entry, life.notify, step.announce, step.error)

    def announce(self, entry: Entry, notify: Notify, status: str, error: int | None = None) -> None:
        """Give the receipt once, twice or not at all, as the dice fall."""
        copies = self.dice.copies()
        if copies == 0:
            self.stats.receipts_lost += 1
        elif copies == 2:
            self.stats.receipts_doubled += 1
        for _ in range(copies):
            notify(entry, status, error)
