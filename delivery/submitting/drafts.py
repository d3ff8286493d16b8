"""What is asked for, and what is wrong with it that whoever asks can mend."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from delivery.ids import new_message_id
from delivery.lanes import Lane
from delivery.models import Sender

#: Longest text Twilio takes (error 21617), and far beyond what a person reads as one text.
MAX_BODY = 1600


class SubmitError(ValueError):
    """The message cannot be queued; the text says why, in words for whoever sent it. `about` names what of it is wrong,
    where that is one thing."""

    def __init__(self, message: str, *, about: str = "") -> None:
        super().__init__(message)
        self.about = about


class NoWay(SubmitError):
    """Nothing is set up, or switched on, that it could leave by."""


class WouldExpire(SubmitError):
    """Its time would be over before it may leave."""


class BadText(SubmitError):
    """Empty, or too long."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller of the API says of its message, kept beside it (`delivery.models.MessageRequest`)."""

    api_key_id: int
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    status_webhook: str = field(default="", repr=False)
    client_reference: str = field(default="", repr=False)
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """One text to one E.164 number. `id` is what it can be written under once, whoever tries again."""

    recipient: str = field(repr=False)
    body: str = field(repr=False)
    lane: Lane = Lane.TRANSACTIONAL
    sender: Sender | None = None
    not_before: datetime | None = None
    valid_until: datetime | None = None
    contact_id: int | None = None
    request: Request | None = None
    id: UUID = field(default_factory=new_message_id)
