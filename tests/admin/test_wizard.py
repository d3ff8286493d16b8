"""A campaign written step by step: nothing that was right is lost, whatever else is missing."""

import json
import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns import templates
from campaigns.models import Campaign, Template
from tests import factories
from tests.admin.conftest import at_the_keyboard
from tests.admin.reading import read
from tests.admin.wizard_scenes import HTMX, begun, page, preview, ready, url, written

pytestmark = pytest.mark.django_db

Status = Campaign.Status


# --- steps --------------------------------------------------------------------------------------------------------


def test_adding_a_campaign_begins_the_wizard_and_its_first_step_makes_the_draft(staff: Client) -> None:
    opened = staff.get("/admin/campaigns/campaign/add/")
    assert "Campaign of" in opened.content.decode()
    assert not Campaign.objects.exists()

    answer = staff.post("/admin/campaigns/campaign/wizard/", {"name": "Flu shots", "purpose": "marketing"})

    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.status, campaign.template) == ("Flu shots", Status.DRAFT, None)
    assert campaign.created_by is not None
    assert answer["Location"] == url(campaign, "audience")


def test_after_an_import_it_begins_with_the_list_that_was_filled(staff: Client) -> None:
    people = factories.ContactListFactory()
    staff.post(f"/admin/campaigns/campaign/wizard/?list={people.pk}", {"name": "Hello", "purpose": "marketing"})
    assert list(Campaign.objects.get().include.all()) == [people]


@pytest.mark.parametrize("step", ["name", "audience", "message", "time", "review"])
def test_each_step_opens_on_a_draft_with_nothing_in_it(staff: Client, step: str) -> None:
    shown = staff.get(url(begun(), step))
    assert shown.status_code == 200
    assert f'data-testid="wizard-{step}"' in shown.content.decode()


def test_what_is_filled_in_saves_itself_field_by_field(staff: Client) -> None:
    campaign, people = begun(), factories.ContactListFactory()

    answer = staff.post(url(campaign, "audience"), {"include": [people.pk], "exclude": [404]}, headers=HTMX)

    assert "Not saved yet" in answer.content.decode()
    assert list(campaign.include.all()) == [people]


def test_the_next_step_comes_when_this_one_is_right(staff: Client) -> None:
    campaign, people = begun(), factories.ContactListFactory()

    stays = staff.post(url(campaign, "audience"), {})
    assert "Choose a list to send to." in stays.content.decode()

    goes = staff.post(url(campaign, "audience"), {"include": [people.pk]})
    assert goes["Location"] == url(campaign, "message")


def test_the_way_back_is_always_open(staff: Client) -> None:
    campaign = begun()
    answer = staff.post(url(campaign, "audience"), {"go": "name"})
    assert answer["Location"] == url(campaign, "name")


def test_a_time_and_a_pace_are_kept_with_the_draft(staff: Client) -> None:
    campaign = begun()
    given = {"scheduled_at_0": "2031-05-06", "scheduled_at_1": "09:30:00", "spread_minutes_minutes": "90"}
    assert staff.post(url(campaign, "time"), given)["Location"] == url(campaign, "review")
    campaign.refresh_from_db()
    assert (f"{campaign.scheduled_at:%Y-%m-%d %H:%M}", campaign.spread_minutes) == ("2031-05-06 09:30", 90)


def test_a_draft_opens_where_something_is_left_to_fill_in(staff: Client) -> None:
    assert staff.get(page(begun(), "open"))["Location"].endswith("/wizard/audience/")
    campaign = ready()
    assert staff.get(page(campaign, "open"))["Location"] == url(campaign, "review")
    assert f"{campaign.pk}/open/" in staff.get("/admin/campaigns/campaign/").content.decode()


def test_who_only_looks_sees_the_review_of_half_a_draft(auditor: Client) -> None:
    campaign = begun()
    assert auditor.get(page(campaign, "open"))["Location"] == url(campaign, "review")
    assert auditor.get(url(campaign, "review")).status_code == 200


def test_the_time_has_its_tick_only_when_somebody_has_seen_it(staff: Client) -> None:
    campaign = ready()

    def ticks() -> list[str]:
        bar = staff.get(url(campaign, "review")).content.decode()
        return re.findall(r'sms-step-done"[^>]*>.*?data-testid="step-(\w+)"', bar, re.DOTALL)

    assert ticks() == ["name", "audience", "message"]
    staff.post(url(campaign, "time"), {"when": "now"})
    assert ticks() == ["name", "audience", "message", "time"]


