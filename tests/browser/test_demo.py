"""A member of staff logs in, launches the demo campaign and watches it complete."""

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import Campaign
from delivery.models import Provider
from smshub.quickstart import demo
from smshub.quickstart.demo import compare
from tests.browser.conftest import SCREENSHOTS, log_in
from tests.browser.test_wizard import hurry
from tests.hub import Hub

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]

CONTACTS = 1000
NAME = "Appointments of next week"


def test_a_campaign_is_launched_and_watched_to_its_end(hub: Hub, page: Page) -> None:
    # Given the demo's audience, template and account with the simulated carrier
    demo.seed(contacts=CONTACTS, simulator_url=hub.carrier_url)
    Provider.objects.update(rate=100)  # slow enough to be watched
    hub.carrier.set_faults(latency_ms=40.0, receipt_delay_ms=400.0, error_mix={"30003": 0.02})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    # When they log in and write a campaign
    log_in(page, hub.url)
    page.goto(f"{hub.url}/admin/campaigns/campaign/add/")
    page.fill("#id_name", NAME)
    page.get_by_test_id("next").click()
    page.locator("label", has_text=demo.LIST).first.click()
    page.get_by_test_id("next").click()
    page.select_option("#id_use", label=demo.TEMPLATE)
    page.get_by_test_id("use-template").click()
    expect(page.locator("#id_text")).not_to_have_value("")
    page.get_by_test_id("step-review").click()

    # And launch it after seeing whom it reaches
    expect(page.get_by_test_id("recipients")).to_have_text(f"{CONTACTS - CONTACTS // demo.SUPPRESSED_EVERY}")
    page.get_by_test_id("go").click()
    expect(page.get_by_test_id("countdown")).to_be_visible()
    hurry(NAME)

    # Then the page shows it run, by itself, to its end
    progress = page.get_by_test_id("campaign-live")
    expect(progress).to_be_visible()
    expect(page.get_by_test_id("status-delivered")).to_be_visible()
    expect(page.get_by_test_id("campaign-status")).to_have_text("Running")
    page.screenshot(path=SCREENSHOTS / "campaign-running.png")
    expect(progress).to_contain_text("Completed", timeout=60_000)
    page.screenshot(path=SCREENSHOTS / "campaign-completed.png", full_page=True)
    assert not errors

    # And the carrier's ledger says the same
    campaign = Campaign.objects.get(name=NAME)
    assert campaign.status == Campaign.Status.COMPLETED
    assert compare(campaign.pk, hub.carrier).complete
