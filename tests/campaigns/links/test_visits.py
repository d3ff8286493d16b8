"""Visits become clicks: of the right message, people apart from machines, each once."""

from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.links import visitors, visits
from campaigns.models import Campaign, Link, LinkedMessage, Visit
from delivery import reactions
from delivery.models import Message, Reaction, ReactionTally
from delivery.reactions import Kind
from delivery.states import Status
from tests.campaigns.scenes import at_once
from tests.factories import CampaignFactory, ContactFactory, MessageFactory
from tests.link_factories import PHONE, LinkFactory

pytestmark = pytest.mark.django_db

SENT = timedelta(minutes=10)


def campaign_with_link() -> tuple[Campaign, Link]:
    campaign = CampaignFactory(status=Campaign.Status.RUNNING, launched_at=timezone.now() - timedelta(hours=1))
    return campaign, LinkFactory(campaign=campaign)


def message(campaign: Campaign, **fields: object) -> Message:
    made: Message = MessageFactory(
        campaign_id=campaign.pk,
        contact_id=ContactFactory().pk,
        **{
            "status": Status.DELIVERED,
            "sent_at": timezone.now() - SENT,
            "final_at": timezone.now() - SENT + timedelta(seconds=5),
            **fields,
        },
    )
    return made


def visit(link: Link, to: Message, machine: str = "", at: datetime | None = None) -> None:
    Visit.objects.create(link_id=link.pk, recipient=to.contact_id, machine=machine, at=at or timezone.now())


def counted(campaign: Campaign) -> dict[str, tuple[int, int]]:
    return {count.kind.value: (count.people, count.times) for count in reactions.counts(campaign.pk)}


def test_people_are_counted_once_and_clicks_all() -> None:
    campaign, link = campaign_with_link()
    ada, bob = message(campaign), message(campaign)
    for to in (ada, ada, bob, ada):
        visit(link, to)

    visits.settle(seconds=5)

    assert counted(campaign) == {"click": (2, 4)}
    assert Reaction.objects.filter(message=ada, first=True).count() == 1
    assert not Visit.objects.exists()


def test_who_comes_back_later_is_not_somebody_else() -> None:
    campaign, link = campaign_with_link()
    ada = message(campaign)
    for _ in range(3):
        visit(link, ada)
        visits.settle(seconds=5)

    assert counted(campaign) == {"click": (1, 3)}


def test_machines_are_counted_apart_and_say_what_gave_them_away() -> None:
    campaign, link = campaign_with_link()
    ada = message(campaign)
    visit(link, ada, machine="preview")
    visit(link, ada)

    visits.settle(seconds=5)

    assert counted(campaign) == {"click": (1, 1), "machine": (1, 1)}
    assert Reaction.objects.get(kind=Kind.MACHINE).reason == "preview"


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (timedelta(milliseconds=-200), Kind.MACHINE),
        (timedelta(milliseconds=900), Kind.MACHINE),
        (timedelta(seconds=3), Kind.CLICK),
        (timedelta(seconds=4.5), Kind.MACHINE),
        (timedelta(seconds=5.5), Kind.MACHINE),
        (timedelta(seconds=7), Kind.CLICK),
    ],
)
def test_what_comes_in_the_moment_of_sending_or_delivery_is_a_machines(after: timedelta, kind: Kind) -> None:
    campaign, link = campaign_with_link()
    ada = message(campaign)
    assert ada.sent_at
    visit(link, ada, at=ada.sent_at + after)

    visits.settle(seconds=5)

    found = Reaction.objects.get()
    assert (found.kind, found.reason) == (kind, "too_soon" if kind == Kind.MACHINE else "")


def test_a_visit_of_no_message_is_left_out() -> None:
    campaign, link = campaign_with_link()
    Visit.objects.create(link_id=link.pk, recipient=123456, at=timezone.now())
    Visit.objects.create(link_id=link.pk + 99, recipient=1, at=timezone.now())

    visits.settle(seconds=5)

    assert not Reaction.objects.exists()
    assert not Visit.objects.exists()
    assert counted(campaign) == {}


