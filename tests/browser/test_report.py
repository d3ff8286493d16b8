"""A member of staff reads a campaign's report and goes to the people behind a number.

REPORT_SCREENS=1 writes what they see to docs/screens.
"""

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from smshub import roles
from tests.campaigns.report.scenes import counted, finished
from tests.factories import UserFactory
from tests.hub import Hub

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]

SCREENS = Path(__file__).resolve().parents[2] / "docs" / "screens"
PASSWORD = "correct horse battery staple"


def screenshot(page: Page, name: str) -> None:
    if os.environ.get("REPORT_SCREENS"):
        SCREENS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


def test_a_report_is_read_from_the_funnel_to_its_people(hub: Hub, page: Page) -> None:
    # Given a campaign that is over, and somebody of the staff
    campaign = counted(finished())
    roles.sync()
    staff = UserFactory()
    staff.groups.add(Group.objects.get(name="Staff"))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{hub.url}/admin/login/")
    page.fill("#id_username", staff.username)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")

    # When they go from the campaign to its report
    page.goto(f"{hub.url}/admin/campaigns/campaign/{campaign.pk}/live/")
    page.get_by_test_id("report-link").click()

    # Then they see how far people came, in numbers and drawn
    expect(page.get_by_test_id("step-clicked")).to_contain_text("4")
    drawn = page.get_by_test_id("chart")
    expect(drawn).to_be_visible()
    colours = page.evaluate(
        "() => Chart.getChart(document.querySelector('canvas.chart')).data.datasets.map(line => line.borderColor)"
    )
    assert len(set(colours)) == 5
    assert not any(colour.startswith("var") for colour in colours)
    screenshot(page, "report")
    page.evaluate("() => document.documentElement.classList.add('dark')")
    screenshot(page, "report-dark")

    # And a table says the same without the drawing
    page.get_by_text("The same as a table").click()
    expect(page.get_by_test_id("course-table")).to_be_visible()

    # And a number leads to its people
    page.get_by_test_id("step-clicked").get_by_role("link").click()
    expect(page.get_by_test_id("person")).to_have_count(4)
    screenshot(page, "report-people")
    assert not errors
