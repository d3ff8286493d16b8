"""The operator's own message centre in the running hub: binds of a connector worker, receipts and texts on them."""

from collections import Counter
from typing import Any

import pytest

from campaigns.models import Campaign
from contacts.models import Suppression
from delivery import tallies
from delivery.connector import binds
from delivery.models import Inbound, InboxReceipt, Message, Provider, Sender
from delivery.states import Status
from delivery.submit import submit
from simulator.__main__ import DEFAULT_SMPP
from tests.hub import SENDER, Hub, wait_for
from tests.pipeline.scenes import launched, people, with_status

pytestmark = pytest.mark.pipeline
LONG = "It has a view of the sea. " * 12
UNSENT = (Status.HELD, Status.QUEUED, Status.SENDING)


def smpp(hub: Hub, *, rate: int = 1000, **settings: Any) -> Provider:
    """An account with the simulated message centre, and its default sender."""
    provider = Provider.objects.create(
        name="Operator",
        adapter="smpp",
        settings={
            "address": f"smpp://127.0.0.1:{hub.smpp_port}",
            "system_id": DEFAULT_SMPP.system_id,
            "binds": 2,
            "window": 25,
            **settings,
        },
        credentials={"password": DEFAULT_SMPP.password},
        rate=rate,
        max_in_flight=50,
    )
    Sender.objects.create(provider=provider, address=SENDER, is_default=True)
    return provider


def bound(provider: Provider) -> int:
    return binds.look([provider.pk])[provider.pk].bound


def wait_bound(provider: Provider, number: int = 2) -> None:
    wait_for(lambda: bound(provider) == number, seconds=15, what=f"{number} binds")


def delivered(*messages: Message) -> bool:
    ids = [message.pk for message in messages]
    return Message.objects.filter(pk__in=ids, status=Status.DELIVERED).count() == len(ids)


def disagreements(hub: Hub, rows: list[Message]) -> list[str]:
    """What the message centre's ledger and the rows say of each other; each row has a recipient of its own."""
    found: list[str] = []
    texts = {text.to: text for text in hub.carrier.texts()}
    assert len(texts) == len(hub.carrier.texts()), "somebody has two texts"
    for row in rows:
        text = texts.pop(row.recipient, None)
        if text is None:
            if row.status in (Status.DELIVERED, Status.SENT, Status.ACCEPTED):
                found.append(f"{row.pk} is {row.status}, and nobody has it")
            continue
        if text.copies > 1:
            found.append(f"{row.pk} was texted {text.copies} times")
        if row.status in UNSENT:
            found.append(f"{row.pk} is {row.status}, and the operator has it")
        if text.complete and text.body != row.body:
            found.append(f"{row.pk} has another text at the operator")
        if row.status == Status.DELIVERED and not text.complete:
            found.append(f"{row.pk} is delivered, and not all of it went")
    return [*found, *(f"{to} is nobody's" for to in texts)]


def test_texts_and_receipts_and_what_people_write_go_over_the_binds(hub: Hub) -> None:
    provider = smpp(hub)
    wait_bound(provider)
    short, long = submit(recipient="+14155550101", body="Grüße"), submit(recipient="+14155550102", body=LONG)

    wait_for(lambda: delivered(short, long), seconds=15, what="both on the handset")
    sids = [entry["sid"] for entry in hub.carrier.entries(to=long.recipient)]
    assert list(long.parts.order_by("place").values_list("provider_message_id", "status")) == [
        (sid, Status.DELIVERED) for sid in sids
    ]
    assert not short.parts.exists()
    assert disagreements(hub, list(Message.objects.all())) == []

    hub.carrier.send_text(to=SENDER, sender=short.recipient, body="STOP")
    assert Inbound.objects.get().keyword == Inbound.Keyword.STOP
    assert Suppression.objects.filter(phone=short.recipient, lifted_at=None).exists()
    assert not InboxReceipt.objects.exists()


def test_receipts_that_come_before_the_answer_or_after_a_lost_link_or_twice_all_count(hub: Hub) -> None:
    hub.carrier.set_faults(
        receipts_early_share=0.3, receipts_doubled_share=0.3, receipts_reordered_share=0.2, receipt_delay_ms=700
    )
    provider = smpp(hub)
    wait_bound(provider)
    messages = [submit(recipient=f"+1415556{n:04d}", body=LONG if n % 3 else "Hello") for n in range(30)]
    wait_for(lambda: hub.carrier.summary()["accepted"] == 70, seconds=15, what="all of them taken")

    hub.carrier.disconnect(how="drop")

    wait_for(lambda: delivered(*messages), seconds=20, what="thirty deliveries")
    wait_bound(provider)
    assert disagreements(hub, list(Message.objects.all())) == []
    assert hub.carrier.summary()["accepted"] == 70


def test_a_campaign_under_faults_and_kill_9_texts_nobody_twice_and_misses_nobody(hub: Hub) -> None:
    hub.carrier.set_faults(
        latency_ms=20,
        receipts_early_share=0.2,
        receipts_doubled_share=0.2,
        drop_after_share=0.004,
        smpp_drop_answered_share=0.004,
        smpp_cut_share=0.002,
        throttle_share=0.02,
        receipt_delay_ms=400,
    )
    provider = smpp(hub, rate=400)
    wait_bound(provider)
    campaign = launched(people(900))
    wait_for(lambda: with_status(campaign, Status.DELIVERED) > 150, seconds=30, what="some to be delivered")

    hub.kill("connector")

    wait_for(lambda: bound(provider) > 0, seconds=30, what="binds after the kill")
    wait_for(lambda: not with_status(campaign, *UNSENT), seconds=60, what="everybody to have had their turn")
    wait_for(lambda: not InboxReceipt.objects.filter(tries=0).exists(), seconds=20, what="the receipts")
    rows = list(Message.objects.filter(campaign_id=campaign.pk))
    assert len(rows) == campaign_size(campaign) == 900
    assert disagreements(hub, rows) == []
    told = Counter(row.status for row in rows)
    assert told.keys() <= {Status.DELIVERED, Status.UNCERTAIN, Status.SENT, Status.ACCEPTED}, told
    assert told[Status.DELIVERED] > 700, told
    assert {row.attempt for row in rows} == {1}


def campaign_size(campaign: Campaign) -> int:
    return sum(count.messages for count in tallies.counts([campaign.pk]))
