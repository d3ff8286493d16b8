"""A campaign in quiet hours: its messages are written as held, counted, released and cancelled like any other."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from campaigns import control, deferral, readiness
from campaigns.progress import progress
from contacts import whereabouts
from contacts.models import Contact
from delivery import queue
from delivery.lanes import Lane
from delivery.models import AllowedHours, FrequencyCap, Message, Reached
from delivery.states import Status
from delivery.timerules import places
from tests.campaigns.scenes import crowd, materialised
from tests.delivery.timerules.scenes import hours
from tests.factories import CampaignFactory, ContactFactory, ContactListFactory, SuppressionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bound(settings: Settings) -> None:
    settings.TIME_RULES_LANES = ["bulk"]
    AllowedHours.objects.all().delete()
    FrequencyCap.objects.all().delete()


def fates(campaign_id: int) -> dict[str, tuple[str, str]]:
    rows = Message.objects.filter(campaign_id=campaign_id)
    return {message.recipient: (message.status, message.waits_for) for message in rows}


def test_each_is_held_until_the_hour_where_it_goes() -> None:
    hours(country="US", open_now=True)
    hours(country="US", state="FL", open_now=False)
    here, florida = ContactFactory(phone="+12125550123"), ContactFactory(phone="+13055550123")
    moved = ContactFactory(phone="+12125550124", attributes={"zip": "33101"})

    campaign = materialised(0, here, florida, moved)

    held = (Status.HELD, "quiet_hours")
    expected = {here.phone: (Status.QUEUED, ""), florida.phone: held, moved.phone: held}
    assert fates(campaign.pk) == expected
    shown = progress(campaign)
    [wait] = shown.waits
    times = Message.objects.filter(status=Status.HELD).values_list("not_before", flat=True)
    assert (wait.messages, wait.first, wait.last) == (2, min(times), max(times))
    assert (shown.open, shown.handed_over, shown.reasons) == (3, 0, ())


def test_a_number_that_is_full_is_held_and_the_others_are_not() -> None:
    FrequencyCap.objects.create(most=1, hours=24)
    full, other = ContactFactory(phone="+12125550123"), ContactFactory(phone="+12125550124")
    now = timezone.now()
    Reached.objects.create(recipient=full.phone, place_id=0, last_at=now, times=[now], lanes=[3])

    campaign = materialised(0, full, other)

    assert fates(campaign.pk) == {full.phone: (Status.HELD, "frequency_cap"), other.phone: (Status.QUEUED, "")}


def test_what_is_held_is_released_and_cancelled_like_any_other() -> None:
    rule = hours(country="US", open_now=False)
    campaign = materialised(30)
    rule.delete()
    first = list(Message.objects.order_by("id").values_list("pk", flat=True)[:10])
    Message.objects.filter(pk__in=first).update(not_before=timezone.now() - timedelta(seconds=1))
    assert queue.promote() == 10

    control.cancel(campaign=campaign, actor=None)
    assert not control.cancel_rest(campaign.pk, seconds=60)

    assert set(fates(campaign.pk).values()) == {(Status.CANCELLED, ""), (Status.CANCELLED, "quiet_hours")}
    assert [(str(status), n) for status, n in progress(campaign).counts.items() if n] == [("cancelled", 30)]


def test_an_hour_held_back_costs_a_chunk_no_query_per_contact() -> None:
    hours(country="US", open_now=False)
    campaign = materialised(1200)
    assert set(fates(campaign.pk).values()) == {(Status.HELD, "quiet_hours")}


def test_a_preflight_says_who_would_wait_and_until_when() -> None:
    hours(country="US", open_now=True)
    hours(country="US", state="FL", open_now=False)
    FrequencyCap.objects.create(most=1, hours=24)
    here, capped, florida = (ContactFactory(phone=f"+1{area}5550123") for area in ("212", "213", "305"))
    stopped = SuppressionFactory(phone=ContactFactory(phone="+13055550199").phone)
    place = places.known({whereabouts.find(capped.phone, "US")})
    now = timezone.now()
    for known in place.values():
        Reached.objects.create(recipient=capped.phone, place_id=known.id, last_at=now, times=[now], lanes=[Lane.BULK])
    everyone = ContactListFactory(contacts=[here, capped, florida, Contact.objects.get(phone=stopped.phone)])

    by_hours, by_cap = readiness.preflight(CampaignFactory(include=[everyone])).deferred

    assert (by_hours.reason, by_hours.contacts) == ("quiet_hours", 1)
    assert by_hours.first == by_hours.last > now
    assert (by_cap.reason, by_cap.contacts) == ("frequency_cap", 1)
    assert by_cap.first == now + timedelta(hours=24)


def test_a_preflight_of_many_asks_as_often_as_one_of_few() -> None:
    hours(country="US", open_now=False)
    asked = []
    for size in (3, 300):
        campaign = CampaignFactory(include=[crowd(size)])
        with CaptureQueriesContext(connection) as queries:
            (wait,) = deferral.deferred(campaign)
        asked.append(len(queries))
        assert wait.contacts == size
        Contact.objects.all().delete()
    assert asked[0] == asked[1]
