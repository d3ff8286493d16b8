"""Trying a Twilio account: its states, its API keys, and what else Twilio may say."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.providers.base import Access, ProviderConfig, Tried
from delivery.providers.twilio import trying
from tests.contract.twilio_harness import ACCOUNT, TOKEN, TwilioHarness
from tests.delivery.providers.answering import answering

KEY, KEY_SECRET = "SK" + "6" * 32, "the-secret-of-the-key"
WITH_KEY = {"auth_token": TOKEN, "api_key": KEY, "api_secret": KEY_SECRET}


class WithKey(TwilioHarness):
    options = (*TwilioHarness.options, "--api-key", f"{ACCOUNT}:{KEY}:{KEY_SECRET}")


@pytest.fixture(scope="module")
def running() -> Iterator[WithKey]:
    started = WithKey()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def twilio(running: WithKey) -> WithKey:
    running.carrier.reset()
    return running


def tried(config: ProviderConfig) -> Tried:
    return asyncio.run(trying.try_credentials(config))


def told(status: int, content: Any, **headers: str) -> Tried:
    async def scenario() -> Tried:
        async with answering(status, content, headers) as url:
            config = TwilioHarness.settings | {"base_url": url}
            return await trying.try_credentials(
                ProviderConfig(1, config, TwilioHarness.credentials, 5.0, 1, private_addresses=True)
            )

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("state", "access"),
    [("active", Access.GRANTED), ("suspended", Access.BARRED), ("closed", Access.BARRED)],
)
def test_the_state_of_the_account_is_told(twilio: WithKey, state: str, access: Access) -> None:
    twilio.carrier.set_faults(account_state=state)

    found = tried(twilio.config())

    assert found.access is access
    assert access is Access.GRANTED or state in found.sentence


def test_nothing_is_sent_by_it(twilio: WithKey) -> None:
    tried(replace(twilio.config(), credentials=WITH_KEY))

    assert twilio.carrier.summary()["creates_seen"] == 0


def test_an_api_key_and_the_token_that_verifies_callbacks_are_both_tried(twilio: WithKey) -> None:
    def of(**changed: str) -> Tried:
        return tried(replace(twilio.config(), credentials=WITH_KEY | changed))

    assert of().access is Access.GRANTED
    wrong_key, wrong_token = of(api_secret="guessed"), of(auth_token="guessed")
    assert (wrong_key.access, "API key secret" in wrong_key.sentence) == (Access.REFUSED, True)
    assert (wrong_token.access, "Auth token" in wrong_token.sentence) == (Access.REFUSED, True)


def test_an_outage_says_nothing_of_the_credentials(twilio: WithKey) -> None:
    twilio.carrier.set_faults(outage=True)

    assert tried(twilio.config()).access is Access.BUSY


@pytest.mark.parametrize(
    ("status", "content", "access", "says"),
    [
        (200, {"sid": ACCOUNT, "status": "active", "type": "Trial"}, Access.GRANTED, "trial account"),
        (401, {"code": 20003, "message": "Authenticate"}, Access.REFUSED, "Account SID and Auth token"),
        (403, {"code": 20008}, Access.REFUSED, "test credentials"),
        (403, {"code": 20005}, Access.BARRED, "not active"),
        (400, {"code": 10001}, Access.BARRED, "not active"),
        (429, {"code": 20429}, Access.BUSY, "Try again later"),
        (502, "<html>Bad gateway</html>", Access.BUSY, "Try again later"),
        (401, "<html>Who are you?</html>", Access.UNREACHABLE, "look at the address"),
        (200, {"sid": "AC" + "0" * 32, "status": "active"}, Access.UNREACHABLE, "look at the address"),
        (200, {"sid": ACCOUNT, "status": "sleeping"}, Access.UNREACHABLE, "look at the address"),
        (200, "x" * 300_000, Access.UNREACHABLE, "look at the address"),
    ],
)
def test_what_twilio_says_is_put_into_words_of_ours(status: int, content: Any, access: Access, says: str) -> None:
    found = told(status, content)

    assert (found.access, says in found.sentence) == (access, True), found


def test_nobody_is_followed_elsewhere_with_the_credentials() -> None:
    assert told(301, "", Location="https://elsewhere.example/").access is Access.UNREACHABLE


_ANSWERS = st.dictionaries(
    st.sampled_from(["sid", "status", "type", "code", "messages"]),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2) | st.just(ACCOUNT),
)


@given(status=st.integers(100, 599), answer=_ANSWERS)
def test_no_answer_is_too_strange(status: int, answer: dict[str, Any]) -> None:
    for found in (trying._account(ACCOUNT, status, answer), trying._messages(status, answer)):
        assert found is None or found.sentence
