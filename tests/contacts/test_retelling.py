"""What was kept in English, as whoever reads German reads it."""

import re
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext, ngettext
from hypothesis import given
from hypothesis import strategies as st

from contacts.retelling import LETTERS, english, retold
from contacts.wording import figure

PLACE = re.compile(r"%\((\w+)\)[sd]")


def german(kept: str) -> str:
    with translation.override("de"):
        return retold(kept)


def test_what_is_said_to_be_kept_is_english_whoever_sits_there() -> None:
    with translation.override("de"), english():
        assert gettext("Switched off by staff.") == "Switched off by staff."


def test_english_is_not_touched() -> None:
    assert retold("Switched off by staff.") == "Switched off by staff."


def test_a_sentence_is_retold() -> None:
    assert german("Switched off by staff.") == "Von Mitarbeitenden ausgeschaltet."


def test_its_values_stay_and_its_figures_are_the_readers() -> None:
    kept = "Of these, 12,345: Carrier trouble."

    assert german(kept) == "Davon 12.345: Störung beim Netzbetreiber."


def test_of_a_plural_each_form_is_found() -> None:
    def said(number: int) -> str:
        again = ngettext("Tries again up to %(messages)s message.", "Tries again up to %(messages)s messages.", number)
        return again % {"messages": figure(number)}

    one, many = said(1), said(1234)

    with translation.override("de"):
        assert (retold(one), retold(many)) == (said(1), said(1234))
        assert one != said(1)


def test_a_code_and_a_full_stop_behind_a_text_stay() -> None:
    assert german("Carrier trouble (ESME_RSYSERR).") == "Störung beim Netzbetreiber (ESME_RSYSERR)."


def test_sentences_are_retold_one_by_one_and_what_a_person_wrote_stays() -> None:
    kept = "Carrier is back. Tries again up to 3 messages. Of these, 3: Carrier trouble."

    said = german(kept)

    assert said.startswith("Carrier is back. ")
    assert said.endswith("Davon 3: Störung beim Netzbetreiber.")
    assert "Tries" not in said


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
def test_whatever_was_kept_can_be_shown(kept: str) -> None:
    assert german(f"Ünmöglich ¦{kept}¦").startswith("Ünmöglich ¦")


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE])
def test_every_sentence_of_the_catalogue_is_found_again_with_its_values(language: str) -> None:
    with (Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.mo").open("rb") as compiled:
        messages = [message for message in read_mo(compiled) if isinstance(message.id, str) and not message.context]
    sentences = [message for message in messages if message.id.endswith(".") and _says_enough(message.id)]

    with translation.override(language):
        found = [(_filled(message.id), retold(_filled(message.id))) for message in sentences]

    assert found == [(_filled(message.id), _filled(message.string)) for message in sentences]


def _says_enough(text: str) -> bool:
    return not PLACE.search(text) or sum(map(str.isalpha, PLACE.sub("", text))) >= LETTERS


def _filled(text: str) -> str:
    filled = PLACE.sub(lambda place: place[1].upper(), text)
    return filled.replace("%%", "%") if filled != text else text
