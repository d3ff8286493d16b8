"""Figures of a stretch of days: from tallies and counts, whatever the number of messages."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.report import summary as summing
from campaigns.report.summary import MOST_DAYS, By, Summary
from delivery.states import Status
from tests.campaigns.report.scenes import counted, finished
from tests.factories import CampaignFactory, MessageFactory, SenderFactory, TallyFactory

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 2)


def of(by: By, since: date = DAY, until: date = DAY) -> Summary:
    return summing.summary(since, until, by)


def lines(found: Summary) -> dict[str, tuple[int, int]]:
    return {each.key: (each.messages, each.delivered) for each in found.lines}


def own(day: date, **more: object) -> None:
    TallyFactory(campaign_id=0, day=day, **more)


def launched(at: datetime, **more: object) -> Campaign:
    campaign: Campaign = CampaignFactory(status="completed", launched_at=at)
    TallyFactory(campaign_id=campaign.pk, **more)
    return campaign


def test_a_day_has_what_was_written_and_the_campaigns_that_were_launched_on_it() -> None:
    own(DAY, status=Status.DELIVERED, messages=3, segments=4, cost=Decimal("0.04"))
    own(DAY, status=Status.SUPPRESSED, messages=1, segments=1, cost=Decimal("0.01"))
    own(DAY + timedelta(days=1), messages=9)
    launched(datetime(2026, 3, 2, 23, 59, tzinfo=UTC), status=Status.DELIVERED, messages=5, segments=5)
    launched(datetime(2026, 3, 3, 0, 0, tzinfo=UTC), messages=7)

    [line] = of(By.DAY).lines

    assert (line.key, line.messages, line.sent, line.delivered, line.segments) == ("2026-03-02", 9, 8, 8, 9)
    assert line.cost == Decimal("0.04"), "what never left costs nothing"
    both = of(By.DAY, until=DAY + timedelta(days=1))
    assert [each.messages for each in both.lines] == [9, 16]
    assert both.total.messages == 25


def test_by_campaign_the_newest_come_first_and_messages_of_none_last() -> None:
    own(DAY, messages=2)
    first, second = (launched(datetime(2026, 3, 2, 9, tzinfo=UTC), messages=number) for number in (3, 4))

    found = of(By.CAMPAIGN)

    assert lines(found) == {str(second.pk): (4, 0), str(first.pk): (3, 0), "": (2, 0)}
    assert [each.key for each in found.lines] == [str(second.pk), str(first.pk), ""]
    assert found.lines[0].label == second.name


def test_by_provider_those_with_most_messages_come_first() -> None:
    quiet, busy = SenderFactory().provider, SenderFactory().provider
    own(DAY, provider_id=quiet.pk, messages=2)
    own(DAY, provider_id=busy.pk, messages=3)
    launched(datetime(2026, 3, 2, 9, tzinfo=UTC), provider_id=busy.pk, messages=4)

    found = of(By.PROVIDER)

    assert [(each.label, each.messages) for each in found.lines] == [(busy.name, 7), (quiet.name, 2)]


def test_countries_and_senders_are_those_of_campaigns_as_they_were_counted() -> None:
    today = timezone.now().astimezone(UTC).date()
    campaign = counted(finished())
    day = campaign.launched_at.astimezone(UTC).date()
    CampaignFactory(status="running", launched_at=campaign.launched_at)
    own(day, messages=2)

    by_country, by_sender = of(By.COUNTRY, day, today), of(By.SENDER, day, today)

    assert {each.key: each.delivered for each in by_country.lines} == {"US": 6, "GB": 2, "": 0}
    assert sum(each.messages for each in by_sender.lines) == by_sender.total.messages == by_country.total.messages
    assert (by_country.counted_from is not None, by_country.not_counted) == (True, 1)


def test_messages_that_were_written_are_in_their_day() -> None:
    MessageFactory(status=Status.DELIVERED)
    today = timezone.now().astimezone(UTC).date()

    assert of(By.DAY, today, today).total.delivered == 1


def test_no_more_than_so_many_lines_and_the_total_is_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summing, "MOST_LINES", 2)
    for number in range(3):
        own(DAY + timedelta(days=number))

    found = of(By.DAY, until=DAY + timedelta(days=5))

    assert [each.key for each in found.lines] == ["2026-03-03", "2026-03-04"]
    assert (found.more, found.total.messages) == (True, 3)


@pytest.mark.parametrize("by", By)
def test_it_takes_as_many_queries_for_many_campaigns_as_for_few(by: By) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            of(by)
        return len(asked)

    launched(datetime(2026, 3, 2, 9, tzinfo=UTC))
    few = queries()
    for _ in range(5):
        launched(datetime(2026, 3, 2, 9, tzinfo=UTC))

    assert queries() == few <= 4


@pytest.mark.parametrize("until", [DAY - timedelta(days=1), DAY + timedelta(days=MOST_DAYS), date.max])
def test_what_is_no_stretch_of_days_or_too_long_a_one_is_refused(until: date) -> None:
    with pytest.raises(ValueError, match="at most 366"):
        of(By.DAY, until=until)
