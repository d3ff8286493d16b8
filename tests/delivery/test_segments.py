from itertools import pairwise

import gsm0338
import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from delivery.segments import (
    ESCAPE,
    GSM_ALPHABET,
    GSM_EXTENSION,
    MAX_FORCING,
    Forcing,
    is_gsm7,
    measure,
    split,
)

BASIC = GSM_ALPHABET.replace(ESCAPE, "")
GSM = BASIC + "".join(GSM_EXTENSION)

basic_texts = st.text(BASIC, max_size=500)
gsm_texts = st.text(GSM, max_size=500)
edge_texts = st.text("a€[", min_size=140, max_size=330)
emoji_texts = st.text("aя🙂", min_size=60, max_size=220)
any_texts = st.one_of(basic_texts, gsm_texts, edge_texts, emoji_texts, st.text(max_size=300))


def septets(body: str) -> int:
    return len(body) + sum(body.count(char) for char in GSM_EXTENSION)


def utf16_units(body: str) -> int:
    return len(body.encode("utf-16-le")) // 2


# --- the figures


@pytest.mark.parametrize(
    ("body", "encoding", "segments", "units", "per_segment", "remaining"),
    [
        ("", "gsm7", 0, 0, 160, 160),
        ("a", "gsm7", 1, 1, 160, 159),
        ("a" * 160, "gsm7", 1, 160, 160, 0),
        ("a" * 161, "gsm7", 2, 161, 153, 145),
        ("a" * 306, "gsm7", 2, 306, 153, 0),
        ("a" * 307, "gsm7", 3, 307, 153, 152),
        ("€" * 80, "gsm7", 1, 160, 160, 0),
        ("€" * 81, "gsm7", 2, 162, 153, 143),
        ("я" * 70, "ucs2", 1, 70, 70, 0),
        ("я" * 71, "ucs2", 2, 71, 67, 63),
        ("я" * 134, "ucs2", 2, 134, 67, 0),
        ("🙂" * 35, "ucs2", 1, 70, 70, 0),
        ("🙂" * 36, "ucs2", 2, 72, 67, 61),
    ],
)
def test_a_text_is_measured_by_the_standard(body, encoding, segments, units, per_segment, remaining):
    found = measure(body)

    assert found.encoding == encoding
    assert (found.segments, found.units) == (segments, units)
    assert (found.per_segment, found.remaining) == (per_segment, remaining)


def test_an_escape_pair_on_the_boundary_moves_to_the_next_part():
    # 152 letters leave one septet free in the first part: the euro sign needs two.
    body = "a" * 152 + "€" + "a" * 152

    assert split(body) == ["a" * 152, "€" + "a" * 151, "a"]
    assert measure(body).segments == 3, "306 septets would divide into two parts of 153, but do not pack"


def test_a_surrogate_pair_on_the_boundary_moves_to_the_next_part():
    body = "я" * 66 + "🙂" + "я" * 66

    assert split(body) == ["я" * 66, "🙂" + "я" * 65, "я"]
    assert measure(body).segments == 3


def test_the_alphabet_has_a_septet_for_every_character():
    assert len(GSM_ALPHABET) == 128 == len(set(GSM_ALPHABET))
    codec = gsm0338.Codec()
    for septet, char in enumerate(GSM_ALPHABET):
        if char != ESCAPE:
            assert codec.encode(char)[0] == bytes([septet])
    for char, septet in GSM_EXTENSION.items():
        assert codec.encode(char)[0] == bytes([0x1B, septet])


@pytest.mark.parametrize("char", ["ç", "`", "\t", "á", "\u00a0", "’", ESCAPE])
def test_characters_people_take_for_gsm_are_not(char):
    assert not is_gsm7(char)


# --- what forces UCS-2


def test_the_characters_that_force_ucs2_are_named_with_their_places():
    found = measure("It’s\there 🙂").forcing

    assert found == (Forcing("’", 2), Forcing("\t", 4), Forcing("🙂", 10))
    assert [char.name for char in found] == [
        "right single quotation mark (U+2019)",
        "tab (U+0009)",
        "slightly smiling face (U+1F642)",
    ]


def test_the_list_of_forcing_characters_is_bounded():
    assert len(measure("я" * 500).forcing) == MAX_FORCING


def test_gsm_text_has_no_forcing_characters():
    assert measure("plain {text} €").forcing == ()


# --- properties


@given(any_texts)
def test_parts_join_to_the_text_and_each_fits(body):
    parts = split(body)
    found = measure(body)

    assert "".join(parts) == body
    assert len(parts) == found.segments
    cost = septets if found.encoding == "gsm7" else utf16_units
    for part in parts:
        part.encode("utf-16-le")  # strict: refuses half a surrogate pair
        assert 0 < cost(part) <= found.per_segment
    assert sum(map(cost, parts)) == found.units
    if parts:
        assert cost(parts[-1]) == found.per_segment - found.remaining


@given(any_texts)
def test_no_part_could_have_taken_the_next_character(body):
    found, parts = measure(body), split(body)
    cost = septets if found.encoding == "gsm7" else utf16_units

    for part, following in pairwise(parts):
        assert cost(part + following[0]) > found.per_segment


@given(any_texts.filter(lambda body: body and ESCAPE not in body))
def test_an_independent_splitter_agrees(body):
    expected = smsutil.split(body)
    found = measure(body)

    assert found.encoding == ("gsm7" if expected.encoding == "gsm0338" else "ucs2")
    assert split(body) == [part.content for part in expected.parts]
    units = expected.total_bytes if found.encoding == "gsm7" else expected.total_bytes // 2
    assert found.units == units


@given(gsm_texts)
def test_an_independent_codec_agrees_on_the_septets(body):
    assert measure(body).units == len(gsm0338.Codec().encode(body)[0])


@given(st.characters())
def test_an_independent_codec_agrees_on_the_alphabet(char):
    try:
        gsm0338.Codec().encode(char)
        encodable = char != ESCAPE
    except UnicodeEncodeError:
        encodable = False

    assert is_gsm7(char) == encodable


@given(st.text(st.characters(categories=["Cs", "Ll", "So"]), max_size=200))
def test_broken_text_is_measured_without_failing(body):
    assert measure(body).segments == len(split(body))
