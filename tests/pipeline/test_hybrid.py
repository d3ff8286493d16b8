"""The operator's own message centre first, a cloud provider when it is down: in mid-campaign, there and back."""

import pytest

from delivery.models import HealthChange, InboxReceipt, Message
from delivery.routing import hybrid
from delivery.routing.rules import State
from delivery.states import Status
from simulator.__main__ import DEFAULT_SMPP
from tests.hub import ACCOUNT, Hub, wait_for
from tests.pipeline.scenes import launched, people, with_status
from tests.pipeline.test_failover import state_of, taken
from tests.pipeline.test_smpp import UNSENT, disagreements, smpp, wait_bound

pytestmark = pytest.mark.pipeline
LOCAL, CLOUD = DEFAULT_SMPP.system_id, ACCOUNT


def test_the_message_centre_goes_away_in_mid_campaign_and_comes_back(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=300, latency_ms=20)
    cloud = hub.provider(rate=60)
    cloud.senders.update(is_default=False)
    local = smpp(hub, rate=60)
    hybrid.set_up(local=local.senders.get(), cloud=cloud.senders.get())
    wait_bound(local)
    campaign = launched(people(500))
    wait_for(lambda: taken(hub, LOCAL) > 80, seconds=20, what="the first texts")
    assert taken(hub, CLOUD) == 0

    hub.carrier.set_faults(outage=True, faulty_account=LOCAL)
    hub.carrier.disconnect(account=LOCAL)

    wait_for(lambda: taken(hub, CLOUD) > 20, seconds=12, what="the cloud to take over")
    assert state_of(local) == State.OPEN
    assert "None of its connections is up" in HealthChange.objects.filter(provider=local)[0].reason
    had = taken(hub, LOCAL)
    doubtful = list(Message.objects.filter(status=Status.UNCERTAIN).values_list("pk", flat=True))

    hub.carrier.set_faults(outage=False, faulty_account="")

    wait_for(lambda: taken(hub, LOCAL) > had, seconds=30, what="texts by the message centre again")
    wait_for(lambda: not with_status(campaign, *UNSENT), seconds=60, what="everybody to have had their turn")
    wait_for(lambda: not InboxReceipt.objects.filter(tries=0).exists(), seconds=20, what="the receipts")
    wait_for(lambda: state_of(local) == State.HEALTHY, seconds=30, what="all of it to go there again")
    rows = list(Message.objects.filter(campaign_id=campaign.pk))
    assert len(rows) == 500
    assert disagreements(hub, rows) == []
    assert all(row.provider_id == local.pk for row in rows if row.pk in doubtful), "what is in doubt stays where it is"
    assert not HealthChange.objects.filter(provider=cloud).exists(), "the cloud was not brought down"
