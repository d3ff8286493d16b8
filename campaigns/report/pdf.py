"""The report on one page of A4, drawn: funnel, course, failures, countries, senders, links; a second page for variants.

Names are people's own words, in any script; the file's built-in font knows Latin-1 alone, and what it lacks is printed
as a question mark.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from campaigns.report.report import Bar, Course, Line, Report
from campaigns.report.side_by_side import Row, note, variant_rows
from campaigns.report.variants import Variants
from contacts.wording import figure
from delivery import prices

_LEFT, _WIDTH = 15.0, 180.0
_INK, _QUIET, _GRID = (17, 24, 39), (107, 114, 128), (209, 213, 219)
_FILL = (37, 99, 235)
#: A series is told by its stroke as well as by its colour: colour, width in mm, dash and gap in mm.
_STROKES: dict[str, tuple[tuple[int, int, int], float, float, float]] = {
    "sent": ((107, 114, 128), 0.3, 0, 0),
    "delivered": ((22, 163, 74), 0.6, 0, 0),
    "click": ((37, 99, 235), 0.5, 2.0, 1.0),
    "reply": ((147, 51, 234), 0.5, 0.6, 0.8),
    "stop": ((220, 38, 38), 0.5, 3.0, 1.5),
}
_LINES = 6
_PLAIN = str.maketrans("“”„’–•\N{MINUS SIGN}", '"""\'-*-')


class _Page(FPDF):
    def write_at(
        self, x: float, y: float, text: str, *, size: float = 9, bold: bool = False, quiet: bool = False
    ) -> None:
        self.set_xy(x, y)
        self.set_font("Helvetica", "B" if bold else "", size)
        self.set_text_color(*(_QUIET if quiet else _INK))
        self.cell(0, 4, _latin(text), new_x=XPos.RIGHT, new_y=YPos.TOP)

    def write_right(self, right: float, y: float, text: str, *, size: float = 9) -> None:
        self.set_font("Helvetica", "", size)
        self.set_text_color(*_INK)
        text = _latin(text)
        self.set_xy(right - self.get_string_width(text) - 2, y)
        self.cell(self.get_string_width(text) + 2, 4, text)

    def write_within(self, x: float, y: float, width: float, text: str, *, size: float, quiet: bool = False) -> float:
        """On as many lines as it takes; returns where the next one would stand."""
        self.set_xy(x, y)
        self.set_font("Helvetica", "", size)
        self.set_text_color(*(_QUIET if quiet else _INK))
        self.multi_cell(width, 3.4, _latin(text), align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)
        return float(self.get_y())


def draw(report: Report) -> bytes:
    """The file. Its figures are those of the report, no more."""
    page = _Page(format="A4")
    page.set_auto_page_break(False)
    page.set_margins(_LEFT, 12, _LEFT)
    page.set_title(_latin(gettext("Report: %(name)s") % {"name": report.campaign.name}))
    page.set_creator("SMSHub")
    page.set_lang(get_language() or settings.LANGUAGE_CODE)
    page.add_page()
    page.write_at(_LEFT, 14, _short(report.campaign.name, 70), size=16, bold=True)
    page.write_at(_LEFT, 22, _facts(report), quiet=True)
    y = _funnel(page, report.funnel, 32)
    if report.course:
        y = _course(page, report.course, y + 6)
    halves = (_LEFT, _LEFT + _WIDTH / 2 + 4)
    failures = [(failure.label, figure(failure.messages)) for failure in report.failures]
    links = [(f"{link.name}: {link.target}", figure(link.people)) for link in report.links]
    below = max(
        _table(page, halves[0], y + 8, gettext("Not delivered, or not sent"), failures),
        _table(page, halves[1], y + 8, gettext("People who followed a link"), links),
    )
    _table(page, halves[0], below + 6, gettext("By country: sent, delivered"), _shares(report.countries))
    _table(page, halves[1], below + 6, gettext("By sender: sent, delivered"), _shares(report.senders))
    if report.counted_at:
        counted = gettext("Countries, senders, variants and the course over time: as of %(at)s UTC.")
        page.write_at(_LEFT, 284, counted % {"at": _moment(report.counted_at)}, size=7, quiet=True)
    if report.variants.lines:
        page.add_page()
        _variants(page, report.variants, 14)
    return bytes(page.output())


