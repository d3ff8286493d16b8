"""Lists cannot vanish under a campaign that would text the people on them."""

import pytest
from django.db.models import ProtectedError

from campaigns.models import Campaign
from tests.factories import CampaignFactory, ContactListFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ["include", "exclude"])
def test_a_list_of_a_campaign_still_to_be_sent_cannot_be_deleted(role: str) -> None:
    people = ContactListFactory()
    CampaignFactory(name="Spring sale", **{role: [people]})

    with pytest.raises(ProtectedError, match="Spring sale"):
        people.delete()


def test_a_list_of_a_campaign_that_was_sent_can_be_deleted() -> None:
    people = ContactListFactory()
    CampaignFactory(include=[people], status=Campaign.Status.COMPLETED)

    people.delete()
