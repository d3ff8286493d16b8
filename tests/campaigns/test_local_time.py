"""A campaign for a time of everybody's own clock: held until then where they are, and no rule is passed by."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from campaigns import deferral, launch, local_time
from campaigns.errors import CampaignError
from campaigns.local_time import WallClock
from campaigns.models import Campaign
from campaigns.progress import progress
from contacts import whereabouts
from delivery import queue
from delivery.lanes import Lane
from delivery.models import AllowedHours, FrequencyCap, Message
from delivery.states import Status, WaitsFor
from tests.campaigns.scenes import materialised
from tests.delivery.timerules.scenes import hours
from tests.factories import CampaignFactory, ContactFactory, ContactListFactory, DefaultSenderFactory

NINE = time(9)
#: Noon in UTC: 21:00 in Tokyo, 13:00 in Berlin, 07:00 in New York, 02:00 in Honolulu.
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY, TOMORROW = NOON.date(), NOON.date() + timedelta(days=1)


def clock(at: time = NINE, day: date | None = None, *, at_once: bool = False) -> WallClock:
    return WallClock(at, day, at_once, NOON)


def wall(zone: str, day: date, at: time = NINE) -> datetime:
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


# --- the moment -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day"),
    [("America/New_York", TODAY), ("Pacific/Honolulu", TODAY), ("Europe/Berlin", TOMORROW), ("Asia/Tokyo", TOMORROW)],
)
def test_it_is_that_time_today_or_else_tomorrow_where_each_is(zone: str, day: date) -> None:
    assert clock().moment((zone,)) == wall(zone, day)


def test_those_for_whom_it_is_over_get_it_at_once_if_the_campaign_says_so() -> None:
    assert clock(at_once=True).moment(("Asia/Tokyo",)) == NOON
    assert clock(at_once=True).moment(("America/New_York",)) == wall("America/New_York", TODAY)


def test_a_day_that_is_named_is_everybodys_own() -> None:
    day = date(2026, 12, 1)
    assert clock(day=day).moment(("Asia/Tokyo",)) == datetime(2026, 12, 1, 0, tzinfo=UTC)
    assert clock(day=day).moment(("Pacific/Honolulu",)) == datetime(2026, 12, 1, 19, tzinfo=UTC)


def test_a_day_that_was_over_at_the_launch_is_the_next_one() -> None:
    assert clock(day=date(2026, 11, 24)).moment(("America/New_York",)) == wall("America/New_York", TODAY)
    assert clock(day=date(2026, 11, 24)).moment(("Asia/Tokyo",)) == wall("Asia/Tokyo", TOMORROW)


def test_where_several_zones_are_possible_it_is_never_earlier_in_any_of_them() -> None:
    assert clock().moment(("America/New_York", "America/Los_Angeles")) == wall("America/Los_Angeles", TODAY)


@pytest.mark.parametrize(("at", "utc"), [(time(2, 30), 1), (time(3, 30), 1)])
def test_a_time_that_the_clock_leaves_out_is_as_much_later(at: time, utc: int) -> None:
    # In Berlin 02:00 became 03:00 on this day.
    own = WallClock(at, date(2026, 3, 29), False, datetime(2026, 3, 20, tzinfo=UTC))
    assert own.moment(("Europe/Berlin",)) == datetime(2026, 3, 29, utc, 30, tzinfo=UTC)


zones = st.sampled_from(sorted({"Asia/Tokyo", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Etc/GMT+12"}))


@given(st.times(), st.integers(0, 400 * 24 * 60), st.sets(zones, min_size=1), st.booleans())
def test_it_is_never_before_the_launch_and_within_two_days_of_it(
    at: time, minutes: int, possible: set[str], at_once: bool
) -> None:
    launched_at = NOON + timedelta(minutes=minutes)
    found = WallClock(at, None, at_once, launched_at).moment(tuple(sorted(possible)))

    # A day, and the hour that it is longer by in autumn; a clock that is set forward may leave the time out.
    assert launched_at <= found <= launched_at + timedelta(hours=26)


# --- a campaign -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bound(settings: Settings) -> None:
    settings.TIME_RULES_LANES = ["bulk"]
    AllowedHours.objects.all().delete()
    FrequencyCap.objects.all().delete()


def in_hours(number: int) -> time:
    """The time that it will be in so many hours in Iceland, whose clock is UTC's."""
    return (timezone.now() + timedelta(hours=number)).time().replace(second=0, microsecond=0)