def _facts(report: Report) -> str:
    at, segments, clicks = report.campaign.launched_at, report.progress.segments_sent, report.clicks
    cost = report.progress.cost
    parts = [
        report.campaign.get_status_display(),
        gettext("launched %(at)s UTC") % {"at": _moment(at)} if at else gettext("not launched"),
        gettext("cost %(cost)s") % {"cost": prices.in_words(cost)}
        if cost or not segments
        else gettext("no price is known"),
        ngettext("%(number)s segment sent", "%(number)s segments sent", segments) % {"number": figure(segments)},
        ngettext("%(number)s click", "%(number)s clicks", clicks) % {"number": figure(clicks)},
    ]
    return ", ".join(parts)


def _moment(at: datetime) -> str:
    return date_format(at.astimezone(UTC), gettext("j M Y H:i"))


def _funnel(page: _Page, bars: Sequence[Bar], y: float) -> float:
    page.write_at(_LEFT, y, gettext("From the audience to an answer"), bold=True)
    y += 6
    most = max((bar.people for bar in bars), default=0) or 1
    for bar in bars:
        page.write_at(_LEFT, y + 0.8, bar.label)
        page.set_fill_color(*_GRID)
        page.rect(_LEFT + 28, y, 110, 5.2, style="F")
        page.set_fill_color(*_FILL)
        page.rect(_LEFT + 28, y, 110 * bar.people / most, 5.2, style="F")
        page.write_right(_LEFT + _WIDTH, y + 0.8, f"{figure(bar.people)}  ({figure(bar.percent)} %)")
        y += 7
    return y


def _course(page: _Page, course: Course, y: float) -> float:
    page.write_at(_LEFT, y, gettext("Over time, each %(piece)s") % {"piece": _length(course)}, bold=True)
    top, height = y + 7, 38.0
    most = max((max(series.numbers, default=0) for series in course.series), default=0) or 1
    page.set_draw_color(*_GRID)
    page.set_line_width(0.2)
    for share in (0.0, 0.5, 1.0):
        page.line(_LEFT + 16, top + height * share, _LEFT + _WIDTH, top + height * share)
        page.write_right(_LEFT + 15, top + height * share - 2, figure(round(most * (1 - share))), size=7)
    x = _LEFT + 16
    for series in course.series:
        colour, width, dash, gap = _STROKES[series.key]
        page.set_draw_color(*colour)
        page.set_line_width(width)
        page.set_dash_pattern(dash, gap)
        step = (_WIDTH - 16) / max(len(series.numbers) - 1, 1)
        page.polyline(
            [
                (_LEFT + 16 + number * step, top + height * (1 - count / most))
                for number, count in enumerate(series.numbers)
            ]
        )
        page.line(x, top + height + 9, x + 8, top + height + 9)
        page.set_dash_pattern()
        page.write_at(x + 9, top + height + 7, series.label, size=7)
        x += 32
    moments = course.moments
    if moments:
        page.write_at(_LEFT + 16, top + height + 1, _hour(moments[0]), size=7, quiet=True)
        page.write_right(_LEFT + _WIDTH, top + height + 1, f"{_hour(moments[-1])} UTC", size=7)
    return top + height + 12


def _hour(at: datetime) -> str:
    return date_format(at.astimezone(UTC), gettext("j M H:i"))


