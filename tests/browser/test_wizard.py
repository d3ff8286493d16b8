"""A campaign from its name to its launch, step by step, in a browser."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.models import Campaign
from smshub.quickstart import demo
from tests.browser.conftest import SCREENSHOTS, log_in
from tests.hub import Hub

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]

CONTACTS = 40


def hurry(campaign: str) -> None:
    """The moment to think is over."""
    Campaign.objects.filter(name=campaign).update(scheduled_at=timezone.now())


def test_a_campaign_is_written_step_by_step_undone_and_launched(hub: Hub, page: Page) -> None:
    demo.seed(contacts=CONTACTS, simulator_url=hub.carrier_url)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in(page, hub.url)

    # Given a name, and a draft of it
    page.goto(f"{hub.url}/admin/campaigns/campaign/add/")
    page.fill("#id_name", "Flu shots")
    page.screenshot(path=SCREENSHOTS / "wizard-name.png")
    page.get_by_test_id("next").click()

    # When they choose whom it goes to, which is saved as soon as the server answers
    page.route("**/wizard/audience/", lambda route: route.abort())
    page.locator("label", has_text=demo.LIST).first.click()
    expect(page.get_by_test_id("not-saved")).to_be_visible()
    page.unroute("**/wizard/audience/")
    expect(page.get_by_test_id("saved")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "wizard-audience.png")
    page.get_by_test_id("next").click()

    # And write a text, with what makes it dear mended at a click
    text = page.locator("#id_text")
    text.press_sequentially("Bună ziua ")
    page.locator("[data-insert=first_name]").click()
    expect(page.get_by_test_id("preview-encoding")).to_have_text("UCS-2")
    expect(page.get_by_test_id("lacks-opt-out")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "wizard-message.png", full_page=True)
    page.locator("[data-replace=ă]").click()
    expect(page.get_by_test_id("preview-encoding")).to_have_text("GSM-7")
    page.locator("[data-append]").click()
    expect(page.get_by_test_id("lacks-opt-out")).to_have_count(0)
    expect(text).to_have_value("Buna ziua {{ first_name }}. Reply STOP to opt out")
    shown = page.get_by_test_id("preview-text").text_content()
    page.get_by_test_id("person-after").click()
    expect(page.get_by_test_id("preview-text")).not_to_have_text(shown or "")
    expect(page.get_by_test_id("saved")).to_be_visible()
    page.get_by_test_id("next").click()

    # And leave the time as it is
    expect(page.get_by_test_id("wizard-time")).to_be_visible()
    page.get_by_text("Evenly over a time").click()
    expect(page.get_by_label("hours")).to_have_value("2")
    page.get_by_text("As fast as the limits allow", exact=True).click()
    page.screenshot(path=SCREENSHOTS / "wizard-time.png", full_page=True)
    page.get_by_test_id("next").click()

    # And look at it once more, with a test to themselves
    sendable = CONTACTS - CONTACTS // demo.SUPPRESSED_EVERY
    expect(page.get_by_test_id("recipients")).to_have_text(str(sendable))
    reading = page.get_by_test_id("preview")
    expect(reading.get_by_test_id("preview-text")).to_have_text(re.compile("Buna ziua .+ Reply STOP to opt out"))
    first = reading.get_by_test_id("preview-person").text_content()
    page.get_by_test_id("person-after").click()
    expect(reading.get_by_test_id("preview-person")).not_to_have_text(first or "")
    page.fill("#number", "+14155550199")
    page.get_by_test_id("try").click()
    expect(page.get_by_test_id("tried")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "wizard-review.png", full_page=True)

    # Then the launch can be undone
    page.get_by_test_id("go").click()
    expect(page.get_by_test_id("countdown")).to_contain_text("Leaves in")
    page.screenshot(path=SCREENSHOTS / "wizard-undo.png")
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("wizard-review")).to_be_visible()

    # And goes its way when it is not
    page.get_by_test_id("go").click()
    expect(page.get_by_test_id("countdown")).to_be_visible()
    hurry("Flu shots")
    expect(page.get_by_test_id("campaign-live")).to_contain_text("Completed", timeout=60_000)
    assert not errors
