"""Somebody makes their account safe: an authenticator app, a passkey, and signing in with either.

SIGN_IN_SCREENS=1 writes what they see to docs/screens.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from smshub.accounts.models import Passkey
from tests.accounts.conftest import code_of
from tests.browser.conftest import PASSWORD
from tests.factories import AdministratorFactory, ProviderFactory
from tests.hub import Hub

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]

SCREENS = Path(__file__).resolve().parents[2] / "docs" / "screens"

#: Somebody closes the browser's question the first time.
GIVEN_UP_ONCE = """() => {
  const get = navigator.credentials.get.bind(navigator.credentials);
  let asked = 0;
  navigator.credentials.get = (question) => (asked++ ? get(question) : Promise.reject(new Error("given up")));
}"""


def screenshot(page: Page, name: str) -> None:
    if os.environ.get("SIGN_IN_SCREENS"):
        page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


def a_phone(page: Page) -> Any:
    """An authenticator as phones and computers have one, which has made sure of its owner."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    has = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**has, "isUserVerified": True, "automaticPresenceSimulation": True}
    return devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def give_password(page: Page, url: str, user: User) -> None:
    page.goto(f"{url}/admin/login/")
    expect(page.locator("#id_username")).to_be_focused()
    page.fill("#id_username", user.username)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")


def test_an_account_is_made_safe_and_opened_again(hub: Hub, page: Page) -> None:
    # Given somebody who is signed in with a password, under a name: an address has no passkeys
    url = hub.url.replace("127.0.0.1", "localhost")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    a_phone(page)
    user = AdministratorFactory()
    give_password(page, url, user)
    expect(page.get_by_test_id("home")).to_be_visible()

    # When they set an app up
    page.goto(f"{url}/admin/account/security/")
    page.get_by_test_id("set-up-app").click()
    page.fill("#id_code", code_of(user))
    page.get_by_test_id("submit").click()

    # Then they have codes for when it is lost, and a passkey is added beside it
    expect(page.get_by_test_id("code")).to_have_count(10)
    page.goto(f"{url}/admin/account/security/")
    page.fill("#passkey-name", "phone")
    page.get_by_test_id("add-passkey").click()
    expect(page.get_by_test_id("passkey")).to_contain_text("phone")
    screenshot(page, "security")

    # When they sign in again with their password, the second step takes the passkey
    page.context.clear_cookies()
    give_password(page, url, user)
    page.locator("[data-passkey]").click()
    expect(page.get_by_test_id("home")).to_be_visible()

    # And without any password the passkey is enough, and leads where they wanted to go; given up, it can be tried again
    page.context.clear_cookies()
    page.goto(f"{url}/admin/account/security/")
    page.evaluate(GIVEN_UP_ONCE)
    page.locator("[data-passkey]").click()
    expect(page.locator("[data-passkey-error]")).to_contain_text("was not used")
    page.locator("[data-passkey]").click()
    expect(page.get_by_test_id("security")).to_be_visible()
    assert Passkey.objects.get().sign_count >= 2

    # When something is changed, the log says who has done it
    provider = ProviderFactory(name="On the hill")
    page.goto(f"{url}/admin/delivery/provider/{provider.pk}/disable/")
    page.fill("#id_reason", "Maintenance until noon")
    page.get_by_test_id("submit").click()
    page.goto(f"{url}/admin/audit/entry/?actor={user.username}")
    expect(page.get_by_test_id("entry").filter(has_text="Maintenance until noon")).to_contain_text(user.username)
    screenshot(page, "audit")
    assert not errors
