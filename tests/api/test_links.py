"""Targets of short links over HTTP."""

import pytest

from campaigns.models import Campaign, Link
from tests.api.conftest import System, is_problem
from tests.factories import CampaignFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db

TARGET = "https://www.example.org/offer"


def test_a_draft_is_made_with_its_targets(shop: System) -> None:
    template = TemplateVersionFactory(body="Look: {{ link }}").template

    made = shop.post("campaigns", {"name": "Offer", "template": template.pk, "links": [{"target": TARGET}]})

    assert made.status_code == 201
    link = Link.objects.get(campaign=made.body["id"])
    assert (link.name, link.target, link.days) == ("link", TARGET, 90)


def test_targets_are_replaced_by_name_and_keep_their_numbers(shop: System) -> None:
    template = TemplateVersionFactory(body="Look: {{ link }}").template
    first = [{"name": "link", "target": TARGET}, {"name": "no", "target": TARGET}]
    shop.patch(f"templates/{template.pk}", {"links": first})
    before = Link.objects.get(template=template, name="link").pk

    shop.patch(f"templates/{template.pk}", {"links": [{"name": "link", "target": TARGET + "/2", "days": 7}]})

    assert shop.get(f"templates/{template.pk}/links").body == [{"name": "link", "target": TARGET + "/2", "days": 7}]
    assert Link.objects.get(template=template).pk == before


def test_what_is_not_given_stays(shop: System) -> None:
    campaign = CampaignFactory()
    shop.patch(f"campaigns/{campaign.pk}", {"links": [{"target": TARGET}]})

    shop.patch(f"campaigns/{campaign.pk}", {"name": "Another name"})

    assert campaign.links.count() == 1


@pytest.mark.parametrize(
    "links",
    [
        [{"target": "javascript:alert(1)"}],
        [{"target": "https://{{ name }}/"}],
        [{"target": TARGET, "days": 0}],
        [{"target": TARGET, "days": 401}],
        [{"name": "Not a name", "target": TARGET}],
        [{"target": TARGET}, {"target": TARGET}],
        [{"target": TARGET, "colour": "red"}],
        [{"name": f"n{number}", "target": TARGET} for number in range(9)],
        "https://example.org",
        [None],
    ],
)
def test_what_makes_no_link_is_refused(shop: System, links: object) -> None:
    campaign = CampaignFactory()

    assert is_problem(shop.patch(f"campaigns/{campaign.pk}", {"links": links}), 400, "validation-error")
    assert not campaign.links.exists()


def test_a_launched_campaigns_targets_are_not_changed(shop: System) -> None:
    campaign = CampaignFactory(status=Campaign.Status.RUNNING)

    assert is_problem(shop.patch(f"campaigns/{campaign.pk}", {"links": []}), 409, "wrong-state")
