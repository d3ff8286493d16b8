"""A campaign leaves when everything is right, once, and with what it was at that moment."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from campaigns import launch, readiness, templates
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from tests.campaigns.scenes import at_once
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
    ProviderFactory,
    SenderFactory,
    SuppressionFactory,
    TemplateFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

Status = Campaign.Status
AUTHOR: dict[str, Any] = {"smart_encoding": True, "actor": None}


def ready(**fields: Any) -> Campaign:
    """A draft to one contact, with a default sender: nothing is wrong with it."""
    if "sender" not in fields:
        DefaultSenderFactory()
    fields.setdefault("include", [ContactListFactory(contacts=[ContactFactory()])])
    return CampaignFactory(**fields)


def refusal(campaign: Campaign) -> str:
    with pytest.raises(CampaignError) as refused:
        launch.launch(campaign=campaign, actor=None)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.launched_at) == (Status.DRAFT, None)
    assert not campaign.events.exists()
    return str(refused.value)


# --- the moment itself ------------------------------------------------------------------------------------------


def test_a_launch_freezes_the_text_and_the_sender_and_tells_who_did_it() -> None:
    ada = UserFactory(username="ada")
    campaign = ready()
    version = templates.latest(campaign.template)
    running = launch.launch(campaign=campaign, actor=ada)
    templates.save_version(template=campaign.template, body="Other text", smart_encoding=True, actor=None)
    campaign.refresh_from_db()
    assert running == campaign
    assert campaign.status == Status.RUNNING
    assert campaign.template_version == version
    assert campaign.sender is not None
    assert campaign.sender.is_default
    event = campaign.events.get()
    assert (event.from_status, event.to_status, event.actor, event.actor_label) == ("draft", "running", ada, "ada")


def test_an_api_key_is_named_by_its_label() -> None:
    launch.launch(campaign=(campaign := ready()), actor=None, actor_label="API key Shop")
    assert campaign.events.get().actor_label == "API key Shop"


def test_the_audience_is_frozen_only_after_the_launch_is_committed(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        campaign = launch.launch(campaign=ready(), actor=None)
    assert [callback.args for callback in callbacks] == [(campaign.pk,)]
    assert campaign.audience_size is None


def test_a_second_launch_is_refused() -> None:
    campaign = ready()
    launch.launch(campaign=campaign, actor=None)
    with pytest.raises(CampaignError, match="is running; it cannot be launched"):
        launch.launch(campaign=campaign, actor=None)


@pytest.mark.django_db(transaction=True)
def test_of_launches_at_the_same_time_one_wins_and_the_others_are_told() -> None:
    campaign = ready()
    results = at_once(*[partial(launch.launch, campaign=campaign, actor=None)] * 4)
    assert sorted(type(result).__name__ for result in results) == ["Campaign"] + ["CampaignError"] * 3
    assert campaign.events.count() == 1


# --- refusals ---------------------------------------------------------------------------------------------------


def test_without_a_list_there_is_nobody_to_send_to() -> None:
    assert "no list of contacts" in refusal(ready(include=[]))


def test_an_empty_audience_is_refused() -> None:
    assert "Nobody is on the campaign's lists" in refusal(ready(include=[ContactListFactory()]))


def test_leaving_everyone_out_is_refused() -> None:
    friends = ContactListFactory(contacts=[ContactFactory()])
    assert "Nobody" in refusal(ready(include=[friends], exclude=[friends]))


def test_a_template_without_a_text_is_refused() -> None:
    assert "no text yet" in refusal(ready(template=TemplateFactory()))


def test_an_archived_template_is_refused() -> None:
    campaign = ready()
    campaign.template.archived = True
    campaign.template.save()
    assert "archived" in refusal(campaign)


def test_without_any_sender_the_sentence_says_what_to_set_up() -> None:
    everyone = ContactListFactory(contacts=[ContactFactory()])
    assert "Mark one under Senders" in refusal(CampaignFactory(include=[everyone]))


def test_a_sender_that_is_switched_off_is_refused() -> None:
    assert "+16505550001 is switched off" in refusal(ready(sender=SenderFactory(address="+16505550001", enabled=False)))


def test_a_sender_whose_provider_is_switched_off_is_refused() -> None:
    sender = SenderFactory(provider=ProviderFactory(name="Acme", enabled=False))
    assert "Acme" in refusal(ready(sender=sender))


def test_a_missing_variable_is_refused_by_name_and_number_of_contacts() -> None:
    contacts = [ContactFactory(attributes={"clinic": "Elm"}), *ContactFactory.create_batch(2)]
    campaign = ready(body="At {{ clinic }}.", include=[ContactListFactory(contacts=contacts)])
    assert "2 contacts have no value for “clinic”" in refusal(campaign)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    campaign = CampaignFactory(template=TemplateFactory())
    with pytest.raises(CampaignError) as refused:
        launch.launch(campaign=campaign, actor=None)
    assert len(refused.value.problems) == 3


def test_a_campaign_that_skips_such_contacts_is_launched() -> None:
    campaign = ready(body="At {{ clinic }}.", on_missing=Campaign.OnMissing.SKIP)
    assert launch.launch(campaign=campaign, actor=None).status == Status.RUNNING


# --- who lacks what ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "contact", "lacks"),
    [
        ("{{ name }}", {"name": ""}, True),
        ("{{ name }}", {"name": "", "attributes": {"name": "Ada"}}, False),
        ("{{ first_name }}", {"name": "Ada Byron"}, False),
        ("{{ first_name }}", {"name": " "}, True),
        ("{{ first_name }}", {"name": "", "attributes": {"first_name": "Ada"}}, False),
        ("{{ attributes.first_name }}", {"name": "Ada Byron"}, True),
        ("{{ clinic }}", {"attributes": {"clinic": "Elm"}}, False),
        ("{{ attributes.clinic }}", {"attributes": {"clinic": "Elm"}}, False),
        ("{{ clinic }}", {"attributes": {"clinic": " "}}, True),
        ("{{ clinic }}", {"attributes": {"clinic": None}}, True),
        ("{{ clinic }}", {"attributes": {"clinic": 0}}, False),
        ("{{ clinic | default: 'us' }}", {}, False),
        ("At {% if clinic %}{{ clinic }}{% endif %}", {}, False),
        ("{{ clinic.street }}", {"attributes": {"clinic": {"street": "Elm"}}}, False),
        ("{{ clinic.street }}", {"attributes": {"clinic": {"town": "Ely"}}}, True),
        ("{{ attributes['50% off'] }}", {"attributes": {"50% off": "yes"}}, False),
        ("{{ attributes['50% off'] }}", {}, True),
        ('{{ attributes["o\'clock"] }}', {}, True),
        ("Table ready", {"name": ""}, False),
    ],
)
def test_the_preflight_and_the_rendering_agree_on_who_lacks_a_variable(
    body: str, contact: dict[str, Any], lacks: bool
) -> None:
    ada = ContactFactory(**contact)
    preflight = readiness.preflight(ready(body=body, include=[ContactListFactory(contacts=[ada])]))
    assert [missing.contacts for missing in preflight.missing] == [1] * lacks
    preview = templates.preview(body=body, smart_encoding=True, contact=ada)
    assert (preview.text == "") is lacks


def test_a_preflight_counts_each_contact_once_less_those_left_out() -> None:
    a, b, c, d = ContactFactory.create_batch(4)
    campaign = ready(
        include=[ContactListFactory(contacts=[a, b]), ContactListFactory(contacts=[b, c, d])],
        exclude=[ContactListFactory(contacts=[d])],
    )
    SuppressionFactory(phone=a.phone)
    preflight = readiness.preflight(campaign)
    assert (preflight.audience, preflight.suppressed, preflight.problems) == (3, 1, ())


def test_suppressed_contacts_may_lack_anything() -> None:
    a, b = ContactFactory(attributes={"clinic": "Elm"}), ContactFactory()
    SuppressionFactory(phone=b.phone)
    SuppressionFactory(phone=a.phone, lifted_at=datetime(2026, 1, 1, tzinfo=UTC))
    preflight = readiness.preflight(ready(body="{{ clinic }}", include=[ContactListFactory(contacts=[a, b])]))
    assert (preflight.audience, preflight.suppressed, preflight.missing) == (2, 1, ())


def test_who_said_stop_to_this_sender_is_counted_once_and_to_another_not_at_all() -> None:
    a, b, c = ContactFactory.create_batch(3)
    sender = DefaultSenderFactory()
    campaign = ready(sender=None, include=[ContactListFactory(contacts=[a, b, c])])
    for scope in ("", sender.address):
        SuppressionFactory(phone=a.phone, scope=scope)
    SuppressionFactory(phone=b.phone, scope=sender.address)
    SuppressionFactory(phone=c.phone, scope="ANOTHER")
    assert readiness.preflight(campaign).suppressed == 2


def test_a_preflight_estimates_the_segments_on_real_contacts() -> None:
    contacts = [ContactFactory(name="A"), ContactFactory(name="B" * 170)]
    preflight = readiness.preflight(ready(body="{{ name }}", include=[ContactListFactory(contacts=contacts)]))
    assert (preflight.mean_segments, preflight.most_segments, preflight.estimated_segments) == (1.5, 2, 3)


def test_a_preflight_costs_as_many_queries_for_many_contacts_as_for_one() -> None:
    few = ready()
    many = CampaignFactory(include=[ContactListFactory(contacts=ContactFactory.create_batch(60))])
    assert queries(few) == queries(many)


def queries(campaign: Campaign) -> int:
    with CaptureQueriesContext(transaction.get_connection()) as captured:
        readiness.preflight(Campaign.objects.get(pk=campaign.pk))
    return len(captured)


@pytest.mark.django_db(transaction=True)
def test_the_text_that_leaves_is_the_text_that_was_checked() -> None:
    campaign = ready(body="All good")
    checked = templates.latest(campaign.template)

    def edit_meanwhile(execute: Any, sql: str, *args: Any) -> Any:
        if "contacts_suppression" in sql:
            at_once(partial(templates.save_version, template=campaign.template, body="Oops", **AUTHOR))
        return execute(sql, *args)

    with transaction.get_connection().execute_wrapper(edit_meanwhile):
        running = launch.launch(campaign=campaign, actor=None)
    assert campaign.template.versions.count() == 2
    assert running.template_version == checked


# --- by the clock -----------------------------------------------------------------------------------------------

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


def scheduled(**fields: Any) -> Campaign:
    with time_machine.travel(NOON - timedelta(hours=1), tick=False):
        return launch.schedule(campaign=ready(**fields), at=NOON, actor=None)


def comes_due(*campaigns: Campaign) -> None:
    """Whether a time has come is for the database's clock to say, which no test can turn."""
    Campaign.objects.filter(pk__in=[campaign.pk for campaign in campaigns]).update(scheduled_at=timezone.now())


