"""Appointments from CSV: one to a row, columns by the names in its first row.

`id`, `start` and one of `phone`, `contact`, `identifier` are needed; `time_zone`, `name`, `kind`, `status`, `version`
and `updated_at` are known; any other column is an attribute of its name. A file without `id` or `start` comes from
people: its columns are then known by what they call them (`campaigns.appointments.csv_columns`).
"""

import csv
import io
from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext

from campaigns.appointments.csv_columns import begins, joined, named
from campaigns.appointments.files import UnreadableFile, at_most, aware, decoded
from campaigns.appointments.items import Item
from campaigns.models import Appointment

_KNOWN = {
    *("id", "start", "phone", "contact", "identifier", "time_zone", "name"),
    *("kind", "status", "version", "updated_at"),
}


def read(data: bytes) -> Iterator[Item]:
    """An item for each row, also for what cannot be read. Raises UnreadableFile."""
    text = decoded(data)
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:4096].partition("\n")[0], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    rows = csv.reader(io.StringIO(text, newline=""), dialect)
    try:
        header = [cell.strip() for cell in next(rows, [])]
    except csv.Error as error:
        raise UnreadableFile(gettext("The first line cannot be read: %(error)s.") % {"error": error}) from None
    names = [cell.casefold() if cell.casefold() in _KNOWN else cell for cell in header]
    by_people = not {"id", "start"} <= set(names)
    if by_people:
        names = named(names)
    if missing := [column for column, has in (("id", ["id"]), ("start", ["start", "date"])) if not {*has} & {*names}]:
        lacks = gettext(
            "The first line lacks a column: %(columns)s. It must name one with the appointment's own number (id), one "
            "with when it begins (start, or date and time), and one with the number to text (phone)."
        )
        raise UnreadableFile(lacks % {"columns": ", ".join(missing)})
    if len(set(names)) < len(names):
        raise UnreadableFile(gettext("Two columns have the same name."))
    return at_most(_items(names, rows, by_people=by_people))


def _items(names: list[str], rows: Iterator[list[str]], *, by_people: bool) -> Iterator[Item]:
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Item("", None, problem=gettext("The row cannot be read: %(error)s.") % {"error": error})
            continue
        if any(cell.strip() for cell in row):
            cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
            yield _item(joined(cells) if by_people else cells, extra=len(row) > len(names))


def _item(row: dict[str, str], *, extra: bool) -> Item:
    external_id = row.get("id", "")
    if extra:
        return Item(external_id, None, problem=gettext("The row has more cells than the first line has names."))
    try:
        return Item(
            external_id=external_id,
            starts_at=begins(row["start"]) if row.get("start") else None,
            time_zone=row.get("time_zone", ""),
            contact_id=int(row["contact"]) if row.get("contact") else None,
            phone=row.get("phone", ""),
            identifier=row.get("identifier", ""),
            name=row.get("name", ""),
            kind=row.get("kind", ""),
            attributes={name: value for name, value in row.items() if name and name not in _KNOWN and value},
            status=row.get("status", "").lower() or Appointment.Status.BOOKED.value,
            source_version=int(row["version"]) if row.get("version") else None,
            source_at=aware(datetime.fromisoformat(row["updated_at"])) if row.get("updated_at") else None,
        )
    except ValueError:
        why = gettext("A time, a number or an id in it cannot be read; times are written as 2026-05-04T14:30.")
        return Item(external_id, None, problem=why)