def test_a_single_messages_link_is_found_by_its_own_row() -> None:
    link = LinkFactory(campaign=None, template=CampaignFactory().template)
    one = MessageFactory(status=Status.DELIVERED, sent_at=timezone.now() - SENT)
    row = LinkedMessage.objects.create(link_id=link.pk, message_id=one.pk, sealed_target=b"")
    Visit.objects.create(link_id=link.pk, recipient=row.pk, at=timezone.now())
    Visit.objects.create(link_id=link.pk + 1, recipient=row.pk, at=timezone.now())

    visits.settle(seconds=5)

    assert Reaction.objects.get().message_id == one.pk
    assert ReactionTally.objects.get().link_id == link.pk


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["", "", "preview", "method"])), max_size=12),
    st.integers(1, 5),
)
def test_tallies_are_the_count_of_the_rows_however_the_visits_are_cut(
    made: list[tuple[int, str]], at_a_time: int
) -> None:
    campaign, link = campaign_with_link()
    messages = [message(campaign) for _ in range(3)]
    for who, machine in made:
        visit(link, messages[who], machine)

    while visits.settle_batch(at_a_time):
        pass
    reactions.squash(keep=1)

    people = {who for who, machine in made if not machine}
    clicks = [who for who, machine in made if not machine]
    assert counted(campaign).get("click", (0, 0)) == (len(people), len(clicks))
    rows = Reaction.objects.filter(campaign_id=campaign.pk)
    for count in reactions.counts(campaign.pk):
        of_kind = rows.filter(kind=count.kind)
        assert (count.people, count.times) == (of_kind.filter(first=True).count(), of_kind.count())


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_while_it_counts_has_done_nothing() -> None:
    campaign, link = campaign_with_link()
    visit(link, message(campaign))

    with transaction.atomic():
        assert visits.settle_batch() == 1
        transaction.set_rollback(True)

    assert counted(campaign) == {}
    assert visits.settle_batch() == 1
    assert counted(campaign) == {"click": (1, 1)}


@pytest.mark.django_db(transaction=True)
def test_workers_that_count_at_once_count_once() -> None:
    campaign, link = campaign_with_link()
    ada = message(campaign)
    for _ in range(20):
        visit(link, ada)

    def work() -> None:
        while visits.is_there_any():
            visits.settle_batch(3)
        connection.close()

    at_once(work, work, work)

    assert counted(campaign) == {"click": (1, 20)}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"user-agent": PHONE}, ""),
        ({"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari/604.1"}, ""),
        ({"user-agent": ""}, "no_agent"),
        ({}, "no_agent"),
        ({"user-agent": "WhatsApp/2.23.20.0 A"}, "preview"),
        ({"user-agent": "facebookexternalhit/1.1"}, "preview"),
        ({"user-agent": "TelegramBot (like TwitterBot)"}, "preview"),
        ({"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, "crawler"),
        ({"user-agent": "Mozilla/5.0 (compatible; SomethingNewBot/1.0)"}, "crawler"),
        ({"user-agent": "Barracuda Sentinel (EE)"}, "scanner"),
        ({"user-agent": "curl/8.5.0"}, "program"),
        ({"user-agent": "Mozilla/5.0 (X11) HeadlessChrome/120.0"}, "program"),
        ({"user-agent": PHONE, "sec-purpose": "prefetch;prerender"}, "prefetch"),
        ({"user-agent": PHONE, "purpose": "prefetch"}, "prefetch"),
        ({"user-agent": PHONE, "x-purpose": "preview"}, "prefetch"),
    ],
)
def test_machines_are_told_by_what_they_say(headers: dict[str, str], expected: str) -> None:
    assert visitors.machine("GET", headers) == expected
    assert not expected or expected in visitors.REASONS
