"""The pages on which allowed hours and caps are edited, and those that say what waits for them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from delivery.lanes import Lane
from delivery.models import AllowedHours, FrequencyCap, Place
from delivery.states import Status
from delivery.timerules import figures
from delivery.timerules.opening import HORIZON
from tests.factories import CampaignFactory, MessageFactory

pytestmark = pytest.mark.django_db

ADD = "/admin/delivery/allowedhours/add/"
EVERY_DAY = {
    f"{kind}_{end}": at
    for kind in ("weekday", "saturday", "sunday")
    for end, at in (("from", "08:00"), ("until", "21:00"))
}
LINE = {"country": "za", "state": "", "enabled": "on", "holidays": "same", "source": "Our own.", **EVERY_DAY}


def test_a_line_is_written_and_counts_at_once(operator: Client) -> None:
    now = timezone.now()
    far = {"opens_at": now, "closes_at": now + HORIZON, "day_began": now, "day_ends": now + timedelta(days=1)}
    place = Place.objects.create(key="ZA", country="ZA", regions=[], zones=["Africa/Johannesburg"], **far)

    assert operator.post(ADD, LINE).status_code == 302

    line = AllowedHours.objects.get(country="ZA")
    assert line.source == "Our own."
    place.refresh_from_db()
    assert place.closes_at < now + timedelta(days=2)


def test_a_new_line_begins_with_the_hours_of_all_other_countries(operator: Client) -> None:
    form = operator.get(ADD).context["adminform"].form

    usual = AllowedHours.objects.get(country="", state="")
    assert (form["weekday_from"].value(), form["sunday_until"].value()) == (usual.weekday_from, usual.sunday_until)


@pytest.mark.usefixtures("english_again")
def test_a_country_is_written_by_its_name_as_well(operator: Client) -> None:
    operator.post(ADD, LINE | {"country": "south africa"})
    operator.post(ADD, LINE | {"country": "Österreich"}, HTTP_ACCEPT_LANGUAGE="de")

    assert AllowedHours.objects.filter(country__in=["ZA", "AT"]).count() == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weekday_until": ""}, "Give both times"),
        ({"sunday_until": "07:00"}, "before the hours begin"),
        (dict.fromkeys(EVERY_DAY, ""), "leave no moment"),
        ({"country": "RU"} | {key: "08:00" if key.endswith("from") else "12:00" for key in EVERY_DAY}, "time zones"),
        ({"country": "XX"}, "no such country"),
        ({"country": "US", "state": "ZZ"}, "no such state"),
        ({"country": "GB", "state": "FL"}, "Only states of the US"),
    ],
)
def test_what_lets_nothing_through_or_makes_no_sense_is_refused(
    operator: Client, change: dict[str, str], words: str
) -> None:
    answer = operator.post(ADD, LINE | change)
    assert answer.status_code == 200
    assert words in answer.content.decode()


def test_every_figure_to_start_with_is_one_that_would_be_accepted(operator: Client) -> None:
    AllowedHours.objects.all().delete()
    for figure in figures.ALLOWED_HOURS:
        values = {name: value or "" for name, value in figure.items()} | {"enabled": "on"}
        assert operator.post(ADD, values).status_code == 302, figure
    assert all(line.source for line in AllowedHours.objects.all())


CAP = {"country": "DE", "state": "", "lane": "", "most": "2", "hours": "24", "over": "hold", "enabled": "on"}


def test_there_is_one_cap_for_a_place_a_category_and_a_time(operator: Client) -> None:
    add = "/admin/delivery/frequencycap/add/"
    assert operator.post(add, CAP).status_code == 302

    again = operator.post(add, CAP | {"most": "3"})

    assert "There is a cap for the same place, category and time already" in again.content.decode()
    for other in ({"country": "AT"}, {"hours": ""}, {"lane": Lane.BULK.value}):
        assert operator.post(add, CAP | other).status_code == 302, other


def test_a_cap_is_changed_in_its_place(operator: Client) -> None:
    operator.post("/admin/delivery/frequencycap/add/", CAP)
    cap = FrequencyCap.objects.get(country="DE")

    assert operator.post(f"/admin/delivery/frequencycap/{cap.pk}/change/", CAP | {"most": "3"}).status_code == 302

    cap.refresh_from_db()
    assert cap.most == 3


def test_a_message_says_what_it_waits_for_and_until_when(staff: Client) -> None:
    until = timezone.now() + timedelta(hours=9)
    message = MessageFactory(status=Status.HELD, waits_for="quiet_hours", not_before=until)

    page = staff.get(f"/admin/delivery/message/{message.pk}/change/").content.decode()

    assert "Quiet hours where the recipient is" in page
    assert f"{until:%H:%M} UTC" in page
    assert "Quiet hours" in staff.get("/admin/delivery/message/").content.decode()


def test_a_campaign_says_how_many_wait_and_until_when(staff: Client) -> None:
    campaign = CampaignFactory(status="running", launched_at=timezone.now(), audience_size=2)
    until = timezone.now() + timedelta(hours=9)
    MessageFactory.create_batch(
        2, campaign_id=campaign.pk, status=Status.HELD, waits_for="quiet_hours", not_before=until
    )

    page = staff.get(f"/admin/campaigns/campaign/{campaign.pk}/progress/").content.decode()

    assert "2 wait: Quiet hours where the recipient is." in page
    assert f"{until:%H:%M}" in page
