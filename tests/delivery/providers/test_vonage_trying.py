"""Trying a Vonage account by its balance."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.providers.base import Access, ProviderConfig, Tried
from delivery.providers.vonage import trying
from tests.contract.vonage_harness import VonageHarness
from tests.delivery.providers.answering import answering


@pytest.fixture(scope="module")
def running() -> Iterator[VonageHarness]:
    started = VonageHarness()
    started.start()
    yield started
    started.stop()


@pytest.mark.parametrize(
    ("faults", "access", "says"),
    [
        ({}, Access.GRANTED, "signature secret"),
        ({"credit": 0.0}, Access.GRANTED, "credit is used up"),
        ({"account_state": "suspended"}, Access.BARRED, "suspended"),
        ({"outage": True}, Access.BUSY, "Try again later"),
    ],
)
def test_how_the_account_stands_is_told(
    running: VonageHarness, faults: dict[str, Any], access: Access, says: str
) -> None:
    running.carrier.reset(**faults)

    found = asyncio.run(trying.try_credentials(running.config()))

    assert (found.access, says in found.sentence) == (access, True), found
    assert running.carrier.summary()["creates_seen"] == 0


@pytest.mark.parametrize(
    ("status", "content", "access"),
    [
        (200, {"value": -3.5, "autoReload": True}, Access.GRANTED),
        (401, {"type": "https://developer.vonage.com/api-errors#unauthorized", "title": "x"}, Access.REFUSED),
        (401, {"error": "no"}, Access.UNREACHABLE),
        (200, {"value": "10"}, Access.UNREACHABLE),
        (429, "", Access.BUSY),
    ],
)
def test_what_vonage_says_is_put_into_words_of_ours(status: int, content: Any, access: Access) -> None:
    async def scenario() -> Tried:
        async with answering(status, content) as url:
            settings = VonageHarness.settings | {"base_url": url}
            config = ProviderConfig(1, settings, VonageHarness.credentials, 5.0, 1, private_addresses=True)
            return await trying.try_credentials(config)

    assert asyncio.run(scenario()).access is access


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://api.nexmo.com", "https://rest.nexmo.com"),
        ("https://api-eu.vonage.com", "https://rest.nexmo.com"),
        ("https://sms.example", "https://sms.example"),
        ("https://api.nexmo.com.sms.example", "https://api.nexmo.com.sms.example"),
    ],
)
def test_vonages_account_api_has_a_host_of_its_own(address: str, origin: str) -> None:
    assert trying.account_api(address) == origin


_ANSWERS = st.dictionaries(
    st.sampled_from(["value", "autoReload", "type", "title", "error-code"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2),
)


@given(status=st.integers(100, 599), answer=_ANSWERS)
def test_no_answer_is_too_strange(status: int, answer: dict[str, Any]) -> None:
    found = trying._balance(status, answer)

    assert found is None or found.sentence
