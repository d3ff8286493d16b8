"""Consent to marketing that a file brings along: where and when it was given, in columns or for all at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext

from contacts.consents import gate
from contacts.importing.rows import Rejected
from contacts.importing.values import moment
from contacts.models import ConsentEvent, ContactImport
from contacts.signals import consent_changed

#: Targets of columns, and the columns that staged rows have for them, after the attributes.
COLUMNS = ("consent_source", "consent_at")
MAX_SOURCE = 200
#: A date without a time is somebody's calendar, which may be ahead of ours.
_AHEAD = timedelta(days=1)

#: Lines that are taken back at once.
BATCH = 5000

# One line for each person and moment, however often a file is imported.
_RECORD = f"""
WITH line AS (INSERT INTO contacts_consentevent
    (phone, purpose, channel, scope, action, source, at, recorded_at, wording, evidence, recorded_by, code)
SELECT said.phone, '{ConsentEvent.Purpose.MARKETING}', '{ConsentEvent.Channel.SMS}', '',
       '{ConsentEvent.Action.GRANTED}', '{ConsentEvent.Source.IMPORT}', said.at, statement_timestamp(), '',
       said.evidence, %(recorded_by)s, ''
FROM (SELECT phone, coalesce(consent_at, %(at)s)::timestamptz AS at, coalesce(consent_source, %(source)s) AS evidence
      FROM contacts_import_folded AS folded
      WHERE NOT EXISTS (SELECT FROM contacts_import_opted_out AS stop WHERE stop.phone = folded.phone)) AS said
WHERE said.at IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM contacts_consentevent AS known
    WHERE known.phone = said.phone AND known.purpose = '{ConsentEvent.Purpose.MARKETING}'
      AND known.channel = '{ConsentEvent.Channel.SMS}' AND known.scope = '' AND known.at = said.at
      AND known.action = '{ConsentEvent.Action.GRANTED}' AND known.evidence = said.evidence)
ORDER BY said.phone
RETURNING id)
SELECT min(id), max(id) FROM line
"""

# At the moment that the line is about, after it: so it counts against that line, and against nothing that came later.
# Not where the person had agreed before anyhow: that stands, whatever a file says besides.
_TAKE_BACK = f"""
INSERT INTO contacts_consentevent
    (phone, purpose, channel, scope, action, source, at, recorded_at, wording, evidence, recorded_by, code)
SELECT said.phone, said.purpose, said.channel, said.scope, '{ConsentEvent.Action.WITHDRAWN}', said.source, said.at,
       statement_timestamp(), '', %(evidence)s, %(by)s, ''
FROM contacts_consentevent AS said
WHERE said.id BETWEEN %(first)s AND %(last)s AND said.recorded_by = %(recorded_by)s AND said.phone IS NOT NULL
  AND (SELECT earlier.action FROM contacts_consentevent AS earlier
       WHERE earlier.phone = said.phone AND earlier.purpose = said.purpose AND earlier.channel = said.channel
         AND earlier.scope = said.scope AND earlier.at <= said.at AND earlier.recorded_by <> said.recorded_by
         AND earlier.action IN ('{ConsentEvent.Action.GRANTED}', '{ConsentEvent.Action.WITHDRAWN}')
       ORDER BY earlier.at DESC, earlier.id DESC LIMIT 1) IS DISTINCT FROM '{ConsentEvent.Action.GRANTED}'
