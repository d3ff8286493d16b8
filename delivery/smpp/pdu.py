"""Protocol data units of SMPP 3.4 (section 4), as dataclasses; `codec` turns them into bytes and back.

A class stands for a command's body: the sequence number is the link's business. Every response has a `status`
(command_status, `CommandStatus`), requests have none on the wire that means anything. `response_to` makes the one that
belongs to a request.

C-octet strings are `str` of Latin-1, so that every byte on the wire has its character; texts are `bytes`. Optional
parameters are `(tag, value)` pairs in `tlvs`, known or not, in the order in which they came: `tlv` finds one,
`integer` and `c_string` read and `integer_tlv` and `c_string_tlv` write the usual forms. No repr has a number, a text
or a password.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from delivery.smpp.constants import GENERIC_NACK, INTERFACE_VERSION, RESPONSE, Command, CommandStatus

Tlv: TypeAlias = tuple[int, bytes]
Tlvs: TypeAlias = tuple[Tlv, ...]


@dataclass(frozen=True, slots=True)
class Bind:
    """4.1: the three binds differ in their command alone. Operators take passwords longer than the 8 of 5.2.2."""

    command_id: ClassVar[int]
    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = INTERFACE_VERSION
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(system_id={self.system_id!r})"


@dataclass(frozen=True, slots=True, repr=False)
class BindReceiver(Bind):
    command_id: ClassVar[int] = Command.BIND_RECEIVER


@dataclass(frozen=True, slots=True, repr=False)
class BindTransmitter(Bind):
    command_id: ClassVar[int] = Command.BIND_TRANSMITTER


@dataclass(frozen=True, slots=True, repr=False)
class BindTransceiver(Bind):
    command_id: ClassVar[int] = Command.BIND_TRANSCEIVER


@dataclass(frozen=True, slots=True)
class BindResp:
    command_id: ClassVar[int]
    system_id: str = ""
    tlvs: Tlvs = ()
    status: int = 0


@dataclass(frozen=True, slots=True)
class BindReceiverResp(BindResp):
    command_id: ClassVar[int] = RESPONSE | Command.BIND_RECEIVER


@dataclass(frozen=True, slots=True)
class BindTransmitterResp(BindResp):
    command_id: ClassVar[int] = RESPONSE | Command.BIND_TRANSMITTER


@dataclass(frozen=True, slots=True)
class BindTransceiverResp(BindResp):
    command_id: ClassVar[int] = RESPONSE | Command.BIND_TRANSCEIVER


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """The body that submit_sm (4.4.1) and deliver_sm (4.6.1) have in common."""

    command_id: ClassVar[int]
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(esm_class={self.esm_class:#x}, {len(self.short_message)} octets)"


@dataclass(frozen=True, slots=True, repr=False)
class SubmitSm(ShortMessage):
    command_id: ClassVar[int] = Command.SUBMIT_SM


@dataclass(frozen=True, slots=True, repr=False)
class DeliverSm(ShortMessage):
    command_id: ClassVar[int] = Command.DELIVER_SM


@dataclass(frozen=True, slots=True)
class DataSm:
    """4.7.1: sent by either side; its text stands in the message_payload TLV."""

    command_id: ClassVar[int] = Command.DATA_SM
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        return f"DataSm(esm_class={self.esm_class:#x})"


@dataclass(frozen=True, slots=True)
class MessageIdResp:
    """The body of submit_sm_resp (4.4.2), deliver_sm_resp (4.6.2: the id is unused) and data_sm_resp (4.7.2)."""

    command_id: ClassVar[int]
    message_id: str = ""
    tlvs: Tlvs = ()
    status: int = 0


@dataclass(frozen=True, slots=True)
class SubmitSmResp(MessageIdResp):
    command_id: ClassVar[int] = RESPONSE | Command.SUBMIT_SM


@dataclass(frozen=True, slots=True)
class DeliverSmResp(MessageIdResp):
    command_id: ClassVar[int] = RESPONSE | Command.DELIVER_SM


@dataclass(frozen=True, slots=True)
class DataSmResp(MessageIdResp):
    command_id: ClassVar[int] = RESPONSE | Command.DATA_SM


@dataclass(frozen=True, slots=True)
class QuerySm:
    """4.8.1."""

    command_id: ClassVar[int] = Command.QUERY_SM
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""

    def __repr__(self) -> str:
        return f"QuerySm(message_id={self.message_id!r})"


@dataclass(frozen=True, slots=True)
class QuerySmResp:
    """4.8.2. `message_state` is a MessageState, `final_date` a time in the form of 7.1.1 or empty."""

    command_id: ClassVar[int] = RESPONSE | Command.QUERY_SM
    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0
    status: int = 0


@dataclass(frozen=True, slots=True)
class CancelSm:
    """4.9.1."""

    command_id: ClassVar[int] = Command.CANCEL_SM
    service_type: str = ""
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""

    def __repr__(self) -> str:
        return f"CancelSm(message_id={self.message_id!r})"


@dataclass(frozen=True, slots=True)
class CancelSmResp:
    command_id: ClassVar[int] = RESPONSE | Command.CANCEL_SM
    status: int = 0


@dataclass(frozen=True, slots=True)
class Unbind:
    command_id: ClassVar[int] = Command.UNBIND


@dataclass(frozen=True, slots=True)
class UnbindResp:
    command_id: ClassVar[int] = RESPONSE | Command.UNBIND
    status: int = 0


@dataclass(frozen=True, slots=True)
class EnquireLink:
    command_id: ClassVar[int] = Command.ENQUIRE_LINK


@dataclass(frozen=True, slots=True)
class EnquireLinkResp:
    command_id: ClassVar[int] = RESPONSE | Command.ENQUIRE_LINK
    status: int = 0


@dataclass(frozen=True, slots=True)
class GenericNack:
    """4.3.1: the answer to what could not be read."""

    command_id: ClassVar[int] = GENERIC_NACK
    status: int = CommandStatus.ESME_RUNKNOWNERR


Request: TypeAlias = Bind | ShortMessage | DataSm | QuerySm | CancelSm | Unbind | EnquireLink
Response: TypeAlias = BindResp | MessageIdResp | QuerySmResp | CancelSmResp | UnbindResp | EnquireLinkResp | GenericNack
Pdu: TypeAlias = Request | Response

RESPONSES: dict[int, type[Response]] = {
    each.command_id: each
    for each in (
        BindReceiverResp,
        BindTransmitterResp,
        BindTransceiverResp,
        SubmitSmResp,
        DeliverSmResp,
        DataSmResp,
        QuerySmResp,
        CancelSmResp,
        UnbindResp,
        EnquireLinkResp,
    )
}


def response_to(request: Request, status: int = 0) -> Response:
    """The response that belongs to a request, with this command_status and an empty body."""
    return RESPONSES[RESPONSE | request.command_id](status=status)


def tlv(tlvs: Tlvs, tag: int) -> bytes | None:
    """The value of the first optional parameter with this tag."""
    for each, value in tlvs:
        if each == tag:
            return value
    return None


def integer(tlvs: Tlvs, tag: int) -> int | None:
    """An optional parameter that is a number, whatever its width; None when it is absent or empty."""
    value = tlv(tlvs, tag)
    return int.from_bytes(value, "big") if value else None


def c_string(tlvs: Tlvs, tag: int) -> str | None:
    """An optional parameter that is a C-octet string. Some operators leave the NUL out, some add several."""
    value = tlv(tlvs, tag)
    return None if value is None else value.partition(b"\0")[0].decode("latin-1")


def integer_tlv(tag: int, value: int, size: int) -> Tlv:
    return tag, value.to_bytes(size, "big")


def c_string_tlv(tag: int, value: str) -> Tlv:
    return tag, value.encode("latin-1") + b"\0"
