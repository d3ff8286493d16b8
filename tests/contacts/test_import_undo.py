"""An import taken back: what it did is undone, what was done since stays, and both are counted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts import lists, tasks
from contacts.consents import standing
from contacts.importing import undo
from contacts.importing.read import ImportProblem
from contacts.importing.run import prepare, run, start_undo
from contacts.models import ConsentEvent, Contact, ContactImport, ContactList, ImportTrace, Membership
from contacts.signals import contacts_leaving
from tests.conversation_factories import ConversationFactory
from tests.factories import (
    ConsentEventFactory,
    ContactFactory,
    ContactListFactory,
    InboundFactory,
    MessageFactory,
    UserFactory,
)
from tests.reminder_factories import AppointmentFactory

pytestmark = pytest.mark.django_db
Status = ContactImport.Status
ANN, BEA, CLÉO = "+33612345678", "+33612345679", "+33612345680"
PEOPLE = "Phone,Name,City\n06 12 34 56 78,Ann,Lyon\n06 12 34 56 79,Béa,\n"


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def imported(data: str = PEOPLE, *, contact_list: ContactList | None = None, agreed: str = "") -> ContactImport:
    return run(
        prepare(
            file=ContentFile(data.encode()),
            original_name="people.csv",
            default_country="FR",
            contact_list=contact_list,
            actor=None,
            consent_source="Fair" if agreed else "",
            consent_at=datetime.fromisoformat(agreed).replace(tzinfo=UTC) if agreed else None,
        )
    )


def undone(upload: ContactImport) -> dict[str, int]:
    start_undo(upload, actor=User.objects.filter(username="grace").first() or UserFactory(username="grace"))
    tasks.undo_import(upload.pk)
    upload.refresh_from_db()
    assert upload.status == Status.UNDONE
    found: dict[str, int] = upload.undone
    return found


def everything() -> list[Any]:
    people = Contact.objects.order_by("phone").values_list("phone", "name", "language", "country", "attributes")
    on_lists = Membership.objects.order_by("contact__phone").values_list("contact__phone", "contact_list__name")
    return [*people, *on_lists, *ContactList.objects.order_by("name").values_list("name", "size")]


def test_whatever_an_import_did_is_undone() -> None:
    # Given somebody who is known, somebody who is known and on the list, and a list that somebody else is on
    ContactFactory(phone=ANN, name="Anne", country="", attributes={"City": "Paris", "vip": True})
    friends = ContactListFactory(name="Friends", contacts=[ContactFactory(phone="+14155550123")])
    before = everything()

    # When a file changes one, adds another, puts both on the list, and is taken back
    upload = imported(contact_list=friends)
    assert everything() != before
    counts = undone(upload)

    # Then all is as it was, and counted
    assert everything() == before
    assert counts == {"removed": 1, "restored": 1, "unlisted": 1}
    assert (upload.undone_by and upload.undone_by.username) == "grace"


def test_a_contact_that_was_changed_since_stays_as_it_is_but_for_the_list() -> None:
    ContactFactory(phone=ANN, name="Anne")
    friends = ContactListFactory(name="Friends")
    upload = imported(contact_list=friends)
    for contact in Contact.objects.all():
        contact.name = f"{contact.name} Byron"
        contact.save()

    counts = undone(upload)

    assert list(Contact.objects.order_by("phone").values_list("name", flat=True)) == ["Ann Byron", "Béa Byron"]
    assert not friends.contacts.exists()
    assert counts == {"kept_changed": 1, "kept_newer": 1, "unlisted": 2}


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (lambda ann: MessageFactory(recipient=ANN), "kept_written"),
        (lambda ann: InboundFactory(phone=ANN), "kept_written"),
        (lambda ann: AppointmentFactory(contact=ann), "kept_named"),
        (lambda ann: ConversationFactory(contact=ann), "kept_named"),
        (lambda ann: lists.add(contact_list=ContactListFactory(), contact_ids=[ann.pk]), "kept_named"),
    ],
)
def test_a_contact_that_something_was_done_with_since_stays(happens: Any, why: str) -> None:
    upload = imported()
    happens(Contact.objects.get(phone=ANN))

    counts = undone(upload)

    assert list(Contact.objects.values_list("phone", flat=True)) == [ANN]
    assert counts == {why: 1, "removed": 1}


def test_what_a_later_import_changed_is_kept_and_that_one_can_be_undone_first() -> None:
    ContactFactory(phone=ANN, name="Anne", attributes={})
    first = imported("Phone,Name\n0612345678,Ann\n")
    second = imported("Phone,Name\n0612345678,Annie\n")

    assert undone(second) == {"restored": 1}
    assert Contact.objects.get().name == "Ann"
    assert undone(first) == {"kept_newer": 1}


def test_whoever_was_put_on_the_list_again_since_stays_on_it() -> None:
    ann, friends = ContactFactory(phone=ANN, time_zone="Europe/Paris"), ContactListFactory()
    upload = imported("Phone\n0612345678\n", contact_list=friends)
    lists.remove(contact_list=friends, contact_ids=[ann.pk])
    lists.add(contact_list=friends, contact_ids=[ann.pk])

    assert undone(upload) == {}
    assert friends.contacts.get() == ann


def test_consents_are_taken_back_by_further_lines() -> None:
    # Given a file that says two people agreed, of whom one had agreed before, and one who agrees herself later
    ConsentEventFactory(phone=ANN, purpose="marketing", at=datetime(2025, 1, 1, tzinfo=UTC))
    data = PEOPLE + "06 12 34 56 80,Cléo,\n"
    upload = imported(data, contact_list=ContactListFactory(is_marketing=True), agreed="2026-05-03")
    ConsentEventFactory(phone=CLÉO, purpose="marketing", at=datetime(2026, 6, 1, tzinfo=UTC))
    lines = ConsentEvent.objects.count()

    # When it is taken back
    counts = undone(upload)

    # Then nobody may be written to on its word, and the ledger says why; what people said themselves stands
    assert counts["consents"] == 2
    assert standing.may_text([ANN, BEA, CLÉO], "marketing") >= {ANN, CLÉO}
    assert standing.state_of(BEA, "marketing") == standing.Standing.WITHDRAWN
    assert ConsentEvent.objects.count() == lines + 2
    last = ConsentEvent.objects.filter(phone=BEA).latest("pk")
    assert (last.evidence, last.recorded_by) == (f"Import {upload.pk} was undone.", "grace")


def test_an_undo_that_dies_leaves_all_as_it_was_and_is_taken_up_again() -> None:
    upload = imported(contact_list=ContactListFactory())
    before = everything()

    def dies(**_: object) -> set[str]:
        raise OperationalError("the connection is lost")

    start_undo(upload, actor=None)
    contacts_leaving.connect(dies)
    try:
        with pytest.raises(OperationalError):
            tasks.undo_import(upload.pk)
    finally:
        contacts_leaving.disconnect(dies)
    upload.refresh_from_db()
    assert (upload.status, everything()) == (Status.UNDOING, before)

    tasks.undo_import(upload.pk)
    tasks.undo_import(upload.pk)

    upload.refresh_from_db()
    assert (upload.status, upload.undone, Contact.objects.count()) == (Status.UNDONE, {"removed": 2}, 0)


def test_an_undo_that_cannot_be_leaves_a_finished_import_with_the_reason() -> None:
    upload = imported()

    def is_wrong(**_: object) -> set[str]:
        raise ValueError("not this time")

    start_undo(upload, actor=None)
    contacts_leaving.connect(is_wrong)
    try:
        tasks.undo_import(upload.pk)
    finally:
        contacts_leaving.disconnect(is_wrong)

    upload.refresh_from_db()
    assert (upload.status, Contact.objects.count()) == (Status.DONE, 2)
    assert "nothing was undone" in upload.error
    assert undo.is_possible(upload)


def test_only_a_finished_import_of_the_last_seven_days_can_be_undone() -> None:
    upload = imported()
    undone(upload)
    with pytest.raises(ImportProblem, match="finished"):
        start_undo(upload, actor=None)

    old = imported()
    ContactImport.objects.filter(pk=old.pk).update(undo_until=timezone.now() - timedelta(minutes=1))
    with pytest.raises(ImportProblem, match="seven days"):
        start_undo(old, actor=None)


def test_what_contacts_were_is_kept_no_longer_than_it_can_be_undone() -> None:
    ContactFactory(phone=ANN, name="Anne")
    old, new = imported(), imported("Phone,Name\n0612345678,Annie\n")
    ContactImport.objects.filter(pk=old.pk).update(undo_until=timezone.now() - timedelta(minutes=1))

    assert (undo.forget_old(), undo.forget_old()) == (1, 0)

    kept = {(trace.import_id, trace.act): trace.before for trace in ImportTrace.objects.all()}
    assert kept[old.pk, ImportTrace.Act.CHANGED] is None
    assert (kept[new.pk, ImportTrace.Act.CHANGED] or {})["name"] == "Ann"
    assert (old.pk, ImportTrace.Act.ADDED) in kept, "where a contact came from stays known"


def test_the_same_file_again_leaves_no_trace() -> None:
    imported()
    again = imported()

    assert not ImportTrace.objects.filter(import_id=again.pk).exists()


def test_the_number_of_statements_does_not_depend_on_the_number_of_contacts() -> None:
    def statements(rows: int, start: int) -> int:
        numbers = "".join(f"+336{number:08d}\n" for number in range(start, start + rows))
        upload = imported(f"Phone\n{numbers}")
        start_undo(upload, actor=None)
        with CaptureQueriesContext(connection) as seen:
            tasks.undo_import(upload.pk)
        assert not Contact.objects.exists()
        return len(seen)

    assert statements(400, 12_000_000) == statements(4, 13_000_000)
