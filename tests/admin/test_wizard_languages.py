"""A campaign's own text in several languages: written, looked at, finished and sent as a template's are."""

from string import ascii_lowercase

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns import launch, materialise, templates, writing
from campaigns.admin.wizard import previews
from campaigns.models import Campaign, Template, Variant
from contacts.models import Contact
from delivery.models import Message
from tests import factories
from tests.admin.reading import Part, read
from tests.admin.wizard_scenes import HTMX, begun, page, url, written
from tests.variant_factories import VariantFactory

pytestmark = pytest.mark.django_db

ENGLISH = "Hi {{ first_name }}"
GERMAN = "Hallo {{ first_name }}"


def rows(*texts: tuple[str, str], prefix: str = "translations", initial: int = 0) -> dict[str, object]:
    """What the page posts of texts in other languages."""
    given: dict[str, object] = {f"{prefix}-TOTAL_FORMS": len(texts), f"{prefix}-INITIAL_FORMS": initial}
    for number, (language, body) in enumerate(texts):
        given |= {f"{prefix}-{number}-language": language, f"{prefix}-{number}-body": body}
    return given


def save(client: Client, campaign: Campaign, text: str, *texts: tuple[str, str], **more: object) -> str:
    """As it saves itself."""
    given = written(text, **rows(*texts), **more)
    return client.post(url(campaign, "message"), given, headers=HTMX).content.decode()


def leave(client: Client, campaign: Campaign, text: str, *texts: tuple[str, str], **more: object) -> tuple[str, str]:
    """Where the step leads, and what its page says if it stays."""
    answer = client.post(url(campaign, "message"), written(text, **rows(*texts), **more))
    return answer.headers.get("Location", ""), answer.content.decode()


def look(client: Client, campaign: Campaign, text: str, *texts: tuple[str, str], **more: object) -> Part:
    return read(client.post(page(campaign, "preview"), written(text, **rows(*texts), **more)).content)


def to(*languages: str, **fields: object) -> Campaign:
    """A draft to one person of each language."""
    factories.DefaultSenderFactory()
    people = [factories.ContactFactory(name=f"{tag} Reader", language=tag) for tag in languages]
    campaign: Campaign = factories.CampaignFactory(
        name="Flu shots", template=None, include=[factories.ContactListFactory(contacts=people)], **fields
    )
    return campaign


# --- written --------------------------------------------------------------------------------------------------------


def test_nobody_need_know_the_tag_of_a_language(staff: Client) -> None:
    shown = read(staff.get(url(begun(), "message")).content)
    suggested = {part.attributes["value"]: part.text for part in shown if part.tag == "option"}
    assert suggested["de"] == "German (Deutsch)"
    lists = [part.attributes["id"] for part in shown if part.tag == "datalist"]
    assert len(lists) == len(set(lists))


def test_half_a_text_in_half_a_language_is_kept_as_it_is_typed(staff: Client) -> None:
    campaign = begun()

    save(staff, campaign, "Hi {{ fir", ("d", "Hallo {{"), ("", ""))

    campaign.refresh_from_db()
    assert (campaign.draft_text, campaign.draft_translations) == ("Hi {{ fir", [["d", "Hallo {{"]])
    shown = staff.get(url(campaign, "message")).content.decode()
    assert 'value="d"' in shown
    assert "Hallo {{" in shown


def test_all_languages_are_one_version_of_the_campaigns_own(staff: Client) -> None:
    campaign = begun()

    where, _ = leave(staff, campaign, ENGLISH, ("DE", GERMAN), ("pt_br", "Oi"))

    assert where == url(campaign, "time")
    campaign.refresh_from_db()
    version = templates.latest(campaign.template) if campaign.template else None
    assert version is not None
    assert version.translations == {"de": GERMAN, "pt-BR": "Oi"}
    assert (campaign.draft_text, campaign.draft_translations, version.template.of_campaign) == ("", None, True)


def test_a_language_is_taken_away_by_its_row_and_by_its_text(staff: Client) -> None:
    campaign = begun()
    leave(staff, campaign, ENGLISH, ("de", GERMAN), ("fr", "Salut"), ("it", "Ciao"))

    leave(staff, campaign, ENGLISH, ("de", GERMAN), ("fr", ""))

    campaign.refresh_from_db()
    assert writing.texts(campaign) == {"": ENGLISH, "de": GERMAN}


def test_a_templates_languages_come_with_its_text_and_a_change_to_one_stays_in_the_campaign(staff: Client) -> None:
    campaign, version = begun(), factories.TemplateVersionFactory(body="Ready.", translations={"de": "Bereit."})
    leave(staff, campaign, "", use=version.template.pk, go="message")
    assert "Bereit." in staff.get(url(campaign, "message")).content.decode()

    save(staff, campaign, "Ready.", ("de", "Bereit."))
    campaign.refresh_from_db()
    assert (campaign.template, writing.is_unfinished(campaign)) == (version.template, False)

    leave(staff, campaign, "Ready.", ("de", "Ihr Tisch ist bereit."))
    campaign.refresh_from_db()
    assert campaign.template != version.template
    assert writing.texts(campaign) == {"": "Ready.", "de": "Ihr Tisch ist bereit."}
    assert templates.latest(version.template) == version


