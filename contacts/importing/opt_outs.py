"""People in a file who want no texts: suppressed in the import's transaction, also where their row is not imported.

Nobody who said stop is texted, so nothing else that is wrong with a row keeps its opt-out from being taken: it is
enough that a number can be read there. What any row of a number says holds: an empty cell, or a no, of a later one does
not take it back.
"""

import tempfile
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from django.contrib.auth.models import User
from django.db import connection
from django.utils.translation import gettext as _

from contacts import consent
from contacts.importing.mapping import OPTED_OUT
from contacts.importing.rows import Rejected
from contacts.importing.values import moment
from contacts.importing.words import is_yes
from contacts.models import ContactImport, Suppression
from contacts.phone import InvalidPhone, normalise

#: Numbers that are suppressed, or let go, at once.
BATCH = 5000
_CHUNK = 1 << 16

_TABLE = "CREATE TEMP TABLE contacts_import_opted_out (line bigint, phone text) ON COMMIT DROP"
_COUNT = "SELECT count(DISTINCT phone) FROM contacts_import_opted_out"
_SAID = "SELECT phone, max(line) FROM contacts_import_opted_out GROUP BY phone ORDER BY phone"

_ACTIVE = f"scope = '' AND lifted_at IS NULL AND phone IS NOT NULL AND reason = '{Suppression.Reason.OPTED_OUT}'"
_OF_THIS_ALONE = f"""
SELECT phone FROM contacts_suppression WHERE imports @> %(only)s::bigint[] AND cardinality(imports) = 1 AND {_ACTIVE}
ORDER BY phone LIMIT {BATCH} FOR UPDATE
"""
_LEAVE_TO_OTHERS = f"""
UPDATE contacts_suppression SET imports = array_remove(imports, %(import)s::bigint)
WHERE imports @> %(only)s::bigint[] AND {_ACTIVE}
"""


class OptOuts:
    """Collects who wants no texts in an unnamed temporary file, while the rows themselves are on their way."""

    def __init__(self) -> None:
        #: Rows that are not imported, and count here all the same.
        self.of_rejected = 0

    def __enter__(self) -> Self:
        self._file = tempfile.TemporaryFile()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, line: int, phone: str) -> None:
        """`phone` is E.164."""
        self._file.write(b"%d\t%s\n" % (line, phone.encode()))

    def stage(self) -> int:
        """COPY them into a temporary table of this transaction; returns of how many numbers they are."""
        self._file.seek(0)
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.contacts_import_opted_out")
            cursor.execute(_TABLE)
            if not self._file.read(1):
                return 0
            self._file.seek(0)
            with cursor.copy("COPY contacts_import_opted_out FROM STDIN") as copy:
                while chunk := self._file.read(_CHUNK):
                    copy.write(chunk)
            cursor.execute("ANALYZE contacts_import_opted_out")
            cursor.execute(_COUNT)
            return int(cursor.fetchone()[0])


def said(text: str) -> bool:
    """Whether a cell says that its person wants no texts. A date says since when. Raises Rejected."""
    text = text.strip()
    if not text:
        return False
    yes = is_yes(text)
    if yes is None and moment(text) is None:
        unclear = _("Whether they want no texts is neither yes nor no: write yes, no, or nothing.")
        raise Rejected(OPTED_OUT, unclear)
    return yes is not False


def reader(upload: ContactImport) -> Callable[[list[str]], bool] | None:
    """From a record's cells to whether they say so; None: this file has nothing to say of it.

    What it returns raises Rejected where no cell says yes and one is unclear.
    """
    at = _places(upload)

    def read(cells: list[str]) -> bool:
        unclear = None
        for place in at:
            try:
                if said(cells[place]):
                    return True
            except Rejected as why:
                unclear = why
        if unclear:
            raise unclear
        return False

    return read if at else None


def rescuer(upload: ContactImport) -> Callable[[list[str]], str | None]:
    """From the cells of a row that is not imported to the number (E.164) that wants no texts; None: none is said to.

    In a row with cells too many or too few, whatever may have come from such a column by that counts: to stop somebody
    who need not be stopped is told, and can be undone; to text somebody who said stop can not.
    """
    stops_at, width, region = _places(upload), len(upload.header), upload.default_country or None
    phone_at = next(place for place, column in enumerate(upload.header) if upload.mapping.get(column) == "phone")

    def within_reach(cells: list[str], place: int) -> list[str]:
        off = len(cells) - width
        if off > 0 and not any(map(str.strip, cells[width:])):
            off = 0
        step = 1 if off >= 0 else -1
        return [cells[at] for at in range(place, place + off + step, step) if 0 <= at < len(cells)]

    def says_so(cell: str) -> bool:
        try:
            return said(cell)
        except Rejected:
            return False

    def rescued(cells: list[str]) -> str | None:
        if not any(says_so(cell) for place in stops_at for cell in within_reach(cells, place)):
            return None
        for cell in within_reach(cells, phone_at):
            try:
                return normalise(cell, default_country=region).e164
            except InvalidPhone:
                continue
        return None

    return rescued


def _places(upload: ContactImport) -> list[int]:
    return [place for place, column in enumerate(upload.header) if upload.mapping.get(column) == OPTED_OUT]


def record(upload: ContactImport) -> None:
    """Suppress the staged numbers for every sender, each with its line as evidence. In the import's transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SAID)
        while found := cursor.fetchmany(BATCH):
            consent.suppress(
                phones=[phone for phone, _at in found],
                reason=Suppression.Reason.OPTED_OUT,
                evidence=f"import {upload.pk}: {upload.original_name}",
                places={phone: f"Line {line} of " for phone, line in found},
                actor=upload.created_by,
                import_id=upload.pk,
            )


def take_back(upload: ContactImport, *, actor: User | None) -> int:
    """Let those be texted again whom only this import said to want none; returns how many. In the caller's transaction.

    Who has said so as well, before or since, whom staff or another system stopped, and whom another import says it of,
    stays as they are.
    """
    lifted = 0
    undone = _("Import %(import)s was undone.") % {"import": upload.pk}
    only: dict[str, Any] = {"only": [upload.pk], "import": upload.pk}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_OF_THIS_ALONE, only)
            phones = [phone for (phone,) in cursor.fetchall()]
        if not phones:
            break
        lifted += consent.lift(phones=phones, evidence=undone, actor=actor, reasons=[Suppression.Reason.OPTED_OUT])
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE_TO_OTHERS, only)
    return lifted
