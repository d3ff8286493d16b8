"""What a campaign came to: as many in every figure as there are rows."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from campaigns.models import Campaign, CampaignReport
from campaigns.report import counting, export, pdf, people, report
from campaigns.report.people import Chosen
from campaigns.report.steps import Step
from delivery.models import Message
from delivery.reactions import Kind
from delivery.states import Status
from tests.campaigns.report.scenes import ROWS, counted, finished, printed
from tests.campaigns.scenes import at_once, launched
from tests.factories import CampaignFactory
from tests.link_factories import LinkFactory

pytestmark = pytest.mark.django_db


def test_the_funnel_is_exact_without_any_count() -> None:
    found = report.of(finished())

    assert {bar.step.value: bar.people for bar in found.funnel} == {
        "audience": 14,
        "sent": 11,
        "delivered": 8,
        "clicked": 4,
        "replied": 2,
        "stopped": 1,
    }
    assert found.funnel[2].percent == 57.1
    assert (found.clicks, found.machine_clicks, found.replies) == (4, 1, 2)
    assert found.counted_at is None
    assert found.course is None


def test_what_is_still_to_be_sent_is_no_loss() -> None:
    running = finished((("US", Status.DELIVERED, "", 2, 0, 0, 0), ("US", Status.HELD, "quiet_hours", 3, 0, 0, 0)))
    Campaign.objects.update(status=Campaign.Status.RUNNING, finished_at=None, audience_size=7)
    running.refresh_from_db()

    found = report.of(running)

    shown = {bar.step: bar.people for bar in found.funnel[:3]}
    assert shown == {Step.AUDIENCE: 7, Step.TO_SEND: 5, Step.SENT: 2}
    assert (found.progress.segments, found.progress.segments_sent) == (5, 2)
    assert len(people.page(running, Chosen(step=Step.TO_SEND)).people) == 3


def test_failures_are_in_words_with_what_to_do() -> None:
    found = report.of(finished())

    assert {(failure.status, failure.label, failure.messages) for failure in found.failures} == {
        (Status.UNDELIVERED, "Handset off or out of reach", 2),
        (Status.SUPPRESSED, "Opted out", 3),
    }


def test_what_was_cancelled_is_accounted_for() -> None:
    cancelled = finished((("US", Status.DELIVERED, "", 1, 0, 0, 0), ("US", Status.CANCELLED, "", 3, 0, 0, 0)))

    found = report.of(cancelled)

    assert [(failure.label, failure.messages) for failure in found.failures] == [("Called off before it left", 3)]
    assert len(people.page(cancelled, Chosen(status=Status.CANCELLED, reason="")).people) == 3


def test_countries_and_senders_are_the_sums_of_the_rows() -> None:
    found = report.of(counted(finished()))

    countries = {line.key: (line.messages, line.sent, line.delivered, line.failed) for line in found.countries}
    assert countries == {"US": (11, 8, 6, 2), "GB": (3, 3, 2, 0)}
    assert [(line.sent, line.cost) for line in found.senders if line.key] == [(11, Decimal("0.11"))]
    assert sum(line.messages for line in found.senders) == 14
    assert found.cost_of_delivered == Decimal("0.01375")


def test_the_course_has_everything_that_happened_in_its_piece() -> None:
    campaign = counted(finished())

    course = report.of(campaign).course

    assert course
    totals = {series.key: sum(series.numbers) for series in course.series}
    assert totals == {"sent": 11, "delivered": 8, "click": 4, "reply": 2, "stop": 1}
    assert course.piece == timedelta(minutes=1)
    assert campaign.launched_at
    first = next(moment for moment, numbers in course.rows if numbers[0])
    assert timedelta(0) < first - campaign.launched_at <= timedelta(minutes=1)


@pytest.mark.parametrize(
    ("span", "piece"),
    [
        (timedelta(minutes=0), timedelta(minutes=1)),
        (timedelta(minutes=90), timedelta(minutes=1)),
        (timedelta(hours=5), timedelta(minutes=5)),
        (timedelta(days=2), timedelta(hours=1)),
        (timedelta(days=31), timedelta(days=1)),
    ],
)
def test_pieces_are_as_long_as_the_span_asks_for(span: timedelta, piece: timedelta) -> None:
    start = timezone.now()

    found = counting._span(start, [start + span], [])

    assert found.piece == piece
    assert found.start <= start
    assert start + span < found.end
    assert (found.end - found.start) / found.piece <= counting.MOST_PIECES


def test_what_comes_long_after_is_not_drawn() -> None:
    start = timezone.now()

    found = counting._span(start, [start + timedelta(minutes=10)], [start + timedelta(days=20)])

    assert found.end - start < timedelta(days=1, hours=2)


def test_a_report_takes_as_many_queries_for_a_large_campaign_as_for_a_small_one() -> None:
    sizes = []
    for times in (1, 4):
        rows = tuple((c, s, r, n * times, *rest) for c, s, r, n, *rest in ROWS)
        campaign = counted(finished(rows))  # type: ignore[arg-type]
        report.of(campaign)
        with CaptureQueriesContext(connection) as queries:
            report.of(campaign)
        sizes.append(len(queries))
        assert not any('FROM "delivery_message"' in query["sql"] for query in queries)

    assert sizes[0] == sizes[1] <= 8


def test_counts_come_at_growing_distances_and_end() -> None:
    campaign = finished()
    assert campaign.finished_at
    waits = [
        counting._next(campaign, campaign.finished_at + since, timedelta(0))
        for since in (timedelta(0), timedelta(hours=4), timedelta(days=11))
    ]

    assert waits[0] == campaign.finished_at + counting.LEAST
    assert waits[1] == campaign.finished_at + timedelta(hours=5)
    assert waits[2] is None


def test_a_count_that_takes_long_is_made_rarely() -> None:
    running = CampaignFactory(status=Campaign.Status.RUNNING, launched_at=timezone.now())
    now = timezone.now()

    assert counting._next(running, now, timedelta(seconds=10)) == now + timedelta(seconds=300)


def test_a_launched_campaign_is_counted_by_itself() -> None:
    campaign = launched(3)

    assert counting.due() == []
    CampaignReport.objects.update(due_at=timezone.now())
    assert counting.due() == [campaign.pk]


def test_what_is_not_due_is_not_counted_twice() -> None:
    campaign = counted(finished())

    assert not counting.count(campaign.pk)


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_one_counts() -> None:
    campaign = finished()
    CampaignReport.objects.create(campaign=campaign, due_at=timezone.now())

    def work() -> bool:
        try:
            return counting.count(campaign.pk)
        finally:
            connection.close()

    assert sorted(at_once(work, work)) == [False, True]


# --- who is behind it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "number"),
    [
        (Chosen(), 14),
        (Chosen(Step.SENT), 11),
        (Chosen(Step.DELIVERED), 8),
        (Chosen(Step.CLICKED), 4),
        (Chosen(Step.REPLIED), 2),
        (Chosen(Step.STOPPED), 1),
        (Chosen(Step.CLICKED, country="GB"), 1),
        (Chosen(Step.CLICKED, country="US"), 3),
        (Chosen(country="GB"), 3),
        (Chosen(Step.DELIVERED, country="US"), 6),
        (Chosen(status=Status.UNDELIVERED, reason="unreachable"), 2),
        (Chosen(status=Status.UNDELIVERED, reason="landline"), 0),
        (Chosen(sender=0), 0),
    ],
)
def test_behind_each_number_are_as_many_people(chosen: Chosen, number: int) -> None:
    campaign = finished()

    assert len(people.page(campaign, chosen).people) == number


def test_behind_a_link_are_those_who_followed_it() -> None:
    campaign = finished()
    one, other = campaign.links.get(), LinkFactory(campaign=campaign, name="map")
    for step in (Step.CLICKED, Step.AUDIENCE):
        assert len(people.page(campaign, Chosen(step, link=one.pk)).people) == 4
        assert not people.page(campaign, Chosen(step, link=other.pk)).people


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize("step", [Step.AUDIENCE, Step.DELIVERED, Step.CLICKED])
def test_pages_go_through_everybody_once(step: Step, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "WINDOW", 3)
    campaign = finished()

    seen = [person.contact_id for person in people.everybody(campaign, Chosen(step), at_once=limit)]

    expected = people.page(campaign, Chosen(step)).people
    assert seen == [person.contact_id for person in expected] == sorted(set(seen))


def test_who_was_erased_is_still_passed_on_the_way() -> None:
    campaign = finished()
    Message.objects.update(contact_id=None, recipient="")

    assert len(list(people.everybody(campaign, Chosen(), at_once=3))) == 14
    assert len(list(people.everybody(campaign, Chosen(Step.CLICKED), at_once=1))) == 4


def test_a_page_says_what_each_of_them_did() -> None:
    [stopped] = people.page(finished(), Chosen(Step.STOPPED)).people

    assert stopped.did == {Kind.CLICK, Kind.REPLY, Kind.STOP, Kind.MACHINE}


def test_a_page_that_has_looked_long_enough_says_where_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "WINDOW", 5)
    monkeypatch.setattr(people, "SECONDS", -1)
    campaign = finished()
    rare = Chosen(status=Status.SUPPRESSED)

    first = people.page(campaign, rare)

    assert (first.people, first.whole, first.after) == ((), False, 5)
    assert len(list(people.everybody(campaign, rare))) == 3


def test_a_draft_has_nobody() -> None:
    assert people.page(CampaignFactory(), Chosen()).people == ()


# --- files ------------------------------------------------------------------------------------------------------------


def test_the_csv_has_a_line_for_everybody_and_shows_numbers_as_its_reader_may_see_them() -> None:
    campaign = finished()

    lines = list(export.csv_lines(campaign, Chosen(), lambda phone: "hidden"))

    assert len(lines) == 1 + 14
    assert lines[0].startswith("to,country,sender,status,reason")
    assert all(line.startswith("hidden,") for line in lines[1:])
    assert lines[1].count("yes") == 3


def test_no_cell_of_the_csv_is_a_formula() -> None:
    campaign = finished()
    Message.objects.filter(campaign_id=campaign.pk).update(reason="=1+1")

    lines = list(export.csv_lines(campaign, Chosen(), lambda phone: phone))

    assert "'=1+1" in lines[1]
    assert lines[1].startswith("+1415")


def test_the_pdf_is_one_page_with_the_campaigns_name_in_any_script() -> None:
    campaign = counted(finished())
    campaign.name = "Grippe “2026” – 流感 😀" + "x" * 100

    file = pdf.draw(report.of(campaign))

    assert file.startswith(b"%PDF-")
    assert file.count(b"/Type /Page\n") == 1


def test_the_pdf_of_a_campaign_that_was_not_counted_yet_is_one_too() -> None:
    assert pdf.draw(report.of(finished())).startswith(b"%PDF-")


def test_the_pdf_is_in_the_readers_language() -> None:
    campaign = counted(finished())
    with translation.override("de"):
        words = printed(pdf.draw(report.of(campaign)))
    for german in ("Nach Land: gesendet, zugestellt", "zeitlicher Verlauf", "Nicht zugestellt"):
        assert german in words
    for english in ("By country", "Over time", "Not delivered", "segments", "launched"):
        assert english not in words
