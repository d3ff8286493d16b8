"""A person's page: what it tells, to whom, and what it costs."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.timeline.timeline import PAGE
from contacts.models import Contact
from tests.admin.conftest import at_the_keyboard
from tests.conversation_factories import ConversationFactory
from tests.factories import (
    ConsentEventFactory,
    ContactFactory,
    ContactListFactory,
    InboundFactory,
    MessageFactory,
    SuppressionFactory,
    UserFactory,
)


@pytest.fixture
def ada(db: None) -> Contact:
    contact: Contact = ContactFactory(phone="+14155550123", name="Ada Byron", time_zone="Europe/Paris")
    ContactListFactory(name="Friends", contacts=[contact])
    MessageFactory(recipient=contact.phone, body="Your table is ready.", status="delivered")
    InboundFactory(phone=contact.phone, body="On my way!")
    ConsentEventFactory(phone=contact.phone, purpose="marketing", evidence="Fair of 3 May")
    return contact


def page(client: Client, contact: Contact, **parameters: str) -> str:
    answer = client.get(f"/admin/contacts/contact/{contact.pk}/change/", parameters)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_person_is_seen_with_all_that_happened(staff: Client, ada: Contact) -> None:
    conversation = ConversationFactory(contact=ada, phone=ada.phone)

    seen = page(staff, ada)

    for told in ("Ada Byron", "+14155550123", "Friends", "Your table is ready.", "On my way!", "Fair of 3 May"):
        assert told in seen
    assert "Europe/Paris" in seen
    assert f"/admin/campaigns/conversation/{conversation.pk}/change/" in seen


def test_what_is_shown_can_be_narrowed(staff: Client, ada: Contact) -> None:
    texts, consent = page(staff, ada, show="texts"), page(staff, ada, show="consent")

    assert ("On my way!" in texts, "Fair of 3 May" in texts) == (True, False)
    assert ("On my way!" in consent, "Fair of 3 May" in consent) == (False, True)


def test_earlier_lines_are_fetched_from_where_the_page_ends(staff: Client, ada: Contact) -> None:
    for number in range(PAGE):
        InboundFactory(phone=ada.phone, body=f"Text {number}.")
    seen = page(staff, ada)
    assert "Your table is ready." not in seen
    before = seen.split("before=")[1].split('"')[0]

    earlier = staff.get(f"/admin/contacts/contact/{ada.pk}/timeline/", {"before": before}).content.decode()

    assert "Your table is ready." in earlier
    assert f"Text {PAGE - 1}." not in earlier


def test_a_line_is_shown_only_to_whoever_may_see_what_it_is_about(ada: Contact) -> None:
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_contact", "view_inbound"]))

    seen = page(at_the_keyboard(user), ada)

    assert "On my way!" in seen
    assert "Your table is ready." not in seen
    assert "Fair of 3 May" not in seen


def test_erasing_and_taking_out_are_offered_to_whoever_may(staff: Client, operator: Client, ada: Contact) -> None:
    for button in ('data-testid="erase"', 'data-testid="export"'):
        assert button in page(operator, ada)
        assert button not in page(staff, ada)


def test_the_form_comes_when_it_is_asked_for_and_with_what_is_wrong_in_it(staff: Client, ada: Contact) -> None:
    assert 'id="id_language"' not in page(staff, ada)
    assert 'id="id_language"' in page(staff, ada, edit="1")

    sent = {"name": "Ada", "language": "x" * 40, "time_zone": "", "country": "", "attributes": ""}
    refused = staff.post(f"/admin/contacts/contact/{ada.pk}/change/", sent)

    assert refused.status_code == 200
    assert "at most 12 characters" in refused.content.decode()


def test_nobody_else_comes_near(nobody: Client, ada: Contact) -> None:
    for below in ("change/", "timeline/"):
        assert nobody.get(f"/admin/contacts/contact/{ada.pk}/{below}").status_code == 403


def test_what_a_person_wrote_is_escaped(staff: Client, ada: Contact) -> None:
    InboundFactory(phone=ada.phone, body="<script>alert(1)</script>")

    assert "<script>alert(1)</script>" not in page(staff, ada)


def test_a_page_costs_the_same_however_much_happened(staff: Client, ada: Contact) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            page(staff, ada)
        return len(seen)

    queries()
    few = queries()
    for _ in range(20):
        MessageFactory(recipient=ada.phone)
        InboundFactory(phone=ada.phone)
    SuppressionFactory(phone=ada.phone)

    assert queries() <= few <= 40
