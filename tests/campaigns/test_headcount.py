"""Everybody on a draft's lists is in one group, is counted there, and is found there with the reason."""

from collections.abc import Callable
from datetime import time, timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from campaigns import headcount, launch, materialise, readiness, split, who
from campaigns.headcount import TEXTED, Group, TooLong
from campaigns.models import MAX_HOLD_OUT, Campaign
from contacts import whereabouts
from contacts.models import Contact
from delivery.models import AllowedHours, FrequencyCap, Message, Reached
from delivery.states import Status
from delivery.timerules import places
from tests.campaigns.scenes import crowd
from tests.delivery.timerules.scenes import hours
from tests.factories import (
    CampaignFactory,
    ConsentEventFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
    RouteFactory,
    SuppressionFactory,
)

pytestmark = pytest.mark.django_db

ENOUGH = 60_000


@pytest.fixture(autouse=True)
def bound(settings: Settings) -> None:
    settings.TIME_RULES_LANES = ["bulk"]
    AllowedHours.objects.all().delete()


def full(contact: Contact) -> Contact:
    """Somebody who had a text an hour ago."""
    at = timezone.now() - timedelta(hours=1)
    place = whereabouts.find(contact.phone, contact.country)
    known = places.known([place])[place]
    Reached.objects.create(recipient=contact.phone, place_id=known.id, last_at=at, times=[at], lanes=[3])
    return contact


def everything() -> tuple[Campaign, dict[Group, list[Contact]]]:
    """A draft, and somebody in each group that can be there at once."""
    hours(country="US", open_now=True)
    hours(country="US", state="FL", open_now=False)
    FrequencyCap.objects.create(country="US", most=1, hours=24)
    FrequencyCap.objects.create(country="CA", most=1, hours=24, over=FrequencyCap.Over.SUPPRESS)
    for country in ("US", "CA"):
        RouteFactory(country=country)
    people = {
        Group.AT_ONCE: ContactFactory.create_batch(3),
        Group.QUIET_HOURS: [ContactFactory(phone=f"+1305555{n:04}") for n in range(2)],
        Group.OVER_CAP: [full(ContactFactory())],
        Group.CAPPED: [full(ContactFactory(phone="+16135550100", country="CA"))],
        Group.SUPPRESSED: ContactFactory.create_batch(2),
        Group.WITHDRAWN: ContactFactory.create_batch(1),
        Group.NO_ROUTE: [ContactFactory(phone="+447400123456", country="GB")],
        Group.RULED_OUT: ContactFactory.create_batch(2, language="fr"),
        Group.EXCLUDED: ContactFactory.create_batch(2),
    }
    for contact in people[Group.SUPPRESSED]:
        SuppressionFactory(phone=contact.phone)
    for contact in people[Group.WITHDRAWN]:
        ConsentEventFactory(phone=contact.phone, action="withdrawn")
    everybody = [contact for of_group in people.values() for contact in of_group]
    twice = [people[Group.AT_ONCE][0], people[Group.SUPPRESSED][0], people[Group.EXCLUDED][0]]
    campaign = CampaignFactory(
        include=[ContactListFactory(contacts=everybody), ContactListFactory(contacts=twice)],
        exclude=[ContactListFactory(contacts=people[Group.EXCLUDED])],
        rules={"match": "all", "conditions": [{"field": "language", "op": "is", "value": "en"}]},
    )
    return campaign, people | {Group.DUPLICATE: twice[:2]}


def test_everybody_is_counted_in_one_group() -> None:
    campaign, people = everything()

    found = headcount.count(campaign, milliseconds=ENOUGH)

    assert found.groups == {group: len(of_group) for group, of_group in people.items()}
    assert found.texted == 6
    assert found.waits_until is not None


def test_everybody_is_found_in_the_group_that_they_are_counted_in() -> None:
    campaign, people = everything()

    for group, of_group in people.items():
        page = who.page(campaign, group)
        assert [person.contact_id for person in page.people] == sorted(contact.pk for contact in of_group)
        assert (page.after, page.whole) == (None, True)
    [suppressed, _] = who.page(campaign, Group.SUPPRESSED).people
    assert suppressed.reason == "Opted out"
    assert all(person.until for person in who.page(campaign, Group.QUIET_HOURS).people)


def test_who_waits_for_the_time_of_their_own_clock_is_counted_and_found_so() -> None:
    DefaultSenderFactory()
    ada = ContactFactory()
    soon = timezone.now() + timedelta(hours=3)
    at = {"local_time": time(soon.hour), "local_date": soon.date() + timedelta(days=1)}
    campaign = CampaignFactory(include=[ContactListFactory(contacts=[ada])], **at)

    found = headcount.count(campaign, milliseconds=ENOUGH)
    [person] = who.page(campaign, Group.LOCAL_TIME).people

    assert found.groups == {Group.LOCAL_TIME: 1}
    assert (person.contact_id, person.until) == (ada.pk, found.waits_until)


def test_the_launch_does_what_was_counted() -> None:
    campaign, people = everything()
    counted = headcount.count(campaign, milliseconds=ENOUGH)
    preflight = readiness.preflight(campaign)
    assert [(wait.reason, wait.contacts) for wait in preflight.deferred] == [
        ("quiet_hours", 2),
        ("frequency_cap", 1),
        ("frequency_cap", 1),
    ]

    launch.launch(campaign=campaign, actor=None)
    materialise.freeze(campaign.pk)
    materialise.materialise(campaign.pk, seconds=60)

    rows = Message.objects.filter(campaign_id=campaign.pk)
    assert rows.exclude(status=Status.SUPPRESSED).count() == counted.texted
    assert set(rows.filter(status=Status.QUEUED).values_list("contact_id", flat=True)) == {
        contact.pk for contact in people[Group.AT_ONCE]
    }


