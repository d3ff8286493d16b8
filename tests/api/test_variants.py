"""Variants, hold-out, languages and local time as a system sees them."""

from typing import Any

import pytest

from campaigns.models import Campaign, TemplateVersion
from tests.api.conftest import System, is_problem
from tests.factories import CampaignFactory, ContactFactory, TemplateVersionFactory
from tests.variant_factories import VariantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def texts() -> list[int]:
    return [TemplateVersionFactory().template_id for _ in range(3)]


def test_a_draft_is_made_with_variants_and_its_time_and_changed(shop: System, texts: list[int]) -> None:
    a, b, c = texts
    made = shop.post(
        "campaigns",
        {
            "name": "Flu shots",
            "template": a,
            "variants": [{"template": b, "percent": 30}],
            "hold_out_percent": 10,
            "local_time": "09:00",
            "local_date": "2026-12-24",
            "local_passed": "at_once",
        },
    ).body

    assert made["variants"] == [{"template": b, "percent": 30, "letter": "B", "template_version": None}]
    assert (made["hold_out_percent"], made["local_time"], made["local_date"]) == (10, "09:00:00", "2026-12-24")
    assert made["local_passed"] == "at_once"

    path = f"campaigns/{made['id']}"
    changed = shop.patch(path, {"variants": [{"template": c, "percent": 5}, {"template": b, "percent": 5}]}).body
    assert [(one["letter"], one["template"]) for one in changed["variants"]] == [("B", c), ("C", b)]
    assert len(shop.patch(path, {"name": "Flu"}).body["variants"]) == 2
    emptied = shop.patch(path, {"variants": [], "hold_out_percent": 0, "local_time": None, "local_date": None}).body
    assert (emptied["variants"], emptied["local_time"], emptied["local_date"]) == ([], None, None)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"variants": [{"template": 0, "percent": 50}]}, "/variants/0/template"),
        ({"variants": [{"percent": 50}]}, "/variants/0/template"),
        ({"variants": [{"template": "own", "percent": 100}]}, "/variants/0/percent"),
        ({"variants": [{"template": "own", "percent": 50, "letter": "Z"}]}, "/variants/0/letter"),
        ({"variants": [{"template": "own", "percent": 20}] * 5}, "/variants/0"),
        ({"variants": [{"template": "own", "percent": 60}] * 2}, "/variants/0"),
        ({"hold_out_percent": 50}, "/variants/0"),
        ({"hold_out_percent": 51}, "/hold_out_percent"),
        ({"local_time": "09:00+01:00"}, "/local_time"),
        ({"local_passed": "never"}, "/local_passed"),
    ],
)
def test_what_makes_no_whole_is_refused_where_it_is_wrong(shop: System, change: Any, pointer: str) -> None:
    variant = VariantFactory(percent=50)
    for one in change.get("variants", ()):
        if one.get("template") == "own":
            one["template"] = variant.template_id

    answer = shop.patch(f"campaigns/{variant.campaign_id}", change)

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"].startswith(pointer.removesuffix("/0"))
    assert Campaign.objects.get().variants.get().percent == 50


def test_the_preflight_says_how_many_are_held_out(shop: System) -> None:
    campaign = CampaignFactory(hold_out_percent=10)
    assert shop.post(f"campaigns/{campaign.pk}/preflight").body["held_out"] == 0


def test_the_report_has_the_variants_side_by_side(shop: System) -> None:
    variant = VariantFactory()
    found = shop.get(f"campaigns/{variant.campaign_id}/report").body
    assert (found["variants"], found["held_out"]) == ([], 0)


# --- languages ------------------------------------------------------------------------------------------------------


def test_a_template_has_texts_by_language_which_stay_until_others_are_given(shop: System) -> None:
    made = shop.post("templates", {"name": "Ready", "body": "Ready.", "translations": {"pt_br": "Pronta."}}).body
    assert made["latest"]["translations"] == {"pt-BR": "Pronta."}

    path = f"templates/{made['id']}"
    assert shop.patch(path, {"body": "It is ready."}).body["latest"]["translations"] == {"pt-BR": "Pronta."}
    changed = shop.patch(path, {"translations": {"de": "Bereit."}}).body["latest"]
    assert (changed["number"], changed["body"], changed["translations"]) == (3, "It is ready.", {"de": "Bereit."})


@pytest.mark.parametrize(
    ("translations", "pointer"),
    [
        ({"de": "Hallo {{ first_name "}, "/translations/de"),
        ({"german": "Hallo"}, "/translations"),
        ({"de": ["Hallo"]}, "/translations/de"),
        (["de"], "/translations"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused_with_its_language(shop: System, translations: Any, pointer: str) -> None:
    answer = shop.post("templates", {"name": "Ready", "body": "Ready.", "translations": translations})

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"] == pointer
    assert not TemplateVersion.objects.exists()


def test_a_preview_is_in_the_language_of_whom_it_is_for(shop: System) -> None:
    version = TemplateVersionFactory(body="Ready.", translations={"de": "Bereit."})
    path = f"templates/{version.template_id}/preview"
    german = ContactFactory(language="de-AT")

    assert shop.post(path, {"contact": german.pk}).body["text"] == "Bereit."
    assert shop.post(path, {"variables": {"language": "de"}}).body["text"] == "Bereit."
    assert shop.post(path, {}).body["text"] == "Ready."
