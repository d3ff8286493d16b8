"""A campaign's report over HTTP."""

import pytest

from tests.api.conftest import Caller, System, is_problem
from tests.campaigns.report.scenes import counted, finished
from tests.factories import CampaignFactory

pytestmark = pytest.mark.django_db


def test_the_report_has_the_figures_of_the_page(shop: System) -> None:
    campaign = counted(finished())

    found = shop.get(f"campaigns/{campaign.pk}/report").body

    assert {step["step"]: step["people"] for step in found["funnel"]}["delivered"] == 8
    assert {line["country"]: line["delivered"] for line in found["countries"]} == {"US": 6, "GB": 2}
    assert sum(piece["sent"] for piece in found["course"]["pieces"]) == 11
    assert (found["clicks"], found["machine_clicks"]) == (4, 1)
    assert found["cost"] == "0.11000"


def test_clicks_are_told_by_link(shop: System) -> None:
    campaign = finished()

    found = shop.get(f"campaigns/{campaign.pk}/clicks").body

    [link] = found["links"]
    assert (link["name"], link["people"], link["clicks"], link["machines"]) == ("link", 4, 4, 1)


def test_a_draft_has_an_empty_report_and_its_targets(shop: System) -> None:
    draft = CampaignFactory()

    assert shop.get(f"campaigns/{draft.pk}/report").body["counted_at"] is None
    assert shop.get(f"campaigns/{draft.pk}/clicks").body["links"] == []


def test_it_takes_the_right_to_read_campaigns(system: Caller) -> None:
    campaign = finished()

    assert is_problem(system("messages:read").get(f"campaigns/{campaign.pk}/report"), 403, "missing-scope")
    assert system("campaigns:read").get(f"campaigns/{campaign.pk}/clicks").status_code == 200
