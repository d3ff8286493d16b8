"""A provider that is being set up is checked, and sends a test to whoever set it up."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from delivery import accounts, credentials
from delivery.models import Message, Provider, Sender
from tests import factories
from tests.contract.twilio_harness import ACCOUNT, TOKEN, TwilioHarness


def page(sender: Sender, name: str) -> str:
    return f"/admin/delivery/provider/{sender.provider_id}/{name}/"


@pytest.fixture
def sender(db: None) -> Sender:
    made: Sender = factories.SenderFactory(address="+16505550000")
    return made


# --- checking ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def twilio() -> Iterator[TwilioHarness]:
    started = TwilioHarness()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def saved(twilio: TwilioHarness, db: None) -> Provider:
    """An account whose saved token is wrong."""
    made = Provider(name="Main", adapter="twilio", settings=dict(twilio.config().settings))
    accounts.save_credentials(provider=made, credentials={"auth_token": "wrong-and-saved"})
    return made


def typed(provider: Provider | None = None, **changed: str) -> dict[str, str]:
    """What stands in the form, as its page has filled it in."""
    settings = {f"setting_{name}": value for name, value in (provider.settings if provider else {}).items()}
    return {"name": "Main", "rate": "1", "max_in_flight": "20", **settings, **changed}


def checked(client: Client, provider: Provider, **changed: str) -> str:
    answer = client.post(f"/admin/delivery/provider/{provider.pk}/check/", typed(provider, **changed))
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_account_is_checked_as_it_is_saved(operator: Client, saved: Provider) -> None:
    answer = checked(operator, saved)

    assert 'data-access="refused"' in answer
    assert "look at Account SID and Auth token" in answer
    assert "as it is saved" in answer


def test_what_is_typed_is_checked_before_it_is_saved_and_never_shown(operator: Client, saved: Provider) -> None:
    answer = checked(operator, saved, secret_auth_token=TOKEN)

    assert 'data-access="granted"' in answer
    assert "as it stands in the form" in answer
    assert TOKEN not in answer
    assert Provider.objects.get(pk=saved.pk).credentials == {"auth_token": "wrong-and-saved"}


def test_a_new_account_is_checked_before_there_is_one(operator: Client, twilio: TwilioHarness, db: None) -> None:
    new = {"setting_account_sid": ACCOUNT, "setting_base_url": twilio.base_url, "secret_auth_token": TOKEN}

    answer = operator.post("/admin/delivery/provider/add/check/?adapter=twilio", typed(**new) | {"name": ""})

    assert 'data-access="granted"' in answer.content.decode()
    assert not Provider.objects.filter(adapter="twilio").exists()


def test_what_is_missing_or_wrong_is_said_with_its_field_and_nobody_is_asked(operator: Client, saved: Provider) -> None:
    assert "Account SID: This field is required." in checked(operator, saved, setting_account_sid="")
    assert "32 hex digits" in checked(operator, saved, setting_account_sid="AC12")
    elsewhere = checked(operator, saved, setting_base_url="http://127.0.0.1:1")
    assert "enter the secrets again" in elsewhere
    assert "data-access" not in elsewhere


def test_a_kind_that_nobody_can_be_asked_about_says_so(operator: Client, sender: Sender) -> None:
    answer = checked(operator, sender.provider)

    assert 'data-access="not_asked"' in answer
    assert "The settings are complete." in answer


def test_nobody_checks_more_often_than_a_provider_may_mind(
    operator: Client, saved: Provider, settings: Settings
) -> None:
    settings.REDIS_PREFIX = f"test:{uuid4().hex}:"
    Provider.objects.filter(pk=saved.pk).update(settings=saved.settings | {"base_url": "http://127.0.0.1:1"})
    saved.refresh_from_db()

    answers = [checked(operator, saved) for _ in range(credentials.A_MINUTE + 1)]

    assert all("data-access" in answer for answer in answers[:-1])
    assert "within a minute" in answers[-1]


def test_only_whoever_may_change_a_provider_checks_it_and_only_by_post(
    operator: Client, staff: Client, auditor: Client, saved: Provider
) -> None:
    for address in (f"{saved.pk}/check/", "add/check/?adapter=twilio"):
        for client in (staff, auditor):
            assert client.post(f"/admin/delivery/provider/{address}", typed(saved)).status_code == 403
        assert operator.get(f"/admin/delivery/provider/{address}").status_code == 405
    assert operator.post("/admin/delivery/provider/add/check/?adapter=pigeon", typed()).status_code == 404


# --- a test -----------------------------------------------------------------------------------------------------


def test_a_test_goes_by_the_sender_that_was_chosen_and_leads_to_its_message(operator: Client, sender: Sender) -> None:
    sent = {"phone": "(415) 555-0123", "sender": sender.pk, "body": "A test of SMSHub."}

    answer = operator.post(page(sender, "test"), sent)

    message = Message.objects.get()
    assert (message.recipient, message.sender_id, message.status) == ("+14155550123", sender.pk, "queued")
    assert answer["Location"] == f"/admin/delivery/message/{message.pk}/change/"


def test_no_test_goes_by_a_sender_of_another_provider_or_to_what_is_no_number(operator: Client, sender: Sender) -> None:
    other = factories.SenderFactory()

    operator.post(page(sender, "test"), {"phone": "+14155550123", "sender": other.pk, "body": "A test"})
    operator.post(page(sender, "test"), {"phone": "12", "sender": sender.pk, "body": "A test"})

    assert not Message.objects.exists()


def test_whoever_said_stop_gets_no_test(operator: Client, sender: Sender) -> None:
    factories.SuppressionFactory(phone="+14155550123")

    operator.post(page(sender, "test"), {"phone": "+14155550123", "sender": sender.pk, "body": "A test"})

    assert Message.objects.get().status == "suppressed"
