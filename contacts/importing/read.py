"""A CSV file's bytes to its records, streamed: encoding, delimiter, header, quotes, line numbers.

No more than one record is held in memory, however long the file or a line of it is.
"""

import codecs
import csv
import io
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.phone import InvalidPhone, normalise
from contacts.wording import figure

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Characters. An honest row of contact data is a hundredth of it; a file without line ends is refused by it.
MAX_RECORD = 64 * 1024
MAX_COLUMNS = 200
MAX_COLUMN_NAME = 80
SAMPLES = 50

_CHUNK = 1024 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT = {
    b"PK\x03\x04": gettext_lazy("an Excel workbook or a zip archive"),
    b"\xd0\xcf\x11\xe0": gettext_lazy("an old Excel workbook"),
    b"%PDF": gettext_lazy("a PDF document"),
    b"\x1f\x8b": gettext_lazy("a compressed file"),
}

Record = tuple[int, list[str]]


class ImportProblem(Exception):
    """The file, or what was asked of it, cannot be used. `message` tells the person who uploaded it what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is written. Without a header of its own its columns are called "Column 1", "Column 2", …"""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    has_header: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The shape of a file and its first rows."""

    shape: Shape
    samples: tuple[tuple[str, ...], ...]
    # Column names that stood in the header more than once.
    repeated: tuple[str, ...]


def detect_encoding(file: BinaryIO) -> str:
    """The encoding of all of the file: by its byte order mark, else UTF-8, else Windows-1252.

    Reads to the end, a chunk at a time: the first accent of a long list may stand on its last line. Windows-1252
    gives a letter to nearly every byte, so it is believed only where no UTF-8 has been seen before.

    Raises ImportProblem.
    """
    file.seek(0)
    start = file.read(8)
    for magic, what in _NOT_TEXT.items():
        if start.startswith(magic):
            raise ImportProblem(
                _("This is %(what_words)s, not a CSV file: open it and export it as CSV.") % {"what_words": what}
            )
    encoding = next((name for bom, name in _BOMS if start.startswith(bom)), "utf-8")
    broken = _first_broken_line(file, encoding)
    if broken is None:
        return encoding
    line, was_plain = broken
    if encoding == "utf-8" and was_plain and _first_broken_line(file, "cp1252") is None:
        return "cp1252"
    raise ImportProblem(
        _("Line %(line)s is not valid %(encoding)s text. Export the file again as “CSV UTF-8”.")
        % {"line": line, "encoding": "UTF-16" if encoding == "utf-16" else "UTF-8"}
    )


def _first_broken_line(file: BinaryIO, encoding: str) -> tuple[int, bool] | None:
    """The first line that cannot be decoded, and whether all before it was ASCII; None if all can."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    line, plain = 1, True
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start]
            return line + good.count(b"\n"), plain and good.isascii()
        if not chunk:
            return None
        line += text.count("\n")
        plain = plain and text.isascii()


def read_head(file: BinaryIO, *, encoding: str, default_country: str) -> Head:
    """The shape of the file and its first rows, without reading further.

    Raises ImportProblem if there is nothing to import in it.
    """
    delimiter = _guess_delimiter(file, encoding)
    records = [cells for _line, cells in islice(_records(file, encoding, delimiter), SAMPLES + 1)]
    if not records:
        raise ImportProblem(_("The file is empty."))
    first = records[0]
    has_header = not any(_is_phone(cell, default_country) for cell in first)
    while has_header and len(first) > 1 and not first[-1].strip():
        first.pop()
    if len(first) > MAX_COLUMNS:
        many = _("The file has %(columns)s columns; at most %(most)s can be imported.")
        raise ImportProblem(many % {"columns": figure(len(first)), "most": MAX_COLUMNS})
    if has_header and len(records) == 1:
        raise ImportProblem(_("The file has a header and no rows below it."))
    names = [" ".join(cell.split())[:MAX_COLUMN_NAME] for cell in first] if has_header else [""] * len(first)
    header, repeated = _unique(names)
    samples = tuple(tuple(cells) for cells in records[has_header:])[:SAMPLES]
    return Head(Shape(encoding, delimiter, header, has_header), samples, repeated)


