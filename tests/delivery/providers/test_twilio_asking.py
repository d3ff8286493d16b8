"""Asking Twilio: all pages and no more than enough, and nothing follows from trouble."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from aiohttp import web

from delivery.errors import Failure
from delivery.providers.base import CannotAsk, ProviderConfig, Question, Receipt
from delivery.providers.twilio import KIND
from delivery.states import Status

ACCOUNT = "AC" + "0" * 32
SID = "SM" + "0f" * 16
LIST = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
CLAIMED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

Twilio = Callable[[str], tuple[int, Any]]
"""Path and query of a request to what is answered."""


def message(number: int, **differently: Any) -> dict[str, Any]:
    young = {
        "sid": f"SM{number:032x}",
        "body": "Hello",
        "from": "12345",
        "messaging_service_sid": None,
        "date_created": format_datetime(CLAIMED),
        "date_sent": None,
        "status": "queued",
        "error_code": None,
        "direction": "outbound-api",
    }
    return young | differently


def ask(twilio: Twilio, *, sid: str = "", asked_at: datetime | None = None, date: str = "") -> list[Receipt]:
    """`date`: what Twilio's clock shows when it answers."""

    async def take(request: web.BaseRequest) -> web.Response:
        status, content = twilio(request.raw_path)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return web.Response(status=status, body=body, headers={"Date": date} if date else {})

    async def scenario() -> list[Receipt]:
        runner = web.ServerRunner(web.Server(take))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        config = ProviderConfig(
            id=1,
            settings={
                "account_sid": ACCOUNT,
                "base_url": "http://{}:{}/".format(*runner.addresses[0][:2]),
            },
            credentials={"auth_token": "t"},
            private_addresses=True,
        )
        adapter = KIND.build(config, None)
        try:
            question = Question(uuid4(), 1, sid, "+14155550123", "12345", "Hello", CLAIMED, asked_at)
            return list((await adapter.ask(question)).found)
        finally:
            await adapter.close()
            await runner.cleanup()

    return asyncio.run(scenario())


def test_all_pages_are_read_and_a_message_still_in_the_queue_is_found() -> None:
    paths = []

    def twilio(path: str) -> tuple[int, Any]:
        paths.append(path)
        page = int(parse_qs(urlsplit(path).query).get("Page", ["0"])[0])
        others = [message(100 * page + n, body="Another") for n in range(20)]
        further = f"{LIST}?To=%2B14155550123&Page={page + 1}" if page < 3 else None
        return 200, {"messages": [*others, message(7_000 + page)][:: -1 if page else 1], "next_page_uri": further}

    found = ask(twilio)

    assert sorted(receipt.provider_message_id for receipt in found) == [f"SM{7_000 + n:032x}" for n in range(4)]
    assert {receipt.status for receipt in found} == {Status.ACCEPTED}
    assert paths[0] == f"{LIST}?To=%2B14155550123&PageSize=1000", "DateSent would hide the queued"
    assert len(paths) == 4


@pytest.mark.parametrize("hours", [1, -1])
def test_what_twilio_has_is_found_whichever_of_the_two_clocks_is_wrong(hours: int) -> None:
    """By our clock it was claimed at CLAIMED and asked about two minutes later; Twilio's says otherwise."""
    theirs = CLAIMED - timedelta(hours=hours)
    asked_at, date = CLAIMED + timedelta(minutes=2), format_datetime(theirs + timedelta(minutes=2))
    page = {"messages": [message(1, date_created=format_datetime(theirs))], "next_page_uri": None}

    assert len(ask(lambda _path: (200, page), asked_at=asked_at, date=date)) == 1


def test_a_text_from_before_the_attempt_is_another() -> None:
    earlier = message(1, date_created=format_datetime(CLAIMED - timedelta(hours=1)))
    page = {"messages": [earlier], "next_page_uri": None}

    assert not ask(lambda _path: (200, page), asked_at=CLAIMED, date=format_datetime(CLAIMED))


def test_a_list_without_end_is_not_read_to_the_end() -> None:
    with pytest.raises(CannotAsk, match="More than"):
        ask(lambda path: (200, {"messages": [], "next_page_uri": LIST + "?Page=1"}))


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b"<html>"),
        (200, []),
        (200, {"messages": None}),
        (200, {"messages": [], "next_page_uri": "https://elsewhere.example/x"}),
        (200, {"messages": [], "next_page_uri": 7}),
        (200, {"messages": [message(1, sid=None)]}),
        (200, b" " * 17_000_000),
        (302, b""),
        (401, {"code": 20003}),
        (404, {"code": 20404}),
        (429, {"code": 20429}),
        (500, {"code": 20500}),
    ],
)
def test_from_a_list_that_is_none_nothing_follows(status: int, content: Any) -> None:
    with pytest.raises(CannotAsk):
        ask(lambda path: (status, content))


@pytest.mark.parametrize(
    ("status", "content"),
    [(404, b"not here"), (404, {"code": 20003}), (401, {"code": 20003}), (200, b""), (503, b"")],
)
def test_from_trouble_with_one_message_nothing_follows(status: int, content: Any) -> None:
    with pytest.raises(CannotAsk):
        ask(lambda path: (status, content), sid=SID)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"status": "delivered"}, Receipt(SID, Status.DELIVERED)),
        ({"status": "sending"}, Receipt(SID, Status.ACCEPTED)),
        ({"status": "never heard of"}, Receipt(SID, Status.ACCEPTED)),
        (
            {"status": "undelivered", "error_code": 30003},
            Receipt(SID, Status.UNDELIVERED, Failure.UNREACHABLE, "30003"),
        ),
    ],
)
def test_a_message_that_is_known_by_its_id(resource: dict[str, Any], expected: Receipt) -> None:
    def twilio(path: str) -> tuple[int, Any]:
        assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json"
        return 200, message(1, sid=SID, **resource)

    assert ask(twilio, sid=SID) == [expected]


def test_a_message_that_twilio_does_not_have() -> None:
    assert ask(lambda path: (404, {"code": 20404, "status": 404}), sid=SID) == []


def test_an_id_cannot_lead_to_another_path() -> None:
    def twilio(path: str) -> tuple[int, Any]:
        assert path.endswith("/Messages/..%2F..%2FKeys.json")
        return 404, {"code": 20404}

    assert ask(twilio, sid="../../Keys") == []
