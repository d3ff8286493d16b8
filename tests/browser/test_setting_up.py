"""An operator sets a provider up: checked before it is saved, given a sender, and tried with a text."""

import pytest
from playwright.sync_api import Page, expect

from delivery.models import Message, Provider, Sender
from tests.browser.conftest import SCREENSHOTS, log_in
from tests.hub import ACCOUNT, AUTH_TOKEN, Hub, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]


def test_a_provider_is_set_up_checked_and_tried(hub: Hub, page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in(page, hub.url)

    # Given what an operator types, with a token that is wrong
    page.goto(f"{hub.url}/admin/delivery/provider/add/")
    page.get_by_test_id("kind-twilio").click()
    page.fill("#id_name", "Main account")
    page.fill("#id_setting_account_sid", ACCOUNT)
    page.fill("#id_setting_base_url", hub.carrier_url)
    page.fill("#id_secret_auth_token", "guessed")

    # When it is checked, the field to look at is named, and what was typed stays
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("checked")).to_contain_text("look at Account SID and Auth token")
    expect(page.locator("#id_name")).to_have_value("Main account")
    page.fill("#id_secret_auth_token", AUTH_TOKEN)
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("checked")).to_contain_text("Twilio accepts the credentials.")
    page.screenshot(path=SCREENSHOTS / "provider-checked.png", full_page=True)

    # When the hub does not answer, or they are no longer logged in, that is said, and what was typed stays
    page.context.set_offline(True)
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("stale")).to_contain_text("No answer came")
    page.context.set_offline(False)
    session = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("stale")).to_contain_text("no longer logged in")
    expect(page.get_by_test_id("checked")).to_be_visible()
    page.context.add_cookies(session)
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("stale")).to_be_hidden()

    # Then it is saved, and can be checked as it is saved
    page.locator("[name=_continue]").click()
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("checked")).to_contain_text("as it is saved")

    # And a text goes by a sender of it
    page.get_by_role("link", name="add one").click()
    page.fill("#id_address", "+1 (500) 555-0006")
    page.locator("[name=_save]").click()
    assert Sender.objects.get().address == "+15005550006"
    page.goto(f"{hub.url}/admin/delivery/provider/{Provider.objects.get().pk}/change/")
    page.get_by_test_id("test").click()
    page.fill("#id_phone", "+14155550123")
    page.get_by_test_id("submit").click()
    wait_for(lambda: Message.objects.get().status == "delivered", seconds=60, what="the test to arrive")
    assert errors == []
