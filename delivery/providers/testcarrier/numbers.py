"""What becomes of a message to the test carrier, by the number it goes to. Every other number is delivered to.

They are in +1 500 555, where Twilio has those of its test accounts too (its "magic numbers"): 0001, 0003, 0004, 0006
and 0009 mean the same here as there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from delivery.errors import Failure
from delivery.providers.base import Outcome
from delivery.states import Status


@dataclass(frozen=True, slots=True)
class Word:
    """A receipt: so many seconds after the message was taken."""

    after: float
    status: Status
    failure: Failure | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    says: str
    """For people; docs/api.md has the same words."""
    answer: Outcome = Outcome.ACCEPTED
    failure: Failure | None = None
    code: str = ""
    words: tuple[Word, ...] = ()
    has_it: bool = True
    """Whether it knows of the message when it is asked."""
    throttled_seconds: float = 0.0
    """For so long after the message was made it is too fast."""
    then: "Fate | None" = field(default=None, repr=False)
    """Of any further attempt."""

    @property
    def last(self) -> Word:
        """What it says when it is asked."""
        return max(self.words, key=lambda word: word.after, default=Word(0, Status.DELIVERED))


DELIVERED = Fate("delivered after a second", words=(Word(0.5, Status.SENT), Word(1.0, Status.DELIVERED)))


def _refused(says: str, failure: Failure, code: str) -> Fate:
    return Fate(says, answer=Outcome.REJECTED, failure=failure, code=code, has_it=False)


def _lost(says: str, failure: Failure, code: str) -> Fate:
    return Fate(says, words=(Word(0.5, Status.SENT), Word(1.0, Status.UNDELIVERED, failure, code)))


FATES: Mapping[str, Fate] = {
    "+15005550001": _refused("refused: not a number that can be texted", Failure.INVALID_NUMBER, "T-NUMBER"),
    "+15005550003": _refused("refused: the destination is not allowed", Failure.DESTINATION, "T-DESTINATION"),
    "+15005550004": _refused("refused: opted out at the carrier", Failure.OPTED_OUT, "T-STOP"),
    "+15005550006": DELIVERED,
    "+15005550009": _refused("refused: a landline", Failure.LANDLINE, "T-LANDLINE"),
    "+15005550030": _lost("not delivered: the handset is out of reach", Failure.UNREACHABLE, "T-UNREACHABLE"),
    "+15005550034": _lost("not delivered: blocked by the recipient", Failure.BLOCKED, "T-BLOCKED"),
    "+15005550037": _lost("not delivered: filtered as spam", Failure.FILTERED, "T-FILTERED"),
    "+15005550080": Fate("delivered after 30 seconds", words=(Word(1.0, Status.SENT), Word(30.0, Status.DELIVERED))),
    "+15005550081": Fate("delivered, and no receipt ever says so: the hub has to ask"),
    "+15005550082": Fate(
        "delivered, with receipts in the wrong order, one of them twice",
        words=(Word(0.5, Status.DELIVERED), Word(0.6, Status.SENT), Word(0.7, Status.DELIVERED)),
    ),
    "+15005550090": Fate(
        "refused for speed for 5 seconds, then delivered", words=DELIVERED.words, throttled_seconds=5.0
    ),
    "+15005550091": Fate("no answer, though it has the message: uncertain until the hub asks", Outcome.UNCERTAIN),
    "+15005550092": Fate(
        "no answer, and it never had the message: uncertain, then sent again",
        Outcome.UNCERTAIN,
        has_it=False,
        then=DELIVERED,
    ),
}


def fate(recipient: str, attempt: int) -> Fate:
    """What becomes of an attempt to an E.164 number."""
    found = FATES.get(recipient, DELIVERED)
    return found.then if attempt > 1 and found.then else found
