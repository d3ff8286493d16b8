"""What proves an erasure and says nothing of the person: for JSON and to print."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contacts import pdf
from contacts.models import Erasure
from contacts.retelling import retold
from contacts.wording import figure

_STATEMENT = gettext_noop(
    "Everything that the hub held about one person was erased from its database and its files. The number is known "
    "again only by a keyed hash of it, for which it will not be texted."
)


def certificate(erasure: Erasure) -> dict[str, Any]:
    """Raises ValueError while the erasure is not done."""
    if erasure.status != Erasure.Status.DONE or erasure.finished_at is None:
        raise ValueError("The erasure is not done yet.")
    return {
        "erasure": erasure.pk,
        "statement": _STATEMENT,
        "requested_at": erasure.requested_at.isoformat(),
        "requested_by": erasure.requested_by,
        "finished_at": erasure.finished_at.isoformat(),
        "keyed_hash": bytes(erasure.digest or b"").hex(),
        "erased": dict(sorted(erasure.counts.items())),
    }


def as_pdf(found: dict[str, Any]) -> bytes:
    """The same to print, in the language that is spoken."""
    requested = {"at": found["requested_at"], "who": found["requested_by"]}
    about = [
        (_("Statement"), retold(found["statement"])),
        (_("Erasure"), str(found["erasure"])),
        (_("Requested"), _("%(at)s by %(who)s") % requested),
        (_("Finished"), found["finished_at"]),
        (_("Keyed hash of the number (HMAC-SHA256)"), found["keyed_hash"]),
    ]
    counts = [(_(kind), figure(number)) for kind, number in found["erased"].items()]
    return pdf.document(_("Certificate of erasure"), [("", about), (_("What was erased"), counts)])
