"""Every contact of a frozen audience has one message row, whatever is killed, repeated or done twice at once."""

import os
import random
import signal
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import control, launch, materialise
from campaigns.models import AudienceChunk, AudienceEntry, Campaign
from contacts import digests
from contacts.models import Contact
from delivery.models import Message
from delivery.submit import MAX_BODY
from tests.campaigns import scenes
from tests.campaigns.scenes import assert_everyone_has_one_row, at_once, eventually, frozen, in_child, launched
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
    MessageFactory,
    SuppressionFactory,
)

CHUNK = 10


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materialise, "CHUNK_SIZE", CHUNK)


def everyone() -> list[int]:
    return list(Contact.objects.order_by("pk").values_list("pk", flat=True))


def only_message(campaign: Campaign) -> Message:
    return Message.objects.get(campaign_id=campaign.pk)


# --- the frozen audience ----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(("size", "chunks"), [(1, [(0, 0)]), (10, [(0, 9)]), (25, [(0, 9), (10, 19), (20, 24)])])
def test_freezing_numbers_everyone_and_cuts_chunks(size: int, chunks: list[tuple[int, int]]) -> None:
    campaign = frozen(size)
    entries = AudienceEntry.objects.filter(campaign=campaign).order_by("position")
    assert campaign.audience_size == size
    assert list(entries.values_list("position", "contact_id")) == list(enumerate(everyone()))
    assert list(campaign.chunks.order_by("first").values_list("first", "last")) == chunks


@pytest.mark.django_db
def test_whoever_joins_a_list_after_the_freeze_is_not_in_the_audience() -> None:
    campaign = frozen(3)
    campaign.include.get().contacts.add(ContactFactory())
    materialise.freeze(campaign.pk)
    materialise.materialise(campaign.pk, seconds=60)
    campaign.refresh_from_db()
    assert campaign.audience_size == Message.objects.count() == 3


@pytest.mark.django_db
def test_a_contact_on_two_lists_is_in_the_audience_once_and_not_at_all_if_left_out() -> None:
    DefaultSenderFactory()
    a, b, c = ContactFactory.create_batch(3)
    campaign = CampaignFactory(
        include=[ContactListFactory(contacts=[a, b]), ContactListFactory(contacts=[b, c])],
        exclude=[ContactListFactory(contacts=[c])],
    )
    launch.launch(campaign=campaign, actor=None)
    materialise.freeze(campaign.pk)
    materialise.materialise(campaign.pk, seconds=60)
    assert_everyone_has_one_row(campaign, [a.pk, b.pk])


@pytest.mark.django_db
def test_a_draft_is_not_frozen() -> None:
    materialise.freeze(CampaignFactory(include=[scenes.crowd(1)]).pk)
    assert not AudienceEntry.objects.exists()


@pytest.mark.django_db
def test_an_audience_that_emptied_itself_after_the_launch_is_done_at_once() -> None:
    campaign = launched(2)
    campaign.include.get().memberships.all().delete()
    materialise.freeze(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.audience_size == 0
    assert campaign.materialised_at


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_chunks")
def test_freezing_twice_at_once_freezes_once() -> None:
    campaign = launched(35)
    assert at_once(*[partial(materialise.freeze, campaign.pk)] * 3) == [None] * 3
    assert (AudienceEntry.objects.count(), AudienceChunk.objects.count()) == (35, 4)


@pytest.mark.django_db(transaction=True)
def test_a_freeze_leaves_an_audience_alone_that_another_worker_is_freezing() -> None:
    campaign = launched(5)
    with transaction.atomic():
        materialise.freeze(campaign.pk)
        assert at_once(partial(materialise.freeze, campaign.pk)) == [None]
    assert AudienceEntry.objects.count() == 5


# --- the rows ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_row_is_what_the_contact_will_get() -> None:
    ada = ContactFactory(name="Ada Byron")
    campaign = scenes.materialised(0, ada, body="Hi {{ first_name }}, it’s ready. " + "x" * 150)
    message = only_message(campaign)
    assert message.body == "Hi Ada, it's ready. " + "x" * 150
    assert (message.encoding, message.segments) == ("gsm7", 2)
    assert (message.recipient, message.contact_id) == (ada.phone, ada.pk)
    assert (message.sender, message.provider_id) == (campaign.sender, campaign.sender.provider_id)
    assert (message.status, message.reason, message.lane, message.attempt) == ("queued", "", campaign.lane, 1)
    assert timezone.now() - message.created_at < timedelta(minutes=1)
    assert message.final_at is None


@pytest.mark.django_db
def test_the_text_is_that_of_the_launch_however_the_template_is_edited() -> None:
    campaign = frozen(0, ContactFactory(), body="First text")
    campaign.template.versions.create(number=2, body="Second text")
    materialise.materialise(campaign.pk, seconds=60)
    assert only_message(campaign).body == "First text"


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["opted_out", "invalid_number", "manual"])
def test_whoever_may_not_be_texted_has_a_row_that_says_why(reason: str) -> None:
    ada = ContactFactory()
    SuppressionFactory(phone=ada.phone, reason=reason)
    message = only_message(scenes.materialised(0, ada))
    assert (message.status, message.reason, message.recipient) == ("suppressed", reason, ada.phone)
    assert message.final_at


