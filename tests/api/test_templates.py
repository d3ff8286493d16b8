"""Templates as a system sees them: versions, and what a text costs before it is sent."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Template, TemplateVersion
from tests.api.conftest import System, is_problem
from tests.factories import ContactFactory, PriceFactory, TemplateFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db


def test_a_template_is_made_with_its_first_version(shop: System) -> None:
    answer = shop.post("templates", {"name": "Ready", "body": "Hi {{ first_name }}!", "smart_encoding": False})

    assert answer.status_code == 201
    assert (answer.body["name"], answer.body["archived"]) == ("Ready", False)
    latest = answer.body["latest"]
    assert (latest["number"], latest["body"], latest["variables"]) == (1, "Hi {{ first_name }}!", ["first_name"])
    assert latest["smart_encoding"] is False


def test_another_text_is_a_new_version_and_the_old_one_stays(shop: System) -> None:
    made = shop.post("templates", {"name": "Ready", "body": "One"}).body
    path = f"templates/{made['id']}"

    assert shop.patch(path, {"body": "Two"}).body["latest"]["number"] == 2
    assert shop.patch(path, {"body": "Two", "description": "x"}).body["latest"]["number"] == 2
    assert shop.patch(path, {"smart_encoding": False}).body["latest"]["number"] == 3

    versions = shop.get(f"{path}/versions").body["results"]
    assert [(version["number"], version["body"]) for version in versions] == [(3, "Two"), (2, "Two"), (1, "One")]


@pytest.mark.parametrize("body", ["{{ unclosed", "{% include 'x' %}", "{{ x | nofilter }}", " \n "])
def test_a_text_that_is_not_liquid_is_refused_with_its_place_and_nothing_is_kept(shop: System, body: str) -> None:
    answer = shop.post("templates", {"name": "Ready", "body": body})

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"] == "/body"
    assert answer.body["errors"][0]["detail"].startswith("Line 1, column ")
    assert not Template.objects.exists()


def test_a_wrong_text_leaves_the_rest_of_a_patch_undone(shop: System) -> None:
    version = TemplateVersionFactory(template__name="Ready")

    assert shop.patch(f"templates/{version.template_id}", {"name": "Other", "body": "{{"}).status_code == 400
    version.template.refresh_from_db()
    assert version.template.name == "Ready"


def test_a_preview_shows_text_segments_and_what_makes_them_dear(shop: System) -> None:
    version = TemplateVersionFactory(body="Hi {{ first_name }} ☕", smart_encoding=True)
    ada = ContactFactory(name="Ada Byron")

    answer = shop.post(f"templates/{version.template_id}/preview", {"contact": ada.pk})

    assert answer.status_code == 200
    assert answer.body["text"] == "Hi Ada ☕"
    assert (answer.body["encoding"], answer.body["segments"]) == ("ucs2", 1)
    assert answer.body["forcing"] == [{"char": "☕", "name": "hot beverage (U+2615)", "position": 7}]


def test_a_draft_is_previewed_with_variables_and_smart_encoding(shop: System) -> None:
    answer = shop.post(
        "templates/preview", {"body": "“{{ code }}” {{ name }}", "variables": {"code": 42, "name": "Ada"}}
    )

    assert answer.body["text"] == '"42" Ada'
    assert answer.body["encoding"] == "gsm7"
    assert [change["replacement"] for change in answer.body["replaced"]] == ['"', '"']


def test_a_preview_says_what_the_text_costs_in_each_country(shop: System, sender: Any, settings: Any) -> None:
    settings.CURRENCY = "EUR"
    PriceFactory(provider=sender.provider, country="", per_segment=Decimal("0.01"))
    PriceFactory(provider=sender.provider, country="FR", per_segment=Decimal("0.05"))

    answer = shop.post("templates/preview", {"body": "x" * 161, "countries": ["us", "FR", "FR"]})

    assert [(cost["country"], cost["cost"], cost["currency"]) for cost in answer.body["costs"]] == [
        ("US", "0.02000", "EUR"),
        ("FR", "0.10000", "EUR"),
    ]
    assert {cost["sender"] for cost in answer.body["costs"]} == {sender.address}


def test_a_preview_without_any_way_to_a_country_says_so(shop: System) -> None:
    answer = shop.post("templates/preview", {"body": "Hi", "countries": ["FR"]})

    (cost,) = answer.body["costs"]
    assert (cost["country"], cost["sender"], cost["cost"]) == ("FR", None, None)


def test_the_costs_of_many_countries_are_read_at_once(shop: System, sender: Any) -> None:
    def queries(*countries: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert shop.post("templates/preview", {"body": "Hi", "countries": countries}).status_code == 200
        return len(seen)

    queries("US")
    assert queries("US", "FR", "DE", "GB") == queries("US")


def test_a_preview_points_out_problems_instead_of_failing(shop: System) -> None:
    answer = shop.post("templates/preview", {"body": "Hi {{ doctor }}", "variables": {}})

    assert answer.status_code == 200
    assert answer.body["problems"]


@pytest.mark.parametrize(
    "body", [{"countries": ["ZZ"]}, {"contact": 1, "variables": {}}, {"contact": 999_999_999}, {"contact": "x"}]
)
def test_a_wrong_preview_is_refused(shop: System, body: Any) -> None:
    ContactFactory(pk=1)
    version = TemplateVersionFactory()

    assert is_problem(shop.post(f"templates/{version.template_id}/preview", body), 400, "validation-error")


def test_a_template_without_a_text_has_no_preview(shop: System) -> None:
    empty = TemplateFactory()

    assert shop.get(f"templates/{empty.pk}").body["latest"] is None
    assert is_problem(shop.post(f"templates/{empty.pk}/preview", {}), 409, "wrong-state")


def test_templates_are_found_by_name_and_put_away(shop: System) -> None:
    old, new = TemplateFactory(name="Old"), TemplateFactory(name="New")
    shop.patch(f"templates/{old.pk}", {"archived": True})

    def found(query: str) -> list[int]:
        return [row["id"] for row in shop.get(f"templates?{query}").body["results"]]

    assert (found("archived=true"), found("archived=false"), found("name=New")) == ([old.pk], [new.pk], [new.pk])
    assert not TemplateVersion.objects.exists()