def test_a_scheduled_campaign_waits_for_its_time_and_is_launched_by_smshub() -> None:
    campaign = scheduled()
    with time_machine.travel(NOON + timedelta(hours=1)):
        assert launch.launch_due() == 0, "the clock of this machine is wrong"
    comes_due(campaign)
    with time_machine.travel(NOON - timedelta(days=4000)):
        assert launch.launch_due() == 1
    campaign.refresh_from_db()
    assert campaign.status == Status.RUNNING
    assert [event.to_status for event in campaign.events.all()] == ["scheduled", "running"]
    assert campaign.events.last().actor_label == "SMSHub"


def test_a_time_that_has_passed_is_refused() -> None:
    with pytest.raises(CampaignError, match="has passed"):
        launch.schedule(campaign=ready(), at=datetime(2020, 1, 1, tzinfo=UTC), actor=None)


def test_a_campaign_that_cannot_be_sent_is_not_scheduled() -> None:
    with pytest.raises(CampaignError, match="no text yet"):
        scheduled(template=TemplateFactory())


def test_the_time_may_be_changed_or_withdrawn() -> None:
    campaign = scheduled()
    with time_machine.travel(NOON - timedelta(minutes=5), tick=False):
        later = launch.schedule(campaign=campaign, at=NOON + timedelta(hours=1), actor=None)
        assert later.scheduled_at == NOON + timedelta(hours=1)
        draft = launch.unschedule(campaign=campaign, actor=None)
    assert (draft.status, draft.scheduled_at) == (Status.DRAFT, None)
    comes_due(campaign)
    assert launch.launch_due() == 0


