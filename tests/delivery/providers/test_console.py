"""The console writes what a developer wants to see, and nothing that a log must not hold."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from delivery.providers.base import BadConfiguration, CannotAsk, OutboundMessage, ProviderConfig, Question
from delivery.providers.console import KIND
from tests.contract.harness import now

MESSAGE = OutboundMessage(
    id=uuid4(),
    attempt=1,
    recipient="+14155550123",
    sender="SMSHub",
    body="Your code is 123456",
    segments=1,
    encoding="gsm7",
    callback_url="https://hub.example.com/x",
)
CONFIG = ProviderConfig(id=1, settings={}, credentials={})


@pytest.mark.parametrize(("shown", "text"), [(False, None), (True, "Your code is 123456")])
def test_the_number_is_masked_and_the_text_only_shown_on_wish(shown: bool, text: str | None) -> None:
    adapter = KIND.build(replace(CONFIG, settings={"show_bodies": shown}), None)
    with capture_logs() as lines:
        asyncio.run(adapter.send(MESSAGE))
    [line] = lines
    assert line["message_id"] == str(MESSAGE.id)
    assert line["segments"] == 1
    assert line["number"] == "••••••••••23"
    assert line.get("text") == text
    assert "4155550" not in repr(lines)


def test_what_it_may_not_have_written_it_cannot_be_asked_about() -> None:
    unknown = Question(MESSAGE.id, 1, "", MESSAGE.recipient, MESSAGE.sender, MESSAGE.body, now())
    with pytest.raises(CannotAsk):
        asyncio.run(KIND.build(CONFIG, None).ask(unknown))


def test_a_setting_that_is_no_switch_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="true or false"):
        KIND.check(replace(CONFIG, settings={"show_bodies": "yes"}))
