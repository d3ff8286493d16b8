"""Message ids: valid, one for each (campaign, contact), in order, and telling their month."""

from datetime import UTC, date, datetime, timedelta
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery import ids

campaigns = st.integers(1, ids.MAX_CAMPAIGN)
contacts = st.integers(0, ids.MAX_CONTACT)
moments = st.integers(0, 7000 * 365 * 24 * 3600 * 1000 * 8).map(lambda part: EPOCH + timedelta(milliseconds=part / 8))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@given(moments, campaigns, contacts)
def test_a_campaigns_id_is_a_valid_uuid_of_its_launch(at: datetime, campaign: int, contact: int) -> None:
    made = ids.campaign_message_id(at, campaign, contact)

    assert (made.version, made.variant) == (7, RFC_4122)
    assert timedelta(0) <= at - ids.moment(made) < timedelta(milliseconds=1)


@given(st.tuples(campaigns, contacts), st.tuples(campaigns, contacts))
def test_ids_of_one_moment_are_in_the_order_of_campaign_and_contact(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    first, second = ids.campaign_message_id(NOON, *one), ids.campaign_message_id(NOON, *other)

    assert (first < second, first == second) == (one < other, one == other)


@given(campaigns, contacts, campaigns)
def test_a_campaigns_range_holds_its_own_and_no_other(campaign: int, contact: int, other: int) -> None:
    own = ids.campaign_range(NOON, campaign)

    assert ids.campaign_message_id(NOON, campaign, contact) in own
    assert (ids.campaign_message_id(NOON, other, contact) in own) == (other == campaign)
    assert ids.campaign_message_id(NOON + timedelta(milliseconds=1), campaign, contact) not in own


@given(campaigns, st.integers(0, ids.MAX_CONTACT - 1), contacts)
def test_a_range_may_begin_after_a_contact(campaign: int, after: int, contact: int) -> None:
    rest = ids.campaign_range(NOON, campaign, after_contact=after)

    assert (ids.campaign_message_id(NOON, campaign, contact) in rest) == (contact > after)


@pytest.mark.parametrize(("campaign", "contact"), [(0, 1), (2**30, 1), (1, 2**44), (1, -1), (-1, 1)])
def test_what_does_not_fit_is_refused(campaign: int, contact: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        ids.campaign_message_id(NOON, campaign, contact)


@given(moments, campaigns, contacts)
def test_an_id_lies_between_the_bounds_of_its_month(at: datetime, campaign: int, contact: int) -> None:
    made = ids.campaign_message_id(at, campaign, contact)
    lowest, next_lowest = ids.month_bounds(ids.month_of(at))

    assert lowest <= made < next_lowest
    assert ids.month_of_id(made) == ids.month_of(at)
    assert ids.first_id(at) <= made


@given(st.integers(0, 5000), st.integers(-500, 500))
def test_months_are_counted_over_the_years(start: int, number: int) -> None:
    month = date(2000 + start // 12, start % 12 + 1, 1)

    later = ids.months_later(month, number)

    assert (later.year - month.year) * 12 + later.month - month.month == number
    assert ids.month_bounds(month)[1] == ids.month_bounds(ids.months_later(month, 1))[0]


def test_ids_of_messages_of_their_own_are_of_now() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    made = ids.new_message_id()

    assert before <= ids.moment(made) <= datetime.now(UTC) + timedelta(milliseconds=1)
    assert ids.first_id(before) < made