@pytest.mark.django_db
def test_a_suppression_that_was_lifted_holds_nobody_back() -> None:
    ada = ContactFactory()
    SuppressionFactory(phone=ada.phone, lifted_at=timezone.now())
    assert only_message(scenes.materialised(0, ada)).status == "queued"


@pytest.mark.django_db
def test_a_number_that_was_erased_is_not_texted_although_somebody_made_a_contact_of_it_again() -> None:
    digests.make()
    ada = ContactFactory()
    SuppressionFactory(phone=None, digest=digests.digest(ada.phone), reason="erased")
    digests.forget()
    message = only_message(scenes.materialised(0, ada))
    digests.forget()
    assert (message.status, message.reason) == ("suppressed", "erased")


@pytest.mark.django_db
def test_only_a_stop_to_the_campaigns_own_sender_holds_somebody_back() -> None:
    to_this, to_other = ContactFactory.create_batch(2)
    campaign = frozen(0, to_this, to_other)
    SuppressionFactory(phone=to_this.phone, scope=campaign.sender.address)
    SuppressionFactory(phone=to_other.phone, scope="ANOTHER")
    materialise.materialise(campaign.pk, seconds=60)
    assert set(Message.objects.values_list("recipient", "status", "reason")) == {
        (to_this.phone, "suppressed", "opted_out"),
        (to_other.phone, "queued", ""),
    }


def without_clinic() -> Contact:
    return ContactFactory()


def with_clinic(clinic: Any) -> Callable[[], Contact]:
    return lambda: ContactFactory(attributes={"clinic": clinic})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "contact", "reason"),
    [
        ("At {{ clinic }}", without_clinic, "missing_variable"),
        ("On {{ clinic | date: '%d' }}", with_clinic("not a date"), "missing_variable"),
        ("{% if clinic %}{{ clinic }}{% endif %}", without_clinic, "empty_body"),
        ("{{ clinic }}", with_clinic("x" * (MAX_BODY + 1)), "empty_body"),
    ],
)
def test_a_contact_that_the_text_does_not_fit_is_left_out_with_a_reason(
    body: str, contact: Callable[[], Contact], reason: str
) -> None:
    message = only_message(scenes.materialised(0, contact(), body=body, on_missing="skip"))
    assert (message.status, message.reason, message.body, message.segments) == ("suppressed", reason, "", 0)


@pytest.mark.django_db
def test_a_value_that_went_missing_after_the_launch_leaves_the_contact_out() -> None:
    ada = ContactFactory(attributes={"clinic": "Elm"})
    campaign = frozen(0, ada, body="At {{ clinic }}")
    Contact.objects.filter(pk=ada.pk).update(attributes={})
    materialise.materialise(campaign.pk, seconds=60)
    assert only_message(campaign).reason == "missing_variable"


@pytest.mark.django_db
def test_a_contact_deleted_after_the_freeze_still_has_a_row() -> None:
    ada, bob = ContactFactory.create_batch(2)
    gone = ada.pk
    campaign = frozen(0, ada, bob)
    ada.delete()
    materialise.materialise(campaign.pk, seconds=60)
    assert_everyone_has_one_row(campaign, [gone, bob.pk])
    message = Message.objects.get(contact_id=gone)
    assert (message.status, message.reason, message.recipient) == ("suppressed", "contact_deleted", "")


@pytest.mark.django_db
def test_what_a_contact_holds_is_never_evaluated() -> None:
    ada = ContactFactory(name="{{ phone }}", attributes={"n": "{% raw %}\\N\t"})
    assert only_message(scenes.materialised(0, ada, body="{{ name }} {{ n }}.")).body == "{{ phone }} {% raw %}\\N ."


# --- in chunks --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
def test_everyone_has_a_row_and_the_audience_is_put_away() -> None:
    campaign = scenes.materialised(25)
    assert_everyone_has_one_row(campaign, everyone())
    assert campaign.materialised_at
    assert not AudienceEntry.objects.exists()
    assert not campaign.chunks.filter(done_at=None).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
