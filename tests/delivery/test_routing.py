"""Where messages go: by the routes, by the default sender, by the one that was named; and what they cost."""

from decimal import Decimal

import pytest

from delivery import prices
from delivery.lanes import Lane
from delivery.models import Message, ProviderHealth
from delivery.routing import routes
from delivery.routing.rules import State
from delivery.routing.senders import disable_sender
from delivery.states import Status
from delivery.submit import SubmitError, submit
from tests.factories import (
    DefaultSenderFactory,
    PriceFactory,
    ProviderFactory,
    ProviderHealthFactory,
    RouteFactory,
    SenderFactory,
)

pytestmark = pytest.mark.django_db
AMERICAN, BRITISH = "+14155550101", "+447700900123"


def test_a_message_without_a_sender_goes_by_the_routes() -> None:
    DefaultSenderFactory()
    british = RouteFactory(country="GB").sender
    anywhere = RouteFactory().sender

    assert submit(recipient=BRITISH, body="Hi").sender == british
    message = submit(recipient=AMERICAN, body="Hi")
    assert (message.sender, message.provider, message.routed) == (anywhere, anywhere.provider, True)


def test_a_named_sender_is_not_routed() -> None:
    RouteFactory()
    named = SenderFactory()
    message = submit(recipient=AMERICAN, body="Hi", sender=named)
    assert (message.sender, message.routed) == (named, False)


def test_what_no_route_is_about_goes_by_the_default_sender() -> None:
    default = DefaultSenderFactory()
    RouteFactory(country="GB")
    assert submit(recipient=AMERICAN, body="Hi").sender == default


def test_without_either_the_message_has_a_row_that_says_so() -> None:
    RouteFactory(country="GB")
    message = submit(recipient=AMERICAN, body="Hi")
    assert (message.status, message.reason, message.sender) == (Status.SUPPRESSED, "no_sender", None)
    assert message.final_at is not None


def test_where_every_sender_is_off_a_single_message_is_refused_in_words() -> None:
    RouteFactory(sender__enabled=False, sender__address="ACME")
    with pytest.raises(SubmitError, match="ACME is switched off"):
        submit(recipient=AMERICAN, body="Hi")


def test_a_lane_may_have_routes_of_its_own() -> None:
    alerts = RouteFactory(lane=Lane.ALERT).sender
    rest = RouteFactory().sender
    assert submit(recipient=AMERICAN, body="Hi", lane=Lane.ALERT).sender == alerts
    assert submit(recipient=AMERICAN, body="Hi").sender == rest


def test_a_provider_that_is_off_or_open_is_passed_over_while_another_can_take_it() -> None:
    off = RouteFactory(sender__provider__enabled=False)
    ill = ProviderHealthFactory(state=State.OPEN, factor=0).provider
    RouteFactory(sender__provider=ill)
    well = RouteFactory(order=2).sender
    assert {submit(recipient=f"+1415555{n:04d}", body="Hi").sender for n in range(8)} == {well}

    well.routes.all().delete()
    waits = submit(recipient=AMERICAN, body="Hi")
    assert waits.status == Status.QUEUED, "nobody is skipped because a provider is away"
    assert waits.provider in (off.sender.provider, ill)


def test_a_sender_that_is_refused_has_its_queue_looked_through() -> None:
    sender = SenderFactory()
    disable_sender(sender.provider_id, sender.address, "21606")
    assert ProviderHealth.objects.get(provider=sender.provider).review


def test_where_it_would_go_is_said_in_words() -> None:
    ill = ProviderFactory(name="Ill")
    ProviderHealthFactory(provider=ill, state=State.DEGRADED, factor=50)
    RouteFactory(sender__provider=ill)
    RouteFactory(sender__enabled=False)
    said = routes.ways().explain(AMERICAN, "US", Lane.BULK)
    assert said.route
    assert "Ill gets 50 % of its weight" in said.why
    assert "1 of 2 are switched off" in said.why


# --- prices -----------------------------------------------------------------------------------------------------


def test_a_message_costs_its_segments_by_the_price_of_its_country() -> None:
    sender = DefaultSenderFactory()
    PriceFactory(provider=sender.provider, per_segment=Decimal("0.0075"))
    PriceFactory(provider=sender.provider, country="GB", per_segment=Decimal("0.04"))

    assert submit(recipient=AMERICAN, body="x" * 200).cost == Decimal("0.015")
    assert submit(recipient=BRITISH, body="x").cost == Decimal("0.04")
    assert Message.objects.get(recipient=BRITISH).cost == Decimal("0.04")


def test_without_a_price_it_costs_nothing_that_we_know_of() -> None:
    assert submit(recipient=AMERICAN, body="x", sender=SenderFactory()).cost == 0


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0", "0.00 USD"), ("12.5", "12.50 USD"), ("1234567.00000", "1,234,567.00 USD"), ("0.00750", "0.0075 USD")],
)
def test_money_in_words(amount: str, words: str) -> None:
    assert prices.in_words(Decimal(amount)) == words
