"""SMPP 3.4 PDUs (section 4) to bytes and back. Pure functions, no I/O.

    data = encode(SubmitSm(destination_addr="14155550123", short_message=b"Hi"), sequence=7)
    header = read_header(data)                      # length, command_id, status, sequence
    pdu = decode(header.command_id, header.status, data[16:])

What is written keeps to the sizes of the specification (ValueError). What is read is held to less, for operators
exceed them: it must be whole, and no string longer than LONGEST_STRING. A response with an error may come without its
body, as most operators send it, or with something else in its place: its fields are then empty.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from delivery.smpp.constants import GENERIC_NACK, RESPONSE, Command, CommandStatus
from delivery.smpp.pdu import (
    RESPONSES,
    Bind,
    BindReceiver,
    BindReceiverResp,
    BindResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    MessageIdResp,
    Pdu,
    QuerySm,
    QuerySmResp,
    ShortMessage,
    SubmitSm,
    SubmitSmResp,
    Tlvs,
    Unbind,
    UnbindResp,
)

HEADER_SIZE = 16
LONGEST_STRING = 255
"""Characters of a C-octet string that is read; the longest of the specification has 64."""
LONGEST_SHORT_MESSAGE = 254

_HEADER = struct.Struct(">IIII")
_TLV = struct.Struct(">HH")


class BadPdu(ValueError):
    """A PDU that cannot be read. `status` is what a generic_nack (4.3.1) answers to it."""

    def __init__(self, message: str, status: int = CommandStatus.ESME_RINVCMDLEN) -> None:
        super().__init__(message)
        self.status = status


class Header(NamedTuple):
    length: int
    command_id: int
    status: int
    sequence: int


def read_header(data: bytes | bytearray | memoryview, offset: int = 0) -> Header:
    """The 16 octets of 3.2. Raises struct.error when there are fewer."""
    return Header(*_HEADER.unpack_from(data, offset))


def encode(pdu: Pdu, sequence: int) -> bytes:
    """The whole PDU with its header. Raises ValueError for a field that does not fit."""
    try:
        body = _ENCODERS[pdu.command_id](pdu)
    except (OverflowError, TypeError) as error:
        raise ValueError(f"A field of {type(pdu).__name__} is out of range") from error
    status = getattr(pdu, "status", 0)
    return _HEADER.pack(HEADER_SIZE + len(body), pdu.command_id, status, sequence) + body


def _string(value: str, longest: int) -> bytes:
    data = value.encode("latin-1")
    if len(data) > longest or b"\0" in data:
        raise ValueError(f"A string of a PDU has a NUL or more than {longest} characters")
    return data


def _tlvs(tlvs: Tlvs) -> bytes:
    if not tlvs:
        return b""
    try:
        return b"".join([_TLV.pack(tag, len(value)) + value for tag, value in tlvs])
    except struct.error as error:
        raise ValueError("An optional parameter is out of range") from error


def _encode_short_message(pdu: ShortMessage) -> bytes:
    text = pdu.short_message
    if len(text) > LONGEST_SHORT_MESSAGE:
        raise ValueError("short_message takes 254 octets")
    return (
        b"%b\0%c%c%b\0%c%c%b\0%c%c%c%b\0%b\0%c%c%c%c%c"
        % (
            _string(pdu.service_type, 5),
            pdu.source_addr_ton,
            pdu.source_addr_npi,
            _string(pdu.source_addr, 20),
            pdu.dest_addr_ton,
            pdu.dest_addr_npi,
            _string(pdu.destination_addr, 20),
            pdu.esm_class,
            pdu.protocol_id,
            pdu.priority_flag,
            _string(pdu.schedule_delivery_time, 16),
            _string(pdu.validity_period, 16),
            pdu.registered_delivery,
            pdu.replace_if_present_flag,
            pdu.data_coding,
            pdu.sm_default_msg_id,
            len(text),
        )
        + text
        + _tlvs(pdu.tlvs)
    )


def _encode_data(pdu: DataSm) -> bytes:
    return b"%b\0%c%c%b\0%c%c%b\0%c%c%c" % (
        _string(pdu.service_type, 5),
        pdu.source_addr_ton,
        pdu.source_addr_npi,
        _string(pdu.source_addr, 64),
        pdu.dest_addr_ton,
        pdu.dest_addr_npi,
        _string(pdu.destination_addr, 64),
        pdu.esm_class,
        pdu.registered_delivery,
        pdu.data_coding,
    ) + _tlvs(pdu.tlvs)


def _encode_bind(pdu: Bind) -> bytes:
    return b"%b\0%b\0%b\0%c%c%c%b\0" % (
        _string(pdu.system_id, 15),
        _string(pdu.password, LONGEST_STRING),
        _string(pdu.system_type, 12),
        pdu.interface_version,
        pdu.addr_ton,
        pdu.addr_npi,
        _string(pdu.address_range, 40),
    )


def _encode_bind_resp(pdu: BindResp) -> bytes:
    if pdu.status and not pdu.system_id:
        return b""
    return _string(pdu.system_id, 15) + b"\0" + _tlvs(pdu.tlvs)


def _encode_message_id(pdu: MessageIdResp) -> bytes:
    if pdu.status and not pdu.message_id and not pdu.tlvs:
        return b""
    return _string(pdu.message_id, 64) + b"\0" + _tlvs(pdu.tlvs)


def _encode_query(pdu: QuerySm) -> bytes:
    ton, npi = pdu.source_addr_ton, pdu.source_addr_npi
    return b"%b\0%c%c%b\0" % (_string(pdu.message_id, 64), ton, npi, _string(pdu.source_addr, 20))


def _encode_query_resp(pdu: QuerySmResp) -> bytes:
    if pdu.status and not pdu.message_id:
        return b""
    message_id, final_date = _string(pdu.message_id, 64), _string(pdu.final_date, 16)
    return b"%b\0%b\0%c%c" % (message_id, final_date, pdu.message_state, pdu.error_code)


def _encode_cancel(pdu: CancelSm) -> bytes:
    return b"%b\0%b\0%c%c%b\0%c%c%b\0" % (
        _string(pdu.service_type, 5),
        _string(pdu.message_id, 64),
        pdu.source_addr_ton,
        pdu.source_addr_npi,
        _string(pdu.source_addr, 20),
        pdu.dest_addr_ton,
        pdu.dest_addr_npi,
        _string(pdu.destination_addr, 20),
    )


def _nothing(_pdu: Pdu) -> bytes:
    return b""


_ENCODERS: dict[int, Callable[..., bytes]] = {
    Command.BIND_RECEIVER: _encode_bind,
    Command.BIND_TRANSMITTER: _encode_bind,
    Command.BIND_TRANSCEIVER: _encode_bind,
    Command.SUBMIT_SM: _encode_short_message,
    Command.DELIVER_SM: _encode_short_message,
    Command.DATA_SM: _encode_data,
    Command.QUERY_SM: _encode_query,
    Command.CANCEL_SM: _encode_cancel,
    Command.UNBIND: _nothing,
    Command.ENQUIRE_LINK: _nothing,
    RESPONSE | Command.BIND_RECEIVER: _encode_bind_resp,
    RESPONSE | Command.BIND_TRANSMITTER: _encode_bind_resp,
    RESPONSE | Command.BIND_TRANSCEIVER: _encode_bind_resp,
    RESPONSE | Command.SUBMIT_SM: _encode_message_id,
    RESPONSE | Command.DELIVER_SM: _encode_message_id,
    RESPONSE | Command.DATA_SM: _encode_message_id,
    RESPONSE | Command.QUERY_SM: _encode_query_resp,
    RESPONSE | Command.CANCEL_SM: _nothing,
    RESPONSE | Command.UNBIND: _nothing,
    RESPONSE | Command.ENQUIRE_LINK: _nothing,
    GENERIC_NACK: _nothing,
}


def decode(command_id: int, status: int, body: bytes) -> Pdu:
    """The PDU whose header had this command and status. Raises BadPdu, whose `status` a generic_nack gives back."""
    decoder = _DECODERS.get(command_id)
    if decoder is None:
        raise BadPdu("An unknown command", CommandStatus.ESME_RINVCMDID)
    try:
        return decoder(body, status)
    except (IndexError, BadPdu) as error:
        if status and command_id in RESPONSES:
            return RESPONSES[command_id](status=status)
        raise error if isinstance(error, BadPdu) else BadPdu("A PDU that ends too early") from None


def _read_string(body: bytes, start: int) -> tuple[str, int]:
    """The string that begins there, and where what follows it begins."""
    end = body.find(0, start, start + LONGEST_STRING + 1)
    if end < 0:
        raise BadPdu("A string has no end")
    return body[start:end].decode("latin-1"), end + 1


def _read_tlvs(body: bytes, at: int) -> Tlvs:
    if at == len(body):
        return ()
    found = []
    while at < len(body):
        if at + 4 > len(body):
            raise BadPdu("An optional parameter is cut off", CommandStatus.ESME_RINVOPTPARSTREAM)
        tag, size = _TLV.unpack_from(body, at)
        at += 4 + size
        if at > len(body):
            raise BadPdu("An optional parameter is cut off", CommandStatus.ESME_RINVOPTPARSTREAM)
        found.append((tag, body[at - size : at]))
    return tuple(found)


def _readable_tlvs(body: bytes, at: int) -> Tlvs:
    """Of a response: what it answers stands before them, and must not be lost for what follows."""
    try:
        return _read_tlvs(body, at)
    except BadPdu:
        return ()


def _short_message_as(kind: type[SubmitSm] | type[DeliverSm]) -> Callable[[bytes, int], Pdu]:
    def decode_short_message(body: bytes, _status: int) -> Pdu:
        service_type, at = _read_string(body, 0)
        source, to = _read_string(body, at + 2)
        destination, after = _read_string(body, to + 2)
        schedule, validity_at = _read_string(body, after + 3)
        validity, flags = _read_string(body, validity_at)
        text = flags + 5
        end = text + body[flags + 4]
        if end > len(body):
            raise BadPdu("sm_length is larger than the PDU", CommandStatus.ESME_RINVMSGLEN)
        return kind(
            service_type,
            body[at],
            body[at + 1],
            source,
            body[to],
            body[to + 1],
            destination,
            body[after],
            body[after + 1],
            body[after + 2],
            schedule,
            validity,
            body[flags],
            body[flags + 1],
            body[flags + 2],
            body[flags + 3],
            body[text:end],
            _read_tlvs(body, end),
        )

    return decode_short_message


def _decode_data(body: bytes, _status: int) -> DataSm:
    service_type, at = _read_string(body, 0)
    source, to = _read_string(body, at + 2)
    destination, after = _read_string(body, to + 2)
    return DataSm(
        service_type,
        body[at],
        body[at + 1],
        source,
        body[to],
        body[to + 1],
        destination,
        body[after],
        body[after + 1],
        body[after + 2],
        _read_tlvs(body, after + 3),
    )


def _bind_as(kind: type[Bind]) -> Callable[[bytes, int], Pdu]:
    def decode_bind(body: bytes, _status: int) -> Pdu:
        system_id, at = _read_string(body, 0)
        password, at = _read_string(body, at)
        system_type, at = _read_string(body, at)
        address_range, _ = _read_string(body, at + 3)
        return kind(system_id, password, system_type, body[at], body[at + 1], body[at + 2], address_range)

    return decode_bind


def _bind_resp_as(kind: type[BindResp]) -> Callable[[bytes, int], Pdu]:
    def decode_bind_resp(body: bytes, status: int) -> Pdu:
        if not body:
            return kind(status=status)
        system_id, at = _read_string(body, 0)
        return kind(system_id, _readable_tlvs(body, at), status)

    return decode_bind_resp


def _message_id_as(kind: type[MessageIdResp]) -> Callable[[bytes, int], Pdu]:
    def decode_message_id(body: bytes, status: int) -> Pdu:
        if not body:
            return kind("", (), status)
        message_id, at = _read_string(body, 0)
        return kind(message_id, _readable_tlvs(body, at), status)

    return decode_message_id


def _decode_query(body: bytes, _status: int) -> QuerySm:
    message_id, at = _read_string(body, 0)
    source, _ = _read_string(body, at + 2)
    return QuerySm(message_id, body[at], body[at + 1], source)


def _decode_query_resp(body: bytes, status: int) -> QuerySmResp:
    if status and not body:
        return QuerySmResp(status=status)
    message_id, at = _read_string(body, 0)
    final_date, at = _read_string(body, at)
    return QuerySmResp(message_id, final_date, body[at], body[at + 1], status)


def _decode_cancel(body: bytes, _status: int) -> CancelSm:
    service_type, at = _read_string(body, 0)
    message_id, at = _read_string(body, at)
    source, to = _read_string(body, at + 2)
    destination, _ = _read_string(body, to + 2)
    return CancelSm(service_type, message_id, body[at], body[at + 1], source, body[to], body[to + 1], destination)


_DECODERS: dict[int, Callable[[bytes, int], Pdu]] = {
    Command.BIND_RECEIVER: _bind_as(BindReceiver),
    Command.BIND_TRANSMITTER: _bind_as(BindTransmitter),
    Command.BIND_TRANSCEIVER: _bind_as(BindTransceiver),
    Command.SUBMIT_SM: _short_message_as(SubmitSm),
    Command.DELIVER_SM: _short_message_as(DeliverSm),
    Command.DATA_SM: _decode_data,
    Command.QUERY_SM: _decode_query,
    Command.CANCEL_SM: _decode_cancel,
    Command.UNBIND: lambda _body, _status: Unbind(),
    Command.ENQUIRE_LINK: lambda _body, _status: EnquireLink(),
    RESPONSE | Command.BIND_RECEIVER: _bind_resp_as(BindReceiverResp),
    RESPONSE | Command.BIND_TRANSMITTER: _bind_resp_as(BindTransmitterResp),
    RESPONSE | Command.BIND_TRANSCEIVER: _bind_resp_as(BindTransceiverResp),
    RESPONSE | Command.SUBMIT_SM: _message_id_as(SubmitSmResp),
    RESPONSE | Command.DELIVER_SM: _message_id_as(DeliverSmResp),
    RESPONSE | Command.DATA_SM: _message_id_as(DataSmResp),
    RESPONSE | Command.QUERY_SM: _decode_query_resp,
    RESPONSE | Command.CANCEL_SM: lambda _body, status: CancelSmResp(status),
    RESPONSE | Command.UNBIND: lambda _body, status: UnbindResp(status),
    RESPONSE | Command.ENQUIRE_LINK: lambda _body, status: EnquireLinkResp(status),
    GENERIC_NACK: lambda _body, status: GenericNack(status),
}