def read_records(file: BinaryIO, shape: Shape) -> Generator[Record, None, None]:
    """Every row below the header, with the number of the line it begins on. Blank rows are left out.

    Raises ImportProblem at the first thing after which the rest of the file cannot be trusted.
    """
    records = _records(file, shape.encoding, shape.delimiter)
    if shape.has_header:
        next(records, None)
    return records


def _guess_delimiter(file: BinaryIO, encoding: str) -> str:
    """The delimiter that cuts the first rows most evenly into the number of columns of the first."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        sample = text.read(MAX_RECORD)
    except UnicodeDecodeError:
        raise _undecodable(encoding) from None
    finally:
        text.detach()
    lines = sample.splitlines(keepends=True)
    if len(sample) == MAX_RECORD:
        lines = lines[:-1]

    def evenness(delimiter: str) -> tuple[float, int]:
        try:
            rows = islice(csv.reader(lines, delimiter=delimiter), SAMPLES)
            widths = [len(cells) for cells in rows if cells]
        except csv.Error:
            return 0.0, 0
        if not widths or widths[0] == 1:
            return 0.0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    return max(DELIMITERS, key=evenness)


def _records(file: BinaryIO, encoding: str, delimiter: str) -> Generator[Record, None, None]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    start, room = 1, MAX_RECORD

    def lines() -> Iterator[str]:
        nonlocal room
        readline = text.readline
        while line := readline(MAX_RECORD + 1):
            room -= len(line)
            if room < 0:
                raise _too_long(start, open_quote=reader.line_num >= start)
            if "\0" in line:
                raise ImportProblem(
                    _(
                        "Line %(line)s contains a NUL character: this is not a text file, or UTF-16 without its byte "
                        "order mark. Export it again as “CSV UTF-8”."
                    )
                    % {"line": reader.line_num + 1}
                )
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield start, cells
            start, room = reader.line_num + 1, MAX_RECORD
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise ImportProblem(
                _(
                    "The row on line %(line)s opens a quote that is never closed. Close it, or double it to mean the "
                    "sign."
                )
                % {"line": start}
            ) from None
        raise ImportProblem(
            _("Line %(line)s has text after a closing quote. A quote inside a quoted field must be doubled.")
            % {"line": reader.line_num}
        ) from None
    except UnicodeDecodeError:
        raise _undecodable(encoding, reader.line_num + 1) from None
    finally:
        text.detach()


def _too_long(line: int, *, open_quote: bool) -> ImportProblem:
    if open_quote:
        return ImportProblem(
            _(
                "The row on line %(line)s does not end within %(most)s characters: a quote opened in it is probably "
                "never closed."
            )
            % {"line": line, "most": figure(MAX_RECORD)}
        )
    return ImportProblem(
        _("Line %(line)s is longer than %(most)s characters: this is not a list of contacts, one per line.")
        % {"line": line, "most": figure(MAX_RECORD)}
    )


def _undecodable(encoding: str, line: int = 1) -> ImportProblem:
    return ImportProblem(
        _("The text near line %(line)s is not valid %(encoding)s. Export the file again as “CSV UTF-8”.")
        % {"line": line, "encoding": encoding}
    )


def _is_phone(cell: str, default_country: str) -> bool:
    try:
        normalise(cell, default_country=default_country or None)
    except InvalidPhone:
        return False
    return True


def _unique(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every column under a name of its own, and the names that were given twice."""
    taken: dict[str, None] = {}
    repeated: dict[str, None] = {}
    for position, given in enumerate(names, start=1):
        name, copy = given or f"Column {position}", 2
        while name in taken:
            if given:
                repeated[given] = None
            name, copy = f"{given or f'Column {position}'} ({copy})", copy + 1
        taken[name] = None
    return tuple(taken), tuple(repeated)
