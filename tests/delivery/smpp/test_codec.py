"""PDUs to bytes and back: what is written is read as it was, and no bytes can do more than be refused."""

import struct
from dataclasses import fields
from typing import Any

import pytest
import smpp34
from hypothesis import example, given
from hypothesis import strategies as st

from delivery.smpp import pdu
from delivery.smpp.codec import HEADER_SIZE, BadPdu, decode, encode, read_header
from delivery.smpp.constants import RESPONSE, Command, CommandStatus, Tag, status_name

LONGEST = {
    "service_type": 5,
    "source_addr": 20,
    "destination_addr": 20,
    "schedule_delivery_time": 16,
    "validity_period": 16,
    "system_id": 15,
    "system_type": 12,
    "address_range": 40,
    "message_id": 64,
    "final_date": 16,
    "password": 40,
}
REQUESTS = (
    pdu.BindReceiver,
    pdu.BindTransmitter,
    pdu.BindTransceiver,
    pdu.SubmitSm,
    pdu.DeliverSm,
    pdu.DataSm,
    pdu.QuerySm,
    pdu.CancelSm,
    pdu.Unbind,
    pdu.EnquireLink,
)
RESPONSES = tuple(pdu.RESPONSES.values())
OCTET = st.integers(0, 255)
TLVS = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=300)), max_size=4).map(tuple)


def string(longest: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=longest)


