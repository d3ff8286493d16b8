"""Plain documents to print and file: a heading, and facts beneath it, a name and a value each.

In a font that every reader has, whose letters are those of Latin-1. Any other character stands as a question mark, and
the document says so; the JSON of the same is exact.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from fpdf import FPDF

_FONT = "Helvetica"
_LINE = 5.5
_SUBSTITUTED = gettext_lazy("Characters that this document has no letters for stand as ?. The JSON of it is exact.")

Facts = Sequence[tuple[str, str]]


def document(title: str, sections: Iterable[tuple[str, Facts]]) -> bytes:
    """A PDF of these sections; a heading of "" is left out."""
    # Here: it takes 27 MB, in every process that has loaded it, and hardly any ever prints.
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.set_title(_shown(title))
    pdf.set_creator("SMSHub")
    pdf.set_auto_page_break(True, margin=18)
    pdf.add_page()
    pdf.set_font(_FONT, "B", 16)
    _line(pdf, title)
    substituted = _shown(title) != title
    for heading, facts in sections:
        pdf.ln(3)
        if heading:
            pdf.set_font(_FONT, "B", 12)
            _line(pdf, heading)
        for name, value in facts:
            pdf.set_font(_FONT, "B", 9)
            _line(pdf, name)
            pdf.set_font(_FONT, "", 10)
            _line(pdf, value or "-")
            substituted |= _shown(value) != value
    if substituted:
        pdf.ln(4)
        pdf.set_font(_FONT, "I", 8)
        _line(pdf, str(_SUBSTITUTED))
    return bytes(pdf.output())


def _line(pdf: "FPDF", text: str) -> None:
    from fpdf.enums import WrapMode, XPos, YPos

    # By characters: a value without a space, however long, must not run off the page.
    pdf.multi_cell(0, _LINE, _shown(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=WrapMode.CHAR)


def _shown(text: str) -> str:
    readable = "".join(character if character.isprintable() or character == "\n" else "?" for character in text)
    return readable.encode("latin-1", "replace").decode("latin-1")
