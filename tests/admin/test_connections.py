"""An account's connections as people see them: its page, the API, the doctor and the figures."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.test import Client

from delivery import accounts
from delivery.connector import binds
from delivery.models import Provider
from delivery.providers.base import ConnectionState
from smshub.doctor import workers
from smshub.doctor.connections import connections
from smshub.doctor.findings import Level
from tests.api.conftest import System
from tests.delivery.lines import KIND, installed, say
from tests.factories import ProviderFactory

pytestmark = pytest.mark.django_db
WRONG = {"error": "The operator does not accept the password", "code": "ESME_RINVPASWD"}


@pytest.fixture(autouse=True)
def two_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(binds, "SETTLE_SECONDS", 0.0)
    redis.Redis.from_url(django_settings.REDIS_URL).flushdb()
    with installed(connections=2):
        yield


@pytest.fixture
def provider() -> Provider:
    return ProviderFactory(adapter=KIND, name="Operator")


def page(client: Client, provider: Provider, path: str = "change") -> str:
    return client.get(f"/admin/delivery/provider/{provider.pk}/{path}/").content.decode()


def test_the_page_shows_each_and_is_refreshed(operator: Client, provider: Provider) -> None:
    say(provider, ConnectionState.BOUND)
    html = page(operator, provider)
    assert "1 of 2 connections are up." in html
    assert f'hx-get="/admin/delivery/provider/{provider.pk}/connections/"' in html
    assert "0 of 10" in html

    say(provider, ConnectionState.REFUSED, **WRONG)
    piece = page(operator, provider, "connections")
    assert "The operator does not accept the password (ESME_RINVPASWD)" in piece
    assert "0 of 2 connections are up" in piece
    assert "<html" not in piece


def test_without_a_connector_worker_the_page_says_so(operator: Client, provider: Provider) -> None:
    assert "No connector worker runs" in page(operator, provider)
    assert "Connections" not in page(operator, ProviderFactory())


def test_it_is_unbound_and_bound_with_who_and_when(operator: Client, provider: Provider) -> None:
    say(provider, ConnectionState.BOUND)
    before = Provider.objects.get().updated_at
    url = f"/admin/delivery/provider/{provider.pk}"
    assert operator.get(f"{url}/unbind/").status_code == 405

    html = operator.post(f"{url}/unbind/", follow=True).content.decode()

    provider.refresh_from_db()
    assert provider.unbound_at is not None
    assert provider.unbound_by.startswith("staff")
    assert provider.updated_at == before, "the adapter stays as it is"
    assert f"{provider.unbound_by} has had its connections given up" in html
    assert "waits, or goes by another route" in html

    assert 'data-testid="bind"' in page(operator, provider)
    operator.post(f"{url}/bind/")
    provider.refresh_from_db()
    assert (provider.unbound_at, provider.unbound_by) == (None, "")
    assert LogEntry.objects.count() == 2


def test_who_may_only_look_unbinds_nothing(staff: Client, provider: Provider) -> None:
    assert staff.post(f"/admin/delivery/provider/{provider.pk}/unbind/").status_code == 403
    provider.refresh_from_db()
    assert provider.unbound_at is None


def test_the_api_tells_the_same(provider: Provider) -> None:
    say(provider, ConnectionState.WAITING, error="The connection was refused")

    shown = System().get(f"providers/{provider.pk}").body["connections"]

    assert "0 of 2" in shown["says"]
    [each] = shown["each"]
    assert (each["state"], each["error"], each["window"]) == ("waiting", "The connection was refused", 10)
    assert System().get(f"providers/{ProviderFactory().pk}").body["connections"] is None


def test_the_doctor_is_silent_while_all_are_up(provider: Provider) -> None:
    ProviderFactory()
    say(provider, ConnectionState.BOUND, ConnectionState.BOUND)
    assert list(connections()) == []


def test_the_doctor_finds_who_is_missing_and_what_is_refused(provider: Provider) -> None:
    [finding] = connections()
    assert finding.level is Level.PROBLEM
    assert "No connector worker" in finding.what

    say(provider, ConnectionState.REFUSED, **WRONG)
    [finding] = connections()
    assert "refuses our account: The operator does not accept the password (ESME_RINVPASWD)" in finding.what

    say(provider, ConnectionState.WAITING, error="There is no host of this name")
    [finding] = connections()
    assert "There is no host of this name" in finding.what

    say(provider, ConnectionState.BOUND)
    [finding] = connections()
    assert (finding.level, finding.what) == (Level.WARNING, "1 of 2 connections to Operator are up.")

    accounts.unbind(provider, "ada")
    [finding] = connections()
    assert "ada has had the connections" in finding.what

    accounts.disable(provider, "a test")
    assert list(connections()) == []


def test_a_connector_is_missed_only_where_a_provider_needs_one(provider: Provider) -> None:
    assert workers._needs_connector()
    accounts.disable(provider, "a test")
    assert not workers._needs_connector()


def test_the_figures_count_them(provider: Provider) -> None:
    say(provider, ConnectionState.BOUND, ConnectionState.WAITING)
    text = Client(headers={"host": "localhost"}).get("/metrics").content.decode()
    assert 'smshub_connections{provider="Operator",state="bound"} 1.0' in text
    assert 'smshub_connections{provider="Operator",state="waiting"} 1.0' in text
    assert 'smshub_connection_window{provider="Operator"} 20.0' in text
