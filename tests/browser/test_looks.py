"""Staff's pages can be read by everybody: by who hears them, in light and dark, by keyboard, on a phone.

`make screens` looks at all of them and writes the pictures of docs/screens.
"""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.admin.conftest import everybody_at_work, say_they_are_there
from tests.browser.conftest import SCREENSHOTS
from tests.browser.scenes import Clinic, clinic

__all__ = ["everybody_at_work"]

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("everybody_at_work")]

#: WCAG 2.2, levels A and AA; in the dark, those of them that are about colours: all else is the same.
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
RULES_OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
THEMES = {"light": RULES, "dark": RULES_OF_COLOURS}
GRAVE = {"serious", "critical"}
#: One of each kind of page; the others are made of the same parts.
MAIN = (
    *("home", "campaigns", "live-campaign", "report", "template", "contacts", "contact", "import"),
    *("inbox", "conversation", "message", "reminder-rule", "routes", "provider"),
    *("wizard-audience", "wizard-message", "wizard-time", "wizard-review", "import-undo", "security", "audit"),
)
ON_A_PHONE = ("home", "live-campaign", "inbox", "conversation", "report", "two-weeks", "provider", "webhook")
#: Where `make screens` wants them.
SCREENS = os.environ.get("SCREENS")


@pytest.fixture
def somewhere(live_server: LiveServer, page: Page) -> Clinic:
    """The clinic, with its administrator logged in; nothing but pages runs."""
    there = clinic()
    client = Client()
    client.force_login(there.administrator, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page.set_default_timeout(60_000)
    return there


def findings(page: Page, theme: str) -> list[str]:
    """What axe finds grave: the rule, the theme, one place and what is wrong there."""
    found = Axe().run(page, options={"runOnly": THEMES[theme], "resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']} ({theme}): {node['html'][:160]} {node['failureSummary'][:300]}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"][:1]
    ]


@pytest.mark.timeout(900)
def test_no_page_has_a_grave_finding_in_light_or_dark(live_server: LiveServer, page: Page, somewhere: Clinic) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 900})
    wrong: dict[str, list[str]] = {}
    for name in somewhere.pages if SCREENS else MAIN:
        say_they_are_there()
        page.goto(live_server.url + somewhere.pages[name])
        expect(page.locator("#content")).to_be_visible()
        if SCREENS or name.startswith("wizard"):
            page.wait_for_load_state("networkidle")  # what is counted and previewed comes after the page
        if name == "wizard-audience":
            page.get_by_role("button", name="See who").first.click()
            expect(page.get_by_test_id("somebody").first).to_be_visible()
        if SCREENS:
            page.screenshot(path=Path(SCREENS) / f"{name}.png")
        for theme in THEMES:
            page.evaluate("on => document.documentElement.classList.toggle('dark', on)", theme == "dark")
            wrong.setdefault(name, []).extend(findings(page, theme))
        page.screenshot(path=SCREENSHOTS / f"{name}-dark.png")

    assert {name: found for name, found in wrong.items() if found} == {}
    assert errors == []


def test_they_work_by_keyboard_and_on_a_phone(live_server: LiveServer, page: Page, somewhere: Clinic) -> None:
    # The first thing that Tab reaches leads past the menu, can be seen, and so can what comes next
    page.goto(live_server.url + somewhere.pages["campaigns"])
    page.keyboard.press("Tab")
    way_past = page.locator(".sms-skip")
    expect(way_past).to_be_focused()
    expect(way_past).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#content').contains(document.activeElement)")

    # On a phone nothing is wider than the screen
    page.set_viewport_size({"width": 400, "height": 850})
    for name in ON_A_PHONE:
        page.goto(live_server.url + somewhere.pages[name])
        expect(page.locator("#content")).to_be_visible()
        page.screenshot(path=SCREENSHOTS / f"{name}-phone.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, name