def of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any PDU of a kind that the specification allows."""
    given_by_type = {"int": OCTET, "bytes": st.binary(max_size=254), "Tlvs": TLVS}
    made = {
        field.name: string(LONGEST[field.name]) if field.type in (str, "str") else given_by_type[_name(field.type)]
        for field in fields(kind)
        if field.name != "status"
    }
    return st.builds(kind, **made)


def _name(kind: Any) -> str:
    return {int: "int", bytes: "bytes"}.get(kind, "Tlvs")


def read(data: bytes) -> pdu.Pdu:
    header = read_header(data)
    assert header.length == len(data)
    return decode(header.command_id, header.status, data[HEADER_SIZE:])


@given(st.one_of(*[of(kind) for kind in REQUESTS + RESPONSES]), st.integers(1, 0x7FFFFFFF))
def test_what_is_written_is_read_as_it_was(given_pdu: Any, sequence: int) -> None:
    data = encode(given_pdu, sequence)
    assert read_header(data).sequence == sequence
    assert read(data) == given_pdu


@pytest.mark.parametrize("kind", [*RESPONSES, pdu.GenericNack])
def test_an_error_comes_with_or_without_its_body(kind: Any) -> None:
    data = encode(kind(status=CommandStatus.ESME_RTHROTTLED), 7)
    assert len(data) == HEADER_SIZE
    assert read(data) == kind(status=CommandStatus.ESME_RTHROTTLED)
    for body in (b"\0", b"\0\0\0\0", b"no end"):
        assert decode(kind.command_id, CommandStatus.ESME_RTHROTTLED, body).status == CommandStatus.ESME_RTHROTTLED


@given(of(pdu.SubmitSm))
def test_another_implementation_reads_and_writes_the_same(submit: pdu.SubmitSm) -> None:
    data = encode(submit, 99)
    theirs = smpp34.decode(data)
    assert isinstance(theirs, smpp34.SubmitSm)
    assert (theirs.sequence_number, bytes(theirs.short_message)) == (99, submit.short_message)
    assert [(tlv.tag, bytes(tlv.value)) for tlv in theirs.tlvs] == list(submit.tlvs)
    assert (theirs.esm_class, theirs.data_coding, theirs.dest_addr_ton) == (
        submit.esm_class,
        submit.data_coding,
        submit.dest_addr_ton,
    )
    # It writes what is not ASCII as UTF-8.
    if all(getattr(submit, name).isascii() for name in LONGEST if hasattr(submit, name)):
        assert (theirs.source_addr, theirs.destination_addr) == (submit.source_addr, submit.destination_addr)
        assert theirs.encode() == data


@given(st.sampled_from([kind.command_id for kind in REQUESTS + RESPONSES]) | st.integers(0, 2**32 - 1), st.binary())
@example(int(Command.SUBMIT_SM), bytes(16) + b"\xff")
def test_no_bytes_do_more_than_be_refused(command_id: int, body: bytes) -> None:
    try:
        found = decode(command_id, 0, body)
    except BadPdu:
        return
    assert found.command_id == command_id


@given(st.data(), st.one_of(*[of(kind) for kind in (pdu.SubmitSm, pdu.DeliverSm, pdu.DataSm, pdu.QuerySm)]))
def test_a_request_that_ends_early_is_never_taken_for_another(data: st.DataObject, whole: Any) -> None:
    body = encode(whole, 1)[HEADER_SIZE:]
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    try:
        found: Any = decode(whole.command_id, 0, cut)
    except BadPdu:
        return
    # Nothing but whole optional parameters may be missing.
    assert found.tlvs == whole.tlvs[: len(found.tlvs)]
    assert len(found.tlvs) < len(whole.tlvs)


@pytest.mark.parametrize(
    ("command_id", "body", "status"),
    [
        (0x4711, b"", CommandStatus.ESME_RINVCMDID),
        (RESPONSE | 0x4711, b"", CommandStatus.ESME_RINVCMDID),
        (Command.SUBMIT_SM, b"", CommandStatus.ESME_RINVCMDLEN),
        (Command.QUERY_SM, b"1" * 256 + bytes(4), CommandStatus.ESME_RINVCMDLEN),
        (Command.DELIVER_SM, bytes(16) + b"\x05abc", CommandStatus.ESME_RINVMSGLEN),
        (Command.DELIVER_SM, bytes(17) + b"\x04\x24\x00", CommandStatus.ESME_RINVOPTPARSTREAM),
        (Command.DELIVER_SM, bytes(17) + b"\x04\x24\x00\x05abc", CommandStatus.ESME_RINVOPTPARSTREAM),
    ],
)
def test_what_is_refused_says_with_which_status(command_id: int, body: bytes, status: int) -> None:
    with pytest.raises(BadPdu) as refused:
        decode(command_id, 0, body)
    assert refused.value.status == status


def test_an_id_is_not_lost_for_what_follows_it() -> None:
    assert decode(RESPONSE | Command.SUBMIT_SM, 0, b"4711\0\x04") == pdu.SubmitSmResp("4711")


@pytest.mark.parametrize(
    "bad",
    [
        pdu.SubmitSm(source_addr="1" * 21),
        pdu.SubmitSm(source_addr="1\x002"),
        pdu.SubmitSm(source_addr="€"),
        pdu.SubmitSm(short_message=bytes(255)),
        pdu.SubmitSm(data_coding=256),
        pdu.SubmitSm(tlvs=((0x10000, b""),)),
        pdu.SubmitSm(tlvs=((1, bytes(65536)),)),
        pdu.BindTransceiver(system_id="sixteen-letters!"),
    ],
)
def test_what_does_not_fit_is_not_written(bad: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (UnicodeEncodeError is one as well)
        encode(bad, 1)


def test_optional_parameters_are_found_and_read() -> None:
    tlvs = (
        pdu.c_string_tlv(Tag.RECEIPTED_MESSAGE_ID, "af01"),
        pdu.integer_tlv(Tag.MESSAGE_STATE, 2, 1),
        (0x1400, b"own"),
        (Tag.SAR_MSG_REF_NUM, b""),
    )
    assert pdu.c_string(tlvs, Tag.RECEIPTED_MESSAGE_ID) == "af01"
    assert pdu.integer(tlvs, Tag.MESSAGE_STATE) == 2
    assert pdu.tlv(tlvs, 0x1400) == b"own"
    assert pdu.integer(tlvs, Tag.SAR_MSG_REF_NUM) is None
    assert pdu.tlv(tlvs, Tag.MESSAGE_PAYLOAD) is None


def test_no_repr_has_a_number_a_text_or_a_password() -> None:
    shown = repr(
        [
            pdu.SubmitSm(destination_addr="4915112345", source_addr="4915199999", short_message=b"secret text"),
            pdu.DataSm(destination_addr="4915112345"),
            pdu.BindTransceiver("hub", "secret"),
            pdu.QuerySm("7", source_addr="4915112345"),
            pdu.CancelSm(message_id="7", destination_addr="4915112345"),
        ]
    )
    assert "49151" not in shown
    assert "secret" not in shown


def test_statuses_have_names() -> None:
    assert status_name(0x58) == "ESME_RTHROTTLED"
    assert status_name(0x400) == "0x00000400"


def test_a_header_is_sixteen_octets() -> None:
    with pytest.raises(struct.error):
        read_header(bytes(15))
