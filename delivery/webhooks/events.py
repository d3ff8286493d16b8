"""The catalogue of events, as data: what they are called, what they mean, what they carry."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.utils.translation import gettext_noop as _

from delivery.states import MEANING, Status

#: Statuses that are told. Those before `accepted` are ours alone, and so is doubt: one of these ends it.
TOLD = (
    *(Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ, Status.UNDELIVERED, Status.FAILED),
    *(Status.EXPIRED, Status.SUPPRESSED, Status.CANCELLED),
)

PING = "webhook.ping"


@dataclass(frozen=True, slots=True)
class Event:
    meaning: str
    example: dict[str, Any]


_MESSAGE = {
    "id": "019a4f2e-7c1b-7d3a-9f55-2b8c1e0d4a67",
    "to": "+14155550123",
    "status": "delivered",
    "reason": "",
    "error_code": "",
    "attempt": 1,
    "campaign": None,
    "contact": 17,
    "segments": 1,
    "metadata": {"order": "4711"},
    "client_reference": "",
    "is_test": False,
}
_OPT = {
    "phone": "+14155550123",
    "reason": "opted_out",
    "scope": "",
    "evidence": "inbound text 019a4f2e-8d20-7a11-8f00-5b1c1e0d4a67",
}
_APPOINTMENT = {
    "id": 81,
    "external_id": "A-2210",
    "contact": 17,
    "status": "booked",
    "starts_at": "2026-12-01T08:30:00Z",
}

CATALOGUE: dict[str, Event] = {
    **{f"message.{status}": Event(MEANING[status], _MESSAGE | {"status": status.value}) for status in TOLD},
    "inbound.received": Event(
        _("A person wrote to one of our senders."),
        {
            "id": "019a4f2e-8d20-7a11-8f00-5b1c1e0d4a67",
            "from": "+14155550123",
            "to": "+14155550100",
            "body": "Stop",
            "keyword": "stop",
        },
    ),
    "contact.opted_out": Event(_("A number may not be texted any more."), _OPT),
    "contact.opted_in": Event(_("A number may be texted again."), _OPT),
    "campaign.status_changed": Event(
        _("A campaign was scheduled, launched, paused, resumed, cancelled or completed."),
        {"id": 7, "name": "Flu clinic", "status": "running", "paused_reason": ""},
    ),
    "appointment.saved": Event(_("An appointment is new, or was changed."), _APPOINTMENT),
    "appointment.confirmed": Event(_("Its contact confirmed it."), _APPOINTMENT | {"status": "confirmed"}),
    "appointment.cancelled": Event(_("It is cancelled."), _APPOINTMENT | {"status": "cancelled"}),
    "appointment.answered": Event(_("Its contact answered a reminder of it otherwise."), _APPOINTMENT),
    PING: Event(
        _("A test that somebody asked for; sent whatever was subscribed to."), {"message": "Hello from SMSHub."}
    ),
}

#: What may be subscribed to.
NAMES = (
    "*",
    *sorted({f"{name.partition('.')[0]}.*" for name in CATALOGUE if name != PING}),
    *(name for name in CATALOGUE if name != PING),
)


class UnknownEvent(ValueError):
    """There is no such event; the text names it and the nearest that there is."""


def checked(names: Iterable[str]) -> list[str]:
    """What was subscribed to, each once. Raises UnknownEvent, and ValueError for nothing at all."""
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, n=1)
            raise UnknownEvent(f"There is no event “{name[:40]}”." + (f" Did you mean “{near[0]}”?" if near else ""))
    if not wanted:
        raise ValueError("Name at least one event; * stands for all.")
    return wanted


def patterns(name: str) -> list[str]:
    """What somebody who hears of this event may have subscribed to."""
    return ["*", f"{name.partition('.')[0]}.*", name]
