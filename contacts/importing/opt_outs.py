"""People in a file who want no texts: they are imported like everybody, and suppressed in the same transaction."""

from collections.abc import Callable

from django.db import connection
from django.utils.translation import gettext as _

from contacts import consent
from contacts.importing.mapping import OPTED_OUT
from contacts.importing.rows import Rejected
from contacts.importing.values import moment
from contacts.importing.words import is_yes
from contacts.models import ContactImport, Suppression

#: Staged rows have it after the rest: the line that says so. What any row of a number says holds: an empty cell, or a
#: no, of a later one does not take it back.
COLUMNS = (OPTED_OUT,)

#: Numbers that are suppressed at once.
BATCH = 5000

_COUNT = "SELECT count(*) FROM contacts_import_folded WHERE opted_out IS NOT NULL"
_SAID = "SELECT phone, opted_out FROM contacts_import_folded WHERE opted_out IS NOT NULL ORDER BY phone"


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
    """From a record's cells to whether they say so; None: this file has nothing to say of it."""
    at = [place for place, column in enumerate(upload.header) if upload.mapping.get(column) == OPTED_OUT]
    return (lambda cells: any(said(cells[place]) for place in at)) if at else None


def count() -> int:
    """How many numbers the folded rows say it of."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT)
        return int(cursor.fetchone()[0])


def record(upload: ContactImport) -> None:
    """Suppress these for every sender, each with its line as evidence. In the import's transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SAID)
        while found := cursor.fetchmany(BATCH):
            consent.suppress(
                phones=[phone for phone, _at in found],
                reason=Suppression.Reason.OPTED_OUT,
                evidence=f"import {upload.pk}: {upload.original_name}",
                places={phone: f"Line {line} of " for phone, line in found},
                actor=upload.created_by,
            )