def test_a_post_that_says_nothing_of_languages_leaves_them(staff: Client) -> None:
    campaign = begun()
    leave(staff, campaign, ENGLISH, ("de", GERMAN))

    staff.post(url(campaign, "message"), written("Changed."))

    campaign.refresh_from_db()
    assert writing.texts(campaign) == {"": "Changed.", "de": GERMAN}


def test_a_text_for_everybody_that_is_emptied_is_not_the_old_one_again(staff: Client) -> None:
    variant = VariantFactory()
    Template.objects.filter(pk=variant.template_id).update(of_campaign=True)
    given = {"variants": "1", "B_percent": "50", "B_text": "", "hold_out_percent": "0"}

    _, stays = leave(staff, variant.campaign, "Hi", **given)

    assert "Write a text, or choose a template." in stays


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ([("german", GERMAN)], "Use a language tag"),
        ([("", GERMAN)], "Use a language tag"),
        ([("de", "Hallo {{ fir")], "Line 1:"),
        ([("de", "Eins."), ("DE", "Zwei.")], "There are two texts for de."),
        ([(f"a{letter}", "Text") for letter in ascii_lowercase[:21]], "languages at most"),
    ],
)
def test_a_language_that_cannot_be_used_keeps_the_step_from_being_left(
    staff: Client, texts: list[tuple[str, str]], sentence: str
) -> None:
    campaign = begun()

    where, stays = leave(staff, campaign, ENGLISH, *texts)

    assert where == ""
    assert sentence in stays
    assert not Template.objects.exists()


def test_a_variant_has_languages_of_its_own(staff: Client) -> None:
    campaign = to("en", "de")
    given = {"variants": "1", "B_percent": "50", "B_text": "Hello", "hold_out_percent": "0"}
    half, german = (rows(("de", text), prefix="B_translations") for text in ("{{", "Guten Tag"))

    where, stays = leave(staff, campaign, ENGLISH, ("de", GERMAN), **given, **half)
    assert (where, "Correct the texts in other languages." in stays) == ("", True)
    where, _ = leave(staff, campaign, ENGLISH, ("de", GERMAN), **given, **german)

    assert where == url(campaign, "time")
    assert writing.texts(Variant.objects.get()) == {"": "Hello", "de": "Guten Tag"}
    review = read(staff.get(url(campaign, "review")).content)
    assert [part.text for part in review.named("review-text-de")] == [f"de {GERMAN}", "de Guten Tag"]


# --- looked at ------------------------------------------------------------------------------------------------------


def test_each_person_is_shown_in_their_language(staff: Client) -> None:
    campaign = to("en", "de-AT")

    english = look(staff, campaign, ENGLISH, ("de", GERMAN))
    german = look(staff, campaign, ENGLISH, ("de", GERMAN), person="1")

    assert english.find("preview-text").text == "Hi en"
    assert german.find("preview-text").text == "Hallo de-AT"
    assert "“de”; their language is “de-AT”" in german.find("translated").text


def test_every_language_says_who_reads_it_what_it_costs_and_what_is_wrong_with_it(staff: Client) -> None:
    campaign = to("en", "de", "de", purpose="marketing")

    shown = look(staff, campaign, f"{ENGLISH} STOP", ("de", "Grüße ✓"), ("fr", "{{ nobody_has }} STOP"))

    assert shown.find("language--").text == "everybody else 1 1"
    assert shown.find("language-de").text == "de 2 1 UCS-2"
    assert shown.find("language-fr").text == "fr 0 1"
    assert "no contact has 'nobody_has'" in shown.find("languages").text
    assert "Does not say how to stop such texts" in shown.find("languages").text


def test_readers_are_counted_among_everybody_and_not_only_who_is_leafed_through(staff: Client) -> None:
    campaign = to(*["en"] * previews.PEOPLE, "de", "de")

    shown = look(staff, campaign, ENGLISH, ("de", GERMAN))

    assert shown.find("preview-person").text == "1 of the first 50: en Reader"
    assert (shown.find("language--").text, shown.find("language-de").text) == ("everybody else 50 1", "de 2 1")


