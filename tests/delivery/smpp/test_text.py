"""Texts as short messages and back: what is cut is what is counted, and joined again it is the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.segments import measure
from delivery.smpp import gsm7
from delivery.smpp.constants import ESM_UDHI, Tag
from delivery.smpp.pdu import DeliverSm, tlv
from delivery.smpp.reassembly import Reassembly
from delivery.smpp.text import UCS2, Alphabet, Concat, Long, Part, decode, encode, taken_apart

GSM = gsm7.GSM_ALPHABET.replace(gsm7.ESCAPE, "") + "".join(gsm7.GSM_EXTENSION)
texts = st.one_of(
    st.text(GSM, min_size=1, max_size=500),
    st.text("a€[", min_size=140, max_size=330),
    st.text("aя🙂", min_size=60, max_size=220),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
)


def delivered(part: Part, data_coding: int) -> DeliverSm:
    return DeliverSm(
        esm_class=part.esm_class, data_coding=data_coding, short_message=part.short_message, tlvs=part.tlvs
    )


@given(texts, st.sampled_from([Long.UDH8, Long.SAR]))
def test_there_are_as_many_parts_as_the_hub_has_counted(text: str, long: Long) -> None:
    assert len(encode(text, long=long).parts) == measure(text).segments


@given(texts, st.sampled_from(Long), st.sampled_from(Alphabet), st.integers(0, 0xFFFF), st.randoms())
def test_parts_in_any_order_are_the_text_again(
    text: str, long: Long, alphabet: Alphabet, reference: int, random: object
) -> None:
    encoded = encode(text, alphabet=alphabet, long=long, reference=reference)
    if len(encoded.parts) == 1:
        data, concat = taken_apart(delivered(encoded.parts[0], encoded.data_coding))
        assert (decode(data, encoded.data_coding, alphabet), concat) == (text, None)
        return
    assert long is not Long.PAYLOAD
    together: Reassembly[str] = Reassembly(seconds=60)
    parts = list(encoded.parts)
    random.shuffle(parts)  # type: ignore[attr-defined]
    for count, part in enumerate(parts, 1):
        data, concat = taken_apart(delivered(part, encoded.data_coding))
        assert concat is not None
        # What goes over the air with a header of 6 octets, or 7.
        assert len(part.short_message) <= (160 if encoded.data_coding == 0 or encoded.data_coding == 3 else 140)
        found = together.add("who", concat, decode(data, encoded.data_coding, alphabet), now=0)
        assert found.is_whole == (count == len(parts))
    assert "".join(part or "" for part in found.in_order()) == text
    assert len(together) == 0


@given(st.text(GSM, min_size=1, max_size=400))
def test_each_part_is_whole_by_itself(text: str) -> None:
    for part in encode(text).parts:
        data, _ = taken_apart(delivered(part, 0))
        assert not data.endswith(b"\x1b")
        assert gsm7.octets(gsm7.escaped(gsm7.decode(data))) == data


def test_how_each_way_of_sending_a_long_text_looks() -> None:
    text = "x" * 161
    eight = encode(text, long=Long.UDH8, reference=0x1234).parts
    assert [part.short_message[:6] for part in eight] == [b"\x05\x00\x03\x34\x02\x01", b"\x05\x00\x03\x34\x02\x02"]
    assert {part.esm_class for part in eight} == {ESM_UDHI}
    sixteen = encode(text, long=Long.UDH16, reference=0x1234).parts
    assert sixteen[0].short_message[:7] == b"\x06\x08\x04\x12\x34\x02\x01"
    assert len(sixteen[0].short_message) == 7 + 152
    sar = encode(text, long=Long.SAR, reference=0x1234).parts
    assert sar[1].tlvs == (
        (Tag.SAR_MSG_REF_NUM, b"\x00\x34"),
        (Tag.SAR_TOTAL_SEGMENTS, b"\x02"),
        (Tag.SAR_SEGMENT_SEQNUM, b"\x02"),
    )
    (payload,) = encode(text, long=Long.PAYLOAD).parts
    assert (payload.short_message, tlv(payload.tlvs, Tag.MESSAGE_PAYLOAD)) == (b"", text.encode())


@pytest.mark.parametrize(
    ("text", "alphabet", "data_coding", "data"),
    [
        ("@£_", Alphabet.GSM7, 0, b"\x00\x01\x11"),
        ("€^", Alphabet.GSM7, 0, b"\x1b\x65\x1b\x14"),
        ("Grüße", Alphabet.LATIN1, 3, "Grüße".encode("latin-1")),
        ("Grüße", Alphabet.LATIN1_DEFAULT, 0, "Grüße".encode("latin-1")),
        ("5 €", Alphabet.LATIN1, UCS2, "5 €".encode("utf-16-be")),
        ("Ça alors ê", Alphabet.LATIN1, UCS2, "Ça alors ê".encode("utf-16-be")),
        ("🙂", Alphabet.GSM7, UCS2, b"\xd8\x3d\xde\x42"),
    ],
)
def test_which_alphabet_a_text_goes_out_in(text: str, alphabet: Alphabet, data_coding: int, data: bytes) -> None:
    encoded = encode(text, alphabet=alphabet)
    assert (encoded.data_coding, encoded.parts) == (data_coding, (Part(data),))


@pytest.mark.parametrize("text", ["half a pair: \ud83d", "x" * (255 * 153 + 1)])
def test_what_cannot_be_sent_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (UnicodeEncodeError is one as well)
        encode(text)


@given(st.binary(max_size=200), st.integers(0, 255), st.sampled_from(Alphabet))
def test_anything_can_be_read(data: bytes, data_coding: int, alphabet: Alphabet) -> None:
    assert isinstance(decode(data, data_coding, alphabet), str)


@pytest.mark.parametrize(
    ("data", "data_coding", "text"),
    [
        (b"\x00 \x1b\x65", 0, "@ €"),
        (b"\x00 \x1b\x65", 0xF1, "@ €"),
        (b"\x00 \x1b\x65", 0x10, "@ €"),
        ("Grüße".encode("latin-1"), 0, "Grüße"),
        ("Grüße".encode("latin-1"), 3, "Grüße"),
        ("🙂".encode("utf-16-be"), 8, "🙂"),
        ("я".encode("utf-16-be"), 0x18, "я"),
        ("Привет".encode("iso8859-5"), 6, "Привет"),
        (b"a\x1b\x20b\x1b", 0, "a b "),
        (b"\x00", 8, "�"),
    ],
)
def test_what_is_read_in_each_coding(data: bytes, data_coding: int, text: str) -> None:
    assert decode(data, data_coding) == text


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0x020C, 0x020F), st.binary(max_size=3)), max_size=4))
def test_no_header_is_more_than_ignored(data: bytes, tlvs: list[tuple[int, bytes]]) -> None:
    pdu = DeliverSm(esm_class=ESM_UDHI, short_message=data, tlvs=tuple(tlvs))
    rest, concat = taken_apart(pdu)
    assert len(rest) <= len(data)
    assert concat is None or 1 <= concat.number <= concat.total


def test_other_elements_in_a_header_are_passed_over() -> None:
    ports_then_parts = b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x07\x02\x01"
    data, concat = taken_apart(DeliverSm(esm_class=ESM_UDHI, short_message=ports_then_parts + b"text"))
    assert (data, concat) == (b"text", Concat(7, 2, 1))


# Parts that do not all come.


def test_a_text_is_known_by_its_people_reference_and_number_of_parts() -> None:
    together: Reassembly[str] = Reassembly(seconds=60)
    assert not together.add("anna", Concat(1, 2, 1), "a1", now=0).is_whole
    assert not together.add("ben", Concat(1, 2, 2), "b2", now=0).is_whole
    assert not together.add("anna", Concat(2, 2, 2), "other", now=0).is_whole
    assert not together.add("anna", Concat(1, 3, 2), "other", now=0).is_whole
    assert together.add("anna", Concat(1, 2, 2), "a2", now=0).in_order() == ["a1", "a2"]


def test_what_is_missing_shows_when_the_time_is_over() -> None:
    together: Reassembly[str] = Reassembly(seconds=60, most=2)
    together.add("anna", Concat(1, 3, 3), "three", now=0)
    together.add("anna", Concat(1, 3, 3), "three again", now=1)
    together.add("ben", Concat(1, 2, 1), "one", now=30)
    assert together.over(now=59) == []
    assert [text.in_order() for text in together.over(now=60)] == [[None, None, "three"]]
    together.add("carl", Concat(1, 2, 1), "c", now=61)
    together.add("dora", Concat(1, 2, 1), "d", now=62)
    assert [text.in_order() for text in together.over(now=62)] == [["one", None]]
    assert [text.in_order() for text in together.all()] == [["c", None], ["d", None]]
    assert len(together) == 0