def test_a_time_that_was_chosen_elsewhere_has_its_tick(staff: Client) -> None:
    shown = staff.get(url(ready(spread_minutes=90), "review")).content.decode()
    assert shown.count("sms-step-done") == 4


def test_a_step_that_was_open_while_it_was_launched_saves_nothing_more(staff: Client) -> None:
    campaign = ready(status=Status.RUNNING)

    answer = staff.post(url(campaign, "name"), {"name": "Other", "purpose": "marketing"}, headers=HTMX)

    assert answer["HX-Redirect"] == page(campaign, "live")
    campaign.refresh_from_db()
    assert campaign.name != "Other"


@pytest.mark.parametrize("name", ["try", "go", "approval/ask"])
def test_who_has_no_role_sees_and_does_nothing(nobody: Client, name: str) -> None:
    campaign = ready()
    assert nobody.get("/admin/campaigns/campaign/wizard/").status_code == 403
    assert nobody.get(url(campaign, "review")).status_code == 403
    assert nobody.get(page(campaign, "checks")).status_code == 403
    assert nobody.post(page(campaign, name)).status_code == 403


@pytest.mark.parametrize("name", ["preview", "try", "go", "approval/ask", "approval/yes", "approval/no"])
def test_nothing_is_done_by_looking(staff: Client, name: str) -> None:
    assert staff.get(page(ready(), name)).status_code == 405


# --- the message ----------------------------------------------------------------------------------------------------


def test_half_a_text_is_kept_and_is_no_version_yet(staff: Client) -> None:
    campaign = begun()

    staff.post(url(campaign, "message"), written("Hi {{ fir"), headers=HTMX)

    campaign.refresh_from_db()
    assert (campaign.draft_text, campaign.template) == ("Hi {{ fir", None)
    assert "Hi {{ fir" in staff.get(url(campaign, "message")).content.decode()


def test_left_with_a_text_that_is_wrong_the_step_says_where(staff: Client) -> None:
    campaign = begun()

    answer = staff.post(url(campaign, "message"), written("Hi\n{{ fir"))

    assert "Line 2:" in answer.content.decode()
    assert not Template.objects.exists()


def test_left_with_a_text_that_is_right_it_is_a_version_of_the_campaigns_own(staff: Client) -> None:
    campaign = begun()

    staff.post(url(campaign, "message"), written("Hi {{ first_name }}"))
    staff.post(url(campaign, "message"), written("Hello {{ first_name }}"))

    campaign.refresh_from_db()
    assert campaign.template is not None
    assert (campaign.template.name, campaign.template.of_campaign, campaign.draft_text) == ("Flu shots", True, "")
    assert [version.body for version in campaign.template.versions.all()] == [
        "Hello {{ first_name }}",
        "Hi {{ first_name }}",
    ]


def test_a_template_is_taken_as_it_is(staff: Client) -> None:
    campaign, version = begun(), factories.TemplateVersionFactory(body="See you at {{ clinic }}")

    answer = staff.post(url(campaign, "message"), written("", use=version.template.pk, go="message"))
    assert answer["Location"] == url(campaign, "message")
    staff.post(url(campaign, "message"), written("See you at {{ clinic }}"))

    campaign.refresh_from_db()
    assert (campaign.template, campaign.draft_text) == (version.template, "")
    assert Template.objects.count() == 1


def test_a_change_to_a_templates_text_stays_in_the_campaign_and_takes_its_links_along(staff: Client) -> None:
    campaign, version = begun(), factories.TemplateVersionFactory(body="Book at {{ link }}")
    version.template.links.create(target="https://example.org/book")
    staff.post(url(campaign, "message"), written("", use=version.template.pk, go="message"))

    staff.post(url(campaign, "message"), written("Book now at {{ link }}"))

    campaign.refresh_from_db()
    assert campaign.template != version.template
    assert templates.latest(version.template) == version
    assert campaign.links.get().target == "https://example.org/book"
    assert f'value="{campaign.template_id}"' not in staff.get(url(campaign, "message")).content.decode()


