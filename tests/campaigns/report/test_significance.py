"""What is said of two shares: known values of the literature, and nothing that the numbers do not show."""

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from campaigns.report.significance import LEVEL, Share, Verdict, compare, difference, interval, p_value


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    # R. G. Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_that_of_the_literature(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    assert difference(Share(*one), Share(*other)) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("hits", "people", "low", "high"),
    # R. G. Newcombe, “Two-sided confidence intervals for the single proportion”, Statistics in Medicine 17 (1998),
    # 857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_that_of_the_literature(hits: int, people: int, low: float, high: float) -> None:
    assert interval(Share(hits, people)) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_the_test_is_that_of_chi_squared_with_one_degree_of_freedom() -> None:
    # χ² = N (ad - bc)² / (r₁ r₂ c₁ c₂) = 150 (56·32 - 14·48)² / (70·80·104·46) = 7.0234…, whose p is 0.00804.
    assert p_value(Share(56, 70), Share(48, 80)) == pytest.approx(0.00804, abs=1e-5)


shares = st.integers(1, 5000).flatmap(lambda people: st.builds(Share, st.integers(0, people), st.just(people)))


@given(shares, shares, st.integers(1, 20))
def test_a_comparison_is_the_other_ones_mirror_and_more_of_them_claim_less(one: Share, other: Share, more: int) -> None:
    there, back = compare(one, other), compare(other, one)
    mirrored = {Verdict.HIGHER: Verdict.LOWER, Verdict.LOWER: Verdict.HIGHER}
    assert back.verdict == mirrored.get(there.verdict, there.verdict)
    assert (back.low, back.high) == (pytest.approx(-there.high), pytest.approx(-there.low))

    stricter = compare(one, other, comparisons=more)
    assert stricter.verdict in (there.verdict, Verdict.NO_DIFFERENCE)
    assert -1 <= stricter.low <= there.low + 1e-9
    assert there.high - 1e-9 <= stricter.high <= 1


@given(shares, shares)
def test_a_difference_is_claimed_only_where_nothing_else_is_within_the_interval(one: Share, other: Share) -> None:
    found = compare(one, other)
    assume(found.verdict in (Verdict.HIGHER, Verdict.LOWER))
    assert found.low * found.high > 0
    assert (found.low > 0) == (one.rate > other.rate) == (found.verdict is Verdict.HIGHER)
    assert p_value(one, other) < LEVEL


@pytest.mark.parametrize(
    ("one", "other"), [((0, 0), (5, 10)), ((0, 1000), (0, 1000)), ((4, 1000), (5, 1000)), ((3, 4), (1, 4))]
)
def test_of_few_nothing_is_said(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert compare(Share(*one), Share(*other)).verdict is Verdict.TOO_FEW


def test_between_alike_texts_a_difference_is_claimed_no_more_often_than_it_says() -> None:
    rng, tries, size = random.Random(5), 1500, 400

    def sample() -> Share:
        return Share(sum(rng.random() < 0.1 for _ in range(size)), size)

    claims = sum(compare(sample(), sample()).verdict in (Verdict.HIGHER, Verdict.LOWER) for _ in range(tries))

    # Six standard deviations above 5 percent.
    assert claims < tries * LEVEL + 6 * (tries * LEVEL * (1 - LEVEL)) ** 0.5
