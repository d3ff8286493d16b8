"""What the variants of a campaign came to, and what may be said of it."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from campaigns import launch, materialise, split
from campaigns.models import Campaign
from campaigns.report import export, pdf, people, report
from campaigns.report.people import Chosen
from campaigns.report.significance import Verdict
from campaigns.report.steps import Step
from delivery.models import Message
from tests.campaigns.report.scenes import counted, printed
from tests.campaigns.report.variant_scenes import SIZE, members, over
from tests.campaigns.scenes import crowd
from tests.factories import CampaignFactory, DefaultSenderFactory

pytestmark = pytest.mark.django_db


def test_each_variant_has_what_its_people_came_to_and_the_held_out_are_counted_apart() -> None:
    campaign = counted(over(replies={"A": 3, "B": 5}))

    found = report.of(campaign).variants

    for line in found.lines:
        size = len(members(campaign, line.letter))
        assert (line.messages, line.sent, line.failed, line.segments) == (size, size, 0, size)
        by_step = {measure.step: measure.people for measure in line.measures}
        assert by_step == {Step.DELIVERED: size, Step.REPLIED: {"A": 3, "B": 5}[line.letter], Step.STOPPED: 0}
    assert [(line.letter, line.share, line.version) for line in found.lines] == [("A", 45, 1), ("B", 45, 1)]
    assert found.held_out == len(members(campaign, ""))
    assert found.held_out + sum(line.messages for line in found.lines) == SIZE


def test_a_difference_is_claimed_where_it_is_shown_and_nothing_of_what_is_too_few() -> None:
    campaign = counted(over(replies={"A": 5, "B": 60}))

    own, other = report.of(campaign).variants.lines

    assert all(measure.against is None for measure in own.measures)
    verdicts = {measure.step: measure.against.verdict for measure in other.measures if measure.against}
    assert verdicts == {
        Step.DELIVERED: Verdict.TOO_FEW,  # all of both
        Step.REPLIED: Verdict.HIGHER,
        Step.STOPPED: Verdict.TOO_FEW,  # none of either
    }


def test_a_hair_is_no_difference() -> None:
    # Who gets which is a lot: where few were drawn for B, eight more who replied could be a difference.
    campaign = counted(over(replies={"A": 20, "B": 21}))

    _, other = report.of(campaign).variants.lines

    [replied] = [measure.against for measure in other.measures if measure.step is Step.REPLIED]
    assert replied is not None
    assert replied.verdict is Verdict.NO_DIFFERENCE
    assert replied.low < 0 < replied.high


def test_nothing_is_compared_while_it_is_under_way_or_before_it_was_counted_to_its_end() -> None:
    campaign = over(replies={"A": 5, "B": 60})
    Campaign.objects.update(finished_at=None)
    campaign.refresh_from_db()
    counted(campaign)
    assert all(m.against is None for line in report.of(campaign).variants.lines for m in line.measures)

    Campaign.objects.update(finished_at=timezone.now() + timedelta(seconds=1))
    campaign.refresh_from_db()
    assert all(m.against is None for line in report.of(campaign).variants.lines for m in line.measures)


def test_a_campaign_with_one_text_has_no_variants_in_its_report() -> None:
    DefaultSenderFactory()
    campaign = launch.launch(campaign=CampaignFactory(include=[crowd(3)]), actor=None)
    materialise.freeze(campaign.pk)
    materialise.materialise(campaign.pk, seconds=60)

    found = report.of(counted(campaign)).variants

    assert (found.lines, found.held_out) == ((), 0)


def test_who_is_behind_a_variant_is_told_page_by_page_and_in_the_file() -> None:
    campaign = over(replies={})

    found = people.page(campaign, Chosen(variant="B"), limit=SIZE)
    assert [person.id for person in found.people] == [message.pk for message in members(campaign, "B")]
    assert not people.page(campaign, Chosen(variant="D")).people

    lines = "".join(export.csv_lines(campaign, Chosen(), str)).splitlines()
    letters = [line.rpartition(",")[2] for line in lines[1:]]
    arms = split.of(campaign)
    assert lines[0].endswith(",variant")
    assert letters == [arms.arm(message.pk).letter or "held out" for message in Message.objects.order_by("id")]


def test_the_printed_report_says_of_variants_what_the_page_says() -> None:
    campaign = counted(over(replies={"A": 5, "B": 60}))

    file = pdf.draw(report.of(campaign))

    assert file.count(b"/Type /Page\n") == 2
    words = printed(file)
    for said in (
        "By variant",
        "higher than A by",
        "too few to say",
        "people were held out and got no text, to compare with",
        "fewer than 5 of 100",
    ):
        assert said in words


def test_the_printed_report_of_a_campaign_under_way_compares_nothing() -> None:
    campaign = over(replies={"A": 5, "B": 60})
    Campaign.objects.update(finished_at=None)
    campaign.refresh_from_db()

    words = printed(pdf.draw(report.of(counted(campaign))))

    assert "compared when the campaign is over" in words
    assert "than A" not in words


def test_a_report_with_variants_takes_as_many_queries_however_many_its_messages_are() -> None:
    campaign = counted(over(replies={"A": 1}))
    sizes = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            report.of(Campaign.objects.get(pk=campaign.pk))
        sizes.append(len(queries))
        assert not any('FROM "delivery_message"' in query["sql"] for query in queries)
        Message.objects.filter(pk__in=[m.pk for m in members(campaign, "A")[:50]]).update(segments=F("segments") + 1)
        counted(campaign)
    assert sizes[0] == sizes[1] <= 11


def test_the_printed_report_is_in_the_language_of_whoever_prints_it() -> None:
    campaign = counted(over(replies={"A": 5, "B": 60}))

    with translation.override("de"):
        file = pdf.draw(report.of(campaign))

    words = printed(file)
    for said in (
        "Von der Zielgruppe",
        "Nach Land: gesendet, zugestellt",
        "SMS-Teile gesendet, 0 Klicks",
        "Zeitlicher Verlauf, je",
    ):
        assert said in words
    assert not re.search(r"\b(delivered|launched|segments|None|countries|each)\b", words, re.IGNORECASE)
