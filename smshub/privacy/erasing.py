"""One person's erasure, everywhere, from the request to the certificate.

`request` stops all texts to the number at once and cancels what waits. From there a worker goes on (`proceed`), in
small transactions, each of which takes its share away and says so in the erasure's row: killed anywhere, the next one
goes on where it was, and the end is the same.

1. Waiting: for messages under way, whose provider may have to be asked by the number; for imports; and until every
   process knows the key by which the number will be known again.
2. Erasing: each floor takes away what it has, batch by batch.
3. In one transaction at the end, what knew the number is left with its digest, this row included.
"""

import time
from collections import Counter
from collections.abc import Callable

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.utils import timezone

from campaigns import erasing as of_campaigns
from contacts import consent, digests
from contacts import erasing as of_contacts
from contacts.models import Contact, Erasure, Suppression
from delivery import erasing as of_delivery
from delivery import stopping
from smshub.privacy import records

Status = Erasure.Status

#: Erasures that one round looks at; those that wait are passed over.
_MOST = 100


def request(*, phone: str, requested_by: str, evidence: str) -> Erasure:
    """Have everything about the owner of this E.164 number erased. Nothing is sent to them from this commit on.

    Asking again while it goes on returns what goes on already.
    """
    with transaction.atomic():
        # Whoever was stopped for another reason stays so for that one.
        consent.suppress(phones=[phone], reason=Suppression.Reason.ERASED, evidence="", actor=None)
        stopping.cancel_all(phone)
        contact_id = Contact.objects.filter(phone=phone).values_list("pk", flat=True).first()
        wanted = Erasure(phone=phone, contact_id=contact_id, requested_by=requested_by[:150], evidence=evidence[:200])
        Erasure.objects.bulk_create([wanted], ignore_conflicts=True)
        return Erasure.objects.get(phone=phone)


def proceed(*, seconds: float) -> int:
    """Go on with all erasures, for about so many seconds. Returns how many came to their end."""
    until, done = time.monotonic() + seconds, 0
    pending = Erasure.objects.exclude(status=Status.DONE).order_by("requested_at")
    ids = list(pending.values_list("pk", flat=True)[:_MOST])
    if ids:
        digests.make()
    for pk in ids:
        while time.monotonic() < until and step(pk):
            pass
        done += Erasure.objects.filter(pk=pk, status=Status.DONE).exists()
    return done


def step(pk: int) -> bool:
    """One step of one erasure, in one transaction. False: there is nothing to do for it now."""
    with transaction.atomic():
        erasure = Erasure.objects.select_for_update(skip_locked=True).filter(pk=pk).exclude(status=Status.DONE).first()
        if erasure is None or erasure.phone is None:
            return False
        if erasure.status == Status.WAITING:
            return _begin(erasure, erasure.phone)
        for piece in _PIECES:
            counts = piece(erasure, erasure.phone)
            if counts is None:
                erasure.save()
                return False
            if counts:
                return _went_on(erasure, counts)
        if of_delivery.is_under_way(erasure.phone) or stopping.cancel_all(erasure.phone):
            # Queued by somebody who had looked at the suppressions before all this began.
            return False
        return _end(erasure, erasure.phone)


def _begin(erasure: Erasure, phone: str) -> bool:
    stopping.cancel_all(phone)
    if of_delivery.is_under_way(phone) or not digests.is_settled():
        return False
    erasure.status, erasure.started_at = Status.ERASING, timezone.now()
    erasure.save()
    return True


def _appointments(erasure: Erasure, phone: str) -> Counter[str]:
    return of_campaigns.erase_batch(erasure.contact_id) if erasure.contact_id is not None else Counter()


def _conversations(erasure: Erasure, phone: str) -> Counter[str]:
    return of_campaigns.erase_conversations(phone)


def _links(erasure: Erasure, phone: str) -> Counter[str]:
    return of_campaigns.erase_links(phone)


def _messages(erasure: Erasure, phone: str) -> Counter[str]:
    return of_delivery.erase_batch(phone)


def _answers(erasure: Erasure, phone: str) -> Counter[str]:
    """The API's remembered answers, a stretch at a time; an empty stretch counts as one, for there may be more."""
    after = erasure.progress.get("answers", 0)
    upto, erased = records.erase_batch(phone, after)
    erasure.progress["answers"] = upto
    return Counter({"remembered answers": erased}) if upto > after else Counter()


def _files(erasure: Erasure, phone: str) -> Counter[str] | None:
    """One import after the other; None: the next is under way."""
    following = of_contacts.next_file(erasure.progress.get("files", 0))
    if following is None:
        return Counter()
    erased = of_contacts.erase_files(phone, following)
    if erased is None:
        return None
    erasure.progress["files"] = following
    return Counter({"import files": erased})


def _appointment_files(erasure: Erasure, phone: str) -> Counter[str] | None:
    """None: one is under way."""
    erased = of_campaigns.erase_files(uploaded_before=erasure.requested_at)
    return None if erased is None else +Counter({"appointment files": erased})


_PIECES: tuple[Callable[[Erasure, str], Counter[str] | None], ...] = (
    _appointments,
    _conversations,
    _links,
    _messages,
    _answers,
    _files,
    _appointment_files,
)


def _went_on(erasure: Erasure, counts: Counter[str]) -> bool:
    erasure.counts = dict(+(Counter(erasure.counts) + counts))
    erasure.save()
    return True


def _end(erasure: Erasure, phone: str) -> bool:
    digest = digests.digest(phone)
    counts = of_contacts.erase(phone, erasure.contact_id, digest)
    if erasure.contact_id is not None:
        of_contact = LogEntry.objects.filter(
            content_type__app_label="contacts", content_type__model="contact", object_id=str(erasure.contact_id)
        )
        counts["log entries made anonymous"] = of_contact.update(object_repr="(erased)", change_message="")
    erasure.digest, erasure.phone, erasure.contact_id = digest, None, None
    erasure.status, erasure.finished_at = Status.DONE, timezone.now()
    return _went_on(erasure, counts)