def test_doing_it_again_changes_nothing() -> None:
    campaign = scenes.materialised(25)
    before = list(Message.objects.order_by("pk").values())
    at = campaign.materialised_at
    assert materialise.materialise(campaign.pk, seconds=60) is False
    campaign.refresh_from_db()
    assert (list(Message.objects.order_by("pk").values()), campaign.materialised_at) == (before, at)


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
def test_a_row_that_is_there_already_is_left_as_it_is() -> None:
    campaign = frozen(15)
    first = everyone()[0]
    sent = MessageFactory(campaign_id=campaign.pk, contact_id=first, status="delivered", sender=campaign.sender)
    materialise.materialise(campaign.pk, seconds=60)
    sent.refresh_from_db()
    assert sent.status == "delivered"
    assert_everyone_has_one_row(campaign, everyone())


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
def test_it_stops_when_its_time_is_up_and_says_that_something_is_left() -> None:
    campaign = frozen(25)
    assert materialise.materialise(campaign.pk, seconds=0) is True
    campaign.refresh_from_db()
    assert (Message.objects.count(), campaign.materialised_at) == (CHUNK, None)
    assert materialise.materialise(campaign.pk, seconds=60) is False
    assert_everyone_has_one_row(campaign, everyone())


@pytest.mark.django_db
def test_a_chunk_takes_as_many_queries_for_many_contacts_as_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materialise, "CHUNK_SIZE", 100)
    campaign = frozen(203)
    materialise.materialise_chunk(campaign.pk)  # a process reads the month's key for texts once
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(transaction.get_connection()) as captured:
            assert materialise.materialise_chunk(campaign.pk)
        counts.append(len(captured))
    assert Message.objects.count() == 203
    # The savepoint and its release; the chunk, prices, consents held still, its entries, the contacts; stage, copy,
    # rows; the end.
    assert counts == [11, 11]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_chunks")
def test_several_workers_share_a_campaign() -> None:
    campaign = frozen(200)
    assert at_once(*[partial(materialise.materialise, campaign.pk, seconds=60)] * 4) == [False] * 4
    campaign.refresh_from_db()
    assert campaign.materialised_at
    assert_everyone_has_one_row(campaign, everyone())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_chunks")
def test_nobody_says_that_everyone_has_a_row_while_a_worker_still_has_a_chunk() -> None:
    campaign = frozen(20)
    with transaction.atomic():
        assert materialise.materialise_chunk(campaign.pk)
        (left,) = at_once(partial(materialise.materialise, campaign.pk, seconds=60))
        assert left is False
        assert not Campaign.objects.get(pk=campaign.pk).materialised_at
    materialise.materialise(campaign.pk, seconds=60)
    assert Campaign.objects.get(pk=campaign.pk).materialised_at


# --- killed -----------------------------------------------------------------------------------------------------


def resume_until_done(campaign: Campaign) -> None:
    """As the tick does: again and again, for a dead worker's chunk is free only when Postgres has noticed."""

    def done() -> bool:
        materialise.materialise(campaign.pk, seconds=60)
        return bool(Campaign.objects.get(pk=campaign.pk).materialised_at)

    eventually(done)


def worker(campaign: Campaign) -> Any:
    return in_child(f"from campaigns import materialise; materialise.materialise({campaign.pk}, seconds=60)")


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_within_a_chunk_leaves_it_whole() -> None:
    campaign = frozen(1500)
    with transaction.atomic(), connection.cursor() as cursor:
        # The worker has taken the chunk's entries away and now waits to insert its rows.
        cursor.execute("LOCK TABLE delivery_message IN EXCLUSIVE MODE")
        child = worker(campaign)
        eventually(lambda: is_waiting(cursor))
        child.kill()
        assert child.wait(10) == -signal.SIGKILL
    resume_until_done(campaign)
    assert_everyone_has_one_row(campaign, everyone())


def is_waiting(cursor: Any) -> bool:
    cursor.execute("SELECT FROM pg_locks WHERE NOT granted AND relation = 'delivery_message'::regclass")
    return cursor.fetchone() is not None


@pytest.mark.django_db(transaction=True)
def test_workers_killed_again_and_again_neither_skip_nor_repeat_anybody() -> None:
    campaign = frozen(30_000)
    for _ in range(3):
        children = [worker(campaign), worker(campaign)]
        so_far = Message.objects.count()
        eventually(lambda so_far=so_far: Message.objects.count() > so_far + random.randrange(3000))
        for child in children:
            os.kill(child.pid, signal.SIGKILL)
            child.wait(10)
    resume_until_done(campaign)
    assert_everyone_has_one_row(campaign, everyone())


# --- cancelled meanwhile ----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("small_chunks")
def test_the_rest_of_a_cancelled_campaign_has_rows_too() -> None:
    campaign = frozen(25)
    materialise.materialise_chunk(campaign.pk)
    control.cancel(campaign=campaign, actor=None)
    materialise.materialise(campaign.pk, seconds=60)
    assert_everyone_has_one_row(campaign, everyone())
    assert {key: count for key, (count, _) in scenes.rows_by_status(campaign).items()} == {
        ("queued", ""): CHUNK,
        ("cancelled", ""): 25 - CHUNK,
    }
    assert not Message.objects.filter(status="cancelled", final_at=None).exists()
