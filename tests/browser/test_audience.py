"""Somebody narrows an audience in the wizard, by the keyboard, and watches what that comes to."""

import pytest
from playwright.sync_api import Page, Route, expect

from campaigns.models import Campaign
from tests.browser.conftest import SCREENSHOTS, log_in
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
    SuppressionFactory,
)
from tests.hub import Hub

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]


def test_rules_are_added_and_taken_away_and_the_counts_follow(hub: Hub, page: Page) -> None:
    # Given two lists that share somebody, one of whom said stop, and a draft without an audience
    DefaultSenderFactory()
    patients = [
        ContactFactory(name=f"{name} of Elm", attributes={"clinic": "Elm", "visits": n})
        for n, name in enumerate(["Ada", "Bob", "Eve", "Kim"])
    ]
    french = ContactFactory.create_batch(3, language="fr", attributes={"clinic": "Oak", "visits": 9})
    SuppressionFactory(phone=patients[1].phone)
    ContactListFactory(name="Patients", contacts=[*patients, *french])
    ContactListFactory(name="Newsletter", contacts=patients[:1])
    campaign = CampaignFactory(name="Flu shots", include=[])
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in(page, hub.url)
    page.goto(f"{hub.url}/admin/campaigns/campaign/{campaign.pk}/wizard/audience/")
    counts = page.get_by_test_id("headcount")
    expect(counts).to_contain_text("Choose a list")

    # When lists are chosen, the counts are of those
    page.get_by_label("Patients (7)").first.check()
    page.get_by_label("Newsletter (1)").first.check()
    expect(page.get_by_test_id("texted")).to_have_text("6")
    expect(page.get_by_test_id("group-duplicate")).to_contain_text("1 on several")

    # And when a rule is written, of whom it leaves
    page.get_by_test_id("add-rule").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What the condition is about")).to_be_focused()
    page.get_by_label("Name of the attribute").fill("clinic")
    page.get_by_label("Value").fill("Elm")
    expect(page.get_by_test_id("texted")).to_have_text("3")
    expect(page.get_by_test_id("group-ruled_out")).to_contain_text("3")

    # A group of which one is enough
    page.get_by_test_id("add-group").click()
    group = page.get_by_role("group", name="Group of conditions")
    group.get_by_label("What the condition is about").select_option("texted")
    group.get_by_label("How it is compared").select_option("not_within_days")
    group.get_by_label("Value").fill("7")
    group.get_by_role("button", name="Add to the group").click()
    second = group.get_by_test_id("rule").nth(1)
    second.get_by_label("Name of the attribute").fill("visits")
    second.get_by_label("How it is compared").select_option("more_than")
    second.get_by_label("Value").fill("many")
    expect(page.get_by_test_id("not-saved")).to_contain_text("Condition 2.2: Give a number.")
    second.get_by_label("Value").fill("1")
    expect(page.get_by_test_id("saved")).to_be_visible()

    # Who is behind a number is shown with the reason, also when it was asked for just before another count
    held: list[Route] = []
    page.route("**/headcount/*/", lambda route: held.append(route))
    page.get_by_role("button", name="See who: suppressed").click()
    with page.expect_response("**/headcount/"):
        second.get_by_label("Value").fill("0")
    held[0].continue_()
    page.unroute("**/headcount/*/")
    expect(page.get_by_test_id("somebody")).to_contain_text("Bob of Elm")
    expect(page.get_by_test_id("somebody")).to_contain_text("Opted out")
    page.screenshot(path=SCREENSHOTS / "wizard-audience.png", full_page=True)

    # What was written is there when the page is opened again, and goes when it is taken away
    page.reload()
    expect(page.get_by_test_id("rule")).to_have_count(3)
    expect(second.get_by_label("How it is compared")).to_have_value("more_than")
    group.get_by_role("button", name="Take the group away").click()
    page.get_by_test_id("remove-rule").click()
    expect(page.get_by_test_id("texted")).to_have_text("6")
    expect(page.get_by_test_id("saved")).to_be_visible()
    assert Campaign.objects.get().rules == {}
    assert not errors
