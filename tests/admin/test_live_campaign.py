"""The page of a campaign under way: which way its messages go, what they wait for, and buttons that load no page."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import Campaign
from delivery import vitals
from delivery.models import CampaignLimit, Message, Provider
from delivery.states import Status
from tests import factories
from tests.admin.conftest import one_of
from tests.admin.reading import Part, read
from tests.variant_factories import VariantFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everybody_at_work")]

Statuses = Campaign.Status


def under_way(**fields: Any) -> Campaign:
    now = timezone.now()
    values = {"status": Statuses.RUNNING, "launched_at": now, "materialised_at": now, "audience_size": 4}
    campaign: Campaign = factories.CampaignFactory(**{**values, **fields})
    sender = factories.SenderFactory(provider__name="Carrier", provider__adapter="twilio", address="CLINIC")
    fates = [
        (Status.QUEUED, "", ""),
        (Status.DELIVERED, "", ""),
        (Status.UNDELIVERED, "unreachable", "30003"),
        (Status.FAILED, "landline", "30006"),
    ]
    for contact_id, (status, reason, code) in enumerate(fates):
        factories.MessageFactory(
            campaign_id=campaign.pk,
            contact_id=contact_id,
            lane=campaign.lane,
            sender=sender,
            status=status,
            reason=reason,
            error_code=code,
        )
    return campaign


def url(campaign: Campaign, page: str) -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/{page}/"


def ways(client: Client, campaign: Campaign) -> Part:
    return read(client.get(url(campaign, "ways")).content)


@pytest.mark.parametrize("page", ["live", "ways"])
def test_the_page_says_which_way_messages_go_and_what_they_wait_for(staff: Client, page: str) -> None:
    campaign = under_way()
    shown = read(staff.get(url(campaign, page)).content)
    assert shown.find("way").text.startswith("Carrier Delivered 1 On the way 0 Not delivered 2 Not sent 0 Waiting 1")
    assert "CLINIC (Carrier)" in shown.find("queue").text
    assert "Its turn" in shown.find("queue").text
    assert shown.named("alarm") == []


def test_failures_have_the_providers_page_about_their_code(staff: Client) -> None:
    rows = ways(staff, under_way()).named("failure")
    links = {link for row in rows[1:] for link in row.links()}
    assert links == {f"https://www.twilio.com/docs/api/errors/{code}" for code in ("30003", "30006")}
    assert any("Ask for a mobile number." in row.text for row in rows)


def test_a_dead_worker_is_said_above_all_when_the_part_is_renewed(staff: Client) -> None:
    campaign = under_way()
    vitals.client().zadd(vitals._key("read"), {"dispatch": (timezone.now() - timedelta(minutes=1)).timestamp()})

    renewed = ways(staff, campaign)
    (place,) = [part for part in renewed if "hx-swap-oob" in part.attributes]
    whole = read(staff.get(url(campaign, "live")).content)

    assert place.attributes["id"] == "alarms"
    assert "No worker sends" in place.find("alarm").text
    assert len(whole.named("alarm")) == 1


def test_only_who_may_see_providers_has_a_way_to_them(staff: Client, operator: Client) -> None:
    campaign = under_way()
    page = f"/admin/delivery/provider/{Provider.objects.get().pk}/change/"
    assert page not in ways(staff, campaign).links()
    assert page in ways(operator, campaign).links()


def test_who_may_not_see_campaigns_sees_none_of_it(nobody: Client) -> None:
    campaign = under_way()
    assert nobody.get(url(campaign, "ways")).status_code == 403
    assert one_of("Inbox agent").get(url(campaign, "ways")).status_code == 403


def test_the_part_stops_asking_when_all_is_over(staff: Client) -> None:
    assert staff.get(url(under_way(), "ways")).status_code == 200
    over = factories.CampaignFactory(status=Statuses.COMPLETED, launched_at=timezone.now(), finished_at=timezone.now())
    assert staff.get(url(over, "ways")).status_code == 286


def test_a_scheduled_campaign_has_gone_no_way_yet(staff: Client) -> None:
    soon = factories.CampaignFactory(status=Statuses.SCHEDULED, scheduled_at=timezone.now() + timedelta(hours=1))
    shown = ways(staff, soon)
    assert shown.named("way") == shown.named("alarm") == shown.named("failure") == []


def press(client: Client, campaign: Campaign, button: str) -> Any:
    return client.post(url(campaign, f"act/{button}"), headers={"HX-Request": "true"})


def test_a_button_answers_with_the_part_that_it_is_in(staff: Client) -> None:
    campaign = under_way()

    paused = press(staff, campaign, "pause")
    again = press(staff, campaign, "pause")

    assert paused.status_code == 200
    shown = read(paused.content)
    assert shown.find("said").text == f"“{campaign.name}” is paused."
    assert shown.find("campaign-status").text == "Paused"
    assert "it cannot be paused" in read(again.content).find("said").text
    # And is not said a second time on the next page
    assert "is paused." not in staff.get("/admin/").content.decode()


def test_who_may_only_look_presses_nothing(nobody: Client) -> None:
    campaign = under_way()
    assert press(nobody, campaign, "pause").status_code == 403
    campaign.refresh_from_db()
    assert campaign.status == Statuses.RUNNING


def test_a_look_is_bounded(staff: Client) -> None:
    campaign = under_way()
    with CaptureQueriesContext(connection) as captured:
        staff.get(url(campaign, "ways"))
    assert len(captured) <= 4 + 8  # session, user and rights, then its own


def time_left(client: Client, campaign: Campaign) -> str:
    found = read(client.get(url(campaign, "live")).content).named("time-left")
    return found[0].text if found else ""


def test_the_time_left_is_told_by_what_it_is_bound_by(staff: Client) -> None:
    campaign = under_way(launched_at=timezone.now() - timedelta(seconds=20))
    assert time_left(staff, campaign).startswith("about ")

    # Spread over a day
    CampaignLimit.objects.create(campaign_id=campaign.pk, rate=1 / 86_400)
    campaign.spread_minutes = 1440
    campaign.save()
    assert time_left(staff, campaign) == "about 24 hours"
    assert "It is spread over 24 hours" in ways(staff, campaign).find("queue").text
    assert ways(staff, campaign).find("way").text.endswith("–")

    # Held until tomorrow
    opens = timezone.now() + timedelta(days=1)
    Message.objects.filter(status="queued").update(status="held", waits_for="quiet_hours", not_before=opens)
    assert time_left(staff, campaign) == f"goes on from {opens:%-d %b %H:%M} UTC"

    press(staff, campaign, "pause")
    assert time_left(staff, campaign) == "goes on when it is resumed"


def test_reasons_lead_to_their_people_and_the_report_is_there_once_it_has_left(staff: Client) -> None:
    campaign = under_way()
    part = read(staff.get(url(campaign, "progress")).content)
    people = f"{url(campaign, 'report')}people/"
    assert {link for each in part.named("reason-people") for link in each.links()} == {
        f"{people}?status=undelivered&reason=unreachable",
        f"{people}?status=failed&reason=landline",
    }
    assert part.find("report-link").links() == [url(campaign, "report")]
    soon = factories.CampaignFactory(status=Statuses.SCHEDULED, scheduled_at=timezone.now() + timedelta(seconds=20))
    assert read(staff.get(url(soon, "progress")).content).named("report-link") == []


def test_segments_that_left_are_told_from_those_that_are_planned(staff: Client) -> None:
    shown = read(staff.get(url(under_way(), "progress")).content)
    assert shown.find("segments").text == "3 of 4"


def test_what_left_at_no_known_price_did_not_cost_nothing(staff: Client) -> None:
    campaign = under_way()
    assert read(staff.get(url(campaign, "progress")).content).find("cost").text == "no price is known"
    Message.objects.filter(campaign_id=campaign.pk).update(status="queued")
    assert read(staff.get(url(campaign, "progress")).content).find("cost").text == "0.00 USD"


@pytest.mark.parametrize(
    ("fields", "heading"),
    [
        ({"status": Statuses.SCHEDULED, "launched_at": None, "scheduled_at": timezone.now()}, "What will be sent"),
        ({}, "What is being sent"),
        ({"status": Statuses.COMPLETED, "finished_at": timezone.now()}, "What was sent"),
    ],
)
def test_the_page_says_what_is_sent_when_it_is(staff: Client, fields: dict[str, Any], heading: str) -> None:
    values = {"status": Statuses.RUNNING, "launched_at": timezone.now(), **fields}
    shown = read(staff.get(url(factories.CampaignFactory(**values), "live")).content)
    assert shown.find("what").text.startswith(heading)
    assert bool(shown.named("messages-link")) == (heading != "What will be sent")


def test_every_variants_text_is_shown(staff: Client) -> None:
    campaign = under_way()
    variant = VariantFactory(campaign=campaign, percent=30)
    variant.template_version = variant.template.versions.get()
    variant.save()
    shown = read(staff.get(url(campaign, "live")).content).find("sent-variant").text
    assert shown == f"Variant B, 30 % {variant.template_version.body}"
