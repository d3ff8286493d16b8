"""A campaign from its form to its end, as staff do it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import control, materialise
from campaigns.models import Campaign
from delivery.lanes import Lane
from delivery.models import CampaignHold
from delivery.states import Status
from tests import factories
from tests.admin.reading import read

Statuses = Campaign.Status


def ready(**fields: object) -> Campaign:
    """A draft that can be launched to three people, one of whom said stop."""
    factories.DefaultSenderFactory()
    people = factories.ContactFactory.create_batch(3)
    factories.SuppressionFactory(phone=people[0].phone)
    campaign: Campaign = factories.CampaignFactory(include=[factories.ContactListFactory(contacts=people)], **fields)
    return campaign


def url(campaign: Campaign, page: str) -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/{page}/"


def status(campaign: Campaign) -> str:
    return Campaign.objects.values_list("status", flat=True).get(pk=campaign.pk)


def said(html: str, testid: str) -> str:
    found = re.search(rf'data-testid="{testid}"[^>]*>\s*(.*?)\s*</', html, re.DOTALL)
    assert found, f"nothing called {testid}"
    return found[1]


def form(campaign: Campaign, **changes: object) -> dict[str, object]:
    return {"lane": campaign.lane, "max_segments": "", "max_cost": ""} | changes


def test_further_settings_are_those_that_no_step_asks_for_and_leave_the_others(staff: Client) -> None:
    campaign = ready(hold_out_percent=10, spread_minutes=90)

    page = staff.get(url(campaign, "change")).content.decode()
    sent = form(campaign, lane=Lane.REMINDER, max_segments="500", max_cost="12.50", name="Other", hold_out_percent="0")
    answer = staff.post(url(campaign, "change"), sent)

    assert answer["Location"] == url(campaign, "wizard/review")
    asked = set(re.findall(r'name="(\w+)" (?:.*)id="id_\1"', page))
    assert asked == {"lane", "max_segments", "max_cost"}
    before, after = campaign, Campaign.objects.get()
    assert (after.lane, after.max_segments, after.max_cost) == (Lane.REMINDER, 500, Decimal("12.5"))
    assert (after.name, after.hold_out_percent, after.spread_minutes) == (before.name, 10, 90)


def test_they_lead_to_the_wizard_and_its_review_where_a_launch_can_be_undone(staff: Client) -> None:
    campaign = ready()
    page = read(staff.get(url(campaign, "change")).content)
    assert page.find("wizard").links() == [url(campaign, "open")]
    assert page.find("review").links() == [url(campaign, "wizard/review")]
    assert url(campaign, "launch") not in page.links()


def test_the_preflight_says_who_would_get_it(staff: Client) -> None:
    page = staff.get(url(ready(), "preflight")).content.decode()

    assert said(page, "preflight-audience") == "3"
    assert said(page, "preflight-suppressed") == "1"
    assert "Ready to launch" in page


def test_the_preflight_says_what_is_wrong(staff: Client) -> None:
    campaign = ready(body="Hi {{ first_name }}, {{ doctor }} waits.")

    page = staff.get(url(campaign, "preflight")).content.decode()

    assert "2 contacts without “doctor”" in page
    assert "Ready to launch" not in page


def test_a_launch_says_how_many_and_waits_to_be_confirmed(staff: Client) -> None:
    campaign = ready()

    page = staff.get(url(campaign, "launch")).content.decode()
    assert said(page, "launch-count") == "2 people"
    assert status(campaign) == Statuses.DRAFT

    answer = staff.post(url(campaign, "launch"), follow=True)
    assert status(campaign) == Statuses.RUNNING
    assert answer.redirect_chain[-1][0] == url(campaign, "live")
    event = campaign.events.get()
    assert (event.to_status, event.actor is None) == (Statuses.RUNNING, False)


def test_a_launch_that_is_refused_says_why(staff: Client) -> None:
    campaign = factories.CampaignFactory()

    answer = staff.post(url(campaign, "launch"), follow=True).content.decode()

    assert status(campaign) == Statuses.DRAFT
    assert "no list of contacts" in answer


def test_pause_resume_cancel(staff: Client) -> None:
    campaign = ready()
    staff.post(url(campaign, "launch"))

    staff.post(url(campaign, "act/pause"))
    assert status(campaign) == Statuses.PAUSED
    assert CampaignHold.objects.filter(campaign_id=campaign.pk).exists()

    staff.post(url(campaign, "act/resume"))
    assert status(campaign) == Statuses.RUNNING

    assert "cannot be undone" in staff.get(url(campaign, "cancel")).content.decode()
    staff.post(url(campaign, "cancel"), {"reason": "Wrong date"})
    assert status(campaign) == Statuses.CANCELLED
    history = staff.get(url(campaign, "live")).content.decode()
    assert "Wrong date" in history


def test_a_draft_is_given_a_pace_and_a_budget(staff: Client) -> None:
    campaign = ready()

    staff.post(
        url(campaign, "wizard/time"), {"when": "now", "spread_minutes_hours": "1", "spread_minutes_minutes": "30"}
    )
    staff.post(url(campaign, "change"), form(campaign, max_segments="1"))
    campaign.refresh_from_db()
    assert (campaign.spread_minutes, campaign.max_segments) == (90, 1)

    page = staff.get(url(campaign, "preflight")).content.decode()
    assert "About 2 segments would be sent, and it may send 1" in page


def test_a_running_campaign_is_given_other_limits(staff: Client) -> None:
    campaign = ready()
    staff.post(url(campaign, "launch"))
    materialise.freeze(campaign.pk)
    materialise.materialise(campaign.pk, seconds=60)

    assert "Limits of" in staff.get(url(campaign, "limit")).content.decode()
    staff.post(url(campaign, "limit"), {"spread_minutes_hours": "1", "max_segments": ""})

    campaign.refresh_from_db()
    assert (campaign.spread_minutes, campaign.max_segments) == (60, None)
    page = staff.get(url(campaign, "live")).content.decode()
    assert said(page, "waiting-for") == "It is spread over 1 hour: about 2 segments per hour."
    assert "spread over 1 hour, no limit of segments" in page
    refused = staff.post(url(campaign, "limit"), {"spread_minutes_hours": "0", "max_segments": "x"}).content.decode()
    assert "It may be spread over 1 minute to 720 hours." in refused
    assert "Enter a whole number" in refused


def test_why_it_was_paused_stands_on_its_page(staff: Client) -> None:
    campaign = under_way()
    control.pause(campaign=campaign, actor=None, reason="3 of 9 did not arrive.")

    assert said(staff.get(url(campaign, "live")).content.decode(), "waiting-for") == (
        "It is paused. 3 of 9 did not arrive."
    )


def test_a_retry_of_the_failed_says_how_many_and_which_and_waits_to_be_confirmed(staff: Client) -> None:
    campaign = under_way()
    factories.MessageFactory(campaign_id=campaign.pk, contact_id=9, status=Status.FAILED, reason="landline")
    assert 'data-testid="retry"' in staff.get(url(campaign, "live")).content.decode()

    page = " ".join(staff.get(url(campaign, "retry")).content.decode().split())
    assert said(page, "retry-count") == "1 message"
    assert "Handset off or out of reach" in said(page, "retry-kinds")
    assert "A landline" in said(page, "retry-left")
    campaign.refresh_from_db()
    assert campaign.retrying_after is None

    staff.post(url(campaign, "retry"))
    campaign.refresh_from_db()
    assert campaign.retrying_after == 0
    history = staff.get(url(campaign, "live")).content.decode()
    assert "Tries again up to 1 message. Of these, 1: Handset off or out of reach." in history
    assert 'data-testid="retry"' not in history


def test_with_nothing_worth_a_retry_there_is_no_button_for_it(staff: Client) -> None:
    campaign = factories.CampaignFactory(status=Statuses.COMPLETED, launched_at=timezone.now())
    factories.MessageFactory(campaign_id=campaign.pk, contact_id=1, status=Status.FAILED, reason="landline")

    assert 'data-testid="retry"' not in staff.get(url(campaign, "live")).content.decode()
    page = staff.get(url(campaign, "retry")).content.decode()
    assert 'data-testid="retry-nothing"' in page
    assert "confirm-retry" not in page


@pytest.mark.parametrize("page", ["limit", "retry"])
def test_who_may_only_look_moves_nothing(nobody: Client, page: str) -> None:
    campaign = under_way()
    assert nobody.get(url(campaign, page)).status_code == 403
    assert nobody.post(url(campaign, page), {"spread_minutes_minutes": "5"}).status_code == 403


def test_what_cannot_be_done_any_more_is_said(staff: Client) -> None:
    campaign = factories.CampaignFactory(status=Statuses.COMPLETED)

    answer = staff.post(url(campaign, "act/pause"), follow=True).content.decode()

    assert status(campaign) == Statuses.COMPLETED
    assert "it cannot be paused" in answer


def test_a_campaign_is_scheduled_and_made_a_draft_again(staff: Client) -> None:
    campaign = ready()
    at = timezone.now() + timedelta(days=1)

    staff.post(url(campaign, "schedule"), {"at_0": f"{at:%Y-%m-%d}", "at_1": f"{at:%H:%M:%S}"})
    assert status(campaign) == Statuses.SCHEDULED
    assert 'data-testid="unschedule"' in staff.get(url(campaign, "live")).content.decode()

    staff.post(url(campaign, "act/unschedule"))
    assert status(campaign) == Statuses.DRAFT


def test_a_time_that_has_passed_is_refused(staff: Client) -> None:
    campaign = ready()

    answer = staff.post(url(campaign, "schedule"), {"at_0": "2020-01-01", "at_1": "10:00"}, follow=True)

    assert status(campaign) == Statuses.DRAFT
    assert "has passed" in answer.content.decode()


def test_a_draft_that_was_launched_meanwhile_is_not_saved_over(staff: Client) -> None:
    # Given a form that was opened while the campaign was a draft
    campaign = ready()
    sent = form(campaign, max_segments="7")
    staff.post(url(campaign, "launch"))

    answer = staff.post(url(campaign, "change"), sent, follow=True)

    campaign.refresh_from_db()
    assert campaign.status == Statuses.RUNNING
    assert campaign.max_segments is None
    assert "Only a draft can be changed" in answer.content.decode()


@pytest.mark.parametrize("gone", [Statuses.RUNNING, Statuses.COMPLETED, Statuses.CANCELLED])
def test_only_a_draft_can_be_deleted(staff: Client, gone: str) -> None:
    campaign = factories.CampaignFactory(status=gone)

    assert staff.post(url(campaign, "delete"), {"post": "yes"}).status_code == 403


def under_way() -> Campaign:
    campaign: Campaign = factories.CampaignFactory(
        status=Statuses.RUNNING, audience_size=5, launched_at=timezone.now(), materialised_at=timezone.now()
    )
    for contact_id, (state, reason) in enumerate(
        [
            (Status.DELIVERED, ""),
            (Status.DELIVERED, ""),
            (Status.UNDELIVERED, "unreachable"),
            (Status.SUPPRESSED, "opted_out"),
            (Status.QUEUED, ""),
        ],
        start=1,
    ):
        factories.MessageFactory(campaign_id=campaign.pk, contact_id=contact_id, status=state, reason=reason)
    return campaign


def test_the_live_page_accounts_for_everybody(staff: Client) -> None:
    campaign = under_way()

    page = " ".join(staff.get(url(campaign, "progress")).content.decode().split())

    assert 'data-final="4" data-total="5"' in page
    assert 'data-testid="status-delivered" data-count="2"' in page
    assert "Handset off or out of reach" in page
    assert "Opted out" in page
    assert [said(page, f"bar-{key}") for key in ("delivered", "moving", "failed", "stopped", "waiting")] == list(
        "20111"
    )


def test_people_without_a_row_yet_are_waiting(staff: Client) -> None:
    campaign = factories.CampaignFactory(status=Statuses.RUNNING, audience_size=1000, launched_at=timezone.now())

    page = staff.get(url(campaign, "progress")).content.decode()

    assert said(page, "bar-waiting") == "1,000"
    assert "Writing the messages" in page


def test_looking_at_progress_costs_three_queries_of_its_own(staff: Client) -> None:
    page = url(under_way(), "progress")
    # Session, user, and his rights twice: what every page of the admin asks.
    login = 4

    with CaptureQueriesContext(connection) as captured:
        staff.get(page)

    assert len(captured) <= login + 3
    assert not [query for query in captured.captured_queries if "delivery_message" in query["sql"]]


def test_the_page_stops_asking_when_nothing_will_change(staff: Client) -> None:
    open_one, closed = under_way(), factories.CampaignFactory(status=Statuses.COMPLETED, launched_at=timezone.now())

    assert staff.get(url(open_one, "progress")).status_code == 200
    assert staff.get(url(closed, "progress")).status_code == 286


def test_home_shows_what_runs_what_was_and_what_is_next(staff: Client) -> None:
    running = under_way()
    was = factories.CampaignFactory(status=Statuses.COMPLETED, launched_at=timezone.now(), audience_size=1)
    soon = factories.CampaignFactory(status=Statuses.SCHEDULED, scheduled_at=timezone.now() + timedelta(hours=1))
    off = factories.ProviderFactory(enabled=False, disabled_reason="Account suspended")

    for page in ("/admin/", "/admin/live/"):
        html = staff.get(page).content.decode()
        assert all(text in html for text in (running.name, was.name, soon.name, off.name, "Account suspended"))
        assert "4 of 5 (80 %)" in html


def test_home_costs_the_same_with_many_campaigns(staff: Client) -> None:
    under_way()
    with CaptureQueriesContext(connection) as few:
        staff.get("/admin/live/")
    for _ in range(5):
        under_way()

    with CaptureQueriesContext(connection) as many:
        staff.get("/admin/live/")

    assert len(many) == len(few)
    assert not [query for query in many.captured_queries if "delivery_message" in query["sql"]]


def test_home_shows_nothing_to_who_has_no_role(nobody: Client) -> None:
    campaign = under_way()

    assert campaign.name not in nobody.get("/admin/").content.decode()
    assert campaign.name not in nobody.get("/admin/live/").content.decode()
