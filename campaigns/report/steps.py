"""The steps that a message gets to on its way to an answer: what the report counts, and what each step is made of."""

from enum import StrEnum

from delivery.reactions import Kind
from delivery.states import Status


class Step(StrEnum):
    """How far a message came. Each step is a bar of the funnel, and can be asked for who is behind it."""

    AUDIENCE = "audience"
    SENT = "sent"
    DELIVERED = "delivered"
    CLICKED = "clicked"
    REPLIED = "replied"
    STOPPED = "stopped"


WORDS: dict[Step, str] = {
    Step.AUDIENCE: "Audience",
    Step.SENT: "Sent",
    Step.DELIVERED: "Delivered",
    Step.CLICKED: "Clicked",
    Step.REPLIED: "Replied",
    Step.STOPPED: "Opted out",
}
#: What people did, and the step that it is.
REACTIONS: dict[Step, Kind] = {Step.CLICKED: Kind.CLICK, Step.REPLIED: Kind.REPLY, Step.STOPPED: Kind.STOP}
ARRIVED = frozenset({Status.DELIVERED, Status.READ})
#: Has not left, or never will.
NOT_SENT = frozenset({Status.HELD, Status.QUEUED, Status.SENDING, Status.SUPPRESSED, Status.CANCELLED})
NOT_ARRIVED = frozenset({Status.FAILED, Status.UNDELIVERED, Status.EXPIRED})


def percent(part: int, whole: int) -> float:
    """To a tenth; 0 of nothing."""
    return round(100 * part / whole, 1) if whole else 0.0
