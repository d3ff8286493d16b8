"""The wizard's last step: what a launch would mean, a test to oneself, approval by somebody else, and the way back."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from campaigns import approval
from campaigns.models import Campaign
from delivery.lanes import Lane
from delivery.models import Message
from tests import factories
from tests.admin.conftest import at_the_keyboard
from tests.admin.reading import read
from tests.admin.wizard_scenes import HTMX, begun, page, ready, url, written
from tests.variant_factories import VariantFactory

pytestmark = pytest.mark.django_db

Status = Campaign.Status


# --- review, test and launch ------------------------------------------------------------------------------------------


def test_the_review_says_who_gets_it_what_it_costs_and_how_long_it_takes(staff: Client) -> None:
    campaign = ready()
    checks = read(staff.get(page(campaign, "checks")).content)
    assert checks.find("recipients").text == "2"
    assert checks.find("takes").text == "about a minute"
    # Without a list of prices no number stands for what is not known
    assert checks.find("estimated-cost").text == "no price is known"
    assert checks.find("countries-total").text == "Total 2 –"
    assert "Launch to 2 people" in checks.find("go").text


def test_the_review_says_which_share_gets_which_text_and_which_gets_none(staff: Client) -> None:
    campaign = VariantFactory(body="Table ready!", percent=30, campaign=ready(hold_out_percent=10)).campaign

    review = read(staff.get(url(campaign, "review")).content)

    assert "Variant A, 60 %" in review.find("review-variant-A").text
    assert "Variant B, 30 %" in review.find("review-variant-B").text
    assert review.find("review-hold-out").text == "No text, 10 %"


def test_a_campaign_with_one_text_has_no_variants_in_its_review(staff: Client) -> None:
    assert "Variant" not in read(staff.get(url(ready(), "review")).content).find("summary").text


def test_what_is_wrong_leads_to_the_step_that_mends_it(staff: Client) -> None:
    checks = read(staff.get(page(begun(), "checks")).content)
    assert set(checks.find("wrong").links()) == {url(Campaign.objects.get(), step) for step in ("audience", "message")}
    assert not checks.find("go").text


def test_what_no_step_is_about_is_mended_among_all_settings(staff: Client) -> None:
    campaign = ready(max_segments=1)
    checks = read(staff.get(page(campaign, "checks")).content)
    assert checks.find("wrong").links() == [page(campaign, "change")]


def test_a_launch_waits_for_a_moment_and_is_undone(staff: Client, settings: Settings) -> None:
    settings.LAUNCH_UNDO_SECONDS = 30
    campaign = ready()

    live = staff.post(page(campaign, "go"), follow=True)

    assert live.redirect_chain[-1][0] == page(campaign, "live")
    assert "Leaves in" in read(live.content).find("countdown").text
    assert read(live.content).find("what").text.startswith("What will be sent")
    assert campaign.template.name in read(live.content).find("what").text
    forecast = read(staff.get(page(campaign, "forecast")).content)
    assert (forecast.find("recipients").text, forecast.find("takes").text) == ("2", "about a minute")
    undone = staff.post(page(campaign, "act/unschedule"), follow=True)
    assert undone.redirect_chain[-1][0] == url(campaign, "review")
    assert "is set back to a draft." in undone.content.decode()
    campaign.refresh_from_db()
    assert (campaign.status, campaign.launched_at) == (Status.DRAFT, None)


def test_a_test_goes_to_the_number_that_is_typed_and_stays_out_of_the_campaign(staff: Client) -> None:
    campaign = ready(body="Hi {{ first_name }}")

    answer = staff.post(page(campaign, "try"), {"number": "(415) 555-0199"})

    assert 'data-testid="tried"' in answer.content.decode()
    message = Message.objects.get()
    assert (message.recipient, message.lane, message.campaign_id) == ("+14155550199", Lane.TRANSACTIONAL, 0)
    assert "+14155550199" in staff.get(url(campaign, "review")).content.decode()


@pytest.mark.parametrize(
    ("address", "number"), [("+4915112345678", "+491701234567"), ("CLINIC", None), ("+14155550100", None)]
)
def test_a_test_number_without_country_code_is_of_the_senders_country(
    staff: Client, address: str, number: str | None
) -> None:
    campaign = ready(body="Hi", sender=factories.SenderFactory(address=address))

    answer = staff.post(page(campaign, "try"), {"number": "0170 1234567"})

    assert list(Message.objects.values_list("recipient", flat=True)) == ([number] if number else [])
    assert ("Write it with its country code" in answer.content.decode()) is (number is None)


def test_a_test_is_refused_with_the_reason(staff: Client) -> None:
    factories.SuppressionFactory(phone="+14155550198")
    campaign = ready()
    assert "suppression list" in staff.post(page(campaign, "try"), {"number": "+14155550198"}).content.decode()
    assert "not-tried" in staff.post(page(campaign, "try"), {"number": "nonsense"}).content.decode()
    assert "not finished" in staff.post(page(begun(), "try"), {"number": "+14155550197"}).content.decode()


def test_tests_are_few(staff: Client) -> None:
    campaign = ready()
    answers = [staff.post(page(campaign, "try"), {"number": "+14155550199"}).content.decode() for _ in range(6)]
    assert "wait for the next" in answers[-1]
    assert Message.objects.count() == 5


# --- approval -----------------------------------------------------------------------------------------------------


@pytest.fixture
def approver() -> Client:
    """May look at campaigns and approve them, and change none."""
    user = factories.UserFactory(username="bob")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_campaign", "approve_campaign"]))
    return at_the_keyboard(user)


def test_a_campaign_to_many_is_asked_about_approved_and_launched(
    staff: Client, approver: Client, settings: Settings
) -> None:
    settings.APPROVAL_ABOVE = 1
    campaign = ready()

    # Given the author's request
    first = read(staff.get(page(campaign, "checks")).content)
    assert not first.find("go").text
    staff.post(page(campaign, "approval/ask"))
    assert not read(staff.get(page(campaign, "checks")).content).find("approve").text

    # When somebody else looks at it and says yes
    assert "1 campaign" not in staff.get("/admin/").content.decode()
    home = read(approver.get("/admin/").content)
    assert url(campaign, "review") in home.links()
    looked_at = approver.get(url(campaign, "review")).content.decode()
    assert "your table is ready" in looked_at
    assert 'name="go"' not in looked_at
    checks = approver.get(page(campaign, "checks")).content.decode()
    assert 'data-testid="approve"' in checks
    asked = campaign.approvals.get()
    assert asked.fingerprint in checks
    approver.post(page(campaign, "approval/yes"), {"seen": asked.fingerprint})

    # Then it may be launched
    after = read(staff.get(page(campaign, "checks")).content)
    assert "Approved by bob" in after.find("approval").text
    assert after.find("go").text
    staff.post(page(campaign, "go"))
    campaign.refresh_from_db()
    assert campaign.status == Status.SCHEDULED


def test_a_change_withdraws_what_was_asked(staff: Client, approver: Client, settings: Settings) -> None:
    settings.APPROVAL_ABOVE = 1
    campaign = ready()
    staff.post(page(campaign, "approval/ask"))

    staff.post(url(campaign, "name"), {"name": "Another name", "purpose": "marketing"}, headers=HTMX)

    assert not campaign.approvals.exists()
    assert url(campaign, "review") not in read(approver.get("/admin/").content).links()


def test_leafing_through_the_steps_changes_nothing_that_was_asked_about(staff: Client, settings: Settings) -> None:
    settings.APPROVAL_ABOVE = 1
    campaign = ready(body="Two\nlines")
    staff.post(page(campaign, "approval/ask"))

    staff.post(url(campaign, "message"), written("Two\r\nlines"))
    left = {"when": "now", "local_time": "10:00", "local_date": "", "local_passed": "next_day"}
    left |= {"scheduled_at_0": "", "scheduled_at_1": ""}
    left |= {"speed": "limits", "spread_minutes_hours": "2", "spread_minutes_minutes": "0"}
    assert staff.post(url(campaign, "time"), left)["Location"] == url(campaign, "review")

    assert campaign.approvals.exists()


def test_an_approver_declines_with_a_reason(staff: Client, approver: Client, settings: Settings) -> None:
    settings.APPROVAL_ABOVE = 1
    campaign = ready()
    staff.post(page(campaign, "approval/ask"))
    seen = approval.fingerprint(campaign)

    approver.post(page(campaign, "approval/no"), {"seen": seen, "reason": "Wrong date."})

    said = read(staff.get(page(campaign, "checks")).content).find("approval").text
    assert said.startswith("It was not approved. Wrong date. Change it and ask again. Sent back by bob,")


def test_nobody_is_sent_back_without_a_word(staff: Client, approver: Client, settings: Settings) -> None:
    settings.APPROVAL_ABOVE = 1
    campaign = ready()
    staff.post(page(campaign, "approval/ask"))

    answer = approver.post(page(campaign, "approval/no"), {"seen": approval.fingerprint(campaign)}, follow=True)

    assert "Say in a word why" in answer.content.decode()
    assert campaign.approvals.get().granted is None


@pytest.mark.parametrize(
    ("said", "need", "home", "status"),
    [
        (None, "asked", "waits for somebody else They are told so here.", "Waits for approval"),
        (True, "answered", "was approved By bob,", "Draft"),
        (False, "answered", "was sent back By bob,", "Sent back"),
    ],
)
def test_who_asked_is_told_on_home_and_in_the_list_what_became_of_it(
    staff: Client, settings: Settings, said: bool | None, need: str, home: str, status: str
) -> None:
    settings.APPROVAL_ABOVE = 1
    campaign = ready(name="Flu shots")
    staff.post(page(campaign, "approval/ask"))
    if said is not None:
        bob = factories.AdministratorFactory(username="bob")
        seen = approval.fingerprint(campaign)
        reason = "" if said else "Wrong date."
        approval.decide(campaign=campaign, actor=bob, seen=seen, granted=said, reason=reason)

    told = read(staff.get("/admin/").content).find(f"need-{need}")
    assert told.text.startswith(f"Flu shots {home}")
    assert told.links() == [url(campaign, "review")]
    assert ("Wrong date." in told.text) == (said is False)
    row = read(staff.get("/admin/campaigns/campaign/").content)
    assert status in [part.text for part in row if "field-state" in part.attributes.get("class", "")]


def test_the_review_tells_the_rules_and_of_whom_no_consent_is_recorded(staff: Client, settings: Settings) -> None:
    campaign = ready(rules={"match": "all", "conditions": [{"field": "attributes.plan", "op": "is_not", "value": "x"}]})
    assert "where “plan” is not “x”" in read(staff.get(url(campaign, "review")).content).find("review-rules").text

    checks = read(staff.get(page(campaign, "checks")).content).find("unrecorded").text
    assert checks == "Of 2 people no consent is recorded. They get it all the same, as nothing demands one."
    settings.MARKETING_NEEDS_CONSENT = True
    checks = read(staff.get(page(campaign, "checks")).content).find("unrecorded").text
    assert checks.endswith("They get no text.")
