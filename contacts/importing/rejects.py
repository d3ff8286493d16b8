"""The rows that were not imported, as a file that can be corrected and imported again."""

import csv
import io
import tempfile
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Self

from django.core.files import File

from contacts.importing.mapping import REJECTED_COLUMNS
from contacts.importing.rows import Rejected
from contacts.models import ContactImport

# Nobody corrects more by hand; what lies beyond is counted.
KEPT = 100_000

# A spreadsheet runs a cell that begins with one of these. The apostrophe tells it that the cell is text, and the
# reader of phone numbers looks past it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class RejectedRow:
    line: int
    sentence: str
    cells: list[str]


class RejectedRows:
    """Collects rejected rows in an unnamed temporary file, which vanishes with the process, until they are stored."""

    def __init__(self, upload: ContactImport) -> None:
        self._upload = upload
        self.count = 0

    def __enter__(self) -> Self:
        self._file = tempfile.TemporaryFile()
        # With a byte order mark, without which Excel takes UTF-8 for Windows-1252.
        self._text = io.TextIOWrapper(self._file, encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._text, delimiter=self._upload.delimiter or ",")
        self._writer.writerow([*REJECTED_COLUMNS, *map(harmless, self._upload.header)])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._text.close()

    def add(self, line: int, why: Rejected, cells: list[str]) -> None:
        self.count += 1
        if self.count <= KEPT:
            self._writer.writerow([line, why.reason, why.message, *map(harmless, cells)])

    def store(self) -> str:
        """The name in storage; "" if there are none."""
        if not self.count:
            return ""
        self._text.flush()
        self._file.seek(0)
        name = f"rejected-{self._upload.pk}.csv"
        field = self._upload._meta.get_field("rejected_file")
        path = field.generate_filename(self._upload, name)
        return str(field.storage.save(path, File(self._file, name=name)))


def first(upload: ContactImport, *, most: int) -> list[RejectedRow]:
    """The first of the stored rows; none where the file is gone."""
    if not upload.rejected_file:
        return []
    try:
        with upload.rejected_file.open("rb") as stored:
            text = io.TextIOWrapper(stored, encoding="utf-8-sig", newline="")
            rows = csv.reader(text, delimiter=upload.delimiter or ",")
            return [
                RejectedRow(int(row[0]), row[2], list(map(_as_it_was, row[3:]))) for row in islice(rows, 1, most + 1)
            ]
    except OSError:
        return []


def harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _as_it_was(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
