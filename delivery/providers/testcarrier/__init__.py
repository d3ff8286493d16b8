"""The carrier of test keys: it is within the hub, and reaches nobody.

What becomes of a message follows from its number alone (`numbers`), so the adapter keeps nothing and may be killed at
any point. Its receipts go to the inbox at once, each with the time from which it counts: so they are durable, and no
timer has to live until a slow one is due.
"""

from datetime import UTC, datetime, timedelta

from delivery.ids import moment
from delivery.providers.base import (
    Answer,
    Listener,
    OutboundMessage,
    Outcome,
    ProviderConfig,
    ProviderKind,
    Question,
    Receipt,
    SendOutcome,
)
from delivery.providers.testcarrier.numbers import FATES, Fate, fate


class TestCarrier:
    __test__ = False  # no class of tests, whatever its name begins with

    def __init__(self, hear: Listener | None) -> None:
        self._hear = hear

    async def send(self, message: OutboundMessage) -> SendOutcome:
        what = fate(message.recipient, message.attempt)
        if wait := _too_fast(what, message, datetime.now(UTC)):
            return SendOutcome(message.id, message.attempt, Outcome.THROTTLED, code="T-SPEED", retry_after=wait)
        if what.answer is not Outcome.ACCEPTED:
            return SendOutcome(message.id, message.attempt, what.answer, failure=what.failure, code=what.code)
        name = _name(message)
        if self._hear:
            await self._hear(
                [
                    Receipt(name, word.status, word.failure, word.code, message.id, message.attempt, after=word.after)
                    for word in what.words
                ]
            )
        return SendOutcome(message.id, message.attempt, Outcome.ACCEPTED, provider_message_id=name)

    async def ask(self, question: Question) -> Answer:
        what = fate(question.recipient, question.attempt)
        last = what.last
        told = [Receipt(_name(question), last.status, last.failure, last.code)] if what.has_it else []
        return Answer(question.message_id, question.attempt, told)

    async def close(self) -> None:
        return None


def _name(attempt: OutboundMessage | Question) -> str:
    message_id = attempt.id if isinstance(attempt, OutboundMessage) else attempt.message_id
    return f"test-{message_id}-{attempt.attempt}"


def _too_fast(what: Fate, message: OutboundMessage, now: datetime) -> float:
    """Seconds until it is no longer."""
    until = moment(message.id) + timedelta(seconds=what.throttled_seconds)
    return max(0.0, (until - now).total_seconds()) if what.throttled_seconds else 0.0


def check(_config: ProviderConfig) -> None:
    """There is nothing to set up."""


def explain(code: str) -> tuple[str, str]:
    said = next((what.says for what in FATES.values() if code in (what.code, what.last.code)), "")
    return (f"The test carrier: {said}.", "") if said and code else ("", "")


def build(_config: ProviderConfig, hear: Listener | None) -> TestCarrier:
    return TestCarrier(hear)


KIND = ProviderKind(
    name="testcarrier",
    label="Test carrier",
    form=(),
    check=check,
    build=build,
    explain=explain,
    is_test=True,
)
