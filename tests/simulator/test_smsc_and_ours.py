"""What the hub writes the simulated operator reads, and back: two works that know nothing of each other."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.smpp import receipts as ours
from delivery.smpp import text as our_text
from delivery.smpp.codec import HEADER_SIZE, decode, encode, read_header
from delivery.smpp.constants import ESM_UDHI
from delivery.smpp.pdu import DeliverSm, SubmitSm
from simulator.smsc.receipts import DIALECTS, STATES, Receipt, render
from simulator.smsc.text import DATA_CODING, Joining, fitting, read, write
from tests.simulator.test_smsc_text import TEXTS

ALPHABETS = {
    our_text.Alphabet.GSM7: "gsm7",
    our_text.Alphabet.LATIN1: "gsm7",
    our_text.Alphabet.LATIN1_DEFAULT: "latin1",
}


@given(
    text=TEXTS,
    alphabet=st.sampled_from(sorted(ALPHABETS)),
    long=st.sampled_from(our_text.Long),
    reference=st.integers(0, 0xFFFF),
)
def test_every_text_of_the_hub_arrives_as_it_was_written(
    text: str, alphabet: our_text.Alphabet, long: our_text.Long, reference: int
) -> None:
    written = our_text.encode(text, alphabet=alphabet, long=long, reference=reference)

    contents = [
        read(
            SubmitSm(
                esm_class=part.esm_class,
                data_coding=written.data_coding,
                short_message=part.short_message,
                tlvs=part.tlvs,
            ),
            ALPHABETS[alphabet],
        )
        for part in written.parts
    ]

    assert "".join(content.text for content in contents) == text
    if len(contents) > 1:
        assert [content.part and content.part[1:] for content in contents] == [
            (number, len(contents)) for number in range(1, len(contents) + 1)
        ]
        assert len({content.part and content.part.reference for content in contents}) == 1


@given(text=TEXTS, joining=st.sampled_from(["udh8", "udh16", "sar", "payload"]), reference=st.integers(0, 0xFFFF))
def test_the_hub_reads_every_text_from_a_handset(text: str, joining: Joining, reference: int) -> None:
    coding = fitting(text)
    taken = []
    for data, tlvs, udhi in write(text, coding, joining, reference):
        pdu = DeliverSm(
            esm_class=ESM_UDHI if udhi else 0, data_coding=DATA_CODING[coding], short_message=data, tlvs=tlvs
        )
        octets, concat = our_text.taken_apart(pdu)
        taken.append((our_text.decode(octets, pdu.data_coding), concat))

    assert "".join(words for words, _ in taken) == text
    if len(taken) > 1:
        assert [concat and (concat.number, concat.total) for _, concat in taken] == [
            (number, len(taken)) for number in range(1, len(taken) + 1)
        ]


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_the_hub_reads_every_receipt(dialect: str) -> None:
    for state, tlvs, data_sm in product(STATES, (False, True), (False, True)):
        error = 0 if state == "DELIVRD" else 34
        said = Receipt("00A1b2", state, error, 1_800_000_000.0, 1_800_000_060.0, "id:9 stat:UNDELIV")
        data = encode(render(said, SubmitSm(), dialect=dialect, tlvs=tlvs, data_sm=data_sm), 1)
        header = read_header(data)

        report = ours.read(decode(header.command_id, header.status, data[HEADER_SIZE:]))  # type: ignore[arg-type]

        if dialect == "empty" and not tlvs:
            assert report is None
            continue
        assert report is not None
        assert (report.message_id, report.state) == ("00A1b2", STATES[state])
        assert report.is_final == (state != "ENROUTE")
        shown = error and (tlvs or dialect not in ("empty", "terse", "no_err"))
        assert report.error == ("34" if shown else "")
