"""Texts in several languages: a contact's own, else the one for everybody; in Python, in SQL and when it is sent."""

import string

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns import languages, launch, sending, templates
from campaigns.errors import CampaignError, InvalidTemplate
from campaigns.models import Template
from campaigns.sending import Wanted
from delivery.models import Message
from tests.campaigns.scenes import materialised
from tests.factories import CampaignFactory, ContactFactory, ContactListFactory, DefaultSenderFactory, TemplateFactory

ENGLISH, GERMAN, PORTUGUESE = "Your table is ready.", "Ihr Tisch ist bereit.", "A sua mesa está pronta."


def template(body: str = ENGLISH, **translations: str) -> Template:
    made: Template = TemplateFactory()
    named = {tag.replace("_", "-"): text for tag, text in translations.items()}
    templates.save_version(template=made, body=body, translations=named, smart_encoding=True, actor=None)
    return made


# --- which one ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_at", "de"),
        ("pt-BR", "pt-BR"),
        ("pt-PT", ""),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh", ""),
        ("den", ""),
        ("fr", ""),
        ("", ""),
    ],
)
def test_a_tag_finds_its_own_text_or_that_of_what_it_belongs_to(language: str, expected: str) -> None:
    assert languages.choose(frozenset({"de", "pt-BR", "zh-Hant"}), language) == expected


subtags = st.text(string.ascii_letters + string.digits, min_size=1, max_size=3)
tags = st.lists(subtags, min_size=1, max_size=3).map("-".join)


@pytest.mark.django_db
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(tags, max_size=4), st.lists(st.one_of(tags, st.text("-_aAbB", max_size=6)), min_size=1, max_size=20))
def test_the_database_chooses_alike(known: set[str], asked: list[str]) -> None:
    one_each = {tag.lower(): tag for tag in sorted(known)}
    known = set(one_each.values())
    asked = [*asked, *known, *(f"{tag}-x" for tag in known)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {languages.chosen_sql('language', '%(known)s')} "
            "FROM unnest(%(asked)s::text[]) WITH ORDINALITY AS contact (language, n) ORDER BY n",
            {"known": list(known), "asked": asked},
        )
        found = [tag for (tag,) in cursor.fetchall()]

    assert found == [languages.choose(frozenset(known), language) for language in asked]


# --- saving ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_changed_translation_is_a_new_version_and_one_that_is_not_given_stays() -> None:
    made = template(de=GERMAN)
    kept = templates.save_version(template=made, body="Changed.", smart_encoding=True, actor=None)
    changed = templates.save_version(
        template=made, body="Changed.", translations={"de": "Anders."}, smart_encoding=True, actor=None
    )
    none = templates.save_version(template=made, body="Changed.", translations={}, smart_encoding=True, actor=None)

    assert [(v.number, v.translations) for v in (kept, changed, none)] == [
        (2, {"de": GERMAN}),
        (3, {"de": "Anders."}),
        (4, {}),
    ]


@pytest.mark.django_db
def test_tags_are_kept_as_they_are_written_and_empty_texts_are_none() -> None:
    version = templates.latest(template(pt_br=PORTUGUESE, de=" \n"))
    assert version is not None
    assert version.translations == {"pt-BR": PORTUGUESE}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("translations", "problem"),
    [
        ({"german": GERMAN}, "“german” is no language tag"),
        ({"de": GERMAN, "DE": GERMAN}, "two texts for de"),
        ({f"a{a}-{b}{b}": GERMAN for a in "abcdefg" for b in "xyz"}, "20 other languages at most"),
    ],
)
def test_languages_that_make_no_sense_are_refused(translations: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        templates.save_version(
            template=TemplateFactory(), body=ENGLISH, translations=translations, smart_encoding=True, actor=None
        )


@pytest.mark.django_db
def test_what_is_wrong_in_a_translation_names_its_language() -> None:
    with pytest.raises(InvalidTemplate) as refused:
        template(de="Hallo {{ first_name ")
    assert (refused.value.language, len(refused.value.problems)) == ("de", 1)


@pytest.mark.django_db
def test_a_versions_variables_are_those_of_all_its_texts() -> None:
    version = templates.latest(template("Hi {{ first_name }}", de="Hallo {{ anrede }} {{ first_name }}"))
    assert version is not None
    assert version.variables == ["first_name", "anrede"]


# --- sending --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_everybody_of_a_campaign_gets_it_in_their_language() -> None:
    people = {tag: ContactFactory(language=tag) for tag in ("en", "de-AT", "pt-BR", "pt-PT", "")}

    materialised(0, *people.values(), template=template(de=GERMAN, pt_BR=PORTUGUESE))

    got = {message.contact_id: (message.body, message.encoding) for message in Message.objects.all()}
    assert {tag: got[person.pk] for tag, person in people.items()} == {
        "en": (ENGLISH, "gsm7"),
        "de-AT": (GERMAN, "gsm7"),
        "pt-BR": (PORTUGUESE, "ucs2"),
        "pt-PT": (ENGLISH, "gsm7"),
        "": (ENGLISH, "gsm7"),
    }


@pytest.mark.django_db
def test_a_variable_of_one_language_must_not_be_missing_for_its_readers_and_is_nothing_to_others() -> None:
    DefaultSenderFactory()
    texts = template("Hi {{ first_name }}", de="Guten Tag, {{ anrede }}")
    english, german = ContactFactory(language="en"), ContactFactory(language="de-CH")
    campaign = CampaignFactory(include=[ContactListFactory(contacts=[english, german])], template=texts)

    with pytest.raises(CampaignError, match="1 contact has no value for “anrede”"):
        launch.launch(campaign=campaign, actor=None)

    german.attributes = {"anrede": "Frau Byron"}
    german.save()
    assert launch.preflight(campaign).problems == ()


@pytest.mark.django_db
def test_the_preflight_measures_each_contact_in_their_language() -> None:
    DefaultSenderFactory()
    texts = template("Short.", de="Lang. " * 40)
    people = [ContactFactory(language=tag) for tag in ("en", "en", "en", "de")]
    found = launch.preflight(CampaignFactory(include=[ContactListFactory(contacts=people)], template=texts))

    assert (found.mean_segments, found.most_segments, found.estimated_segments) == (1.25, 2, 5)


@pytest.mark.django_db
def test_a_single_message_is_in_the_language_that_its_variables_name() -> None:
    DefaultSenderFactory()
    texts = template(de=GERMAN)
    sent = sending.send(Wanted(to="+14155550123", template=texts, variables={"language": "de-DE"}))
    other = sending.send(Wanted(to="+14155550123", template=texts))

    assert (sent.body, other.body) == (GERMAN, ENGLISH)
