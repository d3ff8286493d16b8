"""Campaigns as a system sees them: a draft that may be changed, then a life moved by actions."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.models import Campaign, CampaignEvent
from tests.api.conftest import System, is_problem
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    MessageFactory,
    SuppressionFactory,
    TemplateVersionFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(sender: Any) -> Campaign:
    """A draft that may be launched: two contacts, one of them suppressed."""
    ada, bob = ContactFactory(), ContactFactory()
    SuppressionFactory(phone=bob.phone)
    return CampaignFactory(include=[ContactListFactory(contacts=[ada, bob])])


def test_a_draft_is_made_changed_and_deleted(shop: System) -> None:
    template = TemplateVersionFactory().template
    friends, staff = ContactListFactory(), ContactListFactory()

    made = shop.post(
        "campaigns", {"name": "Flu shots", "template": template.pk, "include": [friends.pk], "lane": "reminder"}
    )
    assert made.status_code == 201
    assert (made.body["status"], made.body["lane"], made.body["include"]) == ("draft", "reminder", [friends.pk])
    assert (made.body["sender"], made.body["on_missing"]) == (None, "block")

    path = f"campaigns/{made.body['id']}"
    changed = shop.patch(path, {"exclude": [staff.pk], "on_missing": "skip"})
    assert (changed.body["include"], changed.body["exclude"]) == ([friends.pk], [staff.pk])
    assert changed.body["on_missing"] == "skip"

    assert shop.delete(path).status_code == 204
    assert shop.get(path).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("include", [999_999_999]),
        ("include", list(range(1, 102))),
        ("include", ["x"]),
        ("template", 0),
        ("template", None),
        ("template", 10**30),
        ("template", 1.5),
        ("sender", 999_999_999),
        ("lane", "fast"),
        ("lane", 3),
        ("status", "running"),
    ],
)
def test_a_wrong_draft_is_refused(shop: System, field: str, value: Any) -> None:
    draft = CampaignFactory()

    answer = shop.patch(f"campaigns/{draft.pk}", {field: value})

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"].startswith(f"/{field}")


def test_rules_narrow_a_draft_and_are_said_as_they_are_understood(shop: System, sender: Any) -> None:
    french, english = ContactFactory(language="fr"), ContactFactory(language="en")
    draft = CampaignFactory(include=[ContactListFactory(contacts=[french, english])])
    path = f"campaigns/{draft.pk}"
    assert shop.get(path).body["rules"] == {}

    changed = shop.patch(path, {"rules": {"conditions": [{"field": "language", "op": "is", "value": "FR"}]}})

    understood = {"match": "all", "conditions": [{"field": "language", "op": "is", "value": "fr"}]}
    assert (changed.status_code, changed.body["rules"]) == (200, understood)
    assert shop.post(f"{path}/preflight").body["audience"] == 1
    assert shop.patch(path, {"rules": {}}).body["rules"] == {}


def test_a_rule_that_makes_no_sense_is_refused_where_it_stands(shop: System) -> None:
    sound = {"field": "country", "op": "is", "value": "US"}

    answer = shop.patch(
        f"campaigns/{CampaignFactory().pk}", {"rules": {"conditions": [sound, sound | {"value": "Atlantis"}]}}
    )

    assert is_problem(answer, 400, "validation-error")
    [error] = answer.body["errors"]
    assert error["pointer"] == "/rules/conditions/1/value"
    assert "no country" in error["detail"]


@pytest.mark.parametrize("status", sorted(set(Campaign.Status) - {Campaign.Status.DRAFT}))
def test_only_a_draft_can_be_changed_or_deleted(shop: System, status: str) -> None:
    campaign = CampaignFactory(status=status, scheduled_at=timezone.now() + timedelta(days=1))
    path = f"campaigns/{campaign.pk}"

    for answer in (shop.patch(path, {"name": "x"}), shop.delete(path)):
        assert is_problem(answer, 409, "wrong-state")
        assert answer.body["campaign_status"] == status


def test_a_preflight_tells_who_would_get_it(shop: System, ready: Campaign) -> None:
    answer = shop.post(f"campaigns/{ready.pk}/preflight")

    assert answer.status_code == 200
    assert (answer.body["audience"], answer.body["suppressed"]) == (2, 1)
    assert (answer.body["problems"], answer.body["most_segments"]) == ([], 1)


def test_a_launch_is_recorded_with_the_keys_name(shop: System, ready: Campaign) -> None:
    answer = shop.post(f"campaigns/{ready.pk}/launch")

    assert answer.status_code == 200
    assert (answer.body["status"], answer.body["template_version"]) == ("running", 1)
    assert CampaignEvent.objects.get().actor_label == "API key Web shop"


def test_a_second_launch_is_refused(shop: System, ready: Campaign) -> None:
    shop.post(f"campaigns/{ready.pk}/launch")

    answer = shop.post(f"campaigns/{ready.pk}/launch")

    assert is_problem(answer, 409, "campaign-refused")
    assert "cannot be launched" in answer.body["problems"][0]


def test_a_launch_with_problems_is_refused_with_all_of_them(shop: System) -> None:
    answer = shop.post(f"campaigns/{CampaignFactory().pk}/launch")

    assert is_problem(answer, 409, "campaign-refused")
    assert len(answer.body["problems"]) >= 2


def test_what_needs_somebodys_approval_is_neither_launched_nor_scheduled_by_a_key(
    shop: System, sender: Any, settings: Settings
) -> None:
    settings.APPROVAL_ABOVE = 1
    people = ContactListFactory(contacts=[ContactFactory(), ContactFactory()])
    path = f"campaigns/{CampaignFactory(include=[people]).pk}"
    why = "It goes to 2 people. Above 1 somebody else must approve it first: ask for that."

    launched = shop.post(f"{path}/launch")
    assert is_problem(launched, 409, "campaign-refused")
    assert launched.body["problems"] == shop.post(f"{path}/preflight").body["problems"] == [why]
    at = (timezone.now() + timedelta(days=1)).isoformat()
    assert shop.post(f"{path}/schedule", {"at": at}).body["problems"] == [why]


def test_what_staff_were_writing_gives_way_to_the_template_that_is_named(shop: System, ready: Campaign) -> None:
    ready.draft_text = "Hi {{ fir"
    ready.save()
    shop.patch(f"campaigns/{ready.pk}", {"template": ready.template_id})
    assert shop.post(f"campaigns/{ready.pk}/launch").body["status"] == "running"


def test_a_draft_that_staff_have_begun_has_no_template_yet(shop: System) -> None:
    assert shop.get(f"campaigns/{CampaignFactory(template=None).pk}").body["template"] is None


def test_a_campaign_is_scheduled_and_unscheduled(shop: System, ready: Campaign) -> None:
    at = (timezone.now() + timedelta(days=1)).isoformat()
    path = f"campaigns/{ready.pk}"

    assert shop.post(f"{path}/schedule", {"at": at}).body["status"] == "scheduled"
    assert shop.post(f"{path}/unschedule").body["status"] == "draft"
    assert is_problem(shop.post(f"{path}/schedule", {"at": "2020-01-01T00:00:00Z"}), 409, "campaign-refused")
    assert is_problem(shop.post(f"{path}/schedule", {"at": "soon"}), 400, "validation-error")
    assert is_problem(shop.post(f"{path}/schedule"), 400, "validation-error")


def test_a_running_campaign_is_paused_resumed_and_cancelled(shop: System, ready: Campaign) -> None:
    path = f"campaigns/{ready.pk}"
    shop.post(f"{path}/launch")

    assert shop.post(f"{path}/pause", {"reason": "Typo"}).body["status"] == "paused"
    assert shop.post(f"{path}/resume").body["status"] == "running"
    assert shop.post(f"{path}/cancel", {"reason": "Wrong day"}).body["status"] == "cancelled"
    assert is_problem(shop.post(f"{path}/resume"), 409, "campaign-refused")
    reasons = CampaignEvent.objects.order_by("id").values_list("reason", flat=True)
    assert list(reasons) == ["", "Typo", "", "Wrong day"]


def test_an_action_refuses_fields_it_does_not_know(shop: System, ready: Campaign) -> None:
    assert is_problem(shop.post(f"campaigns/{ready.pk}/launch", {"at": "now"}), 400, "validation-error")
    ready.refresh_from_db()
    assert ready.status == Campaign.Status.DRAFT


def test_progress_is_told_by_status_and_reason(shop: System) -> None:
    campaign = CampaignFactory(status="running", audience_size=4, launched_at=timezone.now())
    for contact, (status, reason) in enumerate(
        [("delivered", ""), ("delivered", ""), ("failed", "landline"), ("queued", "")], 1
    ):
        MessageFactory(campaign_id=campaign.pk, contact_id=contact, status=status, reason=reason)

    answer = shop.get(f"campaigns/{campaign.pk}/progress")

    assert answer.status_code == 200
    assert (answer.body["audience"], answer.body["materialised"], answer.body["final"]) == (4, 4, 3)
    counts = {count["status"]: count["messages"] for count in answer.body["counts"]}
    assert counts == {"queued": 1, "failed": 1, "delivered": 2}
    assert [(why["reason"], why["messages"]) for why in answer.body["reasons"]] == [("landline", 1)]


def test_a_campaign_has_a_pace_and_a_budget_that_may_be_changed_under_way(shop: System, ready: Campaign) -> None:
    path = f"campaigns/{ready.pk}"
    draft = shop.patch(path, {"spread_minutes": 30, "max_segments": 100})
    assert (draft.body["spread_minutes"], draft.body["max_segments"]) == (30, 100)
    assert is_problem(shop.post(f"{path}/limit", {"max_segments": 50}), 409, "campaign-refused")
    shop.post(f"{path}/launch")

    limited = shop.post(f"{path}/limit", {"max_segments": 50})

    assert (limited.body["status"], limited.body["spread_minutes"], limited.body["max_segments"]) == ("running", 30, 50)
    event = CampaignEvent.objects.latest("pk")
    assert (event.actor_label, event.reason) == (
        "API key Web shop",
        "From now on: spread over 30 minutes, at most 50 segments.",
    )
    assert "spread over 30 minutes" in shop.get(f"{path}/progress").body["waiting_for"]


@pytest.mark.parametrize(("field", "value"), [("spread_minutes", 0), ("spread_minutes", 10**6), ("max_segments", "x")])
def test_limits_that_make_no_sense_are_refused(shop: System, ready: Campaign, field: str, value: Any) -> None:
    for answer in (
        shop.patch(f"campaigns/{ready.pk}", {field: value}),
        shop.post(f"campaigns/{ready.pk}/limit", {field: value}),
    ):
        assert is_problem(answer, 400, "validation-error")
        assert answer.body["errors"][0]["pointer"] == f"/{field}"


def test_a_pause_says_why_until_it_is_resumed(shop: System, ready: Campaign) -> None:
    path = f"campaigns/{ready.pk}"
    shop.post(f"{path}/launch")
    assert shop.post(f"{path}/pause", {"reason": "Typo"}).body["paused_reason"] == "Typo"
    assert shop.get(f"{path}/progress").body["waiting_for"] == "It is paused. Typo"
    assert shop.post(f"{path}/resume").body["paused_reason"] == ""


def test_failures_are_tried_again_once_asked_for(shop: System) -> None:
    campaign = CampaignFactory(status="completed", audience_size=2, launched_at=timezone.now())
    path = f"campaigns/{campaign.pk}/retry"
    MessageFactory(campaign_id=campaign.pk, contact_id=1, status="failed", reason="landline")
    assert is_problem(shop.post(path), 409, "campaign-refused")
    MessageFactory(campaign_id=campaign.pk, contact_id=2, status="undelivered", reason="carrier")

    answer = shop.post(path, {"reason": "Carrier is back."})

    assert (answer.status_code, answer.body["status"]) == (200, "running")
    said = "Carrier is back. Tries again up to 1 message. Of these, 1: Carrier trouble."
    assert CampaignEvent.objects.get().reason == said
    assert is_problem(shop.post(path), 409, "campaign-refused")


def test_campaigns_are_found_by_status_and_template(shop: System) -> None:
    draft, running = CampaignFactory(), CampaignFactory(status="running")

    def found(query: str) -> list[int]:
        return [row["id"] for row in shop.get(f"campaigns?{query}").body["results"]]

    assert found("status=running") == [running.pk]
    assert found(f"template={draft.template_id}") == [draft.pk]
    assert is_problem(shop.get("campaigns?status=finished"), 400, "validation-error")
