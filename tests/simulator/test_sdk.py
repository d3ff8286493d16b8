"""The official SDK, pointed at the simulator, works unchanged."""

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from tests.simulator.conftest import ACCOUNT, SENDER, TOKEN, Running, until

SERVICE = "MG" + "a" * 32
TO = "+14155550100"


def raw(carrier: Running, path: str, form: dict[str, str] | None = None, token: str = TOKEN) -> tuple[int, Any, Any]:
    """(status, headers, decoded JSON) of one request without the SDK."""
    data = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(f"{carrier.url}/2010-04-01/Accounts/{ACCOUNT}/{path}", data=data)
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{ACCOUNT}:{token}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.load(error)


def settled(carrier: Running, number: int) -> None:
    """Wait until so many messages are delivered."""
    until(lambda: carrier.control.summary()["by_status"].get("delivered", 0) == number)


def refusal(call: Callable[[], object]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as caught:
        call()
    return caught.value.status, caught.value.code


def test_create_answers_with_every_key_of_the_resource(carrier: Running):
    status, headers, message = raw(carrier, "Messages.json", {"To": TO, "From": SENDER, "Body": "Grüße"})

    assert status == 201
    assert message.keys() == {
        "account_sid", "api_version", "body", "date_created", "date_sent", "date_updated", "direction",
        "error_code", "error_message", "from", "messaging_service_sid", "num_media", "num_segments", "price",
        "price_unit", "sid", "status", "subresource_uris", "tags", "to", "uri",
    }  # fmt: skip
    assert re.fullmatch(r"SM[0-9a-f]{32}", message["sid"])
    assert message["status"] == "queued"
    assert message["body"] == "Grüße"
    assert (message["num_segments"], message["num_media"], message["price"]) == ("1", "0", None)
    assert message["date_sent"] is None
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", message["date_created"])
    assert headers["Twilio-Request-Id"].startswith("RQ")
    assert headers["Twilio-Concurrent-Requests"] == "1"


def test_the_account_is_fetched_with_its_state(carrier: Running, client: Client):
    states = []
    for state in ("active", "suspended", "closed"):
        carrier.control.set_faults(account_state=state)
        states.append(client.api.v2010.accounts(ACCOUNT).fetch().status)

    assert states == ["active", "suspended", "closed"]
    assert refusal(lambda: client.messages.create(to=TO, from_=SENDER, body="x")) == (400, 10001)
    assert carrier.control.ledger() == []


def test_a_standard_api_key_does_all_but_look_at_the_account(start_carrier: Callable[..., Running]):
    key = "SK" + "1" * 32
    carrier = start_carrier("--api-key", f"{ACCOUNT}:{key}:its-secret")
    client = Client(key, "its-secret", ACCOUNT)
    client.api.base_url = carrier.url

    created = client.messages.create(to=TO, from_=SENDER, body="x")

    assert client.messages(created.sid).fetch().account_sid == ACCOUNT
    assert refusal(lambda: client.api.v2010.accounts(ACCOUNT).fetch()) == (401, 20003)
    stranger = Client(key, "another-secret", ACCOUNT)
    stranger.api.base_url = carrier.url
    assert refusal(lambda: stranger.messages(created.sid).fetch()) == (401, 20003)


def test_create_then_fetch_follows_the_message_to_delivery(carrier: Running, client: Client):
    created = client.messages.create(to="+1 (415) 555-0100", from_=SENDER, body="x" * 161)

    settled(carrier, 1)
    fetched = client.messages(created.sid).fetch()
    assert fetched.to == TO
    assert fetched.status == "delivered"
    assert fetched.num_segments == "2"
    assert fetched.price == "-0.01500"
    assert fetched.date_sent is not None
    assert [status for status, _ in carrier.control.ledger()[0]["history"]] == ["queued", "sent", "delivered"]


def test_messaging_service_picks_the_sender_when_it_sends(carrier: Running, client: Client):
    carrier.control.set_faults(receipt_delay_ms=400)
    created = client.messages.create(to=TO, messaging_service_sid=SERVICE, body="hello")

    assert (created.status, created.num_segments, created.from_) == ("accepted", "0", None)
    settled(carrier, 1)
    fetched = client.messages(created.sid).fetch()
    assert (fetched.from_, fetched.num_segments) == (SENDER, "1")
    assert fetched.messaging_service_sid == SERVICE


def test_media_messages_get_an_mm_sid_and_need_no_body(client: Client):
    message = client.messages.create(to=TO, from_=SENDER, media_url=["https://example.com/a.png"] * 2)

    assert message.sid.startswith("MM")
    assert message.num_media == "2"


def test_a_scheduled_message_is_sent_at_its_time_unless_canceled(carrier: Running, client: Client):
    carrier.control.set_faults(schedule_lead_seconds=0)

    def schedule(seconds: float) -> str:
        return client.messages.create(
            to=TO,
            messaging_service_sid=SERVICE,
            body="later",
            schedule_type="fixed",
            send_at=datetime.now(UTC) + timedelta(seconds=seconds),
        ).sid

    sent, canceled = schedule(1.5), schedule(1000)
    assert client.messages(sent).fetch().status == "scheduled"

    assert client.messages(canceled).update(status="canceled").status == "canceled"
    settled(carrier, 1)
    assert client.messages(sent).fetch().status == "delivered"
    assert refusal(lambda: client.messages(sent).update(status="canceled")) == (409, 30409)
    assert client.messages(canceled).fetch().status == "canceled"


def test_scheduling_needs_a_service_and_a_time_within_reach(client: Client):
    def schedule(**options: Any) -> Callable[[], object]:
        return lambda: client.messages.create(to=TO, body="x", schedule_type="fixed", **options)

    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert refusal(schedule(from_=SENDER, send_at=soon)) == (400, 35118)
    assert refusal(schedule(messaging_service_sid=SERVICE)) == (400, 35111)
    assert refusal(schedule(messaging_service_sid=SERVICE, send_at=soon)) == (400, 35114)


def test_a_message_past_its_validity_fails(carrier: Running, client: Client):
    carrier.control.set_faults(receipt_delay_ms=4000)
    created = client.messages.create(to=TO, from_=SENDER, body="quick", validity_period=1)

    until(lambda: client.messages(created.sid).fetch().status == "failed")
    assert client.messages(created.sid).fetch().error_code == 30036


def test_redaction_and_deletion_hide_the_message_but_not_from_the_ledger(carrier: Running, client: Client):
    redacted = client.messages.create(to=TO, from_=SENDER, body="secret")
    deleted = client.messages.create(to=TO, from_=SENDER, body="gone")

    assert client.messages(redacted.sid).update(body="").body == ""
    assert client.messages(deleted.sid).delete() is True

    assert client.messages(redacted.sid).fetch().body == ""
    assert refusal(lambda: client.messages(deleted.sid).fetch()) == (404, 20404)
    assert [message.sid for message in client.messages.list()] == [redacted.sid]
    assert [(entry["body"], entry["redacted"], entry["deleted"]) for entry in carrier.control.ledger()] == [
        ("secret", True, False),
        ("gone", False, True),
    ]


def test_list_pages_newest_first_through_everything_once(client: Client):
    sids = [client.messages.create(to=f"+1415555{n:04d}", from_=SENDER, body=str(n)).sid for n in range(23)]

    assert [message.sid for message in client.messages.list(page_size=5)] == sids[::-1]
    assert [message.sid for message in client.messages.list(limit=7)] == sids[::-1][:7]

    first = client.messages.page(page_size=10)
    second = first.next_page()
    third = second.next_page()
    assert [message.sid for message in third] == sids[:3][::-1]
    assert third.next_page() is None
    assert [message.sid for message in third.previous_page()] == sids[3:13][::-1]
    assert [message.sid for message in third.previous_page().previous_page()] == sids[13:][::-1]


def test_paging_is_not_disturbed_by_messages_that_arrive_meanwhile(client: Client):
    sids = [client.messages.create(to=TO, from_=SENDER, body=str(n)).sid for n in range(6)]

    page = client.messages.page(page_size=3)
    client.messages.create(to=TO, from_=SENDER, body="new")

    assert [message.sid for message in page.next_page()] == sids[:3][::-1]


def test_list_filters_by_to_and_from(client: Client):
    wanted = [client.messages.create(to=TO, from_=SENDER, body=str(n)).sid for n in range(3)]
    other_sender = client.messages.create(to=TO, from_="+15005550010", body="x").sid
    client.messages.create(to="+14155550199", from_=SENDER, body="y")

    assert [message.sid for message in client.messages.list(to=TO, page_size=2)] == [
        other_sender,
        *wanted[::-1],
    ]
    assert [message.sid for message in client.messages.list(to=TO, from_=SENDER)] == wanted[::-1]
    assert client.messages.list(to="+14155550000") == []


def test_list_filters_by_the_date_sent(carrier: Running, client: Client):
    sid = client.messages.create(to=TO, from_=SENDER, body="x").sid
    settled(carrier, 1)
    sent = client.messages(sid).fetch().date_sent
    carrier.control.set_faults(receipt_delay_ms=3_600_000)
    client.messages.create(to=TO, from_=SENDER, body="not sent, so without a date")

    def found(**when: Any) -> int:
        return len(client.messages.list(**when))

    second, hour, day = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
    assert found(date_sent=sent) == 1
    assert found(date_sent=sent - day) == 0
    assert found(date_sent_after=sent, date_sent_before=sent) == 1
    assert found(date_sent_after=sent + second) == 0
    assert found(date_sent_before=sent - second) == 0
    assert found(date_sent_after=sent - hour, date_sent_before=sent + hour) == 1
    assert found(date_sent_after=sent - hour, to=TO) == 1
    assert found(date_sent_after=(sent - day).date(), date_sent_before=(sent + day).date()) == 1
    assert found(date_sent=sent.strftime("%Y-%m-%d")) == 1
    assert found() == 2


def test_list_writes_its_links_relative_and_bounds_the_page(carrier: Running, client: Client):
    for n in range(3):
        client.messages.create(to=TO, from_=SENDER, body=str(n))

    _, _, page = raw(carrier, f"Messages.json?PageSize=2&To={TO.replace('+', '%2B')}")
    assert page["first_page_uri"].startswith(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?To=%2B1415")
    assert "PageToken=PASM" in page["next_page_uri"]
    assert page["previous_page_uri"] is None
    assert (page["page"], page["page_size"], page["start"], page["end"]) == (0, 2, 0, 1)
    assert raw(carrier, "Messages.json?PageSize=5000")[2]["page_size"] == 1000
    assert raw(carrier, "Messages.json")[2]["page_size"] == 50
    assert raw(carrier, "Messages.json?PageSize=many")[0] == 400
    assert raw(carrier, "Messages.json?PageToken=nonsense")[0] == 400
    assert raw(carrier, "Messages.json?DateSent=soon")[0] == 400


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "12345"}, 21211),
        ({"To": "+1415555010x"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "?!"}, 21212),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "ftp://example.com/"}, 21609),
        ({"StatusCallback": "http://example.com/#rc=9"}, 21609),
        ({"StatusCallback": "http://example.com:99999/"}, 21609),
        ({"ValidityPeriod": "0"}, 20001),
        ({"From": "MG123", "MessagingServiceSid": "MG123"}, 21701),
    ],
)
def test_what_is_wrong_with_a_create_is_named(carrier: Running, change: dict[str, str], code: int):
    form = {"To": TO, "From": SENDER, "Body": "x", **change}

    status, _, error = raw(carrier, "Messages.json", form)

    assert (status, error["code"], error["status"]) == (400, code, 400)
    assert error["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert carrier.control.summary()["accepted"] == 0


@pytest.mark.parametrize(
    ("sender", "to", "answer"),
    [
        ("+15005550001", TO, (400, 21212)),
        ("+15005550007", TO, (400, 21606)),
        ("+15005550008", TO, (429, 21611)),
        (SENDER, "+15005550001", (400, 21211)),
        (SENDER, "+15005550002", (400, 21612)),
        (SENDER, "+15005550003", (400, 21408)),
        (SENDER, "+15005550004", (400, 21610)),
        (SENDER, "+15005550009", (400, 21614)),
    ],
)
def test_magic_numbers_are_refused(client: Client, sender: str, to: str, answer: tuple[int, int]):
    assert refusal(lambda: client.messages.create(to=to, from_=sender, body="x")) == answer


def test_credentials_are_checked(carrier: Running):
    assert raw(carrier, "Messages.json", {"To": TO}, token="wrong")[2]["code"] == 20003
    assert refusal(lambda: carrier.client(token="wrong").messages.create(to=TO, from_=SENDER, body="x")) == (
        401,
        20003,
    )
    with pytest.raises(TwilioException):
        carrier.client(account="AC" + "1" * 32).messages.list()
    assert carrier.client().api.accounts(ACCOUNT).fetch().status == "active"


def test_a_carrier_with_owned_senders_and_several_accounts(start_carrier: Callable[..., Running]):
    other = "AC" + "b" * 32
    carrier = start_carrier(
        "--sender", "+14155550001", "--sender", SERVICE,
        "--credential", f"{ACCOUNT}:second", "--credential", f"{other}:third",
    )  # fmt: skip
    mine = carrier.client(token="second")

    assert refusal(lambda: mine.messages.create(to=TO, from_="+14155550002", body="x")) == (400, 21606)
    assert refusal(lambda: mine.messages.create(to=TO, messaging_service_sid="MG" + "c" * 32, body="x")) == (
        400,
        21701,
    )
    mine.messages.create(to=TO, from_="+14155550001", body="x")
    message = carrier.client().messages.create(to=TO, messaging_service_sid=SERVICE, body="y")
    theirs = carrier.client(other, "third")

    assert theirs.messages.list() == []
    assert refusal(lambda: theirs.messages(message.sid).fetch()) == (404, 20404)
    until(lambda: mine.messages(message.sid).fetch().from_ == "+14155550001")
