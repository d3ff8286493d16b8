"""Variants side by side, in words: for the page and the file alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from campaigns.report.significance import Comparison, Verdict
from campaigns.report.steps import WORDS
from campaigns.report.variants import VariantLine, Variants


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of a variant, and what may be said of it beside variant A's; empty: nothing."""

    label: str
    people: int
    percent: float
    verdict: str
    shown: bool
    """A difference is."""


@dataclass(frozen=True, slots=True)
class Row:
    line: VariantLine
    cells: tuple[Cell, ...]


def variant_rows(variants: Variants) -> list[Row]:
    return [
        Row(
            line,
            tuple(
                Cell(
                    str(WORDS[measure.step]),
                    measure.people,
                    measure.percent,
                    in_words(measure.against) if measure.against else "",
                    bool(measure.against and measure.against.verdict in (Verdict.HIGHER, Verdict.LOWER)),
                )
                for measure in line.measures
            ),
        )
        for line in variants.lines
    ]


def note(rows: Sequence[Row]) -> str:
    """How the figures are to be read, and why there is no comparison yet; empty where there is nothing to compare."""
    if len(rows) < 2:
        return ""
    if any(cell.verdict for row in rows for cell in row.cells):
        return _(
            "Percent of what was sent. Differences are from A, in percentage points; one is called higher or lower "
            "only where chance would make so large a one in fewer than 5 of 100 such reports."
        )
    return _(
        "Percent of what was sent. The variants are compared when the campaign is over: before, they differ by who was "
        "texted first."
    )


def in_words(found: Comparison) -> str:
    """What a comparison with variant A shows, in percentage points."""
    low, high = _points(found.low), _points(found.high)
    if found.verdict is Verdict.TOO_FEW:
        return _("too few to say")
    if found.verdict is Verdict.NO_DIFFERENCE:
        return _("no difference shown: between %(low)s and %(high)s points") % {"low": low, "high": high}
    if found.verdict is Verdict.HIGHER:
        return _("higher than A by %(low)s to %(high)s points") % {"low": low, "high": high}
    return _("lower than A by %(low)s to %(high)s points") % {"low": _points(-found.high), "high": _points(-found.low)}


def _points(difference: float) -> str:
    """Of 0.0123, 1.2. A minus sign that no line is broken behind."""
    return number_format(round(100 * difference, 1), decimal_pos=1).replace("-", "\N{MINUS SIGN}")
