"""Providers, senders and API keys: secrets go in and never come out."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from delivery import accounts, slowing
from delivery.models import Provider, Sender
from delivery.providers.base import Slows
from smshub.api import keys
from smshub.api.models import ApiKey
from tests import factories

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "a-token-that-nobody-may-see"
ADD = "/admin/delivery/provider/add/?adapter=twilio"


def twilio(**changes: str) -> dict[str, str]:
    return {
        "name": "Twilio",
        "rate": "50",
        "max_in_flight": "20",
        "setting_account_sid": SID,
        "setting_base_url": "https://api.twilio.com",
        "secret_auth_token": TOKEN,
        "country_limits-TOTAL_FORMS": "0",
        "country_limits-INITIAL_FORMS": "0",
    } | changes


def one_country(provider: Provider, **limit: str) -> dict[str, str]:
    row = {f"country_limits-0-{name}": value for name, value in limit.items()}
    return {"country_limits-TOTAL_FORMS": "1", "country_limits-0-provider": str(provider.pk)} | row


@pytest.fixture
def provider(operator: Client) -> Provider:
    operator.post(ADD, twilio())
    return Provider.objects.get()


def change(provider: Provider) -> str:
    return f"/admin/delivery/provider/{provider.pk}/change/"


def test_a_provider_is_added_by_its_kinds_own_form(operator: Client, provider: Provider) -> None:
    assert (provider.adapter, provider.settings["account_sid"], provider.rate) == ("twilio", SID, 50)
    assert provider.credentials == {"auth_token": TOKEN}


def test_no_page_shows_a_secret(operator: Client, provider: Provider) -> None:
    history = f"/admin/delivery/provider/{provider.pk}/history/"
    for page in (change(provider), "/admin/delivery/provider/", "/admin/", history):
        assert TOKEN not in operator.get(page).content.decode(), page
    refused = operator.post(change(provider), twilio(rate="fast", secret_api_key="SK-not-to-be-seen"))
    assert "SK-not-to-be-seen" not in refused.content.decode()
    assert not LogEntry.objects.filter(change_message__contains=TOKEN).exists()


def test_the_form_says_which_secrets_are_set(operator: Client, provider: Provider) -> None:
    html = operator.get(change(provider)).content.decode()

    assert "Set; leave empty to keep it." in html
    assert "Not set." in html


def test_an_empty_secret_keeps_what_is_stored(operator: Client, provider: Provider) -> None:
    operator.post(change(provider), twilio(rate="7", secret_auth_token=""))

    provider.refresh_from_db()
    assert provider.rate == 7
    assert provider.credentials == {"auth_token": TOKEN}


def test_a_secret_is_replaced(operator: Client, provider: Provider) -> None:
    operator.post(change(provider), twilio(secret_auth_token="another"))

    provider.refresh_from_db()
    assert provider.credentials == {"auth_token": "another"}


def test_what_makes_no_sense_is_refused_with_a_sentence(operator: Client) -> None:
    html = operator.post(ADD, twilio(setting_account_sid="AC12")).content.decode()

    assert "32 hex digits" in html
    assert not Provider.objects.exists()


def test_a_secret_cannot_be_had_by_pointing_the_account_elsewhere(
    operator: Client, provider: Provider, settings: Settings
) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_URLS = True

    html = operator.post(
        change(provider), twilio(setting_base_url="http://127.0.0.1:9", secret_auth_token="")
    ).content.decode()

    assert "enter the secrets again" in html
    provider.refresh_from_db()
    assert provider.settings.get("base_url", "https://api.twilio.com") == "https://api.twilio.com"


def test_saving_does_not_switch_a_provider_on_that_was_switched_off_meanwhile(
    operator: Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a provider that is switched off between the reading of the form and its writing
    write = accounts.save_credentials

    def overtaken(**arguments: Any) -> None:
        accounts.disable(Provider.objects.get(), "Account suspended")
        write(**arguments)

    monkeypatch.setattr(accounts, "save_credentials", overtaken)

    operator.post(change(provider), twilio(secret_auth_token=""))

    provider.refresh_from_db()
    assert (provider.enabled, provider.disabled_reason) == (False, "Account suspended")


def test_off_with_a_reason_and_on_again(operator: Client, provider: Provider) -> None:
    operator.post(f"/admin/delivery/provider/{provider.pk}/disable/", {"reason": "Bill not paid"})
    provider.refresh_from_db()
    assert not provider.enabled
    assert "Bill not paid" in operator.get("/admin/").content.decode()

    operator.post(f"/admin/delivery/provider/{provider.pk}/enable/")
    provider.refresh_from_db()
    assert (provider.enabled, provider.disabled_reason) == (True, "")


def test_the_address_for_incoming_texts_is_shown(operator: Client, provider: Provider) -> None:
    assert f"/callbacks/inbound/{provider.pk}" in operator.get(change(provider)).content.decode()


def test_the_address_of_receipts_is_shown(operator: Client, provider: Provider) -> None:
    page = operator.get(change(provider)).content.decode()
    assert f"/callbacks/receipts/{provider.pk}/…" in page


def test_a_country_is_given_a_limit_of_its_own(operator: Client, provider: Provider) -> None:
    operator.post(change(provider), twilio(**one_country(provider, country="GB", rate="5")))

    assert list(provider.country_limits.values_list("country", "rate")) == [("GB", 5)]


def test_a_country_that_is_none_and_a_rate_of_nothing_are_refused(operator: Client, provider: Provider) -> None:
    for limit in ({"country": "uk", "rate": "5"}, {"country": "GB", "rate": "0"}):
        operator.post(change(provider), twilio(secret_auth_token="another", **one_country(provider, **limit)))

    assert not provider.country_limits.exists()
    provider.refresh_from_db()
    assert provider.credentials == {"auth_token": TOKEN}  # nothing of a refused form is written


def test_a_setting_of_few_values_is_chosen_from_them(operator: Client) -> None:
    page = operator.get(f"{ADD.partition('?')[0]}?adapter=smpp").content.decode()

    assert re.findall(r'<option value="([a-z-]+)"[^>]*>\1', page.partition('name="setting_mode"')[2])[:2] == [
        "transceiver",
        "pair",
    ]


def test_what_is_slowed_is_said_in_words(operator: Client, provider: Provider) -> None:
    sender = factories.SenderFactory(provider=provider)
    message = factories.MessageFactory(sender=sender)
    slowing.learn(provider.pk, [slowing.Refusal(message.pk, Slows.SENDER, "30022")])

    page = operator.get(change(provider)).content.decode()

    assert re.search(rf"Sender {re.escape(sender.address)}: slowed to 50% since \d\d:\d\d after code 30022\.", page)


def test_a_new_provider_leads_to_its_sender_and_the_sender_to_a_test(operator: Client) -> None:
    page = operator.post(ADD, twilio(), follow=True)
    provider = Provider.objects.get()
    assert page.redirect_chain == [(change(provider), 302)]
    assert "Now it needs a sender" in page.content.decode()

    form = operator.get("/admin/delivery/sender/add/").context["adminform"].form
    assert (form["provider"].value(), form["is_default"].value()) == (provider.pk, True)

    typed = {"provider": provider.pk, "address": "+16505550001", "is_default": "on", "opt_out_scope": "everywhere"}
    page = operator.post("/admin/delivery/sender/add/", typed, follow=True)
    assert page.redirect_chain == [(change(provider), 302)]
    assert "Send a test by it" in page.content.decode()
    form = operator.get("/admin/delivery/sender/add/").context["adminform"].form
    assert form["is_default"].value() is False


def test_a_list_with_nothing_in_it_says_what_such_a_thing_is_for(operator: Client) -> None:
    assert "Without one nothing is sent" in operator.get("/admin/delivery/provider/").content.decode()
    assert "Nothing matches" in operator.get("/admin/delivery/sender/?q=5").content.decode()


def test_a_new_default_sender_takes_the_place_of_the_old_one(operator: Client) -> None:
    old = factories.DefaultSenderFactory()

    operator.post(
        "/admin/delivery/sender/add/",
        {
            "provider": old.provider_id,
            "address": "+16505550001",
            "rate": "",
            "enabled": "on",
            "is_default": "on",
            "opt_out_scope": "everywhere",
        },
    )

    assert Sender.objects.get(is_default=True).address == "+16505550001"


@pytest.mark.parametrize("made", [factories.ProviderFactory, factories.SenderFactory, factories.ApiKeyFactory])
def test_what_the_ledger_refers_to_is_not_deleted(administrator: Client, made: type) -> None:
    thing = made()
    meta = thing._meta

    answer = administrator.post(f"/admin/{meta.app_label}/{meta.model_name}/{thing.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 403


def test_an_api_key_is_shown_once(operator: Client) -> None:
    answer = operator.post("/admin/api/apikey/add/", {"name": "Booking", "scopes": ["messages:write"]})

    found = re.search(r'data-testid="api-key">(\S+)</p>', answer.content.decode())
    assert found
    key = keys.find(found[1])
    assert key is not None
    assert (key.name, key.scopes) == ("Booking", ["messages:write"])
    assert "no-store" in answer["Cache-Control"]
    for page in ("/admin/api/apikey/", f"/admin/api/apikey/{key.pk}/change/", f"/admin/api/apikey/{key.pk}/history/"):
        assert found[1] not in operator.get(page).content.decode()


def test_a_key_needs_a_scope(operator: Client) -> None:
    operator.post("/admin/api/apikey/add/", {"name": "Booking", "scopes": []})

    assert not ApiKey.objects.exists()


PAST = {"expires_at_0": "2020-01-01", "expires_at_1": "10:00"}


def test_a_key_whose_time_is_over_is_not_made(operator: Client) -> None:
    form = {"name": "Booking", "scopes": ["messages:write"]}

    answer = operator.post("/admin/api/apikey/add/", form | PAST)

    assert "This time is over" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_key_that_has_expired_is_still_renamed_and_is_not_given_another_time_that_is_over(operator: Client) -> None:
    before = timezone.now() - timedelta(days=1)
    key, _ = keys.issue(name="Booking", scopes=["messages:write"], actor=None, expires_at=before)
    page = f"/admin/api/apikey/{key.pk}/change/"
    same = {"expires_at_0": f"{before:%Y-%m-%d}", "expires_at_1": f"{before:%H:%M:%S}"}

    assert operator.post(page, {"name": "Old", **same}).status_code == 302
    assert "This time is over" in operator.post(page, {"name": "Old", **PAST}).content.decode()

    key.refresh_from_db()
    assert key.name == "Old"


def test_a_revoked_key_stays_known(operator: Client) -> None:
    key, text = keys.issue(name="Booking", scopes=["messages:write"], actor=None)

    operator.post(f"/admin/api/apikey/{key.pk}/revoke/")

    with pytest.raises(keys.KeyRevoked):
        keys.find(text)
    assert "Revoked" in operator.get(f"/admin/api/apikey/{key.pk}/change/").content.decode()


def sender_form(sender: Sender, **changes: str) -> dict[str, object]:
    usual = {"provider": sender.provider_id, "address": sender.address, "rate": "", "opt_out_scope": "everywhere"}
    return usual | changes


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+1 (650) 555-0001", "+16505550001"),
        (" 12345 ", "12345"),
        ("My Clinic", "My Clinic"),
        ("MG" + "0a" * 16, "MG" + "0a" * 16),
    ],
)
def test_a_sender_is_kept_as_providers_are_told_it(operator: Client, typed: str, kept: str) -> None:
    operator.post("/admin/delivery/sender/add/", sender_form(factories.SenderFactory(), address=typed))

    assert Sender.objects.latest("pk").address == kept


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("+0650 555", "7 to 15 digits"),
        ("+1650555000x", "7 to 15 digits"),
        ("0151 234567", "country code"),
        ("All of our clinics", "at most 11"),
    ],
)
def test_a_sender_that_cannot_be_one_is_refused(operator: Client, typed: str, says: str) -> None:
    sender = factories.SenderFactory()

    answer = operator.post("/admin/delivery/sender/add/", sender_form(sender, address=typed))

    assert says in answer.content.decode()
    assert Sender.objects.get() == sender


def test_a_sender_says_why_it_is_off_until_it_is_switched_on(operator: Client) -> None:
    sender = factories.SenderFactory(enabled=False, disabled_reason="The provider refuses this sender (code 21606).")
    page = f"/admin/delivery/sender/{sender.pk}/change/"
    assert "code 21606" in operator.get(page).content.decode()
    assert "1 off" in operator.get("/admin/").content.decode()

    operator.post(page, sender_form(sender, rate="5"))
    sender.refresh_from_db()
    assert (sender.rate, sender.enabled, "21606" in sender.disabled_reason) == (5, False, True)

    operator.post(page, sender_form(sender, rate="5", enabled="on"))
    sender.refresh_from_db()
    assert (sender.enabled, sender.disabled_reason) == (True, "")


def test_a_key_gets_a_new_secret_that_is_shown_once(operator: Client) -> None:
    key, old = keys.issue(name="Booking", scopes=["messages:write"], actor=None)
    assert (
        "Hours that the old secret stays good" in operator.get(f"/admin/api/apikey/{key.pk}/rotate/").content.decode()
    )

    answer = operator.post(f"/admin/api/apikey/{key.pk}/rotate/", {"hours": "2"})

    found = re.search(r'data-testid="api-key">(\S+)</p>', answer.content.decode())
    assert found
    assert "no-store" in answer["Cache-Control"]
    assert keys.find(found[1]) == keys.find(old) == key
    assert found[1] not in operator.get(f"/admin/api/apikey/{key.pk}/change/").content.decode()
    keys.revoke(key)
    refused = operator.post(f"/admin/api/apikey/{key.pk}/rotate/", {"hours": "2"}, follow=True)
    assert "is revoked" in refused.content.decode()


def test_what_a_key_is_bound_to_is_changed_and_its_scopes_are_not(operator: Client) -> None:
    key, _ = keys.issue(name="Booking", scopes=["messages:write"], actor=None)
    sender = factories.SenderFactory()
    page = f"/admin/api/apikey/{key.pk}/change/"
    form = {"name": "Booking 2", "senders": [sender.pk], "allowed_from": "192.0.2.7, 10.0.0.0/8", "per_minute": "60"}

    assert (
        "here is neither an address nor a network"
        in operator.post(page, form | {"allowed_from": "here"}).content.decode()
    )
    operator.post(page, form | {"scopes": ["contacts:read"], "mode": "test"})

    key.refresh_from_db()
    assert (key.name, key.allowed_from, key.per_second, key.per_minute) == (
        "Booking 2",
        "192.0.2.7/32 10.0.0.0/8",
        None,
        60,
    )
    assert list(key.senders.all()) == [sender]
    assert (key.scopes, key.mode) == (["messages:write"], "live")
