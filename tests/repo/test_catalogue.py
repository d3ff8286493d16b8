"""Every text that staff read can be translated, and German is complete."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings

from smshub import catalogue

LANGUAGES = catalogue.languages()
TEMPLATES = sorted(
    file.relative_to(settings.BASE_DIR)
    for package in catalogue.PACKAGES
    for file in (settings.BASE_DIR / package).rglob("templates/**/*.html")
)
#: The same in every language: units, protocols, what a system calls its own things.
NAMES = {"UTC", "GSM", "UCS", "ms", "SMSHub", "system_id", "password"}
#: A translated text, a comment, a tag of the template, a script, a style of ours.
NOT_READ = re.compile(
    r"{% (blocktranslate|comment)\b.*?{% end\1 %}|{#.*?#}|{%.*?%}|{{.*?}}|<(script|style).*?</\2>|&\w+;|\bsms-[\w-]+",
    re.DOTALL,
)
#: Of the page; what is quoted in it may have brackets of its own.
TAG = re.compile(r"""<(?:"[^"]*"|'[^']*'|[^"'>])*>""")
READ_ALOUD = re.compile(r'\b(?:aria-label|title|placeholder|alt|data-label)="([^"{]*[A-Za-z]{2}[^"{]*)"')


def test_there_is_a_second_language() -> None:
    assert "de" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_has_what_the_code_has_and_all_of_it_is_translated(language: str) -> None:
    """`make messages` puts right what fails here, and says what is to be translated."""
    merged = catalogue.merged(language)

    assert catalogue.as_po(merged) == catalogue.path(language).read_bytes()
    assert catalogue.untranslated(merged) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_for_a_value_stands_in_the_translation_too(language: str) -> None:
    wrong = [(message.id, [str(error) for error in errors]) for message, errors in catalogue.kept(language).check()]

    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_the_file_says(language: str) -> None:
    file = catalogue.path(language)
    with file.open("rb") as text, file.with_suffix(".mo").open("rb") as compiled:
        said, used = read_po(text), read_mo(compiled)

    assert _strings(used) == _strings(said)


def _strings(catalog: Catalog) -> dict[tuple[str, tuple[str, ...]], tuple[str, ...]]:
    def forms(text: str | Sequence[str]) -> tuple[str, ...]:
        return (text,) if isinstance(text, str) else tuple(text)

    def context(text: str | bytes | None) -> str:
        return text.decode() if isinstance(text, bytes) else text or ""  # of a compiled file it is bytes

    return {(context(message.context), forms(message.id)): forms(message.string) for message in catalog if message.id}


@pytest.mark.parametrize("template", TEMPLATES, ids=str)
def test_a_page_says_nothing_that_cannot_be_translated(template: Path) -> None:
    source = (settings.BASE_DIR / template).read_text()
    if "<!doctype" in source.lower():
        return  # the API's, in English

    shown = TAG.sub(" ", NOT_READ.sub(" ", source))

    assert set(re.findall(r"[A-Za-z_]{2,}", shown)) <= NAMES
    assert READ_ALOUD.findall(source) == []
    assert re.findall(r'date:"[^"]*[DFMNl][^"]*"', source) == [], "the order of day and month is the language's"
