"""What the operator tells us on a bind: receipts and people's texts, each acknowledged when it is stored."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from delivery.providers.base import OutboundMessage, Receipt
from delivery.providers.smpp import codes
from delivery.providers.smpp.gathering import Gathering
from delivery.providers.smpp.texts import Texts
from delivery.providers.smpp.wire import user_reference
from delivery.smpp.constants import CommandStatus, MessageState, Tag
from delivery.smpp.link import Answer, Link
from delivery.smpp.message_ids import MessageIds
from delivery.smpp.pdu import DataSm, DeliverSm, Request, Response, SubmitSmResp, integer, response_to
from delivery.smpp.receipts import GSM_NETWORK, Report, is_report, read
from delivery.states import Status

log = structlog.get_logger(__name__)

HOLD_SECONDS = 5.0
"""A receipt whose message cannot be told yet waits so long for the response that may tell it."""
_MOST_HELD = 200
_MOST_DOUBTS = 10_000


@dataclass(slots=True)
class _Held:
    pdu: DeliverSm | DataSm
    report: Report
    answer: "asyncio.Future[Response | None]"


@dataclass(slots=True)
class Hearing:
    ids: MessageIds
    gathering: Gathering
    texts: Texts
    _held: deque[_Held] = field(default_factory=deque)
    _doubts: dict[tuple[int, str], tuple[UUID, int]] = field(default_factory=dict)

    def heard(self, link: Link, request: Request) -> "Answer | asyncio.Future[Answer]":
        """The handler of every bind's link."""
        if not isinstance(request, DeliverSm | DataSm):
            return response_to(request, CommandStatus.ESME_RINVCMDID)
        if not is_report(request):
            return self.texts.heard(link, request)
        report = read(request)
        if report is None:
            log.warning("receipt_not_understood")
            return response_to(request)
        answer: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        held = _Held(request, report, answer)
        if not self._take(held):
            if len(self._held) >= _MOST_HELD:
                return response_to(request, CommandStatus.ESME_RX_T_APPN)
            if not self._held:
                asyncio.get_running_loop().call_later(HOLD_SECONDS, self._give_back)
            self._held.append(held)
        return answer

    def taken(self, message_id: str, recipient: str) -> str:
        """A message was taken under this id: what the hub is to call it."""
        known_as = self.ids.of_response(message_id, recipient)
        if self._held:
            self._held = deque(held for held in self._held if not self._take(held))
        return known_as

    def in_doubt(self, message: OutboundMessage, late: "asyncio.Future[Response] | None") -> None:
        """No response came: one that is late still tells the id, and so does a receipt with our reference in it."""
        self._doubts[user_reference(message), message.recipient.removeprefix("+")] = (message.id, message.attempt)
        if len(self._doubts) > _MOST_DOUBTS:
            del self._doubts[next(iter(self._doubts))]
        if late is not None:
            about = (message.id, message.attempt, message.recipient)
            late.add_done_callback(lambda done: self._came_late(*about, done))

    def close(self) -> None:
        self.texts.close()
        self._give_back()

    def _came_late(self, id: UUID, attempt: int, recipient: str, late: "asyncio.Future[Response]") -> None:
        if late.cancelled():
            return
        response = late.result()
        if isinstance(response, SubmitSmResp) and not response.status and response.message_id:
            known_as = self.taken(response.message_id, recipient)
            self.gathering.store(Receipt(known_as, Status.ACCEPTED, message_id=id, attempt=attempt))

    def _take(self, held: _Held) -> bool:
        """Whether it could be told which message the receipt is about; then it is on its way to being stored."""
        pdu, report = held.pdu, held.report
        ids = self.ids.of_receipt(report.message_id, (pdu.source_addr, pdu.destination_addr))
        stored = [self.gathering.store(self._receipt(known_as, pdu, report)) for known_as in ids]
        if stored:
            # Those that follow are stored with the same batch, or with a later one.
            stored[-1].add_done_callback(lambda done: _answer(held, is_stored=all(each.result() for each in stored)))
        return bool(stored)

    def _receipt(self, known_as: str, pdu: DeliverSm | DataSm, report: Report) -> Receipt:
        status, failure = codes.STATES[report.state]
        code = "" if status in (Status.DELIVERED, Status.SENT) and not report.error else report.state.name
        if report.error:
            code = f"err {report.error}"
            if report.network == GSM_NETWORK:
                code = f"GSM {report.error}"
                if report.state is MessageState.UNDELIVERABLE:
                    failure = codes.GSM_ERRORS.get(int(report.error), (failure, ""))[0]
        if not report.is_final:
            status, failure = Status.SENT, None
        about = self._doubt(pdu)
        if about is None:
            return Receipt(known_as, status, failure, code)
        return Receipt(known_as, status, failure, code, message_id=about[0], attempt=about[1])

    def _doubt(self, pdu: DeliverSm | DataSm) -> tuple[UUID, int] | None:
        """The message in doubt whose reference and recipient the receipt repeats."""
        if not self._doubts:
            return None
        reference = integer(pdu.tlvs, Tag.USER_MESSAGE_REFERENCE)
        return None if reference is None else self._doubts.get((reference, pdu.source_addr.removeprefix("+")))

    def _give_back(self) -> None:
        """The operator keeps what nobody can tell the message of, and comes again."""
        held, self._held = self._held, deque()
        for each in held:
            if not self._take(each):
                _answer(each, is_stored=False)


def _answer(held: _Held, *, is_stored: bool) -> None:
    if not held.answer.done():
        status = CommandStatus.ESME_ROK if is_stored else CommandStatus.ESME_RX_T_APPN
        held.answer.set_result(response_to(held.pdu, status))
