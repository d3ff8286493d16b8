"""Writes messages to the process log instead of sending them: for development, and for a first look around.

Takes everything, reports nothing by itself, and answers "delivered" when it is asked about a message it took.
"""

import structlog
from django.utils.translation import gettext as _

from delivery.providers.base import (
    Answer,
    BadConfiguration,
    CannotAsk,
    Listener,
    OutboundMessage,
    Outcome,
    ProviderConfig,
    ProviderKind,
    Question,
    Receipt,
    SendOutcome,
    Setting,
)
from delivery.states import Status

_log = structlog.get_logger(__name__)


class ConsoleAdapter:
    def __init__(self, *, show_bodies: bool) -> None:
        self._show_bodies = show_bodies

    async def send(self, message: OutboundMessage) -> SendOutcome:
        line = {
            "message_id": str(message.id),
            "attempt": message.attempt,
            "segments": message.segments,
            "number": mask(message.recipient),
        }
        if self._show_bodies:
            line["text"] = message.body
        _log.info("console_message", **line)
        provider_id = f"console-{message.id}-{message.attempt}"
        return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=provider_id)

    async def ask(self, question: Question) -> Answer:
        if not question.provider_message_id:
            raise CannotAsk("It keeps no list of what it wrote")
        told = Receipt(question.provider_message_id, Status.DELIVERED)
        return Answer(question.message_id, question.attempt, [told])

    async def close(self) -> None:
        return None


def mask(number: str) -> str:
    """A number of which only the last two digits show."""
    return "•" * max(0, len(number) - 2) + number[-2:]


def check(config: ProviderConfig) -> None:
    """Raises BadConfiguration."""
    if not isinstance(config.settings.get("show_bodies", False), bool):
        raise BadConfiguration(_("Show texts: must be true or false."))


def build(config: ProviderConfig, _listener: Listener | None) -> ConsoleAdapter:
    return ConsoleAdapter(show_bodies=config.settings.get("show_bodies") is True)


KIND = ProviderKind(
    name="console",
    label="Console (development)",
    form=(
        Setting(
            "show_bodies",
            "Show texts",
            "Write the text of each message to the log. Only where no real person's message passes.",
            default=False,
        ),
    ),
    check=check,
    build=build,
    can_ask=False,
)