ORDER BY said.id
RETURNING phone
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of everyone in a file, and whether every row must say it where this does not."""

    source: str
    at: datetime | None
    demanded: bool

    @property
    def is_wanted(self) -> bool:
        """Whether there may be something to record."""
        return self.demanded or self.at is not None


def statement(upload: ContactImport) -> Statement:
    demanded = upload.contact_list is not None and upload.contact_list.is_marketing
    return Statement(upload.consent_source, upload.consent_at, demanded)


def problems(upload: ContactImport) -> list[str]:
    """Why a file must not go into its list as things are; empty: it may."""
    said, mapped = statement(upload), set(upload.mapping.values())
    wrong = []
    if said.at is not None and said.at > timezone.now() + _AHEAD:
        wrong.append(gettext("The date of consent is in the future."))
    if not said.demanded:
        undated = said.at is None and "consent_at" not in mapped
        if undated and said.source:
            wrong.append(
                gettext(
                    "It says where the people in the file agreed to marketing, but not when: say both, or neither, as "
                    "nothing could be recorded."
                )
            )
        elif undated and "consent_source" in mapped:
            wrong.append(
                gettext(
                    "A column says where people agreed to marketing, but nothing says when, so none of it could be "
                    "recorded: choose the column with the day, say the day for everyone, or leave that column out."
                )
            )
        return wrong
    if not said.source and "consent_source" not in mapped:
        wrong.append(
            gettext(
                "This list is for marketing: say where the people in the file agreed to it, for all of them or in a "
                "column."
            )
        )
    if said.at is None and "consent_at" not in mapped:
        wrong.append(
            gettext(
                "This list is for marketing: say when the people in the file agreed to it, for all of them or in a "
                "column."
            )
        )
    return wrong


def values(source: str, at: str, said: Statement, *, opted_out: bool) -> tuple[str | None, str | None]:
    """What a row says of its person's consent, as it is staged; nothing is asked of who wants no texts. Raises
    Rejected."""
    if opted_out:
        return None, None
    when = moment(at) if at else None
    if at and when is None:
        raise Rejected("consent_at", gettext("The date of consent is not one: write it like 2026-05-31."))
    if when is not None and when > timezone.now() + _AHEAD:
        raise Rejected("consent_at", gettext("The date of consent is in the future."))
    if len(source) > MAX_SOURCE:
        long = gettext("The source of consent is longer than %(most)s characters.")
        raise Rejected("consent_source", long % {"most": MAX_SOURCE})
    if said.demanded and not ((source or said.source) and (when or said.at)):
        raise Rejected("consent", gettext("It does not say where and when this person agreed to marketing."))
    return source or None, when.isoformat() if when else None


def reader(upload: ContactImport, said: Statement) -> Callable[[list[str], bool], tuple[str | None, str | None]] | None:
    """From a record's cells, and whether its person wants no texts, to what they say of consent; None: this file has
    nothing to say of it."""
    at = {target: place for place, column in enumerate(upload.header) if (target := upload.mapping.get(column))}
    source_at, when_at = (at.get(target) for target in COLUMNS)
    if source_at is None and when_at is None and not said.is_wanted:
        return None

    def read(cells: list[str], opted_out: bool) -> tuple[str | None, str | None]:
        source = "" if source_at is None else cells[source_at].strip()
        when = "" if when_at is None else cells[when_at].strip()
        return values(source, when, said, opted_out=opted_out)

    return read


def record(upload: ContactImport, said: Statement) -> tuple[int | None, int | None]:
    """Into the ledger, what the folded rows say, but of nobody who is among the staged opt-outs. In the import's
    transaction.

    Returns the ids of the first and the last line, between which others may have been written; None: there are none.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {"at": said.at and said.at.isoformat(), "source": said.source, "recorded_by": _recorded_by(upload)},
        )
        first, last = cursor.fetchone()
    return first, last


def take_back(upload: ContactImport) -> int:
    """Add to each line that the import wrote another that takes it back; lines are never taken out. Announces them.

    In the caller's transaction. Returns how many.
    """
    first, last = upload.first_consent_id, upload.last_consent_id
    if first is None or last is None:
        return 0
    gate.wait_for_writers(ConsentEvent.Purpose.MARKETING)
    written = 0
    by = upload.undone_by.get_username() if upload.undone_by else _recorded_by(upload)
    undone = gettext("Import %(import)s was undone.")
    said = {"recorded_by": _recorded_by(upload), "by": by, "evidence": undone % {"import": upload.pk}}
    for start in range(first, last + 1, BATCH):
        with connection.cursor() as cursor:
            cursor.execute(_TAKE_BACK, {**said, "first": start, "last": min(start + BATCH - 1, last)})
            phones = sorted(phone for (phone,) in cursor.fetchall())
        if phones:
            consent_changed.send(
                sender=ConsentEvent,
                phones=phones,
                purpose=ConsentEvent.Purpose.MARKETING,
                channel=ConsentEvent.Channel.SMS,
                scope="",
                action=ConsentEvent.Action.WITHDRAWN,
            )
        written += len(phones)
    return written


def _recorded_by(upload: ContactImport) -> str:
    return f"Import {upload.pk}"
