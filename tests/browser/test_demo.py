"""A member of staff logs in, launches the demo campaign and watches it complete."""

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import Campaign
from delivery.models import Provider
from smshub.quickstart import demo
from smshub.quickstart.demo import compare
from tests.browser.conftest import SCREENSHOTS, log_in
from tests.hub import Hub

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]

CONTACTS = 1000


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
    page.fill("#id_name", "Appointments of next week")
    page.select_option("#id_template", label=demo.TEMPLATE)
    page.locator("label", has_text=demo.LIST).first.click()
    page.get_by_role("button", name="Save", exact=True).click()

    # And launch it after seeing whom it reaches
    page.get_by_test_id("launch").click()
    expect(page.get_by_test_id("launch-count")).to_contain_text(f"{CONTACTS - CONTACTS // demo.SUPPRESSED_EVERY}")
    page.get_by_test_id("confirm-launch").click()

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
    campaign = Campaign.objects.get(name="Appointments of next week")
    assert campaign.status == Campaign.Status.COMPLETED
    assert compare(campaign.pk, hub.carrier).complete
