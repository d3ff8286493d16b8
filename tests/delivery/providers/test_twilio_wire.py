"""Requests as the official SDK makes them, and every kind of answer read for what it means."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from delivery.errors import Failure
from delivery.providers.base import OutboundMessage, Outcome, ProviderConfig, Question
from delivery.providers.twilio import KIND, wire
from delivery.providers.twilio.codes import CODES, FAILURES, REFUSALS

ACCOUNT = "AC" + "a1" * 16
SERVICE = "MG" + "0f" * 16
MESSAGE = OutboundMessage(
    id=uuid4(),
    attempt=3,
    recipient="+14155550123",
    sender="+15005550006",
    body="Grüße & 100 % = +1\n🎉 ~*",
    segments=1,
    encoding="ucs2",
    callback_url="https://hub.example.com/callbacks/receipts/1/dG9r_-A=",
    validity_seconds=7200,
)


def answer(status: int, content: Any, retry_after: str = "") -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return wire.read_answer(MESSAGE, status=status, retry_after=retry_after, body=body)


# --- requests ---------------------------------------------------------------------------------------


async def captured(act: Callable[[str], Awaitable[object]]) -> tuple[Any, ...]:
    """What `act`, given a base URL, sends there."""
    seen: list[tuple[Any, ...]] = []

    async def take(request: web.BaseRequest) -> web.Response:
        headers = [request.headers.get(name) for name in ("Content-Type", "Authorization", "Accept")]
        seen.append((request.method, request.raw_path, await request.read(), *headers))
        return web.json_response({"sid": "SM" + "0" * 32, "status": "queued"}, status=201)

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await act("http://{}:{}".format(*runner.addresses[0][:2]))
    finally:
        await runner.cleanup()
    assert len(seen) == 1
    return seen[0]


@pytest.mark.parametrize(
    "message",
    [
        MESSAGE,
        replace(MESSAGE, sender=SERVICE, validity_seconds=None),
        replace(MESSAGE, sender="MGM Grand"),
        replace(MESSAGE, sender="12345", body="€[]{}\\^~|  two  spaces ", validity_seconds=1),
    ],
)
def test_a_create_is_byte_for_byte_what_the_sdk_sends(message: OutboundMessage) -> None:
    async def ours(base_url: str) -> None:
        adapter = KIND.build(
            ProviderConfig(
                id=1,
                settings={"account_sid": ACCOUNT, "base_url": base_url},
                credentials={"auth_token": "tok:en"},
                private_addresses=True,
            ),
            None,
        )
        assert (await adapter.send(message)).outcome is Outcome.ACCEPTED
        await adapter.close()

    async def theirs(base_url: str) -> None:
        http = AsyncTwilioHttpClient()
        client = Client(ACCOUNT, "tok:en", http_client=http)
        client.api.base_url = base_url
        optional = {} if message.validity_seconds is None else {"validity_period": message.validity_seconds}
        sender = {"messaging_service_sid" if message.sender == SERVICE else "from_": message.sender}
        await client.messages.create_async(
            to=message.recipient,
            body=message.body,
            status_callback=message.callback_url + wire.CALLBACK_RETRIES,
            **sender,
            **optional,
        )
        await http.close()

    async def both() -> None:
        assert await captured(ours) == await captured(theirs)

    asyncio.run(both())


@pytest.mark.parametrize(("wanted", "sent"), [(0, 1), (-5, 1), (60, 60), (36_000, 36_000), (10**9, 36_000)])
def test_validity_stays_within_what_twilio_takes(wanted: int, sent: int) -> None:
    form = wire.create_form(replace(MESSAGE, validity_seconds=wanted)).decode()
    assert f"ValidityPeriod={sent}&" in form


def test_a_text_that_is_no_unicode_is_refused_before_anything_is_sent() -> None:
    config = ProviderConfig(id=1, settings={"account_sid": ACCOUNT}, credentials={"auth_token": "t"})

    async def scenario() -> Any:
        adapter = KIND.build(config, None)
        try:
            return await adapter.send(replace(MESSAGE, body="half a pair \ud83c"))
        finally:
            await adapter.close()

    outcome = asyncio.run(scenario())
    assert (outcome.outcome, outcome.failure) == (Outcome.REJECTED, Failure.CONTENT)


# --- answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_known_code_decides_whatever_the_http_status(code: int) -> None:
    known = REFUSALS[code]
    for status in (400, 401, 403, 404, 429):
        outcome = answer(status, {"code": code, "message": "The 'To' number +14155550123 …", "status": status})
        assert (outcome.outcome, outcome.failure) == (known.outcome, known.failure)
        assert outcome.code == str(code)
        assert "4155550123" not in outcome.detail
        assert (outcome.retry_after is not None) == (known.outcome is Outcome.THROTTLED)


@pytest.mark.parametrize(
    ("status", "content", "outcome", "failure"),
    [
        (400, {"code": 29998, "status": 400}, Outcome.REJECTED, Failure.UNKNOWN),
        (400, {"type": "about:blank", "title": "x", "code": 21211}, Outcome.REJECTED, Failure.INVALID_NUMBER),
        (429, b"slow down", Outcome.THROTTLED, Failure.THROTTLED),
        (429, {"code": 29998}, Outcome.THROTTLED, Failure.THROTTLED),
        (401, b"", Outcome.THROTTLED, Failure.ACCOUNT),
        (500, {"code": 21211}, Outcome.UNCERTAIN, None),
        (503, b"<html>", Outcome.UNCERTAIN, None),
        (400, b"<html>", Outcome.UNCERTAIN, None),
        (400, [], Outcome.UNCERTAIN, None),
        (400, {"code": "21211"}, Outcome.UNCERTAIN, None),
        (400, {"code": True}, Outcome.UNCERTAIN, None),
        (400, {"code": -1}, Outcome.UNCERTAIN, None),
        (302, b"", Outcome.UNCERTAIN, None),
        (201, b"", Outcome.UNCERTAIN, None),
        (201, b"[" * 100_000, Outcome.UNCERTAIN, None),
        (201, {"sid": None}, Outcome.UNCERTAIN, None),
        (201, {"sid": "S" * 65}, Outcome.UNCERTAIN, None),
        (201, {"sid": "SM" + "0" * 32}, Outcome.ACCEPTED, None),
        (200, {"sid": "SM" + "0" * 32, "status": "queued"}, Outcome.ACCEPTED, None),
    ],
)
def test_answers(status: int, content: Any, outcome: Outcome, failure: Failure | None) -> None:
    read = answer(status, content)
    assert (read.outcome, read.failure) == (outcome, failure)
    assert bool(read.provider_message_id) == (outcome is Outcome.ACCEPTED)
    assert (read.retry_after is not None) == (outcome is Outcome.THROTTLED)


@given(st.integers(100, 599), st.binary(max_size=200), st.text(max_size=40))
def test_no_answer_whatever_is_a_surprise(status: int, body: bytes, retry_after: str) -> None:
    read = wire.read_answer(MESSAGE, status=status, retry_after=retry_after, body=body)
    assert read.outcome in (Outcome.UNCERTAIN, Outcome.THROTTLED)


def test_a_full_queue_of_one_sender_waits_longer_than_plain_throttling() -> None:
    assert answer(429, {"code": 21611}).retry_after > 60 * answer(429, {"code": 20429}).retry_after


def test_retry_after_is_honoured() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert answer(429, {"code": 20429}, "7").retry_after == 7
    assert 50 < answer(429, {"code": 20429}, in_a_minute).retry_after <= 60
    assert answer(429, {"code": 20429}, "99999999").retry_after == 3600
    assert answer(429, {"code": 21611}, "7").retry_after == 600, "never sooner than the code says"


# --- the table --------------------------------------------------------------------------------------


def test_the_table_is_consistent() -> None:
    assert not REFUSALS.keys() & FAILURES.keys()
    for code, known in CODES.items():
        assert known.words, code
        assert (known.retry_after is not None) == (known.outcome is Outcome.THROTTLED), code


def test_a_code_in_words_with_its_page() -> None:
    assert KIND.explain is not None
    assert KIND.explain("30007") == ("Filtered by the carrier", "https://www.twilio.com/docs/api/errors/30007")
    assert KIND.explain("29998")[1] == "https://www.twilio.com/docs/api/errors/29998"
    assert KIND.explain("javascript:") == ("", "")


# --- which of Twilio's messages may be ours -----------------------------------------------------------

CLAIMED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
QUESTION = Question(
    message_id=MESSAGE.id,
    attempt=1,
    provider_message_id="",
    recipient=MESSAGE.recipient,
    sender=MESSAGE.sender,
    body=MESSAGE.body,
    claimed_at=CLAIMED,
)
FOUND = {
    "direction": "outbound-api",
    "body": MESSAGE.body,
    "from": MESSAGE.sender,
    "messaging_service_sid": None,
    "date_created": format_datetime(CLAIMED + timedelta(seconds=2)),
    "date_sent": None,
}


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ({}, True),
        ({"body": ""}, True),
        ({"body": "Another text"}, False),
        ({"from": "+15005550007"}, False),
        ({"from": None, "messaging_service_sid": None}, True),
        ({"date_created": format_datetime(CLAIMED - timedelta(minutes=1))}, True),
        ({"date_created": format_datetime(CLAIMED - timedelta(hours=1))}, False),
        ({"date_created": "no date"}, True),
        ({"date_created": None}, True),
        ({"direction": "inbound"}, False),
    ],
)
def test_in_doubt_it_may_be_ours(difference: dict[str, Any], expected: bool) -> None:
    assert wire.may_be(FOUND | difference, QUESTION) is expected


def test_the_likeliest_comes_first() -> None:
    def created(seconds: int) -> dict[str, str]:
        return {"date_created": format_datetime(CLAIMED + timedelta(seconds=seconds))}

    likeliest_first = [FOUND | created(1), FOUND | created(60), FOUND | created(0) | {"body": ""}]
    for shuffled in (likeliest_first, likeliest_first[::-1]):
        assert sorted(shuffled, key=lambda found: wire.unlikeness(found, QUESTION)) == likeliest_first


def test_a_service_is_recognised_by_its_own_id_whichever_number_it_picked() -> None:
    picked = FOUND | {"messaging_service_sid": SERVICE, "from": "+15005550009"}
    assert wire.may_be(picked, replace(QUESTION, sender=SERVICE))
    assert not wire.may_be(picked, replace(QUESTION, sender="MG" + "1" * 32))