@pytest.mark.django_db
@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("lane", [Lane.BULK, Lane.TRANSACTIONAL])
def test_messages_are_held_until_the_time_where_each_is_and_released_then(lane: Lane) -> None:
    here = ContactFactory(time_zone="Atlantic/Reykjavik")
    east = ContactFactory(time_zone="Asia/Tokyo")
    campaign = materialised(0, here, east, local_time=in_hours(3), lane=lane)

    rows = {message.contact_id: message for message in Message.objects.all()}
    own_time = local_time.of(campaign, campaign.launched_at)
    assert own_time is not None
    for contact in (here, east):
        message = rows[contact.pk]
        assert (message.status, message.waits_for) == (Status.HELD, "local_time")
        assert message.not_before == own_time.moment((contact.time_zone,)) > timezone.now()
    [wait] = progress(campaign).waits
    assert (wait.reason, wait.messages) == (WaitsFor.LOCAL_TIME, 2)
    assert (wait.first, wait.last) == tuple(sorted(row.not_before for row in rows.values()))

    Message.objects.filter(contact_id=here.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    assert queue.promote() == 1
    found = dict(Message.objects.values_list("contact_id", "status"))
    assert found == {here.pk: Status.QUEUED, east.pk: Status.HELD}


@pytest.mark.django_db
@pytest.mark.usefixtures("bound")
def test_allowed_hours_hold_for_it_when_its_time_has_come() -> None:
    person = ContactFactory(phone="+3546111234", country="IS")
    materialised(0, person, local_time=in_hours(2))
    hours(open_now=False)
    Message.objects.update(not_before=timezone.now() - timedelta(seconds=1))

    # First its place is looked up, then it is judged by the rules there.
    for _ in range(2):
        queue.promote()

    message = Message.objects.get()
    assert (message.status, message.waits_for) == (Status.HELD, "quiet_hours")


@pytest.mark.django_db
def test_those_for_whom_it_is_over_leave_at_once_where_that_was_chosen() -> None:
    past, to_come = ContactFactory(time_zone="Pacific/Kiritimati"), ContactFactory(time_zone="Etc/GMT+12")
    # On the same date that noon was over a day earlier there than here.
    day = (timezone.now() + timedelta(hours=14)).date() - timedelta(days=1)
    at_once = Campaign.LocalPassed.AT_ONCE
    materialised(0, past, to_come, local_time=time(23, 59), local_date=day, local_passed=at_once, lane=Lane.BULK)

    found = dict(Message.objects.values_list("contact_id", "waits_for"))
    assert (found[past.pk] != "local_time", found[to_come.pk]) == (True, "local_time")


@pytest.mark.django_db
@pytest.mark.usefixtures("bound")
def test_the_preflight_says_who_waits_for_the_time_and_who_for_an_hour_after_it() -> None:
    hours(country="US", open_now=False)
    waits_for_hours = ContactFactory(phone="+12125550123", time_zone="America/New_York")
    waits_for_time = ContactFactory(phone="+3546111234", time_zone="Atlantic/Reykjavik")
    people = ContactListFactory(contacts=[waits_for_hours, waits_for_time])
    closed = AllowedHours.objects.get().weekday_until
    assert closed is not None
    campaign = CampaignFactory(include=[people], local_time=closed)

    found = {one.reason: one.contacts for one in deferral.deferred(campaign)}

    assert found == {WaitsFor.QUIET_HOURS: 1, WaitsFor.LOCAL_TIME: 1}
    place = whereabouts.find(waits_for_time.phone, "IS", whereabouts.Hints("Atlantic/Reykjavik"))
    [until] = [one.first for one in deferral.deferred(campaign) if one.reason is WaitsFor.LOCAL_TIME]
    assert until is not None
    assert until.astimezone(ZoneInfo(place.zones[0])).time() == closed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"local_time": NINE, "spread_minutes": 60}, "choose one"),
        ({"local_date": date(2026, 12, 1)}, "give a time as well"),
        ({"local_time": NINE, "local_date": date(2020, 1, 1)}, "is over everywhere"),
        ({"local_time": NINE, "local_date": date(2999, 1, 1)}, "more than 30 days"),
    ],
)
def test_times_that_make_no_sense_keep_it_from_being_launched(fields: dict[str, object], problem: str) -> None:
    DefaultSenderFactory()
    campaign = CampaignFactory(include=[ContactListFactory(contacts=[ContactFactory()])], **fields)

    with pytest.raises(CampaignError, match=problem):
        launch.launch(campaign=campaign, actor=None)
    with pytest.raises(CampaignError, match=problem):
        launch.schedule(campaign=campaign, at=timezone.now() + timedelta(hours=1), actor=None)
