"""The steps that a message gets to on its way to an answer: what the report counts, and what each step is made of."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.progress import NOT_LEFT
from delivery.reactions import Kind
from delivery.states import Status


class Step(StrEnum):
    """How far a message came. Each step is a bar of the funnel, TO_SEND only while there is some, and can be asked for
    who is behind it."""

    AUDIENCE = "audience"
    TO_SEND = "to_send"
    SENT = "sent"
    DELIVERED = "delivered"
    CLICKED = "clicked"
    REPLIED = "replied"
    STOPPED = "stopped"


WORDS: dict[Step, Promise] = {
    Step.AUDIENCE: _("Audience"),
    Step.TO_SEND: _("Still to send"),
    Step.SENT: _("Sent"),
    Step.DELIVERED: _("Delivered"),
    Step.CLICKED: _("Clicked"),
    Step.REPLIED: _("Replied"),
    Step.STOPPED: _("Opted out"),
}
#: What people did, and the step that it is.
REACTIONS: dict[Step, Kind] = {Step.CLICKED: Kind.CLICK, Step.REPLIED: Kind.REPLY, Step.STOPPED: Kind.STOP}
#: Has not left, and may still.
TO_SEND = NOT_LEFT
ARRIVED = frozenset({Status.DELIVERED, Status.READ})
#: Has not left, or never will.
NOT_SENT = TO_SEND | {Status.SUPPRESSED, Status.CANCELLED}
NOT_ARRIVED = frozenset({Status.FAILED, Status.UNDELIVERED, Status.EXPIRED})


def percent(part: int, whole: int) -> float:
    """To a tenth; 0 of nothing."""
    return round(100 * part / whole, 1) if whole else 0.0
