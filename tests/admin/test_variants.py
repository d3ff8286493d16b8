"""Variants in the pages: chosen in the wizard, and side by side in the report."""

import pytest
from django.test import Client

from tests.campaigns.report.scenes import counted
from tests.campaigns.report.variant_scenes import members, over

pytestmark = pytest.mark.django_db


def test_the_report_shows_variants_side_by_side_with_what_may_be_said_of_them(staff: Client) -> None:
    campaign = counted(over(replies={"A": 5, "B": 60}))

    page = " ".join(staff.get(f"/admin/campaigns/campaign/{campaign.pk}/report/").content.decode().split())

    assert 'data-testid="variant-A"' in page
    assert "higher than A by" in page
    assert "too few to say" in page
    assert f"{len(members(campaign, ''))} people were held out" in page


@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_variant_leads_to_its_people(staff: Client, letter: str) -> None:
    campaign = over(replies={})
    url = f"/admin/campaigns/campaign/{campaign.pk}/report/people"

    lines = staff.get(f"{url}.csv?variant={letter}").getvalue().decode().splitlines()
    page = staff.get(f"{url}/?variant={letter}").content.decode()

    assert len(lines) == 1 + len(members(campaign, letter))
    assert f"variant {letter}" in page
    assert staff.get(f"{url}/?variant=Z").status_code == 404