def test_where_a_link_leads_is_said_beside_the_text(staff: Client) -> None:
    campaign = begun()
    staff.post(url(campaign, "message"), written("See {{ link }}", link="https://example.org/a"), headers=HTMX)
    assert campaign.links.get().target == "https://example.org/a"
    staff.post(url(campaign, "message"), written("See {{ link }}", link="javascript:alert(1)"), headers=HTMX)
    assert campaign.links.get().target == "https://example.org/a"
    staff.post(url(campaign, "message"), written("See you"), headers=HTMX)
    assert not campaign.links.exists()


def test_the_preview_leafs_through_the_people_of_the_audience(staff: Client) -> None:
    campaign = ready()

    first = preview(staff, campaign, "Hi {{ name }}!")
    second = preview(staff, campaign, "Hi {{ name }}!", person="1")

    names = list(campaign.include.get().contacts.order_by("pk").values_list("name", flat=True))
    assert f"Hi {names[0]}!" in first
    assert f"Hi {names[1]}!" in second
    assert "2 of 3" in second


def test_who_may_not_see_numbers_reads_what_people_get_with_their_numbers_masked() -> None:
    user = factories.UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_campaign", "view_contact"]))
    campaign = ready(body="Hi {{ name }} at {{ phone }}!")
    first = campaign.include.get().contacts.order_by("pk").first()

    answer = at_the_keyboard(user).post(page(campaign, "reading"))

    text = read(answer.content).find("preview-text").text
    assert text.startswith(f"Hi {first.name} at +1 ")
    assert text.endswith(f"{first.phone[-3:]}!")
    assert first.phone not in answer.content.decode()


def test_who_may_not_see_people_previews_a_made_up_person() -> None:
    user = factories.UserFactory()
    user.user_permissions.add(Permission.objects.get(codename="view_campaign"))
    campaign = ready()
    shown = preview(at_the_keyboard(user), campaign, "Hi {{ name }}!")
    assert "Hi Ada Byron!" in shown
    assert "made-up" in shown


def test_a_character_that_makes_it_dear_is_mended_at_a_click(staff: Client) -> None:
    shown = preview(staff, ready(), "Cluj, și 🙂 {{ name }}")
    assert 'data-replace="ș"' in shown
    assert 'data-by="s"' in shown
    assert "Leave “🙂” out" in shown


def test_a_character_that_stands_there_often_is_named_once_where_it_stands_first(staff: Client) -> None:
    shown = read(preview(staff, ready(), "🙂 ș 🙂🙂 ș").encode())
    assert shown.find("preview-forcing").text.endswith(
        "🙂 slightly smiling face (U+1F642) , ș latin small letter s with comma below (U+0219)"
    )
    assert [part.text for part in shown.find("preview-text") if part.tag == "mark"] == ["🙂", "ș", "🙂", "🙂", "ș"]


@pytest.mark.parametrize(
    ("text", "more", "lost"),
    [
        ("See {{ link }} STOP", {}, True),
        ("See {{ link }} STOP", {"link": "https://example.org"}, False),
        ("See {{ links.map }} STOP", {"link": "https://example.org"}, True),
        ("See you STOP", {}, False),
        ("See {{ link", {}, False),
    ],
)
def test_a_short_link_that_leads_nowhere_is_said_while_it_is_written(
    staff: Client, text: str, more: dict[str, object], lost: bool
) -> None:
    campaign = ready()
    of_variant = staff.post(f"{page(campaign, 'variant')}?letter=B", {"B_text": text, **more}).content.decode()
    for shown in (preview(staff, campaign, text, **more), of_variant):
        assert ("where it leads" in read(shown.encode()).find("text-wrong").text) == lost


def test_what_a_contact_brings_is_not_offered_to_be_mended(staff: Client) -> None:
    campaign = ready()
    campaign.include.get().contacts.update(name="Știrbu")
    assert "data-replace" not in preview(staff, campaign, "Hi {{ name }}")


@pytest.mark.parametrize(
    ("text", "purpose", "hinted"),
    [
        ("Sale today", "marketing", True),
        ("Sale today. Reply STOP to opt out", "marketing", False),
        ("Rabatt heute. Abmelden mit „Stop“", "marketing", False),
        ("Non-stop sale", "marketing", True),
        ("Your order is here", "transactional", False),
        ("", "marketing", False),
    ],
)
def test_a_marketing_text_is_to_say_how_to_stop_it(staff: Client, text: str, purpose: str, hinted: bool) -> None:
    assert ('data-testid="lacks-opt-out"' in preview(staff, ready(purpose=purpose), text)) == hinted


