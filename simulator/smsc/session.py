"""One connection of a client, from its bind to its end: what it asks, in what order it is answered, what it is sent."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from delivery.smpp.codec import HEADER_SIZE, BadPdu, decode, encode, read_header
from delivery.smpp.constants import GENERIC_NACK, RESPONSE, Command, CommandStatus, Tag
from delivery.smpp.pdu import (
    Bind,
    BindResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    QuerySm,
    Request,
    SubmitSm,
    Unbind,
    UnbindResp,
    integer_tlv,
    response_to,
)
from simulator.smsc.outbox import Parcel
from simulator.smsc.rules import RefusalError
from simulator.smsc.submits import Submits

if TYPE_CHECKING:
    from simulator.smsc.customer import Customer
    from simulator.smsc.service import Service

_LARGEST_PDU = 70_000
_REPLIES = {RESPONSE | Command.DELIVER_SM, RESPONSE | Command.DATA_SM}
_MODES = {
    Command.BIND_TRANSCEIVER: "transceiver",
    Command.BIND_TRANSMITTER: "transmitter",
    Command.BIND_RECEIVER: "receiver",
}


class Session(asyncio.Protocol):
    def __init__(self, service: "Service") -> None:
        self._service = service
        self._carrier = service.carrier
        self.customer: Customer | None = None
        """Whose it is, once it is bound."""
        self.mode = ""
        self.peer = ""
        self.since = 0.0
        self.heard = 0.0
        self._transport: asyncio.Transport | None = None
        self._ended = self._paused = False
        self._buffer = bytearray()
        self._out: list[bytes] = []
        self._sequence = 0
        self.submits = Submits(self, service)
        self._delivered: dict[int, Parcel] = {}
        self._asked = 0.0

    # The connection.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.peer = f"{host}:{port}"
        self.heard = self.since = self._carrier.agenda.now()
        self._service.sessions.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self._ended = None, True
        self._service.sessions.discard(self)
        self.submits.end()
        customer, self.customer = self.customer, None
        unanswered, self._delivered = list(self._delivered.values()), {}
        if customer is not None:
            customer.leave(self, unanswered)

    def data_received(self, data: bytes) -> None:
        self.heard = self._carrier.agenda.now()
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= HEADER_SIZE and not self._ended:
            header = read_header(buffer, at)
            if not HEADER_SIZE <= header.length <= _LARGEST_PDU:
                self.send(GenericNack(CommandStatus.ESME_RINVCMDLEN), header.sequence)
                self.close()
                break
            if len(buffer) - at < header.length:
                break
            body = bytes(buffer[at + HEADER_SIZE : at + header.length])
            at += header.length
            try:
                pdu = decode(header.command_id, header.status, body)
            except BadPdu as bad:
                if not header.command_id & RESPONSE:
                    self.send(GenericNack(bad.status), header.sequence)
                continue
            self._hear(pdu, header.sequence)
        del buffer[:at]

    def send(self, pdu: Pdu, sequence: int) -> None:
        self.write(encode(pdu, sequence))

    def write(self, data: bytes) -> None:
        """What is said in one turn of the loop goes out in one piece."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        data, self._out = b"".join(self._out), []
        if data and self._transport is not None and not self._ended:
            self._transport.write(data)

    def pause(self) -> None:
        """Read no further: the client has said more than can be kept."""
        if self._transport is not None and not self._ended and not self._paused:
            self._transport.pause_reading()
            self._paused = True

    def resume(self) -> None:
        if self._transport is not None and not self._ended and self._paused:
            self._transport.resume_reading()
            self._paused = False

    def close(self) -> None:
        """End the connection when what was written is out."""
        self._flush()
        self._ended = True
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """End the connection at once, and without a word."""
        self._out.clear()
        self._ended = True
        if self._transport is not None:
            self._transport.abort()

    # What the service does of itself.

    @property
    def undelivered(self) -> int:
        return len(self._delivered)

    def as_json(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "peer": self.peer,
            "seconds": self._carrier.agenda.now() - self.since,
            "in_flight": len(self.submits),
            "unacknowledged": len(self._delivered),
        }

    def unbind(self) -> None:
        self._sequence += 1
        self.send(Unbind(), self._sequence)

    def deliver(self, parcel: Parcel) -> None:
        self._sequence += 1
        parcel.tries += 1
        parcel.due = self._carrier.agenda.now() + self._carrier.dice.faults.smpp_ack_seconds
        self._delivered[self._sequence] = parcel
        self.send(parcel.pdu, self._sequence)

    def tick(self, now: float) -> None:
        """Look at the clocks of this connection."""
        faults = self._carrier.dice.faults
        if self._is_out():
            self.drop()
            return
        while self._delivered and self.customer is not None:
            sequence = next(iter(self._delivered))
            if self._delivered[sequence].due > now:
                break
            self.customer.outbox.unanswered(self._delivered.pop(sequence))
        if faults.smpp_idle_drop_seconds and now - self.heard >= faults.smpp_idle_drop_seconds:
            self.drop()
        elif faults.smpp_enquire_seconds and self.customer is not None:
            if now - self.heard < faults.smpp_enquire_seconds:
                self._asked = 0.0
            elif not self._asked:
                self._asked = now
                self._sequence += 1
                self.send(EnquireLink(), self._sequence)
            elif now - self._asked >= faults.smpp_enquire_seconds:
                self.drop()

    def forget(self) -> None:
        """Nothing of before is to count from here on: what waits for its answer gets one, what was sent is done."""
        self._delivered.clear()
        self.submits.forget()

    # What the client says.

    def _hear(self, pdu: Pdu, sequence: int) -> None:
        command = pdu.command_id
        if self._is_out():
            self.drop()
        elif command == Command.SUBMIT_SM:
            self.submits.take(cast(SubmitSm, pdu), sequence)
        elif command in _REPLIES or command == GENERIC_NACK:
            self._reply(cast(GenericNack, pdu).status, sequence)
        elif isinstance(pdu, Bind):
            self._take_time(partial(self._bind, pdu, sequence))
        elif command == Command.ENQUIRE_LINK:
            if self._carrier.dice.faults.smpp_answers_enquire:
                self.send(EnquireLinkResp(), sequence)
        elif command == Command.UNBIND:
            self.send(UnbindResp(), sequence)
            self.close()
        elif command == RESPONSE | Command.UNBIND:
            self.close()
        elif isinstance(pdu, QuerySm):
            self._take_time(partial(self._query, pdu, sequence))
        elif not command & RESPONSE:
            self.send(GenericNack(CommandStatus.ESME_RINVCMDID), sequence)

    def _is_out(self) -> bool:
        return self._carrier.dice.outage(None if self.customer is None else self.customer.account.system_id)

    def _take_time(self, then: Callable[[], None]) -> None:
        agenda = self._carrier.agenda
        if latency := self._carrier.dice.latency():
            agenda.at(agenda.now() + latency, lambda _: then(), None)
        else:
            then()

    def refuse(self, request: Request, sequence: int, status: int) -> None:
        self.send(response_to(request, status), sequence)

    def _bind(self, pdu: Bind, sequence: int) -> None:
        if self._ended:
            return
        mode = _MODES[Command(pdu.command_id)]
        if self.customer is not None:
            self.refuse(pdu, sequence, CommandStatus.ESME_RALYBND)
            return
        if self._carrier.dice.outage(pdu.system_id) or self._carrier.dice.bind_drops(pdu.system_id):
            self.drop()
            return
        try:
            customer = self._service.admit(pdu, mode)
        except RefusalError as refusal:
            self.refuse(pdu, sequence, refusal.status)
            self.close()
            return
        self.customer, self.mode = customer, mode
        response = cast(type[BindResp], type(response_to(pdu)))
        version = integer_tlv(Tag.SC_INTERFACE_VERSION, 0x34, 1)
        self.send(response(self._service.system_id, (version,)), sequence)
        customer.join(self)

    def _query(self, pdu: QuerySm, sequence: int) -> None:
        if self.customer is None or not self._carrier.dice.faults.smpp_query:
            self.send(GenericNack(CommandStatus.ESME_RINVCMDID), sequence)
            return
        answer = self._service.state_of(self.customer, pdu.message_id)
        self.send(answer, sequence)

    def _reply(self, status: int, sequence: int) -> None:
        parcel = self._delivered.pop(sequence, None)
        if parcel is not None and self.customer is not None:
            self.customer.outbox.answered(parcel, status)
