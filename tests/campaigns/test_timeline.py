"""One person's timeline: everything, in order, page by page, each kind from its own index."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Link
from campaigns.timeline import timeline
from campaigns.timeline.positions import Kind, Position, position
from contacts.models import Contact, ImportTrace, Suppression
from delivery.ids import campaign_message_id, first_id, moment
from delivery.models import Reaction
from tests.factories import (
    CampaignFactory,
    ConsentEventFactory,
    ContactFactory,
    ContactImportFactory,
    InboundFactory,
    MessageFactory,
    SuppressionFactory,
)
from tests.reminder_factories import AppointmentFactory

NOW = timezone.now().replace(microsecond=0)


def message_id(at: datetime, number: int) -> UUID:
    return UUID(int=first_id(at).int | 0x7 << 76 | 0b10 << 62 | number)


@pytest.fixture
def ada(db: None) -> Contact:
    """Of whom there is one thing of every kind, a second apart."""
    contact: Contact = ContactFactory(name="Ada Byron")
    phone, at = contact.phone, [NOW - timedelta(seconds=seconds) for seconds in range(8)]
    AppointmentFactory(contact=contact, kind="check-up", starts_at=at[0])
    SuppressionFactory(phone=phone, evidence="asked by phone", lifted_at=at[1])
    Suppression.objects.update(created_at=at[2])
    InboundFactory(id=message_id(at[3], 1), phone=phone, recipient="+14155550100", body="Thank you!")
    campaign = CampaignFactory(name="Spring", launched_at=at[5])
    sent = MessageFactory(
        id=campaign_message_id(at[5], campaign.pk, contact.pk),
        recipient=phone,
        campaign_id=campaign.pk,
        contact_id=contact.pk,
        body="Spring is here.",
    )
    link = Link.objects.create(campaign=campaign, target="https://example.org/spring")
    Reaction.objects.create(
        message=sent,
        source=UUID(int=5),
        kind="click",
        campaign_id=campaign.pk,
        link_id=link.pk,
        at=at[4],
        first=True,
    )
    ConsentEventFactory(phone=phone, purpose="marketing", at=at[6], evidence="Fair of 3 May")
    upload = ContactImportFactory(original_name="people.csv", written_at=at[7])
    ImportTrace.objects.create(contact=contact, import_id=upload.pk, act=ImportTrace.Act.ADDED)
    return contact


def test_everything_about_a_person_stands_in_one_order_the_newest_first(ada: Contact) -> None:
    MessageFactory(recipient=ContactFactory().phone)

    page = timeline.page(ada, kinds=frozenset(Kind))

    assert [(line.kind, line.title) for line in page.lines] == [
        (Kind.APPOINTMENT, "check-up"),
        (Kind.LIFTED, "May be texted again"),
        (Kind.SUPPRESSED, "Not texted any more: Opted out"),
        (Kind.RECEIVED, "They wrote to +14155550100"),
        (Kind.CLICK, "Followed a link"),
        (Kind.SENT, "Campaign “Spring”"),
        (Kind.CONSENT, "Marketing: Agreed"),
        (Kind.IMPORT, "Import of people.csv"),
    ]
    by_kind = {line.kind: line for line in page.lines}
    assert by_kind[Kind.SENT].text == "Spring is here."
    assert by_kind[Kind.RECEIVED].text == "Thank you!"
    assert "Fair of 3 May" in by_kind[Kind.CONSENT].details
    assert by_kind[Kind.CLICK].details == ("link", "Spring")
    assert by_kind[Kind.IMPORT].details == ("Added",)
    assert page.before is None


def test_only_what_was_asked_for_is_read(ada: Contact) -> None:
    with CaptureQueriesContext(connection) as seen:
        page = timeline.page(ada, kinds={Kind.CONSENT})

    assert {line.kind for line in page.lines} == {Kind.CONSENT}
    assert not any("delivery_message" in query["sql"] for query in seen)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_one_after_the_other_tell_everything_once(ada: Contact, limit: int) -> None:
    # Given much of every kind within one millisecond, and some in the same microsecond
    whole = NOW.replace(microsecond=0)
    for number, at in enumerate([whole, whole, whole + timedelta(microseconds=300), whole + timedelta(milliseconds=1)]):
        MessageFactory(id=message_id(at, number), recipient=ada.phone)
        InboundFactory(id=message_id(at, 100 + number), phone=ada.phone)
        ConsentEventFactory(phone=ada.phone, at=at)
        AppointmentFactory(contact=ada, starts_at=at)
    everything = [line.position for line in timeline.page(ada, kinds=frozenset(Kind)).lines]
    assert len(everything) == 4 * 4 + len(Kind)

    found: list[Position] = []
    before: Position | None = None
    while True:
        page = timeline.page(ada, kinds=frozenset(Kind), before=before, limit=limit)
        found += [line.position for line in page.lines]
        if page.before is None:
            break
        before = position(str(page.before))

    assert found == everything
    assert len(set(found)) == len(found)


def test_a_page_costs_the_same_number_of_queries_however_much_there_is(ada: Contact) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            timeline.page(ada, kinds=frozenset(Kind))
        return len(seen)

    queries()
    few = queries()
    for number in range(30):
        MessageFactory(recipient=ada.phone, campaign_id=CampaignFactory().pk)
        InboundFactory(phone=ada.phone)
        ConsentEventFactory(phone=ada.phone, at=timezone.now())
        AppointmentFactory(contact=ada, starts_at=NOW + timedelta(days=number))

    assert queries() <= few <= 13


def test_a_person_of_whom_nothing_is_known(db: None) -> None:
    assert not timeline.page(ContactFactory(), kinds=frozenset(Kind)).lines


@given(
    st.builds(
        Position,
        st.integers(0, 4 * 10**15).map(lambda since: datetime.fromtimestamp(0, UTC) + timedelta(microseconds=since)),
        st.sampled_from(Kind),
        st.integers(0, 2**63 - 1),
    )
)
def test_a_position_is_read_as_it_was_written(written: Position) -> None:
    assert position(str(written)) == written


@pytest.mark.parametrize("text", ["", "x", "1-2", "1-99-1", "1-1-", f"1-4-{2**64:x}", f"{2**90:x}-1-1", "-1-1-1"])
def test_what_is_no_position_is_none(text: str) -> None:
    assert position(text) is None


def test_the_moment_of_a_message_is_that_of_its_id() -> None:
    assert moment(message_id(NOW, 3)) == NOW