def test_a_text_of_one_campaign_is_offered_to_no_other(staff: Client) -> None:
    own = factories.TemplateVersionFactory(template__of_campaign=True, template__name="Only here").template
    its, other = factories.CampaignFactory(template=own), factories.CampaignFactory()
    option = f'<option value="{own.pk}"'
    assert "Only here" not in staff.get(url(other, "message")).content.decode()
    for campaign in (its, other):
        assert option not in staff.get(url(campaign, "message")).content.decode()


@pytest.mark.parametrize("step", ["audience", "message", "time", "review"])
def test_a_step_asks_as_often_whatever_there_is_to_choose(staff: Client, step: str) -> None:
    campaign = ready()
    with CaptureQueriesContext(connection) as few:
        staff.get(url(campaign, step))
    factories.TemplateVersionFactory.create_batch(5)
    campaign.include.add(*factories.ContactListFactory.create_batch(5))
    factories.SenderFactory.create_batch(5)
    with CaptureQueriesContext(connection) as many:
        staff.get(url(campaign, step))
    assert len(many) <= len(few)


# --- in two windows -------------------------------------------------------------------------------------------------


def window(html: bytes) -> dict[str, object]:
    """What a page with a step posts beside its fields."""
    inputs = [part.attributes for part in read(html) if part.tag == "input"]
    return {each["name"]: each.get("value", "") for each in inputs if each.get("name") in ("page", "seen")}


def opened(client: Client, campaign: Campaign, step: str = "name") -> dict[str, object]:
    return window(client.get(url(campaign, step)).content)


def rename(client: Client, campaign: Campaign, name: str, its: dict[str, object], *, by_itself: bool = True) -> str:
    given = {"name": name, "purpose": campaign.purpose, **its}
    answer = client.post(url(campaign, "name"), given, headers=HTMX if by_itself else {})
    campaign.refresh_from_db()
    return answer.headers.get("Location", "") + answer.content.decode()


def test_who_would_save_over_what_they_have_not_seen_is_told_and_decides(staff: Client, administrator: Client) -> None:
    campaign = ready()
    here, there = opened(staff, campaign), opened(administrator, campaign)
    rename(administrator, campaign, "Theirs", there)

    told = read(rename(staff, campaign, "Ours", here).encode()).find("overtaken")
    assert campaign.name == "Theirs"
    assert told.links() == [url(campaign, "name")]

    [over] = [part for part in told if part.attributes.get("data-testid") == "save-over"]
    assert "Saved" in rename(staff, campaign, "Ours", here | json.loads(over.attributes["hx-vals"]))
    assert campaign.name == "Ours"
    assert "Not saved" in rename(administrator, campaign, "Theirs again", there)


def test_leaving_a_step_does_not_save_over_it_either_and_loses_nothing_that_was_typed(staff: Client) -> None:
    campaign = ready()
    here, there = opened(staff, campaign), opened(staff, campaign)
    rename(staff, campaign, "There", there)

    stays = rename(staff, campaign, "Here", here, by_itself=False)
    assert campaign.name == "There"
    assert 'value="Here"' in stays
    assert "in another window or by somebody else" in stays

    goes = rename(staff, campaign, "Here", window(stays.encode()), by_itself=False)
    assert goes == url(campaign, "audience")
    assert campaign.name == "Here"


def test_one_window_saves_as_often_as_it_likes_and_another_step_is_another_thing(staff: Client) -> None:
    campaign = ready()
    here, elsewhere = opened(staff, campaign), opened(staff, campaign, "time")
    for name in ("One", "Two"):
        assert "Saved" in rename(staff, campaign, name, here)
    staff.post(url(campaign, "time"), {"when": "now", "spread_minutes_minutes": "5", **elsewhere}, headers=HTMX)
    assert url(campaign, "audience") in rename(staff, campaign, "Three", here, by_itself=False)
    assert (campaign.name, campaign.spread_minutes) == ("Three", 5)


def test_a_window_that_changes_nothing_is_not_in_the_way(staff: Client) -> None:
    campaign = ready()
    here, there = opened(staff, campaign), opened(staff, campaign)
    rename(staff, campaign, campaign.name, there)
    assert "Saved" in rename(staff, campaign, "Here", here)