def test_a_scheduled_launch_that_fails_its_checks_is_a_draft_again_and_says_why() -> None:
    friends = ContactListFactory(contacts=[ContactFactory()])
    campaign, other = scheduled(include=[friends]), None
    other = CampaignFactory(include=[ContactListFactory(contacts=[ContactFactory()])])
    with time_machine.travel(NOON - timedelta(minutes=5), tick=False):
        launch.schedule(campaign=other, at=NOON, actor=None)
    friends.memberships.all().delete()
    comes_due(campaign, other)
    assert launch.launch_due() == 2
    assert launch.launch_due() == 0
    campaign.refresh_from_db()
    other.refresh_from_db()
    assert (campaign.status, other.status) == (Status.DRAFT, Status.RUNNING)
    assert "Nobody is on" in campaign.events.last().reason


@pytest.mark.django_db(transaction=True)
def test_ticks_at_the_same_time_launch_each_campaign_once() -> None:
    everyone = ContactListFactory(contacts=[ContactFactory()])
    DefaultSenderFactory()
    campaigns = CampaignFactory.create_batch(
        4, include=[everyone], status=Status.SCHEDULED, scheduled_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert sum(at_once(*[launch.launch_due] * 3)) == 4
    for campaign in campaigns:
        assert [event.to_status for event in campaign.events.all()] == ["running"]


# --- with a moment to think -------------------------------------------------------------------------------------


def test_launched_soon_it_may_be_taken_back_and_nothing_has_left(settings: Settings) -> None:
    settings.LAUNCH_UNDO_SECONDS = 30
    campaign = launch.launch_soon(campaign=ready(), actor=UserFactory(username="ada"))
    assert campaign.status == Status.SCHEDULED
    assert launch.launch_due() == 0
    launch.unschedule(campaign=campaign, actor=None)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.launched_at, campaign.scheduled_at) == (Status.DRAFT, None, None)
    assert campaign.events.first().reason == "To be launched in 30 seconds, unless that is undone."


def test_not_taken_back_it_is_launched_by_the_first_tick_after(settings: Settings) -> None:
    settings.LAUNCH_UNDO_SECONDS = 30
    campaign = launch.launch_soon(campaign=ready(), actor=None)
    # However late that is, until then it may be taken back
    Campaign.objects.filter(pk=campaign.pk).update(scheduled_at=timezone.now() - timedelta(minutes=5))
    assert launch.launch_due() == 1
    with pytest.raises(CampaignError, match="running"):
        launch.unschedule(campaign=campaign, actor=None)


def test_what_is_wrong_is_said_before_the_moment_begins() -> None:
    with pytest.raises(CampaignError, match="no list"):
        launch.launch_soon(campaign=ready(include=[]), actor=None)


def test_with_no_moment_to_think_it_leaves_at_once(settings: Settings) -> None:
    settings.LAUNCH_UNDO_SECONDS = 0
    assert launch.launch_soon(campaign=ready(), actor=None).status == Status.RUNNING


def test_a_draft_without_a_text_or_with_one_half_written_is_not_launched() -> None:
    campaign = ready(template=None)
    assert "no text yet" in refusal(campaign)
    campaign.draft_text = "Hi {{ fir"
    campaign.save()
    assert "not finished" in refusal(campaign)
