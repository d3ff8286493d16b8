"""Choosing a route: the most specific, by tier, by weight; the same recipient by the same sender."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.lanes import Lane
from delivery.routing.table import Route, Table

PEOPLE = [f"+1415555{n:04d}" for n in range(3000)]


def route(number: int, **fields: object) -> Route:
    """A route by sender `number` of provider `number`, named so in words."""
    usual = {"country": "", "lane": None, "order": 1, "weight": 100, "sender_id": number, "provider_id": number}
    words = {"sender": f"sender {number}", "provider": f"provider {number}"}
    return Route(**{"id": number, **usual, **words, **fields})  # type: ignore[arg-type]


def shares(table: Table, country: str = "US", lane: int = Lane.BULK) -> dict[int, float]:
    found = Counter(chosen.id for phone in PEOPLE if (chosen := table.choose(phone, country, lane)))
    return {number: round(count / len(PEOPLE), 2) for number, count in found.items()}


def chosen(table: Table, country: str, lane: int) -> int | None:
    found = table.choose("+447700900123", country, lane)
    return found.id if found else None


# --- which routes count -----------------------------------------------------------------------------------------


def test_what_says_most_about_the_destination_counts() -> None:
    table = Table(
        [route(1), route(2, lane=Lane.ALERT), route(3, country="GB"), route(4, country="GB", lane=Lane.ALERT)]
    )
    assert chosen(table, "GB", Lane.ALERT) == 4
    assert chosen(table, "GB", Lane.BULK) == 3
    assert chosen(table, "US", Lane.ALERT) == 2
    assert chosen(table, "US", Lane.BULK) == 1
    assert chosen(table, "", Lane.BULK) == 1


def test_without_a_route_that_counts_there_is_none() -> None:
    table = Table([route(1, country="GB")])
    assert chosen(table, "US", Lane.BULK) is None
    assert "No route" in table.explain("+14155550100", "US", Lane.BULK).why
    assert not Table([])


def test_a_country_whose_routes_are_off_is_not_served_by_those_for_any() -> None:
    table = Table([route(1), route(2, country="GB", on=False)])
    assert chosen(table, "GB", Lane.BULK) is None
    assert table.is_dead("GB", Lane.BULK)


# --- tiers and health -------------------------------------------------------------------------------------------


def test_a_tier_that_is_well_takes_everything() -> None:
    assert shares(Table([route(1), route(2, order=2)])) == {1: 1.0}


def test_the_next_tier_takes_what_the_first_has_lost() -> None:
    found = shares(Table([route(1, factor=25), route(2, order=2)]))
    assert found[1] == pytest.approx(0.25, abs=0.03)
    assert shares(Table([route(1, factor=0), route(2, order=2)])) == {2: 1.0}
    assert shares(Table([route(1, on=False), route(2, order=2)])) == {2: 1.0}


def test_within_a_tier_the_others_take_it_and_the_next_tier_is_left_alone() -> None:
    found = shares(Table([route(1, factor=10), route(2), route(3, order=2)]))
    assert found == {1: pytest.approx(0.09, abs=0.02), 2: pytest.approx(0.91, abs=0.02)}


def test_when_nobody_is_well_the_first_tier_keeps_it() -> None:
    assert shares(Table([route(1, factor=0), route(2, order=2, factor=0)])) == {1: 1.0}


def test_everybody_who_stays_keeps_the_sender_when_health_is_lost() -> None:
    well = Table([route(1), route(2)])
    ill = Table([route(1, factor=50), route(2)])
    moves = [(well.choose(phone, "US", 3), ill.choose(phone, "US", 3)) for phone in PEOPLE]
    assert all(after.id == 2 for before, after in moves if before and after and before.id != after.id)


# --- any table --------------------------------------------------------------------------------------------------

routes = st.builds(
    route,
    st.integers(1, 60),
    country=st.sampled_from(["", "US", "GB"]),
    lane=st.sampled_from([None, *Lane]),
    order=st.integers(1, 3),
    weight=st.integers(1, 500),
    on=st.booleans(),
    factor=st.sampled_from([0, 10, 50, 100]),
)
tables = st.lists(routes, max_size=12, unique_by=lambda one: one.id)
phones = st.integers(0, 10**7).map(lambda number: f"+1415{number:07d}")


@given(tables, phones, st.sampled_from(["", "US", "GB", "FR"]), st.sampled_from(list(Lane)))
def test_what_is_off_is_never_chosen_and_the_choice_is_always_explained(
    lines: list[Route], phone: str, country: str, lane: Lane
) -> None:
    table = Table(lines)
    found = table.choose(phone, country, lane)
    counting = table.lines(country, lane)
    assert found is None or (found.on and found in counting)
    assert (found is None) == (not any(line.on for line in counting))
    if found and not found.factor:
        assert not any(line.pull for line in counting)
    explained = table.explain(phone, country, lane)
    assert explained.route == found
    assert explained.why.endswith(".")


@given(tables, phones, routes)
def test_a_route_for_another_destination_changes_nothing(lines: list[Route], phone: str, other: Route) -> None:
    other = replace(other, id=999, sender_id=999, country="FR")
    assert Table(lines).choose(phone, "US", Lane.BULK) == Table([*lines, other]).choose(phone, "US", Lane.BULK)


@given(tables, phones, st.data())
def test_taking_a_route_away_moves_only_those_who_had_it(lines: list[Route], phone: str, data: st.DataObject) -> None:
    lines = [replace(line, country="", lane=None, order=1, on=True, factor=100) for line in lines]
    if len(lines) < 2:
        return
    gone = data.draw(st.sampled_from(lines))
    before = Table(lines).choose(phone, "US", 3)
    after = Table([line for line in lines if line is not gone]).choose(phone, "US", 3)
    assert after == before or before == gone


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 100), min_size=2, max_size=6))
def test_weights_are_kept_to(weights: list[int]) -> None:
    found = shares(Table(route(number, weight=weight) for number, weight in enumerate(weights, start=1)))
    for number, weight in enumerate(weights, start=1):
        assert found.get(number, 0.0) == pytest.approx(weight / sum(weights), abs=0.045)


def test_a_pool_of_hundreds_is_a_tier_like_any_other() -> None:
    found = shares(Table(route(number) for number in range(1, 301)))
    assert len(found) > 290
    assert max(found.values()) <= 0.02
