"""Sends over the binds of one SMPP account, and hears on them.

A text of several parts goes out on one bind, part after part. What becomes of it when not all are taken:

- the first part is refused: nothing was taken, and the outcome is what the refusal says;
- a later part is refused for speed: this part was certainly not taken, and is offered again until the time for the
  whole is over;
- a later part is refused for good, cannot be sent, or has no response: UNCERTAIN, for the recipient may be shown what
  was taken. The hub does not send it again by itself, and no id is told: with those of some parts only, receipts of
  these would make the whole seem delivered.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from delivery.errors import Failure
from delivery.providers.base import (
    Answer,
    CannotAsk,
    Connection,
    Listener,
    OutboundMessage,
    Outcome,
    ProviderConfig,
    Question,
    Receipt,
    SendOutcome,
)
from delivery.providers.smpp import codes, wire
from delivery.providers.smpp.account import read
from delivery.providers.smpp.bind import HeldBind
from delivery.providers.smpp.binds import Binds, NoBind
from delivery.providers.smpp.gathering import Gathering
from delivery.providers.smpp.hearing import Hearing
from delivery.providers.smpp.opening import Role
from delivery.providers.smpp.texts import Texts
from delivery.smpp import text
from delivery.smpp.constants import MessageState, status_name
from delivery.smpp.link import Link, LinkError, Lost, NoResponse, NotSent
from delivery.smpp.message_ids import IdBase, MessageIds
from delivery.smpp.pdu import QuerySm, QuerySmResp, Response, SubmitSm, SubmitSmResp

log = structlog.get_logger(__name__)

# Of the time for a send. The response timer is looked at in eighths of itself, so both together stay within it.
_ROOM_SHARE, _RESPONSE_SHARE = 0.45, 0.45
_RETRY_NO_BIND, _RETRY_FULL, _RETRY_ACCOUNT = 5.0, 1.0, 300.0
_PART_PAUSE = 0.5
_LOOK_SECONDS = 5.0


class SmppAdapter:
    def __init__(self, config: ProviderConfig, listener: Listener | None) -> None:
        self._account = read(config)
        self._config = config
        self._gathering = Gathering(listener)
        self._texts = Texts(self._account, self._gathering)
        self._hearing = Hearing(MessageIds(self._account.id_base, learned=self._learned), self._gathering, self._texts)
        self._binds = Binds(self._account, self._open)
        self._looking = asyncio.create_task(self._look_after())

    def hold(self, connections: int) -> None:
        self._binds.hold(max(0, min(connections, self._account.binds)))

    def connections(self) -> Sequence[Connection]:
        return self._binds.connections()

    async def send(self, message: OutboundMessage) -> SendOutcome:
        try:
            bind = await self._binds.one_with_room(self._config.timeout * _ROOM_SHARE)
        except NoBind as none:
            return _not_now(message, none)
        try:
            pdus = wire.submits(message, self._account, optional=bind.optional)
        except ValueError as error:
            return wire.unsendable(message, error)
        if len(pdus) > 1:
            return await self._send_parts(message, bind, pdus)
        try:
            response = await bind.submit(pdus[0])
        except (LinkError, ValueError) as error:
            if isinstance(error, NoResponse | Lost):
                self._hearing.in_doubt(message, error.late if isinstance(error, NoResponse) else None)
            return _no_response(message, error)
        if response.status or not isinstance(response, SubmitSmResp):
            outcome = wire.refused(message, response.status, self._account)
        elif not response.message_id:
            outcome = wire.uncertain(message, "A response without an id")
        else:
            known_as = self._hearing.taken(response.message_id, message.recipient)
            return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=known_as)
        if outcome.outcome is Outcome.UNCERTAIN:
            self._hearing.in_doubt(message, None)
        return outcome

    async def ask(self, question: Question) -> Answer:
        if not self._account.may_query:
            raise CannotAsk("The operator is not asked (query_sm); receipts tell")
        if not question.provider_message_id:
            raise CannotAsk("SMPP can be asked by id only")
        try:
            source_ton, source_npi, source = wire.source_address(question.sender, self._account)
            if len(text.encode(question.body, alphabet=self._account.alphabet, long=self._account.long).parts) != 1:
                raise CannotAsk("Of a text in parts only each part could be asked about")
            bind = await self._binds.one_with_room(self._config.timeout * _ROOM_SHARE)
            response = await bind.submit(QuerySm(question.provider_message_id, source_ton, source_npi, source))
        except (NoBind, LinkError, ValueError) as error:
            raise CannotAsk(f"It could not be asked ({type(error).__name__})") from None
        if response.status or not isinstance(response, QuerySmResp):
            raise CannotAsk(f"The operator does not say ({status_name(response.status)})")
        try:
            status, failure = codes.STATES[MessageState(response.message_state)]
        except ValueError:
            raise CannotAsk("The operator answered with a state that is none") from None
        found = Receipt(question.provider_message_id, status, failure)
        return Answer(question.message_id, question.attempt, [found])

    async def close(self) -> None:
        self._looking.cancel()
        await self._binds.close()
        self._hearing.close()
        await self._gathering.close()

    # Parts

    async def _send_parts(self, message: OutboundMessage, bind: HeldBind, pdus: list[SubmitSm]) -> SendOutcome:
        taken: list[str] = []
        try:
            async with asyncio.timeout(self._config.timeout * (1 - _ROOM_SHARE)):
                for pdu in pdus:
                    response = await self._send_part(bind, pdu, is_first=not taken)
                    if response.status or not isinstance(response, SubmitSmResp):
                        return self._refused_part(message, response.status, taken, len(pdus))
                    if not response.message_id:
                        return wire.uncertain(message, "A response without an id")
                    taken.append(response.message_id)
        except (LinkError, ValueError) as error:
            if not taken:
                return _no_response(message, error)
            return wire.uncertain(message, f"{len(taken)} of {len(pdus)} parts were taken, then no response came")
        except TimeoutError:
            return wire.uncertain(message, f"{len(taken)} of {len(pdus)} parts were taken in time")
        known_as = tuple(self._hearing.taken(each, message.recipient) for each in taken)
        return SendOutcome(
            message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=known_as[0], part_ids=known_as
        )

    async def _send_part(self, bind: HeldBind, pdu: SubmitSm, *, is_first: bool) -> Response:
        if is_first:
            return await bind.submit(pdu)
        while True:
            response = await bind.request(pdu)
            if codes.of_submit(response.status).outcome is not Outcome.THROTTLED or not response.status:
                return response
            await asyncio.sleep(_PART_PAUSE)

    def _refused_part(self, message: OutboundMessage, status: int, taken: list[str], total: int) -> SendOutcome:
        if not taken:
            return wire.refused(message, status, self._account)
        return wire.uncertain(
            message, f"{len(taken)} of {total} parts were taken, then one was refused", status_name(status)
        )

    # What goes on beside

    def _open(self, name: str, role: Role, changed: Callable[[], None]) -> HeldBind:
        return HeldBind(
            name,
            role,
            self._account,
            self._hearing.heard,
            provider_id=self._config.id,
            private_addresses=self._config.private_addresses,
            response_seconds=self._config.timeout * _RESPONSE_SHARE,
            changed=changed,
            lost=self._link_lost,
        )

    def _link_lost(self, link: Link) -> None:
        self._texts.link_closed(link)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._texts.look_after()

    def _learned(self, base: IdBase) -> None:
        log.info("message_ids_learned", provider_id=self._config.id, id_base=str(base))


def _no_response(message: OutboundMessage, error: Exception) -> SendOutcome:
    if isinstance(error, ValueError):
        return wire.unsendable(message, error)
    if isinstance(error, NotSent):
        return _not_now(message, NoBind("The bind was lost before it left"))
    return wire.uncertain(message, "No response in time" if isinstance(error, NoResponse) else "The link was lost")


def _not_now(message: OutboundMessage, none: NoBind) -> SendOutcome:
    """Nothing has left."""
    wait = _RETRY_ACCOUNT if none.refused_by else _RETRY_FULL if none.full else _RETRY_NO_BIND
    return SendOutcome(
        message.id,
        message.attempt,
        Outcome.THROTTLED,
        failure=Failure.ACCOUNT if none.refused_by else Failure.THROTTLED if none.full else Failure.CARRIER,
        code=none.refused_by,
        detail=str(none),
        retry_after=wait,
    )


def build(config: ProviderConfig, listener: Listener | None) -> SmppAdapter:
    return SmppAdapter(config, listener)
