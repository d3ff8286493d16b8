"""Asking a provider whether it lets an account in: what is tried, who may how often, and what is never told."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import redis.asyncio
from pytest_django import Settings
from structlog.testing import capture_logs

from delivery import accounts, credentials, wake
from delivery.connector import binds
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import Access, BadConfiguration, Connection, ConnectionState, ProviderConfig, Tried
from tests.contract.twilio_harness import TOKEN, TwilioHarness
from tests.factories import ProviderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def twilio() -> Iterator[TwilioHarness]:
    started = TwilioHarness()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def who() -> str:
    """Somebody who has asked nothing yet."""
    return f"user:{uuid4().hex}"


def account(twilio: TwilioHarness, token: str = TOKEN) -> Provider:
    made = Provider(name=f"With {token}", adapter="twilio", settings=dict(twilio.config().settings))
    accounts.save_credentials(provider=made, credentials={"auth_token": token})
    return made


def test_the_account_is_tried_as_it_is_saved(twilio: TwilioHarness, who: str) -> None:
    assert credentials.try_saved(account(twilio), who=who).access is Access.GRANTED

    wrong = account(twilio, "guessed")
    assert credentials.try_saved(wrong, who=who).access is Access.REFUSED


def test_what_is_typed_is_tried_with_what_is_saved_and_changes_nothing(twilio: TwilioHarness, who: str) -> None:
    provider = account(twilio, "guessed")

    assert credentials.try_typed(provider, {"auth_token": TOKEN}, who=who).access is Access.GRANTED
    assert credentials.try_typed(provider, {"auth_token": ""}, who=who).access is Access.REFUSED
    assert Provider.objects.get(pk=provider.pk).credentials == {"auth_token": "guessed"}


def test_a_saved_secret_is_not_tried_at_another_address(twilio: TwilioHarness, who: str) -> None:
    provider = account(twilio)
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        provider.settings["base_url"] = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"

        with pytest.raises(BadConfiguration, match="enter the secrets again"):
            credentials.try_typed(provider, {}, who=who)

        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_an_account_that_is_not_complete_is_not_tried(who: str) -> None:
    with pytest.raises(BadConfiguration):
        credentials.try_saved(ProviderFactory(adapter="twilio"), who=who)


def test_where_nobody_can_be_asked_that_is_said(who: str) -> None:
    found = credentials.try_saved(ProviderFactory(adapter="console"), who=who)

    assert (found.access, "nobody to ask" in found.sentence) == (Access.NOT_ASKED, True)


def test_nobody_can_hammer_at_a_provider_and_others_need_not_wait(twilio: TwilioHarness, who: str) -> None:
    provider = account(twilio)
    for _ in range(credentials.A_MINUTE):
        credentials.try_saved(provider, who=who)

    with pytest.raises(credentials.TooOften):
        credentials.try_saved(provider, who=who)
    assert credentials.try_saved(provider, who=f"{who}, another").access is Access.GRANTED


def test_without_redis_nobody_is_asked(twilio: TwilioHarness, who: str, settings: Settings) -> None:
    provider = account(twilio)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    wake.client.cache_clear()
    try:
        found = credentials.try_saved(provider, who=who)
    finally:
        wake.client.cache_clear()

    assert (found.access, "Redis" in found.sentence) == (Access.NOT_ASKED, True)


def test_no_secret_is_told_or_logged(twilio: TwilioHarness, who: str) -> None:
    provider = account(twilio, "a-secret-of-mine")

    with capture_logs() as logs:
        found = credentials.try_saved(provider, who=who)

    assert "a-secret-of-mine" not in f"{found} {logs}"
    assert [(line["event"], line["access"], line["by"]) for line in logs] == [("credentials_tried", "refused", who)]


def test_a_package_that_breaks_its_word_is_not_followed(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def raising(config: ProviderConfig) -> Tried:
        raise RuntimeError(f"secret {config.credentials}")

    async def sleeping(_config: ProviderConfig) -> Tried:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(credentials, "SECONDS", -0.9)
    for broken in (raising, sleeping):
        kind = replace(registry.kind("console"), name="acme", label="Acme", try_credentials=broken)
        monkeypatch.setitem(registry.kinds(), "acme", kind)

        found = credentials.try_saved(ProviderFactory(adapter="acme"), who=who)

        assert found == Tried(Access.UNREACHABLE, "Acme could not be asked.")


# --- connections that are up ----------------------------------------------------------------------------------------


@pytest.fixture
def smpp(settings: Settings) -> Iterator[Provider]:
    """An account with an operator who is not there."""
    settings.REDIS_PREFIX = f"test:{uuid4().hex}:"
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"smpp://127.0.0.1:{held.getsockname()[1]}"
        made = Provider(name="Operator", adapter="smpp", settings={"address": address, "system_id": "hub"})
        accounts.save_credentials(provider=made, credentials={"password": "secret"})
        yield made


def hold(provider: Provider, *, since: datetime, **changed: Any) -> None:
    """A connector says that it holds a bind."""
    bind = Connection("1", ConnectionState.BOUND, since, in_flight=0, window=10)

    async def renew() -> None:
        client = redis.asyncio.Redis.from_url(wake.settings.REDIS_URL)
        try:
            slots = binds.Slots(client)
            await slots.renew(provider.pk, "host:1", [replace(bind, **changed)], most=1)
        finally:
            await client.aclose()

    asyncio.run(renew())


def test_a_bind_that_is_up_with_the_credentials_proves_them_and_none_is_taken(smpp: Provider, who: str) -> None:
    hold(smpp, since=datetime.now(UTC) + timedelta(seconds=1))

    found = credentials.try_saved(smpp, who=who)

    assert (found.access, "a connection is up" in found.sentence) == (Access.GRANTED, True)


def test_a_bind_of_before_the_last_change_or_that_is_not_up_proves_nothing(smpp: Provider, who: str) -> None:
    later = datetime.now(UTC) + timedelta(seconds=1)

    hold(smpp, since=smpp.updated_at - timedelta(seconds=1))
    assert credentials.try_saved(smpp, who=who).access is Access.UNREACHABLE
    hold(smpp, since=later, state=ConnectionState.REFUSED)
    assert credentials.try_saved(smpp, who=who).access is Access.UNREACHABLE
    hold(smpp, since=later)
    assert credentials.try_typed(smpp, {"password": "another"}, who=who).access is Access.UNREACHABLE
