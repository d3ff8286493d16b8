"""Chromium, driven by Playwright. Without one the browser tests are skipped, unless REQUIRE_BROWSER is set."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from playwright.sync_api import Page, expect, sync_playwright

from tests.factories import AdministratorFactory

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: As root there is no sandbox; the rest keeps Chromium from looking for hosts outside.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "correct horse battery staple"
#: How long a page may take to show what is expected, in milliseconds: the machine may be busy with other tests.
PATIENCE = 20_000
SCREENSHOTS = Path(__file__).resolve().parents[2] / "test-artifacts"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        how = "No Chromium here: install one to run the browser tests (Debian: apt-get install chromium)."
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(how)
        pytest.skip(how)
    # Playwright's own loop runs in this thread; the ORM is only asked between its calls.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    SCREENSHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page
        # The loop has connections of its own, which would keep the test database from being dropped.
        connections.close_all()
        browser.close()


def log_in(page: Page, url: str) -> None:
    """Somebody who may do everything is at the keyboard."""
    staff = AdministratorFactory()
    page.goto(f"{url}/admin/login/")
    page.fill("#id_username", staff.username)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