def test_what_a_text_lacks_is_offered_in_its_language(staff: Client) -> None:
    shown = look(staff, to("en", purpose="marketing"), "Your coats are 20 % off", ("de", GERMAN), ("fr", "Salut STOP"))

    offered = [(part.attributes["data-into"], part.attributes["data-append"]) for part in shown.named("add-opt-out")]

    assert offered == [
        ("id_text", "Reply STOP to opt out"),
        ("id_translations-0-body", "Keine SMS mehr? STOPP antworten"),
    ]
    assert shown.named("add-opt-out")[1].text == "Add “Keine SMS mehr? STOPP antworten”"


def test_a_language_is_asked_for_and_its_first_reader_shown(staff: Client) -> None:
    campaign = to("en", "de", "fr")

    german = look(staff, campaign, ENGLISH, ("de", GERMAN), ("it", "Ciao ș"), read_in="de")
    italian = look(staff, campaign, ENGLISH, ("de", GERMAN), ("it", "Ciao ș"), read_in="it")

    assert german.find("preview-person").text == "2 of 3: de Reader"
    assert italian.find("preview-text").text == "Ciao ș"
    assert "made-up" in italian.find("preview-person").text
    mends = [part.attributes["data-in"] for part in italian if "data-in" in part.attributes]
    assert mends == ["id_translations-1-body"]


def test_the_variant_is_shown_for_the_person_that_is_looked_at_or_a_made_up_one(staff: Client) -> None:
    campaign = to("en", "de")
    given = {"B_text": ENGLISH, "person": "1", **rows(("de", GERMAN), prefix="B_translations")}
    path = f"{page(campaign, 'variant')}?letter=B"
    assert read(staff.post(path, given).content).find("preview-text").text == "Hallo de"

    Contact.objects.all().delete()
    alone = read(staff.post(path, given).content)
    assert alone.find("preview-text").text == "Hi Ada"
    assert "made-up" in alone.find("variant-person").text


def test_a_row_without_its_language_is_pointed_out_while_it_is_written(staff: Client) -> None:
    shown = look(staff, begun(), ENGLISH, ("", GERMAN))
    assert "is no language tag" in shown.find("text-wrong").text


def test_a_preview_asks_as_often_however_many_languages_there_are(staff: Client) -> None:
    campaign = to("en", "de")
    few, many = [("de", GERMAN)], [("de", GERMAN), *((tag, "Text") for tag in ("fr", "it", "es", "nl", "sv"))]
    asked = []
    for texts in (few, many):
        with CaptureQueriesContext(connection) as queries:
            look(staff, campaign, ENGLISH, *texts)
        asked.append(len(queries))
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("", "Hallo de"),
        ("A:", "Hi en"),
        ("A:de", "Hallo de"),
        ("B:", "Hello"),
        ("B:fr", "Salut Ada"),
    ],
)
def test_a_test_to_oneself_is_of_any_of_the_texts(staff: Client, which: str, expected: str) -> None:
    campaign = to("de", "en")
    french = rows(("fr", "Salut {{ first_name }}"), prefix="B_translations")
    given = {"variants": "1", "B_percent": "50", "B_text": "Hello", "hold_out_percent": "0"}
    leave(staff, campaign, ENGLISH, ("de", GERMAN), **given, **french)

    review = read(staff.get(url(campaign, "review")).content)
    offered = [part.attributes["value"] for part in review if part.tag == "option"]
    answer = staff.post(page(campaign, "try"), {"number": "+14155550199", "which": which}).content.decode()

    assert offered == ["", "A:", "A:de", "B:", "B:fr"]
    assert 'data-testid="tried"' in answer
    assert Message.objects.get().body == expected


@pytest.mark.parametrize("which", ["A:it", "C:", "Z", "::", "A"])
def test_a_text_that_there_is_not_is_not_sent(staff: Client, which: str) -> None:
    campaign = to("en")
    leave(staff, campaign, ENGLISH, ("de", GERMAN))
    answer = staff.post(page(campaign, "try"), {"number": "+14155550199", "which": which}).content.decode()
    assert ("no such text" in answer) == (which != "A")


# --- sent -----------------------------------------------------------------------------------------------------------


def test_everybody_gets_the_text_that_was_finished_in_their_language(staff: Client) -> None:
    campaign = to("en", "de-AT", "fr")
    leave(staff, campaign, ENGLISH, ("de", GERMAN))
    campaign.refresh_from_db()

    launch.launch(campaign=campaign, actor=None)
    materialise.freeze(campaign.pk)
    materialise.materialise(campaign.pk, seconds=60)

    assert {message.body for message in Message.objects.all()} == {"Hi en", "Hallo de-AT", "Hi fr"}


def test_a_language_that_is_being_written_keeps_the_campaign_from_being_launched(staff: Client) -> None:
    campaign = to("en")
    leave(staff, campaign, ENGLISH)

    save(staff, campaign, ENGLISH, ("de", "Hallo {{"))

    checks = read(staff.get(page(campaign, "checks")).content)
    assert "is not finished" in checks.find("wrong").text
    assert not checks.find("go").text
