"""A time of the recipient's own clock: one moment, or none that can be told."""

# ruff: noqa: DTZ001  (times without a zone are what it is about)

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.whereabouts import NO_HINTS, Hints
from delivery.submitting import local_time
from delivery.submitting.local_time import SeveralZones, moments
from tests.factories import ContactFactory

BERLIN, NEW_YORK, TOLL_FREE = "+4915112345678", "+12125550123", "+18005550123"


@pytest.mark.django_db
def test_the_contact_comes_before_the_area_and_the_area_before_the_country() -> None:
    nine = datetime(2030, 1, 15, 9)
    ContactFactory(phone=TOLL_FREE, time_zone="Asia/Tokyo")

    assert moments([(BERLIN, nine), (NEW_YORK, nine), (TOLL_FREE, nine)]) == [
        datetime(2030, 1, 15, 8, tzinfo=UTC),
        datetime(2030, 1, 15, 14, tzinfo=UTC),
        datetime(2030, 1, 15, 0, tzinfo=UTC),
    ]


@pytest.mark.django_db
def test_several_zones_that_do_not_agree_are_no_answer() -> None:
    (refused,) = moments([(TOLL_FREE, datetime(2030, 1, 15, 9))])

    assert isinstance(refused, SeveralZones)
    assert (refused.about, "several time zones" in str(refused)) == ("send_at_local", True)


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        # Clocks go from 02:00 to 03:00 on 31 March 2030 in Berlin, and from 03:00 to 02:00 on 27 October.
        (datetime(2030, 3, 31, 2, 30), datetime(2030, 3, 31, 1, 30, tzinfo=UTC)),
        (datetime(2030, 10, 27, 2, 30), datetime(2030, 10, 27, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_that_is_left_out_is_as_much_later_and_one_that_comes_twice_is_the_first(
    wall: datetime, moment: datetime
) -> None:
    assert local_time._moment(BERLIN, wall, NO_HINTS) == moment


@given(
    wall=st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_read_by_the_recipients_clock_it_is_the_time_that_was_asked_for(wall: datetime, zone: str) -> None:
    found = local_time._moment(BERLIN, wall, Hints(time_zone=zone))

    assert isinstance(found, datetime)
    read = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert timedelta(0) <= read - wall <= timedelta(hours=1)
    if read != wall:
        before = (found - timedelta(hours=3)).astimezone(ZoneInfo(zone)).utcoffset()
        assert before != found.astimezone(ZoneInfo(zone)).utcoffset(), "only where clocks are set forward"
