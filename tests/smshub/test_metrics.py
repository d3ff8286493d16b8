"""GET /metrics: who may ask, and that the figures are those of the tables."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from campaigns.models import Campaign
from delivery import slowing, vitals
from delivery.dispatch import dispatch
from delivery.lanes import Lane
from delivery.models import Message, Provider
from delivery.months import AHEAD, BEHIND
from delivery.providers.base import OutboundMessage, Outcome, SendOutcome, Slows
from delivery.receipts.reconcile import reconcile_batch
from delivery.runtime import Runtime, runtime
from delivery.states import Status
from delivery.uncertain import sweep_leases
from smshub.metrics import readings
from tests.factories import (
    CampaignFactory,
    CampaignHoldFactory,
    InboxReceiptFactory,
    MessageFactory,
    ProviderFactory,
    SenderFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def ask(**headers: Any) -> Any:
    return Client(headers={"host": "localhost", **headers}).get("/metrics")


def figures() -> Figures:
    answer = ask()
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def figure(name: str, **labels: object) -> float | None:
    return figures().get((name, frozenset((key, str(value)) for key, value in labels.items())))


def ago(**how_long: float) -> Any:
    return timezone.now() - timedelta(**how_long)


# --- who may ask -------------------------------------------------------------------------------------------------


def test_without_a_token_this_machine_may_ask_and_nobody_else() -> None:
    assert ask().status_code == 200
    assert Client(headers={"host": "localhost"}).get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP"])
def test_who_comes_through_a_proxy_on_this_machine_is_not_this_machine(header: str) -> None:
    assert ask(**{header: "127.0.0.1"}).status_code == 403


def test_who_asks_for_a_public_name_is_not_this_machine(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["sms.example.org"]
    assert ask(host="sms.example.org").status_code == 403


def test_with_a_token_only_the_token_counts(settings: Settings) -> None:
    settings.METRICS_TOKEN = "a-long-and-random-one"
    assert ask(authorization="Bearer a-long-and-random-one").status_code == 200
    for wrong in ({}, {"authorization": "Bearer other"}, {"authorization": "a-long-and-random-one"}):
        refused = ask(**wrong)
        assert refused.status_code == 401
        assert refused["WWW-Authenticate"].startswith("Bearer")


def test_figures_are_read_and_not_changed() -> None:
    assert Client(headers={"host": "localhost"}).post("/metrics").status_code == 405


# --- the figures -------------------------------------------------------------------------------------------------


def test_the_queue_is_shown_by_provider_and_lane_by_depth_and_oldest() -> None:
    sender = SenderFactory(provider__name="Carrier")
    MessageFactory.create_batch(3, sender=sender, lane=Lane.BULK, campaign_id=5)
    MessageFactory(sender=sender, lane=Lane.ALERT)
    Message.objects.filter(campaign_id=5).update(created_at=ago(hours=1))

    assert figure("smshub_queue_messages", provider="Carrier", lane="bulk", capped="false") == 3
    assert figure("smshub_queue_messages", provider="Carrier", lane="alert", capped="false") == 1
    assert 3600 <= (figure("smshub_queue_oldest_seconds", provider="Carrier", lane="bulk") or 0) < 3700
    assert (figure("smshub_queue_oldest_seconds", provider="Carrier", lane="alert") or 0) < 3600
    assert figure("smshub_queue_oldest_seconds", provider="Carrier", lane="reminder") == 0


def test_the_oldest_of_many_streams_is_found() -> None:
    sender = SenderFactory(provider__name="Carrier")
    for campaign_id in range(1, 6):
        MessageFactory.create_batch(2, sender=sender, lane=Lane.BULK, campaign_id=campaign_id)
    Message.objects.filter(campaign_id=4).update(created_at=ago(hours=2))
    found = {stream.campaign_id: stream for stream in readings.streams()}
    assert found.keys() == {1, 2, 3, 4, 5}
    assert min(found.values(), key=lambda stream: stream.oldest).campaign_id == 4


def test_a_campaign_on_pause_does_not_make_the_queue_look_late() -> None:
    message = MessageFactory(sender__provider__name="Carrier", campaign_id=9, lane=Lane.BULK)
    CampaignHoldFactory(campaign_id=9)
    Message.objects.filter(pk=message.pk).update(created_at=ago(days=1))
    assert figure("smshub_queue_oldest_seconds", provider="Carrier", lane="bulk") == 0
    assert figure("smshub_queue_messages", provider="Carrier", lane="bulk", capped="false") == 1


def test_rows_are_counted_up_to_a_limit_and_said_to_be() -> None:
    message = MessageFactory()
    MessageFactory.create_batch(4, sender=message.sender)
    counted = readings.depths(most=3)[message.provider_id, Lane.TRANSACTIONAL]
    assert (counted.rows, counted.capped) == (3, True)


def test_receipts_that_wait_are_counted_and_their_lateness_is_told() -> None:
    InboxReceiptFactory(received_at=ago(seconds=90))
    InboxReceiptFactory(try_at=timezone.now() + timedelta(hours=1))
    assert 90 <= (figure("smshub_receipts_late_seconds") or 0) < 150
    assert figure("smshub_receipts_waiting", capped="false") == 2


def test_messages_in_doubt_are_counted() -> None:
    MessageFactory.create_batch(2, status=Status.UNCERTAIN, ask_at=timezone.now())
    MessageFactory(status=Status.ACCEPTED, ask_at=timezone.now())
    assert figure("smshub_messages_uncertain", capped="false") == 2


def test_messages_of_campaigns_under_way_are_summed_by_status_and_reason() -> None:
    campaign = CampaignFactory(status=Campaign.Status.RUNNING, launched_at=timezone.now())
    over = CampaignFactory(status=Campaign.Status.COMPLETED, launched_at=timezone.now())
    for sent in (campaign, over):
        MessageFactory.create_batch(2, campaign_id=sent.pk, status=Status.DELIVERED)
    MessageFactory(campaign_id=campaign.pk, status=Status.SUPPRESSED, reason="opted_out")
    assert figure("smshub_campaigns", status="running") == 1
    assert figure("smshub_campaigns", status="paused") == 0
    assert figure("smshub_campaign_messages", status="delivered", reason="") == 2
    assert figure("smshub_campaign_messages", status="suppressed", reason="opted_out") == 1


def test_providers_and_senders_say_whether_they_are_on() -> None:
    sender = SenderFactory(provider__name="Carrier", enabled=False)
    ProviderFactory(name="Other", enabled=False)
    assert figure("smshub_provider_enabled", provider="Carrier") == 1
    assert figure("smshub_provider_enabled", provider="Other") == 0
    assert figure("smshub_sender_enabled", provider="Carrier", sender=sender.pk) == 0


def test_the_dispatch_loop_counts_claims_and_outcomes_by_code() -> None:
    sender = SenderFactory(provider__name="Carrier")
    MessageFactory.create_batch(20, sender=sender)
    refused = MessageFactory(sender=sender).pk

    class Answering:
        async def send(self, message: OutboundMessage) -> SendOutcome:
            if message.id == refused:
                return SendOutcome(message.id, message.attempt, Outcome.REJECTED, code="21610")
            return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=message.id.hex)

    class Fixed(Runtime):
        async def adapter(self, provider: Provider) -> Any:
            return Answering()

    assert dispatch(sender.provider.pk, runtime=Fixed(runtime().runner), seconds=5) == 21
    vitals.flush()
    assert figure("smshub_messages_claimed_total", provider="Carrier") == 21
    assert figure("smshub_attempts_total", provider="Carrier", outcome="accepted", code="") == 20
    assert figure("smshub_attempts_total", provider="Carrier", outcome="rejected", code="21610") == 1


def test_reconciling_and_swept_leases_are_counted() -> None:
    message = MessageFactory(status=Status.ACCEPTED)
    InboxReceiptFactory(message_id=message.pk, received_at=ago(seconds=1))
    MessageFactory(status=Status.SENDING, lease_until=ago(seconds=1))
    assert reconcile_batch() == 1
    assert reconcile_batch() == 0
    assert sweep_leases() == 1
    vitals.flush()
    assert figure("smshub_receipts_reconciled_total") == 1
    assert figure("smshub_reconcile_batches_total") == 1
    assert figure("smshub_leases_expired_total") == 1


def test_a_limit_that_is_slowed_is_shown_with_what_is_left_of_it() -> None:
    message = MessageFactory(sender__provider__name="Slow Carrier")
    assert message.provider_id
    slowing.learn(message.provider_id, [slowing.Refusal(message.pk, Slows.SENDER, "30001")])
    limit = f"sender:{message.sender_id}"
    assert figure("smshub_limit_factor", provider="Slow Carrier", limit=limit) == 0.5


def test_workers_are_shown_by_the_age_of_their_last_word() -> None:
    vitals.alive("dispatch@here")
    age = figure("smshub_worker_heartbeat_seconds", worker="dispatch@here")
    assert age is not None
    assert age < 60


def test_a_counter_of_a_provider_that_is_gone_keeps_its_number() -> None:
    vitals.count("claimed", 4, 987654)
    vitals.flush()
    assert figure("smshub_messages_claimed_total", provider="987654") == 4


# --- what it costs, and when something is away --------------------------------------------------------------------


def test_the_number_of_queries_does_not_depend_on_how_much_there_is() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            figures()
        return len(captured)

    def campaigns_with_messages(number: int) -> None:
        for _ in range(number):
            campaign = CampaignFactory(status=Campaign.Status.RUNNING, launched_at=timezone.now())
            MessageFactory.create_batch(5, campaign_id=campaign.pk)

    campaigns_with_messages(1)
    before = queries()
    campaigns_with_messages(4)
    assert queries() == before


def test_a_long_queue_is_read_by_its_index() -> None:
    MessageFactory.create_batch(50)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_message")
        cursor.execute("EXPLAIN " + readings._STREAMS)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on delivery_message" not in plan
    assert plan.count("_provider_id_lane_campaign_id_") == 2 * (BEHIND + 1 + AHEAD)


@pytest.mark.usefixtures("redis_is_away")
def test_without_redis_the_figures_of_postgres_are_there() -> None:
    MessageFactory(sender__provider__name="Carrier")
    found = figures()
    assert found["smshub_readable", frozenset({("part", "queue")})] == 1
    assert found["smshub_readable", frozenset({("part", "counters")})] == 0
    assert ("smshub_provider_enabled", frozenset({("provider", "Carrier")})) in found


def test_no_persons_number_and_no_text_is_in_it() -> None:
    message = MessageFactory(status=Status.UNCERTAIN, ask_at=timezone.now())
    text = ask().content.decode()
    assert message.recipient not in text
    assert message.sender.address not in text
    assert message.body not in text
