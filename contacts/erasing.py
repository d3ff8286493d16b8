"""What this floor has of one person, taken away: the contact, what it said, and files that name it.

Suppressions and the ledger stay, of the number's digest: that somebody must not be texted, and that a consent was given
and taken back, outlives the person's data and can be shown to nobody but who brings the number.
"""

import io
import re
from collections import Counter

from django.db import connection, transaction
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from contacts.consents.models import ConsentEvent
from contacts.models import Contact, ContactImport, Membership, Suppression

#: So many last digits of a number tell a line of a file that has it, in whatever notation. A file too many goes
#: rather than one too few: it is a copy of what was imported.
_TELLING = 7
_NO_DIGITS = re.compile(r"\D+")


def next_file(after: int) -> int | None:
    """The next import, in the order of ids, that may still have a file; None: there is none."""
    kept = ContactImport.objects.filter(pk__gt=after).exclude(file="", rejected_file="").order_by("pk")
    return kept.values_list("pk", flat=True).first()


def erase_files(phone: str, import_id: int) -> int | None:
    """Delete the files of one import that name this number; how many. None: it is under way, come again.

    The files go before their names: killed in between, it finds nothing to read and takes the names away.
    """
    with transaction.atomic():
        upload = ContactImport.objects.select_for_update().filter(pk=import_id).first()
        if upload is None:
            return 0
        if upload.status in (ContactImport.Status.CHECKING, ContactImport.Status.IMPORTING):
            return None
        gone = 0
        for name in ("file", "rejected_file"):
            stored = getattr(upload, name)
            if stored and _names(stored, upload.encoding if name == "file" else "utf-8", phone):
                stored.storage.delete(stored.name)
                setattr(upload, name, "")
                gone += 1
        if gone:
            upload.save(update_fields=["file", "rejected_file"])
        return gone


def erase(phone: str, contact_id: int | None, digest: bytes) -> Counter[str]:
    """The rest, in the caller's transaction: the last that still knows the number. Returns what was erased, by kind."""
    with connection.cursor() as cursor:
        # For this transaction: the ledger's trigger lets nobody else change a line.
        cursor.execute("SET LOCAL smshub.erasing = 'on'")
    counts: Counter[str] = Counter()
    contacts = Contact.objects.filter(phone=phone)
    counts["list memberships"] = Membership.objects.filter(contact__in=contacts).count()
    contacts.delete()
    counts["contacts"] = 1 if contact_id is not None else 0
    counts["consents made anonymous"] = ConsentEvent.objects.filter(phone=phone).update(
        phone=None, digest=digest, wording="", evidence="", code=""
    )
    counts["suppressions made anonymous"] = _keep_suppressions(phone, digest)
    return +counts


def _keep_suppressions(phone: str, digest: bytes) -> int:
    """Under the digest, and without evidence, which may speak of the person. One that exists already stays as it is."""
    known = Suppression.objects.filter(digest=digest, lifted_at=None).values("scope")
    Suppression.objects.filter(phone=phone, lifted_at=None, scope__in=known).update(lifted_at=timezone.now())
    return Suppression.objects.filter(phone=phone).update(phone=None, digest=digest, evidence="", lifted_evidence="")


def _names(stored: FieldFile, encoding: str, phone: str) -> bool:
    wanted = phone[-_TELLING:]
    try:
        with stored.open("rb") as binary, io.TextIOWrapper(binary, encoding or "utf-8", errors="replace") as text:
            return any(wanted in _NO_DIGITS.sub("", line) for line in text)
    except FileNotFoundError:
        return True
