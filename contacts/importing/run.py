"""The life of an import: prepare → set_mapping → check → run.

A check or a run is started in the caller's transaction (`start_check`, `start_run`) and carried out by a worker
(`contacts.importing.work`).
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import BinaryIO, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from contacts.importing import consents, undo
from contacts.importing import mapping as mappings
from contacts.importing.read import Head, ImportProblem, detect_encoding, read_head
from contacts.importing.values import country_code
from contacts.importing.work import TASKS, Status, proceed, wake
from contacts.models import ContactImport, ContactList, ImportTrace
from contacts.wording import figure


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the head of a file shows. `problems` are sentences for the person who uploaded it."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    mapping: dict[str, str]
    problems: tuple[str, ...]


def inspect(upload: ContactImport) -> Inspection:
    """Look at a stored file again: its first rows, and what we would make of its columns. Reads only the head.

    Raises ImportProblem.
    """
    try:
        file = upload.file.open("rb")
    except (OSError, ValueError):
        raise ImportProblem(gettext("The file is no longer there: upload it again.")) from None
    with file:
        binary = cast(BinaryIO, file)
        encoding = upload.encoding or detect_encoding(binary)
        seen = _inspection(
            read_head(binary, encoding=encoding, default_country=upload.default_country), upload.default_country
        )
    return replace(seen, problems=(*seen.problems, *consents.problems(upload)))


def set_country(*, upload: ContactImport, country: str) -> None:
    """Take numbers without a country code for numbers of this one (two letters; "": refuse them).

    The columns are guessed anew where no number was found in them, or where the first line turns out to be a person's
    or no person's. Counts of an earlier check are void. Raises ImportProblem, as `set_mapping` does.
    """
    known = _known(country)
    with transaction.atomic():
        current = _lock_idle(upload)
        current.default_country = known
        seen = inspect(current)
        fits = list(seen.header) == current.header and "phone" in current.mapping.values()
        _reset(
            upload,
            Status.UPLOADED,
            default_country=known,
            header=list(seen.header),
            mapping=current.mapping if fits else seen.mapping,
            started_at=None,
        )


def _known(country: str) -> str:
    code = country_code(country) if country else ""
    if code is None:
        raise ImportProblem(gettext("The default country is not a known one: use its two letters, such as GB or FR."))
    return code


def _inspection(head: Head, default_country: str) -> Inspection:
    shape = head.shape
    mapping = mappings.guess(header=shape.header, samples=head.samples, default_country=default_country)
    notes = mappings.problems(header=shape.header, mapping=mapping)
    if shape.encoding == "cp1252":
        notes.append(gettext("The file is not UTF-8 and was read as Windows-1252: look whether the accents are right."))
    if not shape.has_header:
        notes.append(gettext("The first line has no column names: it will be imported as a contact."))
    several = gettext("Several columns are called “%(name)s”: they are numbered here.")
    notes += [several % {"name": name} for name in head.repeated]
    return Inspection(shape.encoding, shape.delimiter, shape.header, head.samples, mapping, tuple(notes))


def prepare(
    *,
    file: "File[bytes]",
    original_name: str,
    default_country: str,
    contact_list: ContactList | None,
    actor: User | None,
    new_list: str = "",
    consent_source: str = "",
    consent_at: datetime | None = None,
) -> ContactImport:
    """Take an uploaded file in, with a guess at its columns. `default_country` is two letters, or "" for none.

    A `new_list` is made when the import is started, so that one that never is leaves nothing behind.
    `consent_source` and `consent_at` say of everyone in it where and when they agreed to marketing.
    Raises ImportProblem, and then keeps nothing.
    """
    if not file.size:
        raise ImportProblem(gettext("The file is empty."))
    if file.size > settings.IMPORT_MAX_BYTES:
        large = gettext("The file has %(size)s MB; at most %(most)s MB are allowed. Split it and import the parts.")
        sizes = {"size": figure(file.size / 1e6, 0), "most": figure(settings.IMPORT_MAX_BYTES / 1e6, 0)}
        raise ImportProblem(large % sizes)
    country = _known(default_country)
    binary = cast(BinaryIO, file)
    encoding = detect_encoding(binary)
    seen = _inspection(read_head(binary, encoding=encoding, default_country=country), country)
    file.seek(0)
    upload = ContactImport(
        original_name=presentable(original_name, otherwise="contacts.csv"),
        contact_list=contact_list,
        new_list=new_list,
        default_country=country,
        encoding=encoding,
        delimiter=seen.delimiter,
        header=list(seen.header),
        mapping=seen.mapping,
        total_bytes=file.size,
        consent_source=consent_source[: consents.MAX_SOURCE],
        consent_at=consent_at,
        created_by=actor,
    )
    # The stored name is ours: theirs may hold a person's name, or a path.
    upload.file.save(f"{uuid.uuid4().hex}.csv", file, save=False)
    upload.save()
    return upload


def presentable(name: str, *, otherwise: str) -> str:
    """The name of an uploaded file as it may be kept and shown; `otherwise` where nothing is left of it."""
    base = PurePath(name.replace("\\", "/")).name
    return re.sub(r"[\x00-\x1f\x7f]", "", base)[:255] or otherwise


def state_consent(*, upload: ContactImport, source: str, at: datetime | None) -> None:
    """Say of everyone in the file where and when they agreed to marketing. Counts of an earlier check are void.

    Raises ImportProblem while or after the import runs.
    """
    with transaction.atomic():
        current = _lock_idle(upload)
        said = {"consent_source": source[: consents.MAX_SOURCE], "consent_at": at}
        _reset(upload, Status.UPLOADED, mapping=current.mapping, started_at=None, **said)


def set_mapping(*, upload: ContactImport, mapping: Mapping[str, str]) -> None:
    """Choose what becomes of each column; columns left out are ignored. Counts of an earlier check are void.

    Raises ImportProblem for a mapping that cannot be used, and while or after the import runs.
    """
    wrong = mappings.problems(header=upload.header, mapping=mapping)
    if wrong:
        raise ImportProblem(" ".join(wrong))
    chosen = {column: mapping.get(column, mappings.IGNORE) for column in upload.header}
    with transaction.atomic():
        _lock_idle(upload)
        _reset(upload, Status.UPLOADED, mapping=chosen, started_at=None)


def start_check(upload: ContactImport) -> None:
    """Have a worker count what an import would do, once the caller's transaction commits. Raises ImportProblem."""
    _start(upload, Status.CHECKING)