def test_who_is_held_out_is_counted_apart_and_waits_for_nothing() -> None:
    campaign, people = everything()
    campaign.hold_out_percent = 50
    campaign.save()

    found = headcount.count(campaign, milliseconds=ENOUGH)
    preflight = readiness.preflight(campaign)

    before = sum(len(of_group) for group, of_group in people.items() if group in (*TEXTED, Group.CAPPED))
    assert found.held_out == before // 2 == preflight.held_out
    assert found.texted + found.groups.get(Group.CAPPED, 0) + found.held_out == before
    assert found.groups[Group.SUPPRESSED] == len(people[Group.SUPPRESSED])
    waiting = {wait.reason: wait.contacts for wait in preflight.deferred if wait.first}
    assert waiting == {"quiet_hours": 1, "frequency_cap": 1}


@given(st.lists(st.integers(0, 10**7), max_size=6), st.integers(0, MAX_HOLD_OUT))
def test_the_held_out_of_all_groups_are_the_held_out_of_the_whole(groups: list[int], percent: int) -> None:
    of_each = split.held_out_of_each(groups, percent)
    assert sum(of_each) == split.held_out(sum(groups), percent)
    assert all(0 <= held <= people for held, people in zip(of_each, groups, strict=True))


def test_without_a_recorded_consent_counts_only_where_one_is_needed(settings: Settings) -> None:
    DefaultSenderFactory()
    ada, bob = ContactFactory.create_batch(2)
    ConsentEventFactory(phone=ada.phone)
    campaign = CampaignFactory(include=[ContactListFactory(contacts=[ada, bob])])
    assert headcount.count(campaign, milliseconds=ENOUGH).groups == {Group.AT_ONCE: 2}

    settings.MARKETING_NEEDS_CONSENT = True
    assert headcount.count(campaign, milliseconds=ENOUGH).groups == {Group.AT_ONCE: 1, Group.UNRECORDED: 1}
    assert [person.contact_id for person in who.page(campaign, Group.UNRECORDED).people] == [bob.pk]


def test_a_draft_with_nothing_to_send_it_with_is_counted_all_the_same() -> None:
    campaign = CampaignFactory(template=None, include=[ContactListFactory(contacts=[ContactFactory()])])
    assert headcount.count(campaign, milliseconds=ENOUGH).groups == {Group.AT_ONCE: 1}
    assert headcount.count(CampaignFactory(), milliseconds=ENOUGH).groups == {}


def test_an_estimate_looks_at_the_same_part_each_time_and_comes_to_the_whole() -> None:
    campaign = CampaignFactory(include=[crowd(400)])

    part = headcount.count(campaign, one_in=4, milliseconds=ENOUGH)

    assert part == headcount.count(campaign, one_in=4, milliseconds=ENOUGH)
    assert (part.one_in, part.texted) == (4, 400)
    assert (headcount.one_in_for(39_999), headcount.one_in_for(1_000_000)) == (1, 50)


def test_what_takes_too_long_is_given_up_and_the_connection_is_fit_for_more() -> None:
    campaign = CampaignFactory(include=[crowd(20_000)])
    with pytest.raises(TooLong):
        headcount.count(campaign, milliseconds=1)
    assert headcount.places(campaign) == 20_000


def test_pages_go_on_behind_the_last_person() -> None:
    campaign = CampaignFactory(include=[crowd(7)])
    first = who.page(campaign, Group.AT_ONCE, limit=4)
    assert len(first.people) == 4
    assert first.after is not None
    rest = who.page(campaign, Group.AT_ONCE, after=first.after, limit=4)
    assert [person.name for person in (*first.people, *rest.people)] == [f"Person {n}" for n in range(1, 8)]
    assert rest.after is None


def test_what_is_rare_is_looked_for_in_windows_and_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(who, "WINDOW", 10)
    campaign = CampaignFactory(include=[crowd(35)])
    nobody = who.page(campaign, Group.SUPPRESSED)
    assert (nobody.people, nobody.after, nobody.whole) == ((), None, True)

    monkeypatch.setattr(who, "SECONDS", 0.0)
    cut_short = who.page(campaign, Group.SUPPRESSED)
    assert (cut_short.people, cut_short.whole) == ((), False)
    assert cut_short.after == Contact.objects.order_by("pk")[9].pk


@pytest.mark.parametrize(
    "look", [lambda campaign: headcount.count(campaign, milliseconds=ENOUGH), partial(who.page, group=Group.SUPPRESSED)]
)
def test_it_takes_the_same_queries_for_many_people_as_for_few(look: Callable[[Campaign], object]) -> None:
    hours(country="US", open_now=True)
    FrequencyCap.objects.create(country="US", most=1, hours=24)
    numbers = []
    for size in (3, 3, 300):  # the first look writes down where people are
        Contact.objects.all().delete()
        campaign = CampaignFactory(include=[crowd(size)])
        with CaptureQueriesContext(connection) as queries:
            look(campaign)
        numbers.append(len(queries))
    assert numbers[1] == numbers[2]
