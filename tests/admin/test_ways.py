"""Routes, health and prices at the keyboard."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from delivery.models import HealthChange, Price, Provider, ProviderHealth, Route
from delivery.routing.rules import State
from tests.factories import HealthChangeFactory, ProviderFactory, ProviderHealthFactory, RouteFactory, SenderFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/delivery/route/"


def test_a_route_is_added(operator: Client) -> None:
    sender = SenderFactory()
    form = {"channel": "sms", "country": "gb", "lane": "3", "order": "1", "sender": sender.pk, "weight": "30"}
    operator.post(f"{LIST}add/", form | {"enabled": "on"})
    route = Route.objects.get()
    assert (route.country, route.lane, route.weight, route.enabled) == ("GB", 3, 30, True)

    html = operator.post(f"{LIST}add/", form | {"country": "XX"}).content.decode()
    assert "There is no such country" in html
    html = operator.post(f"{LIST}add/", form | {"weight": "0"}).content.decode()
    assert Route.objects.count() == 1


def test_weights_are_changed_in_the_list(operator: Client) -> None:
    route = RouteFactory(weight=10)
    operator.post(
        LIST,
        {
            "form-TOTAL_FORMS": "1",
            "form-INITIAL_FORMS": "1",
            "form-0-id": route.pk,
            "form-0-weight": "70",
            "form-0-enabled": "on",
            "_save": "Save",
        },
    )
    route.refresh_from_db()
    assert (route.weight, route.enabled) == (70, True)
    assert LogEntry.objects.exists()


def test_the_list_narrows_by_country_and_provider(operator: Client) -> None:
    RouteFactory(country="GB", sender__address="BRITISH")
    french = RouteFactory(country="FR", sender__address="FRENCH")
    for query in ("country=FR", f"sender__provider__id__exact={french.sender.provider_id}"):
        html = operator.get(f"{LIST}?{query}").content.decode()
        assert "FRENCH" in html
        assert "BRITISH (" not in html.split("</form>")[-2] or query == ""


def test_where_would_this_go(operator: Client) -> None:
    RouteFactory(country="GB", sender__address="BRITISH", sender__provider__name="Carrier")
    html = operator.post(f"{LIST}check/", {"number": "+44 7400 123456", "lane": "3"}).content.decode()
    assert "By BRITISH of Carrier." in html
    html = operator.post(f"{LIST}check/", {"number": "+1 415 555 0123", "lane": "3"}).content.decode()
    assert "Nowhere." in html
    html = operator.post(f"{LIST}check/", {"number": "not a number", "lane": "3"}).content.decode()
    assert "By BRITISH" not in html


def test_a_providers_page_says_how_it_does_since_when_and_why(operator: Client) -> None:
    provider = ProviderFactory()
    ProviderHealthFactory(provider=provider, state=State.DEGRADED, factor=75, reason="Its receipts are late.")
    HealthChangeFactory(provider=provider, moved=321)
    html = operator.get(f"/admin/delivery/provider/{provider.pk}/change/").content.decode()
    assert "Degraded, 75 %" in html
    assert "Its receipts are late." in html
    assert "321 queued messages went another way" in html
    assert "Degraded (75 %)" in operator.get("/admin/delivery/provider/").content.decode()


def test_a_person_pins_a_provider_and_that_is_recorded(operator: Client) -> None:
    provider = ProviderFactory()
    page = f"/admin/delivery/provider/{provider.pk}/health/"
    operator.post(page, {"pin": "open"})
    assert ProviderHealth.objects.get().state == State.OPEN
    change = HealthChange.objects.get()
    assert change.actor_label
    assert change.reason == f"Pinned open by {change.actor_label}."

    operator.post(page, {"pin": ""})
    health = ProviderHealth.objects.get()
    assert (health.state, health.pin) == (State.HEALTHY, "")


def prices_of(provider: Provider) -> dict[str, Decimal]:
    return dict(Price.objects.filter(provider=provider).values_list("country", "per_segment"))


def test_prices_are_a_list_that_people_write(operator: Client) -> None:
    provider = ProviderFactory()
    page = f"/admin/delivery/provider/{provider.pk}/prices/"
    operator.post(page, {"prices": "GB 0.04\n\nde 0.075\n* 0.0079\n"})
    assert prices_of(provider) == {"GB": Decimal("0.04"), "DE": Decimal("0.075"), "": Decimal("0.0079")}
    assert "GB 0.04" in operator.get(page).content.decode()
    assert "0.07500 USD" in operator.get(f"/admin/delivery/provider/{provider.pk}/change/").content.decode()

    operator.post(page, {"prices": "GB 0.05"})
    assert prices_of(provider) == {"GB": Decimal("0.05")}


@pytest.mark.parametrize(
    "line", ["GB", "GB much", "GB -1", "XX 0.04", "GB 0.000001", "GB 1e9", "GB NaN", "GB 0.04 USD", "GB 1\nGB 2"]
)
def test_prices_that_make_no_sense_change_nothing(operator: Client, line: str) -> None:
    provider = ProviderFactory()
    Price.objects.create(provider=provider, country="GB", per_segment=Decimal("0.04"))
    html = operator.post(f"/admin/delivery/provider/{provider.pk}/prices/", {"prices": line}).content.decode()
    assert "Line " in html
    assert prices_of(provider) == {"GB": Decimal("0.04")}
