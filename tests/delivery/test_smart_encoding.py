import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.segments import is_gsm7, measure
from delivery.smart_encoding import GSM7_REPLACEMENTS, Change, changes, to_gsm

typographic = st.text(st.sampled_from([*GSM7_REPLACEMENTS, *"abc é€{\n"]), max_size=200)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("“Hi” – it’s me…", '"Hi" - it\'s me...'),
        ("10\u202f000\u00a0€", "10 000 €"),
        ("co\u00adop\u200berate\ufeff", "cooperate"),
        ("a\tb\u2028c", "a b\nc"),
        ("«Très bien»", '"Très bien"'),
        ("plain text", "plain text"),
        ("", ""),
    ],
)
def test_look_alikes_replace_typographic_characters(written, sent):
    assert to_gsm(written) == sent


@pytest.mark.parametrize("body", ["“Hi” 🙂", "“Привет” – да…", "«ça va»", "می\u200cخواهم", "👩\u200d🚀"])
def test_a_text_that_stays_ucs2_is_left_alone(body):
    assert to_gsm(body) == body
    assert changes(body) == []


def test_changes_tell_what_would_be_replaced_and_where():
    assert changes("it’s\u00adso…") == [Change("’", 2, "'"), Change("\u00ad", 4, ""), Change("…", 7, "...")]


def test_only_characters_outside_gsm_are_replaced_and_only_by_gsm():
    for char, replacement in GSM7_REPLACEMENTS.items():
        assert not is_gsm7(char)
        assert is_gsm7(replacement)


def test_no_letter_is_transliterated():
    # Modifier letters (Lm) are the quotes and primes that phones type; they are no letters of a word.
    categories = {unicodedata.category(char) for char in GSM7_REPLACEMENTS}

    assert not categories & {"Lu", "Ll", "Lt", "Lo"}


@given(st.one_of(typographic, st.text(max_size=200)))
def test_doing_it_twice_changes_nothing_more(body):
    once = to_gsm(body)

    assert to_gsm(once) == once
    assert changes(once) == []


@given(typographic)
def test_a_text_of_replaceable_characters_becomes_gsm(body):
    assert measure(to_gsm(body)).encoding == "gsm7"


@given(st.one_of(typographic, st.text(max_size=200)))
def test_the_changes_applied_by_hand_give_the_same_text(body):
    pieces, end = [], 0
    for change in changes(body):
        assert body[change.position] == change.char
        pieces += [body[end : change.position], change.replacement]
        end = change.position + 1

    assert "".join([*pieces, body[end:]]) == to_gsm(body)
