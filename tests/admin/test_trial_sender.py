"""The test carrier's sender reaches nobody: no form but its own page offers it."""

import pytest
from django.test import Client

from delivery import testcarrier
from tests.factories import CampaignFactory, SenderFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "campaigns/reminderrule",
        "campaigns/autoreply",
        "delivery/route",
        "api/apikey",
        "api/smpplogin",
        "api/twiliologin",
    ],
)
def test_no_form_offers_it(administrator: Client, path: str) -> None:
    its, live = testcarrier.sender(), SenderFactory()

    page = administrator.get(f"/admin/{path}/add/").content.decode()

    assert f'<option value="{live.pk}">{live}</option>' in page
    assert f">{its}</option>" not in page


def test_no_draft_is_offered_it(administrator: Client) -> None:
    its, live, draft = testcarrier.sender(), SenderFactory(), CampaignFactory()

    shown = administrator.get(f"/admin/campaigns/campaign/{draft.pk}/wizard/message/").content.decode()

    assert f'<option value="{live.pk}"' in shown
    assert f'<option value="{its.pk}"' not in shown
