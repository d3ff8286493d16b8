"""The submits of one connection: accepted or not, answered or not, as the dice fall."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from delivery.smpp.codec import HEADER_SIZE, encode
from delivery.smpp.constants import CommandStatus
from delivery.smpp.pdu import GenericNack, Pdu, SubmitSm, SubmitSmResp
from simulator.faults import Fate
from simulator.ledger import Entry
from simulator.segments import count as count_segments
from simulator.smsc.rules import RefusalError, Wanted, check_submit

if TYPE_CHECKING:
    from simulator.smsc.customer import Customer
    from simulator.smsc.service import Service
    from simulator.smsc.session import Session

_LONGEST_QUEUE = 10_000
_EARLY_SECONDS = 1.0
_GARBAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>It works!</body></html>"
_BEFORE = frozenset({Fate.ERROR_BEFORE, Fate.DROP_BEFORE, Fate.NACK})
_GONE = object()


class Submits:
    def __init__(self, session: "Session", service: "Service") -> None:
        self._session = session
        self._service = service
        self._carrier = service.carrier
        # Sequence number to the id of what was accepted; None: nothing yet.
        self._unanswered: dict[int, str | None] = {}
        self._waiting: deque[tuple[SubmitSm, int]] = deque()
        self._advancing = False

    def __len__(self) -> int:
        """How many have no answer yet."""
        return len(self._unanswered)

    def take(self, pdu: SubmitSm, sequence: int) -> None:
        customer, carrier = self._session.customer, self._carrier
        if customer is None or self._session.mode == "receiver":
            self._session.refuse(pdu, sequence, CommandStatus.ESME_RINVBNDSTS)
            return
        carrier.stats.requests += 1
        carrier.ledger.creates_seen += 1
        limit = carrier.dice.faults.max_in_flight
        if limit and customer.in_flight >= limit:
            carrier.stats.creates["over_limit"] += 1
            self._session.refuse(pdu, sequence, CommandStatus.ESME_RTHROTTLED)
            return
        self._unanswered[sequence] = None
        customer.count_in_flight()
        if self._has_room(1):
            self._begin(customer, pdu, sequence)
            return
        self._waiting.append((pdu, sequence))
        if len(self._waiting) == _LONGEST_QUEUE:
            self._session.pause()

    def _has_room(self, taken: int = 0) -> bool:
        """Whether one more may be worked on, not counting those `taken` already."""
        window = self._carrier.dice.faults.smpp_window
        return not window or len(self._unanswered) - len(self._waiting) - taken < window

    def end(self) -> None:
        """The connection is gone. What was received is worked on, whether or not there is anybody to be told."""
        self._unanswered.clear()
        customer = self._session.customer
        while self._waiting and customer is not None:
            self._begin(customer, *self._waiting.popleft())

    def forget(self) -> None:
        """Answer what waits for an answer: no submit of before a reset is to count after it."""
        self._waiting.clear()
        for sequence, message_id in self._unanswered.items():
            self._session.send(
                SubmitSmResp(message_id or self._service.write_id(self._service.next_number())), sequence
            )
        self._unanswered.clear()
        self._session.resume()

    def _begin(self, customer: "Customer", pdu: SubmitSm, sequence: int) -> None:
        """Half of the latency before the ledger has it, half of it after: it may be lost on either way."""
        dice, agenda = self._carrier.dice, self._carrier.agenda
        fate = dice.fate(customer.account.system_id)
        latency = dice.latency()
        due = agenda.now() + latency if latency else 0.0
        if fate is Fate.THROTTLE or (fate not in _BEFORE and not customer.within_rate()):
            self._carrier.stats.creates["throttled"] += 1
            self._respond_at(due, SubmitSmResp(status=CommandStatus.ESME_RTHROTTLED), sequence)
        elif due:
            agenda.at(due - latency / 2, _call, partial(self._work, customer, pdu, sequence, fate, due))
        else:
            self._work(customer, pdu, sequence, fate, due)

    def _work(self, customer: "Customer", pdu: SubmitSm, sequence: int, fate: Fate, due: float) -> None:
        """Accept it or do not; the answer is `due` then, or at once."""
        carrier, dice = self._carrier, self._carrier.dice
        if fate in _BEFORE:
            carrier.stats.creates[fate] += 1
            if fate is Fate.DROP_BEFORE:
                self._session.drop()
            else:
                kind = GenericNack if fate is Fate.NACK else SubmitSmResp
                self._respond_at(due, kind(status=CommandStatus.ESME_RSYSERR), sequence)
            return
        try:
            wanted = check_submit(pdu, carrier.senders, dice.faults.smpp_alphabet)
            if (rejection := dice.rejection(customer.account.system_id)) is not None:
                raise RefusalError(rejection)
        except RefusalError as refusal:
            carrier.stats.creates[f"refused_{refusal.status}"] += 1
            self._respond_at(due, SubmitSmResp(status=refusal.status), sequence)
            return

        number = self._service.next_number()
        entry = self._accept(customer, wanted, self._service.write_id(number))
        carrier.stats.creates[fate] += 1
        if sequence in self._unanswered:
            self._unanswered[sequence] = entry.sid
        notify = partial(customer.receipt, self._session, pdu, number, wanted.only_failures)
        answer = partial(self._answer, entry, sequence, fate)
        if (early := carrier.begin(entry, notify, wanted.receipts)) is not None:
            # The receipt first: its answer when that is acknowledged, or after a while.
            notify(entry, *early, None if fate is Fate.LATE else answer)
        if fate is Fate.LATE:
            carrier.agenda.at(carrier.agenda.now() + dice.faults.late_seconds, _call, answer)
        elif early is not None:
            carrier.agenda.at(carrier.agenda.now() + _EARLY_SECONDS, _call, answer)
        elif due:
            carrier.agenda.at(due, _call, answer)
        else:
            answer()

    def _accept(self, customer: "Customer", wanted: Wanted, message_id: str) -> Entry:
        return self._carrier.ledger.accept(
            sid=message_id,
            account=customer.account.system_id,
            to=wanted.to,
            sender=wanted.sender,
            body=wanted.text,
            segments=1 if wanted.segmented else count_segments(wanted.text),
            status="queued",
            reference=wanted.reference,
            validity=wanted.validity,
            part=wanted.part,
        )

    def _answer(self, entry: Entry, sequence: int, fate: Fate) -> None:
        """Tell of what was accepted, once, if there is still somebody to be told."""
        if self._unanswered.get(sequence) != entry.sid:
            return
        session, response = self._session, SubmitSmResp(entry.sid)
        if fate is Fate.DROP_AFTER:
            session.drop()
        elif fate is Fate.GARBAGE:
            del self._unanswered[sequence]
            session.write(_GARBAGE)
        elif fate is Fate.CUT:
            session.write(encode(response, sequence)[: HEADER_SIZE + 2])
            session.close()
        elif fate is Fate.ERROR_AFTER:
            self._respond(SubmitSmResp(status=CommandStatus.ESME_RSYSERR), sequence)
        else:
            self._respond(response, sequence)
            if fate is Fate.DROP_ANSWERED:
                session.close()

    def _respond_at(self, due: float, response: Pdu, sequence: int) -> None:
        if due:
            self._carrier.agenda.at(due, _call, partial(self._respond, response, sequence))
        else:
            self._respond(response, sequence)

    def _respond(self, response: Pdu, sequence: int) -> None:
        if self._unanswered.pop(sequence, _GONE) is _GONE:
            return
        self._session.send(response, sequence)
        if self._waiting and not self._advancing:
            self._advance()

    def _advance(self) -> None:
        """Work on those whose turn it is. Not again from within: each may be answered at once."""
        self._advancing = True
        while self._waiting and self._has_room() and (customer := self._session.customer) is not None:
            if len(self._waiting) == _LONGEST_QUEUE:
                self._session.resume()
            self._begin(customer, *self._waiting.popleft())
        self._advancing = False


def _call(then: Callable[[], None]) -> None:
    then()