def _length(course: Course) -> str:
    """To stand behind “each”."""
    minutes = int(course.piece.total_seconds()) // 60
    if minutes < 60:
        return ngettext("minute", "%(number)s minutes", minutes) % {"number": minutes}
    hours = minutes // 60
    if hours < 24:
        return ngettext("hour", "%(number)s hours", hours) % {"number": hours}
    return ngettext("day", "%(number)s days", hours // 24) % {"number": hours // 24}


def _table(page: _Page, x: float, y: float, title: str, rows: Sequence[tuple[str, str]]) -> float:
    page.write_at(x, y, title, bold=True)
    y += 6
    for label, value in rows[:_LINES]:
        page.write_at(x, y, _short(label, 46), size=8)
        page.write_right(x + _WIDTH / 2 - 6, y, value, size=8)
        y += 5
    if len(rows) > _LINES:
        page.write_at(x, y, gettext("and %(number)s more") % {"number": len(rows) - _LINES}, size=8, quiet=True)
        y += 5
    if not rows:
        page.write_at(x, y, gettext("None"), size=8, quiet=True)
        y += 5
    return y


def _variants(page: _Page, variants: Variants, y: float) -> None:
    """A line for each, as wide as its figures and what may be said of them need."""
    rows = variant_rows(variants)
    first, figures, last = 34.0, 15.0, 18.0
    width = (_WIDTH - first - 2 * figures - last) / len(rows[0].cells)
    page.write_at(_LEFT, y, gettext("By variant"), size=12, bold=True)
    y += 8
    page.write_at(_LEFT, y, gettext("Variant"), size=8, bold=True)
    page.write_right(_LEFT + first + figures, y, gettext("Share"), size=8)
    page.write_right(_LEFT + first + 2 * figures, y, gettext("Sent"), size=8)
    for number, cell in enumerate(rows[0].cells):
        page.write_at(_LEFT + first + 2 * figures + number * width + 3, y, cell.label, size=8, bold=True)
    page.write_right(_LEFT + _WIDTH, y, gettext("Cost") + f" ({settings.CURRENCY})", size=8)
    y += 6
    for row in rows:
        page.set_draw_color(*_GRID)
        page.set_line_width(0.2)
        page.line(_LEFT, y - 1, _LEFT + _WIDTH, y - 1)
        y = _variant(page, row, y, first=first, figures=figures, width=width) + 2
    if variants.held_out:
        people = ngettext("%(number)s person was held out", "%(number)s people were held out", variants.held_out)
        held_out = people % {"number": figure(variants.held_out)}
        page.write_at(_LEFT, y, f"{held_out} " + gettext("and got no text, to compare with."), size=8)
        y += 6
    page.write_within(_LEFT, y, _WIDTH, note(rows), size=8, quiet=True)


def _variant(page: _Page, row: Row, y: float, *, first: float, figures: float, width: float) -> float:
    line = row.line
    page.write_at(_LEFT, y, line.letter, size=8, bold=True)
    version = f" v{line.version}" if line.version else ""
    below = page.write_within(
        _LEFT + 4, y + 0.3, first - 4, f"{_short(line.template, 50)}{version}", size=7, quiet=True
    )
    page.write_right(_LEFT + first + figures, y, f"{figure(line.share)} %", size=8)
    page.write_right(_LEFT + first + 2 * figures, y, figure(line.sent), size=8)
    page.write_right(_LEFT + _WIDTH, y, figure(line.cost, 2), size=8)
    for number, cell in enumerate(row.cells):
        x = _LEFT + first + 2 * figures + number * width + 3
        page.write_at(x, y, f"{figure(cell.percent)} %  ({figure(cell.people)})", size=8)
        if cell.verdict:
            end = page.write_within(x, y + 4, width - 3, cell.verdict, size=6.5, quiet=not cell.shown)
            below = max(below, end)
    return max(below, y + 5)


def _shares(lines: Sequence[Line]) -> list[tuple[str, str]]:
    return [(line.label, f"{figure(line.sent)}   {figure(line.percent_delivered)} %") for line in lines if line.sent]


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def _latin(text: str) -> str:
    plain = text.translate(_PLAIN)
    return plain.encode("latin-1", "replace").decode("latin-1")
