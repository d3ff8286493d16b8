"""The doctor looks at routes and at the health of providers."""

import pytest
from pytest_django.fixtures import Settings

from delivery.models import Sender
from delivery.routing.rules import Pin, State
from smshub.doctor import accounts, routes
from smshub.doctor.findings import Level
from tests.factories import DefaultSenderFactory, ProviderFactory, ProviderHealthFactory, RouteFactory
from tests.smshub.test_doctor import one, silent
from tests.smshub.test_metrics import figure

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("state", "factor", "pin", "level"),
    [
        (State.OPEN, 0, Pin.NONE, Level.PROBLEM),
        (State.HALF_OPEN, 10, Pin.NONE, Level.PROBLEM),
        (State.DEGRADED, 75, Pin.NONE, Level.WARNING),
        (State.OPEN, 0, Pin.OPEN, Level.WARNING),
        (State.HEALTHY, 100, Pin.HEALTHY, Level.WARNING),
    ],
)
def test_a_provider_that_is_not_well_is_told_of(state: State, factor: int, pin: Pin, level: Level) -> None:
    ProviderHealthFactory(provider__name="Ill", state=state, factor=factor, pin=pin, reason="Because.")
    found = one(routes.health())
    assert found.level is level
    assert "Ill" in found.what
    assert "Because." in found.what


def test_one_that_is_well_or_off_is_not() -> None:
    ProviderHealthFactory()
    ProviderHealthFactory(provider__enabled=False, state=State.OPEN, factor=0)
    assert silent(routes.health())


def test_routes_that_lead_nowhere_are_told_of() -> None:
    assert silent(routes.table())
    RouteFactory()
    assert silent(routes.table())
    RouteFactory(country="GB", sender__enabled=False)
    assert "GB" in one(routes.table()).what


def test_countries_without_a_route_are_told_of_unless_a_default_sender_serves_them() -> None:
    RouteFactory(country="GB")
    assert "GB" in one(routes.table()).what
    assert silent(accounts.default_sender())
    DefaultSenderFactory()
    assert silent(routes.table())
    assert Sender.objects.count() == 2


def test_thresholds_out_of_order_are_told_of(settings: Settings) -> None:
    assert silent(routes.thresholds())
    settings.HEALTH_ERRORS_BETTER_PERCENT = 20.0
    assert one(routes.thresholds()).level is Level.PROBLEM


@pytest.mark.django_db(transaction=True)
def test_health_is_a_metric() -> None:
    ProviderHealthFactory(provider__name="Ill", state=State.DEGRADED, factor=75)
    ProviderFactory(name="Well")
    assert figure("smshub_provider_health_factor", provider="Ill") == 75
    assert figure("smshub_provider_health_factor", provider="Well") == 100
    assert figure("smshub_provider_health_state", provider="Ill", state="degraded") == 1
    assert figure("smshub_provider_health_state", provider="Ill", state="healthy") == 0
    assert figure("smshub_provider_health_state", provider="Well", state="healthy") == 1
