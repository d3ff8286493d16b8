"""Writing a template: what the preview shows, and what saving makes of it."""

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
