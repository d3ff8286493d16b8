"""The demo campaign: it comes to its end by itself, at any hour."""

import pytest

from campaigns.models import Template
from contacts.models import ContactList
from delivery.lanes import Lane
from delivery.models import Sender
from delivery.providers.twilio.codes import meaning
from delivery.retries import RETRY_AFTER
from delivery.timerules import bound
from smshub.quickstart import demo


def test_nothing_of_the_demo_waits_for_an_allowed_hour() -> None:
    assert demo.LANE not in bound.MAY_BE_BOUND
    assert Lane.BULK in bound.MAY_BE_BOUND, "or this says nothing"


def test_nothing_of_the_demo_fails_for_a_reason_that_is_tried_again_much_later() -> None:
    error_mix = demo.CARRIER["error_mix"]
    assert isinstance(error_mix, dict)
    failures = [found.failure for code in error_mix if (found := meaning(code))]
    assert len(failures) == len(error_mix) == 3
    assert not set(failures) & RETRY_AFTER[demo.LANE].keys()


@pytest.mark.django_db
def test_a_hub_without_the_demo_can_send_and_holds_nothing_else() -> None:
    for _ in range(2):
        demo.connect_carrier("http://127.0.0.1:9")

    sender = Sender.objects.get()
    assert (sender.is_default, sender.provider.settings["base_url"]) == (True, "http://127.0.0.1:9")
    assert not ContactList.objects.exists()
    assert not Template.objects.exists()
