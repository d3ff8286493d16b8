"""Texts into short messages and back: nothing is lost, nothing is cut apart, no part is too large."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.smpp.constants import ESM_UDHI
from delivery.smpp.pdu import SubmitSm
from simulator.segments import ALPHABET, EXTENSION, count
from simulator.smsc.receipts import write_id
from simulator.smsc.text import DATA_CODING, Joining, coding_of, fitting, read, write

GSM = ALPHABET.replace("\x1b", "") + "".join(EXTENSION.values())
TEXTS = st.text(st.sampled_from(GSM), max_size=700) | st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(text=TEXTS, joining=st.sampled_from(["udh8", "udh16", "sar", "payload"]), reference=st.integers(0, 0xFFFF))
def test_what_is_written_is_read_again(text: str, joining: Joining, reference: int) -> None:
    coding = fitting(text)
    pieces = write(text, coding, joining, reference)

    contents = [
        read(
            SubmitSm(esm_class=ESM_UDHI if udhi else 0, data_coding=DATA_CODING[coding], short_message=data, tlvs=tlvs),
            "gsm7",
        )
        for data, tlvs, udhi in pieces
    ]

    assert "".join(content.text for content in contents) == text
    if len(pieces) == 1:
        assert contents[0].part is None
    else:
        kept = reference & 0xFF if joining == "udh8" else reference
        assert [content.part for content in contents] == [(kept, n, len(pieces)) for n in range(1, len(pieces) + 1)]
    if joining == "udh8":
        assert len(pieces) == count(text)


@pytest.mark.parametrize(
    ("data_coding", "coding"),
    [(0, "gsm7"), (1, "ascii"), (3, "latin1"), (4, "binary"), (8, "ucs2"), (0xF0, "gsm7"), (0xF5, "binary")],
)
def test_codings_are_known_by_their_numbers(data_coding: int, coding: str) -> None:
    assert coding_of(data_coding, "gsm7") == coding


@pytest.mark.parametrize(
    ("form", "written"),
    [("dec", "4660"), ("dec10", "0000004660"), ("hex", "1234"), ("HEX8", "00001234"), ("opaque", "1234-4660")],
)
def test_ids_in_their_forms(form: str, written: str) -> None:
    assert write_id(0x1234, form) == written
