"""What goes to many people is let go by somebody who did not write it, and only as it was when they said yes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from pytest_django import Settings

from campaigns import approval, launch, readiness, templates
from campaigns.errors import CampaignError
from campaigns.links import naming
from campaigns.models import Campaign
from tests.campaigns.scenes import crowd
from tests.factories import (
    AdministratorFactory,
    CampaignFactory,
    ContactFactory,
    DefaultSenderFactory,
    MembershipFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

Status = Campaign.Status
PEOPLE = 11


@pytest.fixture(autouse=True)
def _above_ten(settings: Settings) -> None:
    settings.APPROVAL_ABOVE = 10


@pytest.fixture
def author() -> User:
    user: User = UserFactory(username="ada")
    return user


@pytest.fixture
def approver() -> User:
    user: User = UserFactory(username="bob")
    user.user_permissions.add(Permission.objects.get(codename="approve_campaign"))
    return user


@pytest.fixture
def draft(author: User) -> Campaign:
    DefaultSenderFactory()
    campaign: Campaign = CampaignFactory(include=[crowd(PEOPLE)], created_by=author)
    return campaign


def approved(draft: Campaign, author: User, approver: User) -> Campaign:
    asked = approval.ask(campaign=draft, actor=author, people=PEOPLE)
    approval.decide(campaign=draft, actor=approver, seen=asked.fingerprint, granted=True)
    return draft


def refusal(verb: Callable[..., Any], draft: Campaign, **given: Any) -> str:
    with pytest.raises(CampaignError) as refused:
        verb(campaign=Campaign.objects.get(pk=draft.pk), **given)
    return str(refused.value)


def test_without_approval_it_is_neither_launched_nor_scheduled_by_anybody(draft: Campaign) -> None:
    root = AdministratorFactory()
    why = "It goes to 11 people. Above 10 somebody else must approve it first: ask for that."
    assert refusal(launch.launch, draft, actor=root) == why
    assert refusal(launch.launch_soon, draft, actor=root) == why
    assert refusal(launch.schedule, draft, actor=None, at=timezone.now() + timedelta(days=1)) == why
    assert why in readiness.preflight(draft).problems


def test_who_goes_to_few_or_where_it_is_not_asked_for_needs_none(draft: Campaign, settings: Settings) -> None:
    settings.APPROVAL_ABOVE = PEOPLE
    assert not readiness.preflight(draft).problems
    settings.APPROVAL_ABOVE = 0
    assert launch.launch(campaign=draft, actor=None).status == Status.RUNNING


def test_approved_it_is_launched_and_its_history_says_who_asked_and_who_said_yes(
    draft: Campaign, author: User, approver: User
) -> None:
    approved(draft, author, approver)
    assert launch.launch(campaign=draft, actor=author).status == Status.RUNNING
    assert list(draft.events.values_list("actor_label", "reason")) == [
        ("ada", "Asked for approval: 11 people."),
        ("bob", "Approved for 11 people."),
        ("ada", ""),
    ]


def test_who_is_held_out_is_neither_asked_about_nor_counted_against_it(
    draft: Campaign, author: User, approver: User, settings: Settings
) -> None:
    settings.APPROVAL_ABOVE = 5
    Campaign.objects.filter(pk=draft.pk).update(hold_out_percent=40)
    draft.refresh_from_db()
    people = readiness.preflight(draft).recipients
    assert people == PEOPLE - 4

    asked = approval.ask(campaign=draft, actor=author, people=people)
    approval.decide(campaign=draft, actor=approver, seen=asked.fingerprint, granted=True)

    assert launch.launch(campaign=draft, actor=author).status == Status.RUNNING


def test_asked_for_it_waits(draft: Campaign, author: User) -> None:
    approval.ask(campaign=draft, actor=author, people=PEOPLE)
    assert refusal(launch.launch, draft, actor=author) == "It waits for somebody else to approve it."


def test_nobody_approves_their_own_or_what_they_ask_for_or_without_the_right(
    draft: Campaign, author: User, approver: User
) -> None:
    somebody = UserFactory()
    root = AdministratorFactory()
    draft.created_by = root
    draft.save()
    asked = approval.ask(campaign=draft, actor=approver, people=PEOPLE)
    for user in (root, approver, somebody):
        assert "by somebody else with the right to" in refusal(
            approval.decide, draft, actor=user, seen=asked.fingerprint, granted=True
        )


def test_declined_it_says_why_until_it_is_changed_and_asked_for_again(
    draft: Campaign, author: User, approver: User
) -> None:
    asked = approval.ask(campaign=draft, actor=author, people=PEOPLE)
    approval.decide(campaign=draft, actor=approver, seen=asked.fingerprint, granted=False, reason="Wrong date.")
    assert refusal(launch.launch, draft, actor=author) == "It was not approved. Wrong date. Change it and ask again."
    assert draft.events.last().reason == "Not approved. Wrong date."  # type: ignore[union-attr]


def another_text(draft: Campaign) -> None:
    assert draft.template
    templates.save_version(template=draft.template, body="Something else", smart_encoding=True, actor=None)


def another_list(draft: Campaign) -> None:
    draft.include.add(MembershipFactory().contact_list)


def another_link(draft: Campaign) -> None:
    naming.replace(draft, [{"name": "link", "target": "https://example.org/else"}])


def another_pace(draft: Campaign) -> None:
    Campaign.objects.filter(pk=draft.pk).update(spread_minutes=5)


def another_sender(draft: Campaign) -> None:
    Campaign.objects.filter(pk=draft.pk).update(sender=DefaultSenderFactory(is_default=False))


@pytest.mark.parametrize("change", [another_text, another_list, another_link, another_pace, another_sender])
def test_whatever_is_changed_the_approval_is_void(
    draft: Campaign, author: User, approver: User, change: Callable[[Campaign], None]
) -> None:
    approved(draft, author, approver)
    change(draft)
    assert "not what somebody was asked to approve any more" in refusal(launch.launch, draft, actor=author)


def test_an_approval_for_now_is_none_for_another_time(draft: Campaign, author: User, approver: User) -> None:
    approved(draft, author, approver)
    at = timezone.now() + timedelta(days=3)
    assert "not what somebody was asked" in refusal(launch.schedule, draft, actor=author, at=at)
    assert launch.launch_soon(campaign=draft, actor=author).status == Status.SCHEDULED


def test_an_approval_for_a_time_is_for_that_time(draft: Campaign, author: User, approver: User) -> None:
    draft.scheduled_at = at = timezone.now() + timedelta(days=3)
    draft.save()
    approved(draft, author, approver)
    assert "not what somebody was asked" in refusal(launch.launch, draft, actor=author)
    launch.schedule(campaign=draft, actor=author, at=at)
    assert "not what somebody was asked" in refusal(launch.launch, draft, actor=author)
    # When the time has come
    Campaign.objects.filter(pk=draft.pk).update(scheduled_at=(past := timezone.now() - timedelta(seconds=1)))
    draft.approvals.update(at=past)
    launch.launch_due()
    draft.refresh_from_db()
    assert draft.status == Status.RUNNING


def test_what_was_looked_at_is_what_is_approved(draft: Campaign, author: User, approver: User) -> None:
    asked = approval.ask(campaign=draft, actor=author, people=PEOPLE)
    another_text(draft)
    changed = "It has been changed since you looked at it"
    assert changed in refusal(approval.decide, draft, actor=approver, seen=asked.fingerprint, granted=True)
    again = approval.ask(campaign=draft, actor=author, people=PEOPLE)
    assert changed in refusal(approval.decide, draft, actor=approver, seen=asked.fingerprint, granted=True)
    assert approval.decide(campaign=draft, actor=approver, seen=again.fingerprint, granted=True).granted


def test_lists_may_grow_by_a_tenth_and_no_more(draft: Campaign, author: User, approver: User) -> None:
    approved(draft, author, approver)
    MembershipFactory(contact_list=(everyone := draft.include.get()), contact=ContactFactory())
    assert not readiness.preflight(draft).problems
    MembershipFactory(contact_list=everyone, contact=ContactFactory())
    assert readiness.preflight(draft).problems == ("It was approved for 11 people and would go to 13 now: ask again.",)


def test_a_scheduled_campaign_that_grew_beyond_is_not_launched_and_says_why(
    draft: Campaign, settings: Settings
) -> None:
    settings.APPROVAL_ABOVE = PEOPLE
    launch.schedule(campaign=draft, actor=None, at=timezone.now() + timedelta(days=1))
    MembershipFactory(contact_list=draft.include.get(), contact=ContactFactory())
    Campaign.objects.filter(pk=draft.pk).update(scheduled_at=timezone.now())
    launch.launch_due()
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT
    assert "Not launched. It goes to 12 people." in draft.events.last().reason  # type: ignore[union-attr]
