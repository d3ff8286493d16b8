"""A message's events in words."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from contacts.retelling import retold
from delivery import errors
from delivery.admin import words
from delivery.models import EVENT_ORDER, Message, MessageEvent, Provider
from delivery.providers import registry
from delivery.states import MEANING, Status

MAX_EVENTS = 200


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    status: str
    group: str
    meaning: str
    source: str
    attempt: int
    reason: str
    code: str
    code_words: str
    code_url: str
    detail: str


def timeline(message: Message) -> list[Line]:
    """What happened, oldest first; of a very long story the beginning."""
    lines = [_line(message, event) for event in message.events.order_by(*EVENT_ORDER)[:MAX_EVENTS]]
    if message.status in (Status.SUPPRESSED, Status.CANCELLED) and message.final_at:
        # It never left, so no evidence came in: what we decided is the end of the story.
        decided = MessageEvent(
            status=message.status, at=message.final_at, source=MessageEvent.Source.HUB, reason=message.reason
        )
        lines.append(_line(message, decided))
    return lines


@dataclass(frozen=True, slots=True)
class PartLine:
    attempt: int
    place: int
    provider_message_id: str
    status: str
    group: str
    at: datetime
    reason: str
    code: str
    code_words: str


def parts(message: Message) -> list[PartLine]:
    """The parts that a text went as, if it went as several."""
    return [
        PartLine(
            attempt=part.attempt,
            place=part.place,
            provider_message_id=part.provider_message_id,
            status=str(Status(part.status).label),
            group=words.GROUP_OF[part.status],
            at=part.at,
            reason=errors.in_words(part.status, part.reason),
            code=part.code,
            code_words=explained(message.provider, part.code)[0],
        )
        for part in message.parts.order_by("attempt", "place")[:MAX_EVENTS]
    ]


def _line(message: Message, event: MessageEvent) -> Line:
    code_words, code_url = explained(message.provider, event.code)
    return Line(
        at=event.at,
        status=str(Status(event.status).label),
        group=words.GROUP_OF[event.status],
        meaning=gettext(MEANING[Status(event.status)]),
        source=event.get_source_display(),
        attempt=event.attempt,
        reason=errors.in_words(event.status, event.reason),
        code=event.code,
        code_words=code_words,
        code_url=code_url,
        detail=event.detail,
    )


def explained(provider: Provider | None, code: str) -> tuple[str, str]:
    """A provider's code in words, and where it says more; empty if it has none."""
    if provider is None or not code:
        return "", ""
    kind = registry.kinds().get(provider.adapter)
    said, url = kind.explain(code) if kind and kind.explain else ("", "")
    return retold(said), url
