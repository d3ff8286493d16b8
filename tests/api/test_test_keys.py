"""Test keys: they send to the test carrier alone and see what went there; live keys see the rest."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from campaigns import launch
from campaigns.errors import CampaignError
from delivery import testcarrier
from delivery.models import TEST_PROVIDER, Message
from smshub.api import keys
from smshub.api.models import ApiKey
from tests.api.conftest import System, is_problem
from tests.factories import (
    AdministratorFactory,
    CampaignFactory,
    ContactListFactory,
    DefaultSenderFactory,
    MessageFactory,
    SenderFactory,
)

pytestmark = pytest.mark.django_db

ADA = "+14155550123"


class TestSystem(System):
    """A system that tries its programs out."""

    __test__ = False

    def __init__(self, *scopes: str) -> None:
        self.key, self.text = keys.issue(name="Web shop, trial", scopes=scopes or ["*"], actor=None, mode="test")
        self.client = Client()


@pytest.fixture
def trial() -> TestSystem:
    DefaultSenderFactory()
    return TestSystem()


def test_it_is_known_by_its_text_and_says_so(trial: TestSystem) -> None:
    assert trial.text.startswith("smshub_test_")
    assert trial.get("whoami").body["mode"] == "test"
    as_live = trial.text.replace("_test_", "_live_")
    answer = Client().get("/api/v1/whoami", headers={"Authorization": f"Bearer {as_live}"})
    assert is_problem(answer, 401, "invalid-key")


def test_it_may_do_nothing_but_send_and_see_what_it_sent(trial: TestSystem) -> None:
    assert trial.key.scopes == ["messages:read", "messages:write", "senders:read"]
    for scope in ("contacts:read", "campaigns:*"):
        with pytest.raises(keys.UnknownScope, match="A test key cannot have"):
            TestSystem(scope)
    assert is_problem(trial.get("contacts"), 403, "missing-scope")


def test_it_sends_by_the_test_carrier_and_by_nothing_else(trial: TestSystem) -> None:
    sent = trial.post("messages", {"to": ADA, "body": "x"})

    assert sent.status_code == 201
    assert Message.objects.get(pk=sent.body["id"]).provider_id == TEST_PROVIDER
    assert [sender["address"] for sender in trial.get("senders").body["results"]] == ["TEST"]
    by_name = trial.post("messages", {"to": ADA, "body": "x", "sender": testcarrier.sender().pk})
    assert by_name.status_code == 201
    answer = trial.post("messages", {"to": ADA, "body": "x", "sender": SenderFactory().pk})
    assert is_problem(answer, 400, "validation-error")
    assert Message.objects.exclude(provider_id=TEST_PROVIDER).count() == 0


def test_neither_kind_sees_or_cancels_messages_of_the_other(trial: TestSystem) -> None:
    shop = System()
    test = trial.post("messages", {"to": ADA, "body": "x"}).body["id"]
    live = shop.post("messages", {"to": ADA, "body": "x"}).body["id"]
    nowhere = str(MessageFactory(sender=None, provider=None, status="suppressed", reason="no_sender").pk)

    assert [message["id"] for message in trial.get("messages").body["results"]] == [test]
    assert {message["id"] for message in shop.get("messages").body["results"]} == {live, nowhere}
    for system, other in ((trial, live), (shop, test)):
        assert is_problem(system.get(f"messages/{other}"), 404, "not-found")
        assert is_problem(system.post(f"messages/{other}/cancel"), 404, "not-found")
    assert set(Message.objects.exclude(pk=nowhere).values_list("status", flat=True)) == {"queued"}


def test_a_live_key_cannot_name_the_test_carrier(trial: TestSystem) -> None:
    shop, its = System(), testcarrier.sender()

    assert is_problem(shop.post("messages", {"to": ADA, "body": "x", "sender": its.pk}), 400, "validation-error")
    assert is_problem(shop.get(f"senders/{its.pk}"), 404, "not-found")
    assert shop.get("providers").body["results"]
    assert all(provider["id"] != TEST_PROVIDER for provider in shop.get("providers").body["results"])


def test_no_campaign_leaves_by_it() -> None:
    campaign = CampaignFactory(sender=testcarrier.sender(), include=[ContactListFactory()], body="Hi")

    with pytest.raises(CampaignError, match="reaches nobody"):
        launch.launch(campaign=campaign, actor=None)


def test_its_list_is_read_without_a_look_at_live_messages(trial: TestSystem) -> None:
    sender = SenderFactory()
    Message.objects.bulk_create(
        Message(recipient=ADA, sender=sender, provider=sender.provider, sealed_body=b"") for _ in range(2000)
    )
    trial.post("messages", {"to": ADA, "body": "x"})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_message")
        cursor.execute(
            "EXPLAIN (ANALYZE) SELECT * FROM delivery_message WHERE provider_id = %s ORDER BY id DESC LIMIT 51",
            [TEST_PROVIDER],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Rows Removed by Filter" not in plan, plan


def test_the_command_makes_one() -> None:
    out = StringIO()
    call_command("create_api_key", "Trial", "--test", "--scope", "*", stdout=out)

    assert out.getvalue().startswith("smshub_test_")
    sender = SenderFactory()
    with pytest.raises(CommandError, match="no senders"):
        call_command("create_api_key", "Trial", "--test", "--scope", "*", "--sender", sender.address)


@pytest.mark.parametrize(
    "page", ["provider/", f"provider/{TEST_PROVIDER}/change/", "sender/", "provider/add/", "message/"]
)
def test_its_account_is_seen_in_the_admin(trial: TestSystem, page: str) -> None:
    trial.post("messages", {"to": ADA, "body": "x"})
    client = Client()
    client.force_login(AdministratorFactory())

    answer: Any = client.get(f"/admin/delivery/{page}")

    assert answer.status_code == 200
    content = answer.content.decode()
    assert ("Test carrier" in content) == (page != "provider/add/")


def test_an_administrator_makes_one_in_the_admin() -> None:
    client = Client()
    client.force_login(AdministratorFactory())
    form = {"name": "Trial", "mode": "test", "scopes": ["contacts:read"]}

    assert "cannot have" in client.post("/admin/api/apikey/add/", form).content.decode()
    page = client.post("/admin/api/apikey/add/", form | {"scopes": ["messages:write"]}).content.decode()

    assert "smshub_test_" in page
    key = ApiKey.objects.get()
    assert client.get(f"/admin/api/apikey/{key.pk}/change/").status_code == 200
    refused = client.post(
        f"/admin/api/apikey/{key.pk}/change/", {"name": "Trial", "senders": [SenderFactory().pk], "allowed_from": ""}
    )
    assert "A test key has no senders" in refused.content.decode()