def start_run(upload: ContactImport) -> None:
    """Have a worker import the file, once the caller's transaction commits. Raises ImportProblem."""
    _start(upload, Status.IMPORTING)


def start_undo(upload: ContactImport, *, actor: User | None) -> None:
    """Have a worker take an import back, once the caller's transaction commits. Raises ImportProblem."""
    with transaction.atomic():
        undo.start(upload, actor=actor)
        import_id = upload.pk
        transaction.on_commit(lambda: wake(import_id, Status.UNDOING), robust=True)


def discard(upload: ContactImport) -> None:
    """Take out the import itself, its files and its traces; what it did to contacts stays, and can not be undone."""
    files = [file for file in (upload.file, upload.rejected_file) if file]
    with transaction.atomic():
        ImportTrace.objects.filter(import_id=upload.pk).delete()
        upload.delete()
        for file in files:
            transaction.on_commit(lambda file=file: file.storage.delete(file.name), robust=True)  # type: ignore[misc]


def _start(upload: ContactImport, status: Status) -> None:
    with transaction.atomic():
        _begin(upload, status)
        import_id = upload.pk
        # Robust: with the broker away the status stands, and the tick will wake it.
        transaction.on_commit(lambda: wake(import_id, status), robust=True)


def check(upload: ContactImport) -> ContactImport:
    """Count what an import would do, here and now, and write no contact. Raises ImportProblem if it may not start."""
    _begin(upload, Status.CHECKING)
    proceed(import_id=upload.pk, status=Status.CHECKING)
    upload.refresh_from_db()
    return upload


def run(upload: ContactImport) -> ContactImport:
    """Import the file here and now; a finished import stays as it is. Raises ImportProblem if it may not start."""
    upload.refresh_from_db()
    if upload.status not in (Status.DONE, Status.IMPORTING, Status.UNDONE):
        _begin(upload, Status.IMPORTING)
    proceed(import_id=upload.pk, status=Status.IMPORTING)
    upload.refresh_from_db()
    return upload


def _begin(upload: ContactImport, status: Status) -> None:
    with transaction.atomic():
        current = _lock_idle(upload)
        if status == Status.IMPORTING and current.new_list:
            current.contact_list, _made = ContactList.objects.get_or_create(name=current.new_list)
        wrong = mappings.problems(header=current.header, mapping=current.mapping) + consents.problems(current)
        if wrong:
            raise ImportProblem(" ".join(wrong))
        onto = {"contact_list": current.contact_list}
        _reset(upload, status, mapping=current.mapping, started_at=timezone.now(), **onto)


def _lock_idle(upload: ContactImport) -> ContactImport:
    current = ContactImport.objects.select_for_update().get(pk=upload.pk)
    if current.status in (Status.DONE, Status.UNDONE):
        raise ImportProblem(gettext("This import is finished. To import the file again, upload it again."))
    if current.status in TASKS:
        running = gettext("This import is %(status)s: wait until it has ended.")
        raise ImportProblem(running % {"status": current.get_status_display().lower()})
    return current


def _reset(upload: ContactImport, status: Status, **more: object) -> None:
    fresh: dict[str, object] = {
        "status": status,
        "error": "",
        "bytes_read": 0,
        "rows_read": 0,
        "created_count": 0,
        "updated_count": 0,
        "unchanged_count": 0,
        "duplicate_count": 0,
        "rejected_count": 0,
        "opted_out_count": 0,
        "rejected_opted_out_count": 0,
        "finished_at": None,
        **more,
    }
    ContactImport.objects.filter(pk=upload.pk).update(**fresh)
    for field, value in fresh.items():
        setattr(upload, field, value)
