"""What can be shown of one person's consents: every line of the ledger, and what follows from them."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from contacts import consent, pdf
from contacts.consents import standing
from contacts.models import ConsentEvent

#: Lines that one document shows, newest first; a person has a handful.
MOST = 1000


def proof(phone: str) -> dict[str, Any]:
    """Of one E.164 number, as JSON has it: what it stands at for each purpose and sender, and each line behind that."""
    events = list(ConsentEvent.objects.filter(phone=phone).order_by("-at", "-id")[:MOST])
    about = sorted({(event.purpose, event.channel, event.scope) for event in events})
    return {
        "phone": phone,
        "as_of": timezone.now().isoformat(),
        "suppressed": consent.suppressed_among([phone]).get(phone, ""),
        "standing": [
            {
                "purpose": purpose,
                "channel": channel,
                "scope": scope,
                "standing": standing.state_of(phone, purpose, channel=channel, scope=scope).value,
            }
            for purpose, channel, scope in about
        ],
        "events": [_event(event) for event in events],
    }


def as_pdf(found: dict[str, Any]) -> bytes:
    """The same to print."""
    return pdf.document("Record of consent", _sections(found))


def _event(event: ConsentEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "action": event.action,
        "purpose": event.purpose,
        "channel": event.channel,
        "scope": event.scope,
        "source": event.source,
        "at": event.at.isoformat(),
        "recorded_at": event.recorded_at.isoformat(),
        "recorded_by": event.recorded_by,
        "wording": event.wording,
        "evidence": event.evidence,
        "answer_to": event.request_id,
    }


def _sections(found: dict[str, Any]) -> Iterable[tuple[str, pdf.Facts]]:
    yield "", [("Number", found["phone"]), ("As of", found["as_of"]), ("Suppressed", found["suppressed"] or "no")]
    yield (
        "What it stands at",
        [(f"{each['purpose']}, {_whose(each['scope'])}", each["standing"]) for each in found["standing"]]
        or [("Nothing", "Nothing is recorded.")],
    )
    for event in found["events"]:
        yield (
            f"{event['at']}: {event['action']}",
            [
                ("For", f"{event['purpose']} by {event['channel']}, {_whose(event['scope'])}"),
                ("Source", event["source"]),
                ("Wording shown", event["wording"]),
                ("Evidence", event["evidence"]),
                ("Recorded", f"{event['recorded_at']} by {event['recorded_by'] or '-'}"),
            ],
        )


def _whose(scope: str) -> str:
    return f"sender {scope}" if scope else "every sender"
