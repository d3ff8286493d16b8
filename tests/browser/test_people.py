"""Staff bring a file in and take it back, look at one person, and answer what they wrote."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import Contact, ContactList
from delivery.models import Provider
from tests.browser.conftest import SCREENSHOTS, log_in
from tests.conversation_factories import CannedReplyFactory, ConversationFactory
from tests.factories import ConsentEventFactory, InboundFactory, MessageFactory, SuppressionFactory
from tests.hub import Hub
from tests.reminder_factories import AppointmentFactory

pytestmark = [pytest.mark.browser, pytest.mark.pipeline]

FILE = """Mobile,Name,Clinic
+1 415 555 0123,Ada Byron,Elm Street
+1 415 555 0124,Grace Hopper,Elm Street
not a number,Somebody,Elm Street
+1 415 555 01,Too Short,Oak Lane
"""
PATIENCE = 60_000


def test_a_file_is_tried_imported_and_taken_back(hub: Hub, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "patients.csv"
    file.write_text(FILE)
    friends = ContactList.objects.create(name="Patients")
    log_in(page, hub.url)

    # They see what each column would become, and try it
    page.goto(f"{hub.url}/admin/contacts/contactimport/add/")
    page.set_input_files("input[type=file]", file)
    page.select_option("#id_contact_list", str(friends.pk))
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("mapping")).to_contain_text("Ada Byron")
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("import-status")).to_have_text("Checked", timeout=PATIENCE)
    expect(page.get_by_test_id("created")).to_have_text("2")
    expect(page.get_by_test_id("problems")).to_contain_text("+1 415 555 01 · Too Short")
    expect(page.get_by_test_id("import-state")).to_contain_text("2 rows are left out.")
    page.screenshot(path=SCREENSHOTS / "import.png", full_page=True)

    # They import it, and think better of it
    page.get_by_test_id("run").click()
    expect(page.get_by_test_id("import-status")).to_have_text("Done", timeout=PATIENCE)
    assert Contact.objects.count() == 2
    page.screenshot(path=SCREENSHOTS / "import-done.png", full_page=True)
    page.get_by_test_id("undo").click()
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("undone")).to_contain_text("Undone", timeout=PATIENCE)
    page.screenshot(path=SCREENSHOTS / "import-undone.png", full_page=True)
    assert not Contact.objects.exists()


def person() -> Contact:
    """Somebody with a past, who has just written."""
    ada = Contact.objects.create(
        phone="+14155550123", name="Ada Byron", language="en", country="US", time_zone="America/Los_Angeles"
    )
    sender = Provider.objects.get(adapter="twilio").senders.get()
    ConsentEventFactory(phone=ada.phone, purpose="marketing", at=timezone.now() - timedelta(days=30))
    suppressed = SuppressionFactory(phone=ada.phone, lifted_at=timezone.now() - timedelta(days=9))
    type(suppressed).objects.update(created_at=timezone.now() - timedelta(days=12))
    MessageFactory(
        recipient=ada.phone,
        sender=sender,
        provider=sender.provider,
        status="delivered",
        body="Your check-up is on Thursday at 14:30. Reply 1 to confirm.",
    )
    InboundFactory(
        phone=ada.phone, provider=sender.provider, recipient=sender.address, body="May I bring my dog? He is small."
    )
    ConversationFactory(contact=ada, phone=ada.phone, sender=sender, unread=True)
    AppointmentFactory(
        contact=ada, kind="check-up", starts_at=timezone.now() + timedelta(days=3), time_zone="America/Los_Angeles"
    )
    other = Contact.objects.create(phone="+14155550124", name="Grace Hopper")
    ConversationFactory(
        contact=other, phone=other.phone, sender=sender, last_text_at=timezone.now() - timedelta(hours=2)
    )
    CannedReplyFactory(name="Our address", body="We are at 12 Elm Street.")
    return ada


def test_a_person_is_looked_at_and_answered(hub: Hub, page: Page) -> None:
    hub.provider()
    ada = person()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in(page, hub.url)

    # From the list of conversations to the one that is unread
    page.goto(f"{hub.url}/admin/campaigns/conversation/")
    page.screenshot(path=SCREENSHOTS / "conversations.png", full_page=True)
    page.get_by_role("link", name="Ada Byron").first.click()
    expect(page.get_by_test_id("text-in")).to_contain_text("May I bring my dog?")

    # They answer by keyboard, from a canned reply, and the page says how long it is and what became of it
    page.keyboard.press("Alt+KeyR")
    page.keyboard.type("Of course. ")
    page.select_option("#canned", label="Our address")
    expect(page.get_by_test_id("reply-body")).to_have_value("Of course. We are at 12 Elm Street.")
    expect(page.get_by_test_id("segments")).to_contain_text("1 segment")
    page.screenshot(path=SCREENSHOTS / "inbox.png")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("text-out").last).to_contain_text("12 Elm Street")
    page.get_by_test_id("appointment").get_by_test_id("confirm").click()
    expect(page.get_by_test_id("appointment")).to_contain_text("Confirmed")

    # A text that comes meanwhile appears by itself, and the next conversation is a key away
    InboundFactory(
        phone=ada.phone,
        provider=Provider.objects.get(adapter="twilio"),
        recipient=Provider.objects.get(adapter="twilio").senders.get().address,
        body="Thank you!",
    )
    expect(page.get_by_test_id("text-in").last).to_contain_text("Thank you!")
    page.set_viewport_size({"width": 400, "height": 860})
    page.screenshot(path=SCREENSHOTS / "inbox-phone.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_test_id("who")).to_have_text("Grace Hopper")

    # And of the person there is all that happened
    page.goto(f"{hub.url}/admin/contacts/contact/{ada.pk}/change/")
    timeline = page.get_by_test_id("timeline")
    for told in ("check-up", "12 Elm Street", "May I bring my dog?", "Marketing: Agreed", "May be texted again"):
        expect(timeline).to_contain_text(told)
    page.screenshot(path=SCREENSHOTS / "contact.png", full_page=True)
    page.evaluate("document.documentElement.classList.add('dark')")
    page.screenshot(path=SCREENSHOTS / "contact-dark.png", full_page=True)
    page.get_by_test_id("edit").click()
    expect(page.locator("#id_name")).to_have_value("Ada Byron")
    assert not errors
