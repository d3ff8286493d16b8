"""Local first, cloud in its stead: made by one command, again and again, for all or for one destination."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from delivery.lanes import Lane
from delivery.models import Route, Sender
from delivery.routing import routes
from tests.factories import ProviderHealthFactory, RouteFactory, SenderFactory

pytestmark = pytest.mark.django_db
PHONE = "+447400123456"


def hybrid(local: Sender, cloud: Sender, **options: Any) -> str:
    said = StringIO()
    named = f"{cloud.provider.name}:{cloud.address}"
    call_command("hybrid", local=str(local.pk), cloud=named, stdout=said, **options)
    return said.getvalue()


def goes_by(country: str = "GB", lane: Lane = Lane.BULK) -> str:
    route = routes.ways_to(country, lane).to(PHONE, country, lane)
    assert route is not None
    return route.sender


def test_everything_goes_by_the_local_one_and_by_the_other_while_that_is_open() -> None:
    local, cloud = SenderFactory(), SenderFactory()
    said = hybrid(local, cloud)
    assert said.splitlines() == [
        f"Tier 1: Any country, any category: {local}",
        f"Tier 2: Any country, any category: {cloud}",
    ]
    assert goes_by() == local.address

    ProviderHealthFactory(provider=local.provider, state="open", factor=0)
    assert goes_by() == cloud.address


def test_it_may_be_repeated_and_be_about_one_destination() -> None:
    local, cloud, third = SenderFactory(), SenderFactory(), SenderFactory()
    for _ in range(2):
        hybrid(local, cloud, country="gb", lane="alert")
    assert Route.objects.count() == 2
    RouteFactory(country="GB", lane=Lane.ALERT, sender=third, order=1)

    said = hybrid(local, cloud, country="GB", lane="alert")

    assert f"in tier 1: GB, One-time codes and alerts: {third}" in said
    assert Route.objects.count() == 3


def test_what_makes_no_hybrid_is_refused_in_words() -> None:
    local = SenderFactory()
    twin = SenderFactory(provider=local.provider)
    with pytest.raises(CommandError, match="one provider"):
        hybrid(local, twin)
    with pytest.raises(CommandError, match="no country"):
        hybrid(local, SenderFactory(), country="XX")
    with pytest.raises(CommandError, match="There is no sender “7777777”"):
        call_command("hybrid", local="7777777", cloud=str(local.pk))
    assert not Route.objects.exists()
