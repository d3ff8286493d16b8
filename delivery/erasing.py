"""What this floor has of one person, taken away: numbers and texts of messages both ways, and what was counted."""

from collections import Counter

from django.db import transaction

from delivery.models import (
    Attempt,
    Confirmation,
    Inbound,
    InboxReceipt,
    Message,
    MessageEvent,
    MessagePart,
    MessageRequest,
    Reached,
    Submission,
    Word,
)
from delivery.states import OPEN, UNCLAIMED
from delivery.webhooks import outbox

#: Messages that one transaction empties, and texts received that it deletes.
BATCH = 500


def is_under_way(phone: str) -> bool:
    """Whether the fate of some message to this number is still open, so that it can be asked about by the number."""
    return Message.objects.filter(recipient=phone, status__in=OPEN - UNCLAIMED).exists()


def erase_batch(phone: str) -> Counter[str]:
    """One batch, all of it or nothing. Returns what was erased, by kind; nothing: it is all gone.

    A message keeps its row, so that counts and costs stay what they were: its number, text, the provider's names for
    it, what its timeline says in words and what its caller said of it go. Texts received go as a whole. What was told
    of either to other systems loses its content, and what was still to be told is not.
    """
    with transaction.atomic():
        counts = _messages(phone) or _inbound(phone)
        if not counts and Reached.objects.filter(recipient=phone).delete()[0]:
            counts["frequency counts"] = 1
        if not counts:
            counts["confirmations"] = Confirmation.objects.filter(phone=phone).delete()[0]
            counts["events for webhooks"] = outbox.empty([outbox.subject_of("number", phone)])
    return +counts


def _messages(phone: str) -> Counter[str]:
    mine = Message.objects.select_for_update().filter(recipient=phone).exclude(status__in=OPEN).order_by("id")
    ids = list(mine.values_list("id", flat=True)[:BATCH])
    if not ids:
        return Counter()
    # The bounds spare it the other months.
    among = {"message_id__in": ids, "message_id__gte": ids[0], "message_id__lte": ids[-1]}
    MessageEvent.objects.filter(**among).exclude(detail="").update(detail="")
    Attempt.objects.filter(**among).exclude(provider_message_id="").update(provider_message_id="")
    MessagePart.objects.filter(**among).exclude(provider_message_id="").update(provider_message_id="")
    MessageRequest.objects.filter(**among).update(metadata={}, client_reference="", status_webhook="")
    InboxReceipt.objects.filter(message_id__in=ids).delete()
    Word.objects.filter(subject__in=ids).delete()
    Submission.objects.filter(message_id__in=ids).delete()
    Message.objects.filter(id__in=ids, id__gte=ids[0], id__lte=ids[-1]).update(
        recipient="", sealed_body=None, provider_message_id="", contact_id=None, place_id=None
    )
    return Counter({"messages": len(ids), "events for webhooks": outbox.empty(ids)})


def _inbound(phone: str) -> Counter[str]:
    ids = list(Inbound.objects.filter(phone=phone).order_by("id").values_list("id", flat=True)[:BATCH])
    if not ids:
        return Counter()
    Word.objects.filter(subject__in=ids).delete()
    Inbound.objects.filter(id__in=ids).delete()
    return Counter({"texts received": len(ids), "events for webhooks": outbox.empty(ids)})
