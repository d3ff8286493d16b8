"""What can be shown of one person's consents: every line of the ledger, and what follows from them."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from contacts import consent, pdf
from contacts.consents import standing
from contacts.models import ConsentEvent
from contacts.retelling import retold

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
    """The same to print, in the language that is spoken; codes stay."""
    return pdf.document(_("Record of consent"), _sections(found))


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
    yield (
        "",
        [
            (_("Number"), found["phone"]),
            (_("As of"), found["as_of"]),
            (_("Suppressed"), found["suppressed"] or _("no")),
        ],
    )
    yield (
        _("What it stands at"),
        [(f"{each['purpose']}, {_whose(each['scope'])}", each["standing"]) for each in found["standing"]]
        or [(_("Nothing"), _("Nothing is recorded."))],
    )
    for event in found["events"]:
        yield (
            f"{event['at']}: {event['action']}",
            [
                (_("For"), f"{event['purpose']}, {event['channel']}, {_whose(event['scope'])}"),
                (_("Source"), event["source"]),
                (_("Wording shown"), event["wording"]),
                (_("Evidence"), retold(event["evidence"])),
                (
                    _("Recorded"),
                    _("%(at)s by %(who)s") % {"at": event["recorded_at"], "who": event["recorded_by"] or "-"},
                ),
            ],
        )


def _whose(scope: str) -> str:
    return _("sender %(sender)s") % {"sender": scope} if scope else _("every sender")
