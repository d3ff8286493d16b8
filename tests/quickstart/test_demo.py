"""The demo campaign: it comes to its end by itself, at any hour."""

from delivery.lanes import Lane
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
