"""Writing a template: what the preview shows, and what saving makes of it."""

import pytest
from django.test import Client

from campaigns.models import Campaign, Template
from tests import factories

PREVIEW = "/admin/campaigns/template/preview/"


def preview(client: Client, body: str, **fields: object) -> str:
    return client.post(PREVIEW, {"body": body, "smart_encoding": "on"} | fields).content.decode()


def test_the_preview_shows_text_segments_and_encoding(staff: Client) -> None:
    page = preview(staff, "Your table is ready.")

    assert "Your table is ready." in page
    assert "GSM-7" in page
    assert "140 of 160" in page


def test_the_preview_marks_what_makes_a_text_dear(staff: Client) -> None:
    page = preview(staff, "Ready ☕")

    assert '<mark title="hot beverage (U+2615)">☕</mark>' in page
    assert "UCS-2" in page


def test_the_preview_says_what_smart_encoding_replaces(staff: Client) -> None:
    assert "Smart encoding replaces" in preview(staff, "Ready – come")
    without = staff.post(PREVIEW, {"body": "Ready – come"}).content.decode()
    assert "Smart encoding replaces" not in without
    assert "en dash" in without


def test_the_preview_says_what_to_correct_and_where(staff: Client) -> None:
    page = preview(staff, "Hello\n{{ name | upcaze }}")

    assert "Line 2:" in page
    assert "upcase" in page


def test_an_empty_text_is_no_mistake_while_it_is_written(staff: Client) -> None:
    page = preview(staff, " ")

    assert "The text appears here." in page
    assert "the text is empty" not in page


def test_the_preview_is_written_for_a_contact(staff: Client) -> None:
    ada = factories.ContactFactory(name="Ada Byron", attributes={"clinic": "Elm Street"})

    page = preview(staff, "{{ first_name }}, {{ clinic }}", preview_contact=ada.pk)

    assert "Ada, Elm Street" in page


def test_markup_in_a_text_is_only_text(staff: Client) -> None:
    page = preview(staff, "<script>alert(1)</script>")

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def save(client: Client, template: Template | None, body: str, **fields: object) -> str:
    page = f"/admin/campaigns/template/{template.pk}/change/" if template else "/admin/campaigns/template/add/"
    answer = client.post(page, {"name": "Reminder", "description": "", "body": body, "smart_encoding": "on"} | fields)
    return answer.content.decode()


def test_saving_makes_a_version(staff: Client) -> None:
    save(staff, None, "Hi {{ first_name }}.")
    template = Template.objects.get()
    save(staff, template, "Hello {{ first_name }}.")

    versions = list(template.versions.order_by("number").values_list("number", "body"))
    assert versions == [(1, "Hi {{ first_name }}."), (2, "Hello {{ first_name }}.")]
    assert template.versions.first().created_by is not None
    page = staff.get(f"/admin/campaigns/template/{template.pk}/change/").content.decode()
    assert "Hi {{ first_name }}." in page
    assert "v2" in page


def test_saving_what_was_not_changed_makes_none(staff: Client) -> None:
    save(staff, None, "Hi.")
    template = Template.objects.get()

    save(staff, template, "Hi.", description="The day before")

    assert template.versions.count() == 1
    template.refresh_from_db()
    assert template.description == "The day before"


def test_a_text_with_mistakes_is_not_saved(staff: Client) -> None:
    page = save(staff, None, "Hi {{ first_name")

    assert not Template.objects.exists()
    assert "Line 1:" in page


def test_an_archived_template_is_not_offered(staff: Client) -> None:
    template = factories.TemplateVersionFactory(template__archived=True, template__name="Last year").template

    assert "Last year" not in staff.get("/admin/campaigns/campaign/add/").content.decode()
    assert not Campaign.objects.filter(template=template).exists()


# --- other languages ------------------------------------------------------------------------------------------------


def rows(*texts: tuple[str, str]) -> dict[str, object]:
    """What the page posts of texts in other languages."""
    given: dict[str, object] = {"translations-TOTAL_FORMS": len(texts), "translations-INITIAL_FORMS": 0}
    for number, (language, body) in enumerate(texts):
        given |= {f"translations-{number}-language": language, f"translations-{number}-body": body}
    return given


def test_texts_in_other_languages_are_saved_changed_and_taken_away(staff: Client) -> None:
    save(staff, None, "Ready.", name="Table", **rows(("de", "Bereit."), ("pt_br", "Pronta."), ("", "")))
    template = Template.objects.get(name="Table")
    assert template.versions.get().translations == {"de": "Bereit.", "pt-BR": "Pronta."}

    page = staff.get(f"/admin/campaigns/template/{template.pk}/change/").content.decode()
    assert "Pronta." in page

    save(staff, template, "Ready.", name="Table", **rows(("de", ""), ("pt-BR", "Está pronta.")))
    assert template.versions.first().translations == {"pt-BR": "Está pronta."}  # type: ignore[union-attr]


def test_a_form_that_says_nothing_of_languages_leaves_them(staff: Client) -> None:
    version = factories.TemplateVersionFactory(translations={"de": "Bereit."})
    save(staff, version.template, "Changed.", name=version.template.name)
    assert version.template.versions.first().translations == {"de": "Bereit."}


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ([("german", "Bereit.")], "Use a language tag"),
        ([("", "Bereit.")], "Use a language tag"),
        ([("de", "Hallo {{ first_name ")], "Line 1:"),
        ([("de", "Eins."), ("DE", "Zwei.")], "There are two texts for de."),
    ],
)
def test_a_text_in_another_language_that_cannot_be_used_is_pointed_out(
    staff: Client, texts: list[tuple[str, str]], sentence: str
) -> None:
    assert sentence in save(staff, None, "Ready.", name="Table", **rows(*texts))
    assert not Template.objects.exists()


def test_the_preview_shows_every_language(staff: Client) -> None:
    page = preview(staff, "Ready.", **rows(("de", "Hallo {{ first_name }}"), ("ro", "Bună ziua")))

    assert "Hallo Ada" in page
    assert 'data-testid="preview-in-ro"' in page
    assert page.count("UCS-2") == 1
