"""The wizard's time: the choice decides, and beside it stands who would wait and for what."""

from datetime import date, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from campaigns.models import Campaign
from delivery.models import AllowedHours, FrequencyCap
from tests.admin.reading import read
from tests.delivery.timerules.scenes import hours
from tests.factories import (
    AllowedHoursFactory,
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
)

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
TOMORROW = timezone.now() + timedelta(days=1)
AT = {"scheduled_at_0": f"{TOMORROW:%Y-%m-%d}", "scheduled_at_1": "09:30:00"}
SPREAD = {"speed": "spread", "spread_minutes_hours": "1", "spread_minutes_minutes": "30"}
LOCAL = {"local_time": "09:00", "local_date": "2031-05-06", "local_passed": "at_once"}


def url(campaign: Campaign, page: str = "wizard/time") -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/{page}/"


def saved(campaign: Campaign) -> tuple[object, ...]:
    campaign.refresh_from_db()
    return campaign.scheduled_at is not None, campaign.local_time, campaign.local_date, campaign.spread_minutes


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("now", (False, None, None, 90)),
        ("at", (True, None, None, 90)),
        ("local", (False, time(9), date(2031, 5, 6), None)),
    ],
)
def test_what_was_filled_in_for_another_choice_is_let_go(
    staff: Client, when: str, expected: tuple[object, ...]
) -> None:
    campaign = CampaignFactory(scheduled_at=TOMORROW, local_time=time(8), spread_minutes=5)

    answer = staff.post(url(campaign), {"when": when, **AT, **LOCAL, **SPREAD})

    assert answer["Location"] == url(campaign, "wizard/review")
    assert saved(campaign) == expected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"when": "at"}, "Say when it is to be launched."),
        ({"when": "local"}, "Say at what time."),
        ({"when": "local", "local_time": "25:00"}, "Enter a valid time."),
        ({"when": "now", "speed": "spread"}, "Say over how long."),
        ({"when": "now", **SPREAD, "spread_minutes_hours": "1000"}, "It may be spread over 1 minute to 720 hours."),
        ({"when": "now", **SPREAD, "spread_minutes_hours": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_choice_without_its_time_is_pointed_out(staff: Client, given: dict[str, str], sentence: str) -> None:
    campaign = CampaignFactory()
    assert sentence in staff.post(url(campaign), given, headers=HTMX).content.decode()
    assert sentence in staff.post(url(campaign), given).content.decode()


@pytest.mark.parametrize(
    ("fields", "when", "speed"),
    [
        ({}, "now", "limits"),
        ({"scheduled_at": TOMORROW, "spread_minutes": 5}, "at", "spread"),
        ({"local_time": time(9)}, "local", "limits"),
    ],
)
def test_the_page_opens_with_what_the_draft_has(
    staff: Client, fields: dict[str, object], when: str, speed: str
) -> None:
    page = staff.get(url(CampaignFactory(**fields))).content.decode()
    assert f"{{ when: '{when}', speed: '{speed}' }}" in page


def test_it_takes_until_the_last_may_get_it(staff: Client) -> None:
    DefaultSenderFactory()
    opens = timezone.now() + timedelta(hours=5)
    people = [ContactFactory(phone="+3546111234", time_zone="Etc/UTC")]
    campaign = CampaignFactory(include=[ContactListFactory(contacts=people)], local_time=opens.time())
    takes = read(staff.get(url(campaign, "checks")).content).find("takes").text
    assert takes == f"until {opens:%-d %b %H:%M} UTC"


def test_a_choice_has_something_to_begin_with(staff: Client) -> None:
    campaign = CampaignFactory()
    shown = read(staff.get(url(campaign)).content)
    offered = {part.attributes["name"]: part.attributes.get("value") for part in shown if "name" in part.attributes}
    assert offered["local_time"] == "10:00"
    assert (offered["spread_minutes_hours"], offered["spread_minutes_minutes"]) == ("2", "0")

    staff.post(url(campaign), {"when": "now", "speed": "limits", "spread_minutes_hours": "2"}, headers=HTMX)
    assert saved(campaign) == (False, None, None, None)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "1 minute"), (45, "45 minutes"), (60, "1 hour"), (90, "1 h 30 min"), (2880, "48 hours")],
)
def test_the_review_says_how_long_it_is_spread(staff: Client, minutes: int, words: str) -> None:
    shown = read(staff.get(url(CampaignFactory(spread_minutes=minutes), "wizard/review")).content)
    assert f"At once, spread over {words}" in shown.find("summary").text


def test_the_review_says_when_it_leaves(staff: Client) -> None:
    campaign = CampaignFactory(local_time=time(9), local_date=date(2031, 5, 6))
    page = staff.get(url(campaign, "wizard/review")).content.decode()
    assert "6 May 2031, 09:00 by everybody&#x27;s own clock" in page


def test_beside_it_stands_who_waits_and_the_hours_where_they_are(staff: Client, settings: Settings) -> None:
    settings.TIME_RULES_LANES = ["bulk"]
    AllowedHours.objects.all().delete()
    FrequencyCap.objects.all().delete()
    hours(country="US", open_now=False)
    people = [ContactFactory(phone="+12125550123"), ContactFactory(phone="+3546111234")]
    campaign = CampaignFactory(include=[ContactListFactory(contacts=people)])

    found = staff.get(url(campaign, "hours")).content.decode()

    assert 'data-testid="wait-quiet_hours"' in found
    assert 'data-testid="allowed-hours"' in found
    assert "at any time" in found

    Campaign.objects.update(local_time=(timezone.now() + timedelta(hours=2)).time())
    assert 'data-testid="wait-local_time"' in staff.get(url(campaign, "hours")).content.decode()


@pytest.mark.parametrize(
    ("sunday", "said"),
    [
        ((time(0), time(23, 59)), "00:00–23:59"),
        ((None, None), "Weekdays 00:00–23:59 Sat 00:00–23:59 Sun no texts"),
    ],
)
def test_hours_that_are_the_same_every_day_are_said_once(
    staff: Client, settings: Settings, sunday: tuple[time | None, time | None], said: str
) -> None:
    settings.TIME_RULES_LANES = ["bulk"]
    AllowedHours.objects.all().delete()
    opens, closes = time(0), time(23, 59)
    AllowedHoursFactory(
        country="US",
        weekday_from=opens,
        weekday_until=closes,
        saturday_from=opens,
        saturday_until=closes,
        sunday_from=sunday[0],
        sunday_until=sunday[1],
    )
    campaign = CampaignFactory(include=[ContactListFactory(contacts=[ContactFactory(phone="+12125550123")])])

    found = read(staff.get(url(campaign, "hours")).content).find("allowed-hours")

    assert found.text.endswith(f"US 1 {said}")


def test_a_day_that_is_over_is_said_at_once(staff: Client) -> None:
    campaign = CampaignFactory(local_time=time(9), local_date=date(2020, 1, 1))
    assert "is over everywhere" in staff.get(url(campaign, "hours")).content.decode()


def test_who_may_not_see_campaigns_sees_none_of_it(nobody: Client) -> None:
    assert nobody.get(url(CampaignFactory(), "hours")).status_code == 403
