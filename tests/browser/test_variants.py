"""A second text, a second language, a hold-out and a time of everybody's own clock, chosen with a browser."""

import re
from datetime import time

import pytest
from playwright.sync_api import Page, expect

from campaigns import writing
from campaigns.models import Campaign
from contacts.models import ContactList
from smshub.quickstart import demo
from tests.browser.conftest import SCREENSHOTS, log_in
from tests.factories import CampaignFactory
from tests.hub import Hub

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]


def test_a_second_text_and_a_local_time_are_chosen_as_they_are_typed(hub: Hub, page: Page) -> None:
    demo.seed(contacts=40, simulator_url=hub.carrier_url)
    everybody = ContactList.objects.get(name=demo.LIST)
    campaign = CampaignFactory(name="Flu shots", include=[everybody], body="Hi {{ first_name }}, flu shots are here.")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in(page, hub.url)

    # Given the message step, another text for half of them, and a tenth of them held out
    page.goto(f"{hub.url}/admin/campaigns/campaign/{campaign.pk}/wizard/message/")
    expect(page.get_by_test_id("variant-B")).to_be_hidden()
    page.get_by_test_id("add-variant").click()
    second = page.get_by_test_id("variant-B")
    second.locator("#id_B_text").fill("Flu shots are here, {{ first_name }}! Book now.")
    expect(second.get_by_test_id("preview-text")).to_contain_text(re.compile(r"Flu shots are here, \w+! Book now\."))
    # Each of them in a language more, of which one is given up again
    own = page.locator("#id_translations")
    own.locator("summary").click()
    for tag, body in (("de", "Hallo {{ first_name }}, Grippeimpfung!"), ("fr", "Bonjour")):
        own.get_by_test_id("add-language").click()
        row = own.get_by_test_id("language").last
        row.get_by_label("Language").fill(tag)
        row.get_by_label("Text").last.fill(body)
    page.get_by_test_id("read-fr").click()
    expect(page.get_by_test_id("preview").get_by_test_id("preview-text")).to_have_text("Bonjour")
    own.get_by_test_id("remove-language").last.click()
    expect(page.get_by_test_id("language-fr")).to_have_count(0)
    expect(page.get_by_test_id("language-de")).to_be_visible()
    page.fill("#id_hold_out_percent", "10")
    expect(page.get_by_test_id("share-of-a")).to_have_text("40 %")
    expect(page.get_by_test_id("saved")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "wizard-variants.png", full_page=True)
    page.get_by_test_id("next").click()

    # When they choose nine in the morning, wherever people are
    expect(page.get_by_test_id("when-local")).to_be_hidden()
    page.locator("input[name=when][value=local]").check()
    page.fill("#id_local_time", "09:00")
    expect(page.get_by_test_id("wait-local_time")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "wizard-local-time.png", full_page=True)
    page.get_by_test_id("next").click()

    # Then the review says all of it
    expect(page.get_by_test_id("review-variant-B")).to_contain_text("Variant B, 50 %")
    expect(page.get_by_test_id("review-text-de")).to_contain_text("Grippeimpfung!")
    expect(page.get_by_test_id("summary")).to_contain_text("09:00 by everybody's own clock")
    expect(page.get_by_test_id("held-out")).to_be_visible()
    saved = Campaign.objects.get(pk=campaign.pk)
    assert list(writing.texts(saved)) == ["", "de"]
    assert (saved.local_time, saved.hold_out_percent, saved.variants.get().percent) == (time(9), 10, 50)
    assert not errors
