"""The test carrier's sender reaches nobody: no form but its own page offers it."""

import pytest
from django.test import Client

from delivery import testcarrier
from tests.factories import SenderFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "campaigns/campaign",
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

    assert f'<option value="{live.pk}"' in page
    assert f'<option value="{its.pk}"' not in page
