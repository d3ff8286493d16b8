"""The service centre: its accounts and connections, its clock, and what handsets send."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

from delivery.smpp.constants import ESM_UDHI, CommandStatus, MessageState, Npi, Ton, status_name
from delivery.smpp.pdu import Bind, DeliverSm, QuerySmResp
from simulator.carrier import Carrier
from simulator.ledger import FINAL
from simulator.smsc.customer import Customer, state_of
from simulator.smsc.outbox import Parcel
from simulator.smsc.receipts import STATES, write_id
from simulator.smsc.rules import Account, RefusalError
from simulator.smsc.session import Session
from simulator.smsc.text import DATA_CODING, Joining, write

_TICK_SECONDS = 0.05


class Service:
    system_id = "simulator"

    def __init__(self, carrier: Carrier, accounts: Iterable[Account], first_id: int | None = None) -> None:
        """Ids are numbers, counted from `first_id`; without one none is ever repeated by a later run."""
        self.carrier = carrier
        self.customers = {account.system_id: Customer(carrier, account) for account in accounts}
        self.sessions: set[Session] = set()
        self._strangers: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self._ports: dict[str, int] = {}
        self._numbers = count(int(time.time() * 1000) << 8 if first_id is None else first_id)
        self._references = count(1)
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_TICK_SECONDS, self._tick)
        carrier.on_reset.append(self._forget)

    async def listen(self, host: str, port: int, context: ssl.SSLContext | None = None) -> tuple[str, str, int]:
        """OSError when the port cannot be had. Returns (smpp or smpps, host, port)."""
        server = await self._loop.create_server(partial(Session, self), host, port, ssl=context, backlog=512)
        self._servers.append(server)
        scheme = "smpp" if context is None else "smpps"
        taken_host, self._ports[scheme] = server.sockets[0].getsockname()[:2]
        return scheme, taken_host, self._ports[scheme]

    def close(self) -> None:
        """Take no further connections, and end those that there are in order."""
        self._timer.cancel()
        for server in self._servers:
            server.close()
        for session in list(self.sessions):
            session.close()

    def next_number(self) -> int:
        return next(self._numbers)

    def write_id(self, number: int) -> str:
        return write_id(number, self.carrier.dice.faults.smpp_ids)

    def admit(self, pdu: Bind, mode: str) -> Customer:
        """Whose bind it is. RefusalError when it is nobody's, or one that may not be."""
        customer = self.customers.get(pdu.system_id)
        if customer is None:
            self._strangers[status_name(CommandStatus.ESME_RINVSYSID)] += 1
            raise RefusalError(CommandStatus.ESME_RINVSYSID)
        if pdu.password != customer.account.password:
            customer.count_refusal(CommandStatus.ESME_RINVPASWD)
            raise RefusalError(CommandStatus.ESME_RINVPASWD)
        customer.check_bind(mode)
        return customer

    def state_of(self, customer: Customer, message_id: str) -> QuerySmResp:
        entry = self.carrier.ledger.get(message_id)
        if entry is None or entry.account != customer.account.system_id:
            return QuerySmResp(status=CommandStatus.ESME_RINVMSGID)
        word = state_of(entry.status, entry.error, self.carrier.dice.faults)
        ended = entry.status in FINAL
        return QuerySmResp(
            message_id=message_id,
            final_date=time.strftime("%y%m%d%H%M%S000+", time.gmtime(entry.updated)) if ended else "",
            message_state=STATES.get(word, MessageState.UNKNOWN),
            error_code=(entry.error or 0) % 256,
        )

    async def send_text(
        self,
        *,
        account: str,
        to: str,
        sender: str,
        body: str,
        coding: str,
        joining: Joining,
        reference: int | None = None,
        order: Sequence[int] = (),
        patience: float = 5.0,
    ) -> dict[str, Any]:
        """A text from a handset, over whichever binds can receive it: {"parts": how many it takes, "reference":
        theirs, "answers": of each that was sent its number and the status it was answered with, or None}.

        `order` gives the numbers of the parts to send, as they are to come; one may be missing or come twice.
        ValueError for what cannot be sent; what nobody has answered after `patience` seconds stays on its way.
        """
        customer = self.customers.get(account)
        if customer is None:
            raise ValueError("no such account")
        reference = next(self._references) & 0xFFFF if reference is None else reference
        pieces = write(body, coding, joining, reference)
        numbers = list(order) or list(range(1, len(pieces) + 1))
        if not set(numbers) <= set(range(1, len(pieces) + 1)):
            raise ValueError(f"there are {len(pieces)} parts")
        answers: list[asyncio.Future[int | None]] = []
        for number in numbers:
            data, tlvs, udhi = pieces[number - 1]
            pdu = DeliverSm(
                **_address("source_addr", "source_addr", sender),
                **_address("dest_addr", "destination_addr", to),
                esm_class=ESM_UDHI if udhi else 0,
                data_coding=DATA_CODING[coding],
                short_message=data,
                tlvs=tlvs,
            )
            answer: asyncio.Future[int | None] = self._loop.create_future()
            answers.append(answer)
            customer.outbox.send(Parcel(pdu, None, partial(_settle, answer)))
        self.carrier.stats.inbound_posted += len(numbers)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await asyncio.gather(*map(asyncio.shield, answers))
        return {
            "parts": len(pieces),
            "reference": reference,
            "answers": [
                {"part": number, "status": answer.result() if answer.done() else None}
                for number, answer in zip(numbers, answers, strict=True)
            ],
        }

    def disconnect(self, account: str | None, how: str, most: int | None) -> int:
        """End binds of one account, or of all: `unbind` asks, `drop` does not. Returns of how many."""
        if account is not None and account not in self.customers:
            raise ValueError("no such account")
        customers = self.customers.values() if account is None else [self.customers[account]]
        binds = [bind for customer in customers for bind in customer.binds][:most]
        for bind in binds:
            bind.unbind() if how == "unbind" else bind.drop()
        return len(binds)

    def as_json(self) -> dict[str, Any]:
        return {
            "ports": self._ports,
            "connections": len(self.sessions),
            "strangers_refused": dict(self._strangers),
            "accounts": {name: customer.as_json() for name, customer in self.customers.items()},
        }

    def _forget(self) -> None:
        self._strangers.clear()
        for session in self.sessions:
            session.forget()
        for customer in self.customers.values():
            customer.forget()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK_SECONDS, self._tick)
        now = self.carrier.agenda.now()
        for session in list(self.sessions):
            session.tick(now)


def _settle(answer: asyncio.Future[int | None], status: int | None) -> None:
    if not answer.done():
        answer.set_result(status)


def _address(prefix: str, name: str, number: str) -> dict[str, Any]:
    """The three fields of an address. An international number has a plus here, and none on the wire."""
    ton, npi = Ton.ALPHANUMERIC, Npi.UNKNOWN
    if number.startswith("+"):
        ton, npi = Ton.INTERNATIONAL, Npi.ISDN
    elif number.isdecimal():
        ton = Ton.UNKNOWN
    return {f"{prefix}_ton": ton, f"{prefix}_npi": npi, name: number.removeprefix("+")}
