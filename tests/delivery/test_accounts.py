"""Provider accounts: secrets go in and never come out, and nothing that cannot work is saved."""

import socket
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from delivery import accounts
from delivery.models import Provider
from delivery.providers.base import BadConfiguration

pytestmark = pytest.mark.django_db

ACCOUNT = "AC" + "0f" * 16
KEY = "SK" + "0f" * 16


def unsaved(**settings: Any) -> Provider:
    return Provider(name="Main", adapter="twilio", settings={"account_sid": ACCOUNT} | settings)


@pytest.fixture
def provider() -> Provider:
    account = unsaved()
    accounts.save_credentials(provider=account, credentials={"auth_token": "first"})
    return account


def stored() -> Provider:
    return Provider.objects.get(name="Main")


# --- secrets ----------------------------------------------------------------------------------------


def test_a_new_account_is_saved_with_its_secrets_sealed(provider: Provider) -> None:
    assert stored().credentials == {"auth_token": "first"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM delivery_provider")
        assert b"first" not in bytes(cursor.fetchone()[0])


def test_what_is_left_empty_is_kept_and_what_is_given_is_written(provider: Provider) -> None:
    given = {"auth_token": "", "secondary_auth_token": " second \n"}
    accounts.save_credentials(provider=provider, credentials=given)
    assert stored().credentials == {"auth_token": "first", "secondary_auth_token": "second"}


def test_none_removes(provider: Provider) -> None:
    accounts.save_credentials(provider=provider, credentials={"secondary_auth_token": "second"})
    accounts.save_credentials(provider=provider, credentials={"secondary_auth_token": None})
    assert stored().credentials == {"auth_token": "first"}


def test_what_is_stored_counts_not_what_somebody_still_holds(provider: Provider) -> None:
    earlier = stored()
    accounts.save_credentials(provider=provider, credentials={"auth_token": "newer"})
    accounts.save_credentials(provider=earlier, credentials={"secondary_auth_token": "second"})
    assert stored().credentials == {"auth_token": "newer", "secondary_auth_token": "second"}


def test_forms_see_only_which_secrets_are_set(provider: Provider) -> None:
    assert accounts.public_fields(provider) == {
        "auth_token": True,
        "secondary_auth_token": False,
        "api_key": False,
        "api_secret": False,
    }
    assert "first" not in repr(accounts.provider_config(provider))


def test_another_kind_of_provider_does_not_inherit_secrets(provider: Provider) -> None:
    provider.adapter, provider.settings = "console", {}
    accounts.save_credentials(provider=provider, credentials={})
    assert stored().credentials == {}


def test_a_kept_secret_is_not_sent_to_a_new_address(provider: Provider, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_URLS = True
    provider.settings = {"account_sid": ACCOUNT, "base_url": "https://127.0.0.1:9"}
    with pytest.raises(BadConfiguration, match="enter the secrets again, or remove them: Auth token"):
        accounts.save_credentials(provider=provider, credentials={})
    assert stored().settings == {"account_sid": ACCOUNT}

    accounts.save_credentials(provider=provider, credentials={"auth_token": "first"})
    assert stored().settings["base_url"] == "https://127.0.0.1:9"


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        ({}, "Auth token: it is required"),
        ({"auth_token": "  "}, "Auth token: it is required"),
        ({"auth_token": "x", "password": "y"}, "no secret named password"),
        ({"auth_token": 7}, "must be text"),
        ({"auth_token": "x", "api_key": KEY}, "both"),
    ],
)
def test_bad_secrets_change_nothing(credentials: dict[str, Any], says: str) -> None:
    with pytest.raises(BadConfiguration, match=says):
        accounts.save_credentials(provider=unsaved(), credentials=credentials)
    assert not Provider.objects.exists()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"settings": {}}, "Account SID: it is required"),
        ({"settings": {"account_sid": ACCOUNT, "auth_token": "x"}}, "Auth token: it is a secret"),
        ({"settings": {"account_sid": ACCOUNT, "colour": "red"}}, "no setting named colour; there are: account_sid"),
        ({"settings": ["account_sid"]}, "must be an object"),
        ({"adapter": "pigeon"}, "No provider package “pigeon”; there are: console, smpp, testcarrier, twilio"),
        ({"max_in_flight": 0}, "at least 1"),
    ],
)
def test_bad_settings_change_nothing(provider: Provider, fields: dict[str, Any], says: str) -> None:
    before = stored()
    for name, value in fields.items():
        setattr(provider, name, value)
    with pytest.raises(BadConfiguration, match=says):
        accounts.save_credentials(provider=provider, credentials={"auth_token": "second"})
    after = stored()
    assert (after.adapter, after.settings, after.credentials) == (before.adapter, before.settings, before.credentials)


