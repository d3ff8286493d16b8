"""Counts of messages, told by deltas: of campaigns, of providers, and of the days of messages of no campaign."""

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from delivery import tallies, testcarrier
from delivery.models import TEST_PROVIDER, Message, Tally
from delivery.states import Status
from tests.factories import MessageFactory, ProviderFactory, SenderFactory

pytestmark = pytest.mark.django_db


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def counted(counts: list[tallies.Count]) -> dict[tuple[int | None, str], int]:
    return {(count.provider_id, count.status.value): count.messages for count in counts}


def test_messages_of_no_campaign_are_counted_by_the_day_they_were_written() -> None:
    message = MessageFactory(segments=2, cost=Decimal("0.02"))
    MessageFactory(campaign_id=7, contact_id=1, sender=message.sender)
    earlier = MessageFactory(sender=message.sender)
    Message.objects.filter(pk=earlier.pk).update(created_at=datetime(2026, 3, 1, 23, 59, tzinfo=UTC))

    Message.objects.filter(pk__in=[message.pk, earlier.pk]).update(status=Status.DELIVERED)

    (count,) = tallies.of_day(today())
    assert (count.campaign_id, count.status, count.messages) == (0, Status.DELIVERED, 1)
    assert (count.segments, count.cost) == (2, Decimal("0.02"))
    assert [count.messages for count in tallies.of_day(date(2026, 3, 1))] == [1]


def test_folding_takes_no_longer_by_a_plan_that_was_made_when_there_was_nothing() -> None:
    with connection.cursor() as cursor:
        # Given a statement that is prepared, as it is in a process that folds every few seconds
        cursor.execute("ANALYZE delivery_tally; SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute("PREPARE folding AS " + tallies.SQUASH % {"keep": 50})
        cursor.execute("EXECUTE folding")
        cursor.execute(
            """INSERT INTO delivery_tally (campaign_id, status, reason, messages, segments, cost)
               SELECT 7, 'queued', '', 1, 1, 1 FROM generate_series(1, 5000)"""
        )
        cursor.execute("SET LOCAL statement_timeout = '60s'")

        # When there is much to fold
        cursor.execute("EXECUTE folding")
        cursor.execute("DEALLOCATE folding")

    # Then it is done
    (folded,) = Tally.objects.all()
    assert (folded.messages, folded.segments, folded.cost) == (5000, 5000, 5000)


def test_a_day_has_no_messages_of_the_test_carrier() -> None:
    sender = testcarrier.sender()
    assert sender.provider_id == TEST_PROVIDER
    MessageFactory(sender=sender)

    Message.objects.update(status=Status.DELIVERED)

    assert not Tally.objects.exists()


def test_a_message_that_goes_another_way_moves_to_the_other_provider() -> None:
    first, second = SenderFactory(), SenderFactory()
    MessageFactory.create_batch(2, campaign_id=7, sender=first)
    Message.objects.filter(pk=Message.objects.values("pk")[:1]).update(sender=second, provider=second.provider)

    assert counted(tallies.by_provider(7)) == {(first.provider_id, "queued"): 1, (second.provider_id, "queued"): 1}
    assert [count.messages for count in tallies.counts([7])] == [2]


class AnyHistory(TestCase):
    """Whatever becomes of messages, and whenever deltas are folded, the sums are those of the rows."""

    @given(
        steps=st.lists(
            st.tuples(st.integers(0, 5), st.sampled_from(list(Status)), st.integers(0, 1), st.booleans()), max_size=12
        )
    )
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_the_sums_are_those_of_the_rows(self, steps: list[tuple[int, Status, int, bool]]) -> None:
        Message.objects.all().delete()
        Tally.objects.all().delete()
        providers = ProviderFactory.create_batch(2)
        senders = [SenderFactory(provider=provider) for provider in providers]
        messages = [MessageFactory(campaign_id=n % 2 * 7, sender=senders[0]) for n in range(6)]

        for which, status, way, fold in steps:
            one = Message.objects.filter(pk=messages[which].pk)
            one.update(status=status, sender=senders[way], provider=providers[way])
            if fold:
                tallies.squash(keep=1)

        rows = list(Message.objects.values_list("campaign_id", "provider_id", "status"))
        assert counted(tallies.by_provider(7)) == Counter((by, status) for of, by, status in rows if of == 7)
        day: Counter[str] = Counter()
        for count in tallies.of_day(today()):
            day[count.status.value] += count.messages
        assert day == Counter(status for of, _, status in rows if of == 0)


def test_folding_leaves_alone_what_it_would_not_make_smaller() -> None:
    for status in Status:
        MessageFactory(campaign_id=7, status=status)
    before = set(Tally.objects.values_list("pk", flat=True))

    tallies.squash(keep=3)

    assert set(Tally.objects.values_list("pk", flat=True)) == before
