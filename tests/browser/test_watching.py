"""Staff keep the home page and a running campaign's open: through a pause, a restart of the web and a dead worker."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from campaigns import launch
from contacts.models import ContactList
from delivery.models import Provider
from smshub.quickstart import demo
from tests.browser.conftest import SCREENSHOTS, log_in
from tests.factories import CampaignFactory
from tests.hub import Hub

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]


@contextmanager
def without(hub: Hub, *names: str) -> Iterator[None]:
    """These programs are killed, and start again at the end."""
    for name in names:
        hub.kill(name, again=False)
    try:
        yield
    finally:
        for name in names:
            hub.start_one(name.rstrip("0123456789"), called=name)
        hub.wait_healthy(*names)


def test_the_pages_tell_what_happens_while_they_are_open(hub: Hub, page: Page) -> None:
    # Given a campaign that takes a while, and somebody who has logged in
    demo.seed(contacts=600, simulator_url=hub.carrier_url)
    Provider.objects.update(rate=10)
    campaign = CampaignFactory(name="Appointments of next week", include=[ContactList.objects.get()], lane=1)
    launch.launch(campaign=campaign, actor=None)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in(page, hub.url)

    # Then home shows it run, draws the last hour, and lets them unfold its figures for good
    expect(page.get_by_test_id("running")).to_contain_text(campaign.name)
    expect(page.get_by_test_id("provider-tile")).to_contain_text("On, healthy")
    assert page.evaluate("Chart.getChart('flow-chart').data.labels.length") == 60
    page.get_by_text("Messages minute by minute").click()
    with page.expect_response(lambda answer: answer.url.endswith("/admin/live/")):
        pass
    expect(page.get_by_test_id("flow-table").locator("tbody tr").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "home.png", full_page=True)

    # When they open the campaign and pause it by the keyboard, the page says so without being loaded again
    page.get_by_role("link", name=campaign.name).click()
    expect(page.get_by_test_id("way")).to_contain_text("Simulated carrier")
    page.evaluate("window.sameAsBefore = true")
    page.get_by_test_id("pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("said")).to_contain_text("is paused")
    expect(page.get_by_test_id("campaign-status")).to_have_text("Paused")
    page.get_by_test_id("resume").click()
    expect(page.get_by_test_id("campaign-status")).to_have_text("Running")

    # When the web is away, what is shown stays and is said to be old, until it is back
    with without(hub, "web"):
        expect(page.get_by_test_id("stale").first).to_contain_text("No answer since")
        expect(page.get_by_test_id("campaign-status")).to_have_text("Running")
    expect(page.get_by_test_id("stale").first).to_be_hidden()

    # And when those who send are dead, that is said, until they are back
    with without(hub, "dispatch", "dispatch1"):
        expect(page.get_by_test_id("alarm")).to_contain_text("No worker sends", timeout=40_000)
        page.screenshot(path=SCREENSHOTS / "campaign-without-workers.png", full_page=True)
    expect(page.get_by_test_id("alarm")).to_have_count(0)
    assert page.evaluate("window.sameAsBefore")
    assert not errors
