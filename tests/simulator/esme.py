"""A client of the service centre that is not ours: smpplib, one PDU at a time."""

import itertools
import ssl
from collections.abc import Callable
from typing import Any

from smpplib import smpp
from smpplib.client import Client
from smpplib.command import Command
from smpplib.consts import SMPP_CLIENT_STATE_OPEN
from smpplib.exceptions import ConnectionError as Gone

SYSTEM_ID = "simulate"
PASSWORD = "smppsim"
TO = "14155550100"
SUBMIT: dict[str, Any] = {
    "source_addr_ton": 1, "source_addr_npi": 1, "source_addr": "15005550006",
    "dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": TO, "registered_delivery": 1,
}  # fmt: skip
_RESPONSES = ("submit_sm_resp", "query_sm_resp", "generic_nack", "enquire_link_resp", "unbind_resp")


class Esme(Client):  # type: ignore[misc]  # the library has no types
    """Takes what comes in the order in which it comes, and acknowledges deliveries as told."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        super().__init__("127.0.0.1", port, timeout=5, ssl_context=context, allow_unknown_opt_params=True)
        self.connect()
        self.heard: list[Command] = []
        self.acknowledge: Callable[[Command], int | None] = lambda pdu: 0
        """The status to answer a delivery with; None: no answer."""

    def close(self) -> None:
        self.state = SMPP_CLIENT_STATE_OPEN
        self.disconnect()

    def bind(self, mode: str = "transceiver", system_id: str = SYSTEM_ID, password: str = PASSWORD) -> "Esme":
        getattr(self, f"bind_{mode}")(system_id=system_id, password=password)
        return self

    def submit(self, text: bytes | str = b"Hello", **fields: Any) -> int:
        """Send and do not wait; returns the sequence number."""
        short = text.encode("ascii") if isinstance(text, str) else text
        sequence: int = self.send_message(short_message=short, **{**SUBMIT, **fields}).sequence
        return sequence

    def hear(self) -> Command:
        """The next PDU; a delivery is answered. `Gone` when the connection has ended."""
        pdu = self.read_pdu()
        self.heard.append(pdu)
        if pdu.command in ("deliver_sm", "data_sm") and (status := self.acknowledge(pdu)) is not None:
            self.reply(pdu, status)
        return pdu

    def reply(self, pdu: Command, status: int = 0) -> None:
        answer = smpp.make_pdu(f"{pdu.command}_resp", client=self, status=status)
        answer.sequence = pdu.sequence
        self._socket.sendall(answer.generate())

    def until(self, wanted: Callable[[Command], bool]) -> Command:
        for pdu in self.heard:
            if wanted(pdu):
                return pdu
        while not wanted(pdu := self.hear()):
            continue
        return pdu

    def answer(self, sequence: int) -> Command:
        return self.until(lambda pdu: pdu.sequence == sequence and pdu.command in _RESPONSES)

    def deliveries(self, number: int) -> list[Command]:
        """The first `number` deliveries, waited for."""
        while len(found := [pdu for pdu in self.heard if pdu.command in ("deliver_sm", "data_sm")]) < number:
            self.hear()
        return found

    def send_and_hear(self, **fields: Any) -> Command:
        return self.answer(self.submit(**fields))

    def pdu(self, command: str, **fields: Any) -> Command:
        return smpp.make_pdu(command, client=self, **fields)

    def ask(self, command: str, **fields: Any) -> Command:
        pdu = self.pdu(command, **fields)
        self.send_pdu(pdu)
        return self.answer(pdu.sequence)

    def ended(self) -> bool:
        """Whether the other side ends the connection now, whatever it says before."""
        try:
            for _ in itertools.count():
                self.hear()
        except Gone:
            return True
        except TimeoutError:
            return False
        raise AssertionError


__all__ = ["PASSWORD", "SYSTEM_ID", "TO", "Command", "Esme", "Gone"]