@pytest.mark.parametrize("url", ["https://localhost", "http://10.0.0.1", f"https://{socket.gethostname()}"])
@pytest.mark.parametrize("allowed", [True, False])
def test_private_addresses_are_the_operators_to_allow(settings: Settings, url: str, allowed: bool) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_URLS = allowed
    account = unsaved(base_url=url)
    if allowed:
        accounts.save_credentials(provider=account, credentials={"auth_token": "x"})
        assert accounts.provider_config(stored()).private_addresses
    else:
        with pytest.raises(BadConfiguration, match="ALLOW_PRIVATE_PROVIDER_URLS"):
            accounts.save_credentials(provider=account, credentials={"auth_token": "x"})


def test_a_host_that_is_not_there_is_named() -> None:
    with pytest.raises(BadConfiguration, match=r"there is no host api\.twilio\.invalid"):
        accounts.save_credentials(
            provider=unsaved(base_url="https://api.twilio.invalid"), credentials={"auth_token": "x"}
        )


# --- what adapters get --------------------------------------------------------------------------------


def test_an_adapters_configuration(provider: Provider, settings: Settings) -> None:
    settings.SEND_TIMEOUT, settings.ALLOW_PRIVATE_PROVIDER_URLS = 7.5, False
    config = accounts.provider_config(provider)
    assert config.settings == {"account_sid": ACCOUNT, "base_url": "https://api.twilio.com"}
    assert config.credentials == {"auth_token": "first"}
    assert (config.id, config.timeout, config.max_in_flight) == (provider.pk, 7.5, 50)
    assert config.private_addresses is False


def test_the_version_changes_with_every_change(provider: Provider) -> None:
    seen = [accounts.config_version(stored())]
    accounts.save_credentials(provider=provider, credentials={"auth_token": "second"})
    seen.append(accounts.config_version(stored()))
    accounts.disable(provider, "The credentials were refused")
    seen.append(accounts.config_version(stored()))
    accounts.enable(provider)
    seen.append(accounts.config_version(stored()))
    assert len(set(seen)) == 4
    assert accounts.config_version(stored()) == seen[-1]


# --- on and off -----------------------------------------------------------------------------------------


def test_a_refusal_of_what_was_set_right_meanwhile_switches_nothing_off(provider: Provider) -> None:
    as_a_worker_knows_it = Provider.objects.get(pk=provider.pk)

    accounts.disable(provider, "The credentials were refused")
    accounts.enable(provider)

    assert not accounts.refuse(as_a_worker_knows_it, "The credentials were refused")
    assert Provider.objects.get(pk=provider.pk).enabled
    assert accounts.refuse(provider, "The credentials were refused")
    assert not Provider.objects.get(pk=provider.pk).enabled


def test_disabling_says_why_and_only_the_first_reason_stays(provider: Provider) -> None:
    assert accounts.disable(provider, "x" * 500)
    assert not accounts.disable(provider, "Something else")
    assert (stored().enabled, stored().disabled_reason) == (False, "x" * 200)
    assert accounts.enable(provider)
    assert not accounts.enable(provider)
    assert (stored().enabled, stored().disabled_reason) == (True, "")


def test_an_account_that_cannot_work_is_not_enabled(provider: Provider) -> None:
    accounts.disable(provider, "Moved")
    Provider.objects.update(settings={})
    with pytest.raises(BadConfiguration):
        accounts.enable(stored())
    assert not stored().enabled
