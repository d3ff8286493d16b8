"""What is offered in the place of a character that makes a text dear makes it cheap, and stands in the text itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import simpler
from delivery.segments import measure
from delivery.smpp.gsm7 import is_gsm7


@given(st.characters())
def test_whatever_the_character_what_takes_its_place_is_gsm(char: str) -> None:
    assert is_gsm7(simpler.simpler(char))


@pytest.mark.parametrize(
    ("char", "by"),
    [("ă", "a"), ("Ő", "O"), ("ł", "l"), ("œ", "oe"), ("’", "'"), ("…", "..."), ("½", ""), ("🙂", ""), ("я", "")],
)
def test_letters_lose_their_marks_and_what_has_no_likeness_is_left_out(char: str, by: str) -> None:
    assert simpler.simpler(char) == by


@given(st.text(), st.text())
def test_all_that_is_offered_taken_the_templates_own_text_is_gsm(body: str, contacts: str) -> None:
    offered = simpler.fixes(body, measure(body).forcing + measure(contacts).forcing)
    assert {fix.char for fix in offered} <= set(body)
    for fix in offered:
        body = body.replace(fix.char, fix.replacement)
    assert not {fix.char for fix in offered} & set(body)
