"""Whether two shares of people differ, and by how much at least and at most.

A difference is said to be shown only where a test and an interval both say so, at a level that is divided by the number
of comparisons made at once (Bonferroni); and nothing is said of numbers for which neither is worth anything.

- The test: two proportions with a pooled variance, two-sided.
- The interval: of the difference, by combining the score intervals of the two shares; method 10 of R. G. Newcombe,
  “Interval estimation for the difference between independent proportions”, Statistics in Medicine 17 (1998), 873-890.
- Too few: where a cell of the two-by-two table is expected to hold fewer than five (W. G. Cochran, “Some methods for
  strengthening the common χ² tests”, Biometrics 10 (1954), 417-451).
"""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import NormalDist

#: The chance that any of the comparisons made at once finds a difference where there is none.
LEVEL = 0.05
LEAST_EXPECTED = 5

_NORMAL = NormalDist()


class Verdict(StrEnum):
    TOO_FEW = "too_few"
    NO_DIFFERENCE = "no_difference"
    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of so many people; as a number from 0 to 1, and 0 of nobody."""

    hits: int
    people: int

    @property
    def rate(self) -> float:
        return self.hits / self.people if self.people else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is known of a share less another one: from `low` to `high`, each from -1 to 1, and what that comes to."""

    verdict: Verdict
    low: float
    high: float


def compare(one: Share, other: Share, *, comparisons: int = 1) -> Comparison:
    """Whether `one` is higher or lower than `other`, as one of so many comparisons that are made at once."""
    if not _enough(one, other):
        return Comparison(Verdict.TOO_FEW, -1.0, 1.0)
    level = LEVEL / comparisons
    low, high = difference(one, other, level=level)
    if p_value(one, other) >= level or low <= 0 <= high:
        return Comparison(Verdict.NO_DIFFERENCE, low, high)
    return Comparison(Verdict.HIGHER if low > 0 else Verdict.LOWER, low, high)


def _enough(one: Share, other: Share) -> bool:
    people = one.people + other.people
    hits = one.hits + other.hits
    rarer = min(hits, people - hits)
    return people > 0 and rarer * min(one.people, other.people) >= LEAST_EXPECTED * people


def p_value(one: Share, other: Share) -> float:
    """How likely so large a difference, in either direction, is between shares that are the same. Of somebody each."""
    pooled = (one.hits + other.hits) / (one.people + other.people)
    spread = sqrt(pooled * (1 - pooled) * (1 / one.people + 1 / other.people))
    if not spread:
        return 1.0
    return 2 * _NORMAL.cdf(-abs(one.rate - other.rate) / spread)


def difference(one: Share, other: Share, *, level: float = LEVEL) -> tuple[float, float]:
    """From where to where `one` less `other` is, wrong in `level` of all cases. Of somebody each."""
    (low, high), (other_low, other_high) = interval(one, level=level), interval(other, level=level)
    apart = one.rate - other.rate
    # By rounding it may come out a hair beyond what a difference of two shares can be.
    return (
        max(apart - sqrt((one.rate - low) ** 2 + (other_high - other.rate) ** 2), -1.0),
        min(apart + sqrt((high - one.rate) ** 2 + (other.rate - other_low) ** 2), 1.0),
    )


def interval(share: Share, *, level: float = LEVEL) -> tuple[float, float]:
    """The score interval of one share: E. B. Wilson, “Probable inference, the law of succession, and statistical
    inference”, Journal of the American Statistical Association 22 (1927), 209-212. Of somebody."""
    z, people = _NORMAL.inv_cdf(1 - level / 2), share.people
    middle = share.rate + z * z / (2 * people)
    half = z * sqrt(share.rate * (1 - share.rate) / people + z * z / (4 * people * people))
    scale = 1 + z * z / people
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)
