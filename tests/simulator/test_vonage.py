"""The carrier's Vonage face, asked over HTTP as Vonage's own clients ask, its webhooks checked with PyJWT."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jwt
import pytest

from simulator.client import SimulatorError
from tests.simulator.conftest import Running, until

KEY, SECRET = "simulate", "simulator-secret"
SIGNATURE_SECRET = "simulator-signature-secret-of-32-bytes-or-more"


@dataclass
class Post:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


@dataclass
class Hooks:
    """A real HTTP server that writes down what is posted to it and answers as told."""

    url: str = ""
    received: list[Post] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def wait(self, number: int) -> list[Post]:
        until(lambda: len(self.received) >= number)
        return self.received


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    book = Hooks()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = book.answers.pop(0) if book.answers else 200
            book.received.append(Post(self.path, dict(self.headers), body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    book.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield book
    server.shutdown()
    server.server_close()


def ask(
    carrier: Running, content: object, *, secret: str = SECRET, method: str = "POST", path: str = "/v1/messages"
) -> tuple[int, dict[str, Any]]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = Request(carrier.url + path, data=body, method=method)
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{KEY}:{secret}".encode()).decode())
    try:
        with urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def sms(**changes: object) -> dict[str, Any]:
    content = {
        "message_type": "text",
        "channel": "sms",
        "to": "447700900000",
        "from": "447700900001",
        "text": "Grüße 🎉",
    }
    return {name: value for name, value in (content | changes).items() if value is not None}


def claims(post: Post) -> dict[str, Any]:
    token = post.headers["Authorization"].removeprefix("Bearer ")
    decoded: dict[str, Any] = jwt.decode(token, SIGNATURE_SECRET, algorithms=["HS256"])
    return decoded


def test_a_message_is_taken_and_stands_in_the_ledger(carrier: Running) -> None:
    status, answer = ask(carrier, sms(client_ref="ours", webhook_url="https://hub.invalid/x"))

    assert status == 202
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer["message_uuid"])
    [entry] = carrier.control.entries("+447700900000")
    assert (entry["sid"], entry["account"], entry["from"]) == (answer["message_uuid"], KEY, "+447700900001")
    assert (entry["body"], entry["reference"]) == ("Grüße 🎉", "ours")
    assert entry["status_callback"] == "https://hub.invalid/x"


def test_two_signed_statuses_tell_a_messages_way(carrier: Running, hooks: Hooks) -> None:
    _, answer = ask(carrier, sms(client_ref="our-token", webhook_url=hooks.url))

    posts = hooks.wait(2)
    assert [post.content["status"] for post in posts] == ["submitted", "delivered"]
    for post in posts:
        assert post.headers["Content-Type"] == "application/json"
        assert claims(post)["payload_hash"] == hashlib.sha256(post.body).hexdigest()
        assert (claims(post)["api_key"], claims(post)["iss"]) == (KEY, "Vonage")
        content = post.content
        assert content["message_uuid"] == answer["message_uuid"]
        assert (content["to"], content["from"]) == ("447700900000", "447700900001")
        assert (content["channel"], content["client_ref"]) == ("sms", "our-token")
        assert "error" not in content
    assert len({claims(post)["jti"] for post in posts}) == 2


def test_a_failure_is_a_rejection_with_its_code(carrier: Running, hooks: Hooks) -> None:
    carrier.control.set_faults(error_mix={"1210": 1.0})
    ask(carrier, sms(webhook_url=hooks.url))
    last = hooks.wait(2)[-1].content
    assert last["status"] == "rejected"
    assert last["error"]["type"].endswith("/messages#1210")
    assert "client_ref" not in last


def test_a_message_past_its_time_is_rejected_for_it(carrier: Running, hooks: Hooks) -> None:
    carrier.control.set_faults(error_mix={"30036": 1.0})
    ask(carrier, sms(webhook_url=hooks.url, ttl=20))
    [post] = hooks.wait(1)
    assert (post.content["status"], post.content["error"]["title"]) == ("rejected", 1360)


def test_a_status_comes_again_after_a_5xx_and_not_after_a_4xx(carrier: Running, hooks: Hooks) -> None:
    hooks.answers = [503, 503, 200, 403]
    ask(carrier, sms(webhook_url=hooks.url))
    until(lambda: carrier.control.stats()["callbacks_pending"] == 0 and len(hooks.received) >= 4)
    stats = carrier.control.stats()
    assert (stats["callbacks_ok"], stats["callbacks_failed"], stats["callbacks_retried"]) == (1, 1, 2)


def test_statuses_go_to_the_accounts_address_where_a_message_names_none(
    start_carrier: Callable[..., Running], hooks: Hooks
) -> None:
    own = start_carrier("--vonage-account", f"{KEY}:{SECRET}:{SIGNATURE_SECRET}:{hooks.url}")
    own.control.set_faults(receipt_delay_ms=20)
    ask(own, sms(client_ref="our-token"))
    assert [post.content["client_ref"] for post in hooks.wait(2)] == ["our-token"] * 2
    assert {post.path for post in hooks.received} == {"/hook"}


def test_without_any_address_nothing_is_posted(carrier: Running) -> None:
    ask(carrier, sms())
    until(lambda: carrier.control.summary()["by_status"] == {"delivered": 1})
    assert carrier.control.stats()["callbacks_sent"] == 0


@pytest.mark.parametrize(
    ("changes", "code", "blamed"),
    [
        ({"to": "+447700900000"}, 1020, "to"),
        ({"to": None}, 1020, "to"),
        ({"to": "x"}, 1020, "to"),
        ({"from": "+447700900001"}, 1020, "from"),
        ({"from": "a-name-that-is-too-long"}, 1020, "from"),
        ({"text": ""}, 1020, "text"),
        ({"text": "x" * 1001}, 1020, "text"),
        ({"text": 7}, 1020, "text"),
        ({"channel": "whatsapp"}, 1020, "message_type"),
        ({"client_ref": "x" * 101}, 1020, "client_ref"),
        ({"webhook_url": "hub"}, 1020, "webhook_url"),
        ({"ttl": 1}, 1130, "ttl"),
        ({"ttl": "600"}, 1130, "ttl"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(
    carrier: Running, changes: dict[str, object], code: int, blamed: str
) -> None:
    status, problem = ask(carrier, sms(**changes))
    assert status == 422
    assert problem["type"].endswith(f"/messages#{code}")
    assert problem["invalid_parameters"][0]["name"] == blamed
    assert list(carrier.control.entries()) == []


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_json_object_is_refused(carrier: Running, raw: bytes) -> None:
    assert ask(carrier, raw)[0] == 400


def test_credentials_paths_and_methods_are_looked_at(carrier: Running) -> None:
    status, problem = ask(carrier, sms(), secret="guessed")
    assert (status, problem["type"].rpartition("#")[2]) == (401, "unauthorized")
    assert ask(carrier, sms(), path="/v1/messages/x")[0] == 404
    assert ask(carrier, sms(), method="PUT")[0] == 405
    assert list(carrier.control.entries()) == []


def test_the_balance_is_told_to_whoever_has_the_secret(carrier: Running) -> None:
    def balance(**more: str) -> tuple[int, dict[str, Any]]:
        return ask(carrier, b"", method="GET", path="/account/get-balance", **more)

    carrier.control.set_faults(credit=0.5)

    assert balance() == (200, {"value": 0.5, "autoReload": False})
    assert balance(secret="guessed") == (401, {"error-code": "401", "error-code-label": "authentication failed"})
    carrier.control.set_faults(account_state="suspended")
    assert balance()[0] == 403
    assert (ask(carrier, sms())[0], list(carrier.control.entries())) == (403, [])


@pytest.mark.parametrize(
    ("faults", "status", "taken"),
    [
        ({"throttle_share": 1.0}, 429, 0),
        ({"outage": True}, 503, 0),
        ({"error_before_share": 1.0}, 500, 0),
        ({"error_after_share": 1.0}, 500, 1),
        ({"reject_mix": {"1070": 1.0}}, 402, 0),
        ({"reject_mix": {"1060": 1.0}}, 403, 0),
        ({"reject_mix": {"1050": 1.0}}, 422, 0),
    ],
)
def test_faults_are_told_as_vonage_tells_them(
    carrier: Running, faults: dict[str, Any], status: int, taken: int
) -> None:
    carrier.control.set_faults(**faults)
    answered, problem = ask(carrier, sms())
    assert answered == status
    assert {"type", "title", "detail", "instance"} <= problem.keys()
    assert carrier.control.summary()["accepted"] == taken


def test_an_early_status_comes_before_the_answer(carrier: Running, hooks: Hooks) -> None:
    carrier.control.set_faults(receipts_early_share=1.0)
    _, answer = ask(carrier, sms(webhook_url=hooks.url))
    assert hooks.received[0].content["message_uuid"] == answer["message_uuid"]


def test_only_senders_of_the_account_may_send(start_carrier: Callable[..., Running]) -> None:
    own = start_carrier("--sender", "+447700900001")
    assert ask(own, sms())[0] == 202
    assert ask(own, sms(**{"from": "447700900002"}))[1]["type"].endswith("#1120")


def test_a_text_from_a_handset_is_posted_signed(carrier: Running, hooks: Hooks) -> None:
    posted = carrier.control.send_inbound(
        account=KEY, to="+447700900001", sender="+447700900000", body="Stop 🛑", url=hooks.url
    )
    assert posted["status"] == 200
    [post] = hooks.received
    assert claims(post)["payload_hash"] == hashlib.sha256(post.body).hexdigest()
    content = post.content
    assert (content["from"], content["to"], content["text"]) == ("447700900000", "447700900001", "Stop 🛑")
    assert (content["channel"], content["message_type"]) == ("sms", "text")
    assert content["message_uuid"] == posted["sid"]


def test_an_account_that_nobody_has_receives_nothing(carrier: Running, hooks: Hooks) -> None:
    with pytest.raises(SimulatorError, match="no such account"):
        carrier.control.send_inbound(account="nobody", to="1", sender="2", body="x", url=hooks.url)


@pytest.mark.parametrize("bad", ["key", "key:secret", "key::secret", "key:secret:signature:"])
def test_an_account_is_written_in_full(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    from simulator.__main__ import parse

    with pytest.raises(SystemExit):
        parse(["--vonage-account", bad])
    assert "KEY:SECRET:SIGNATURE_SECRET" in capsys.readouterr().err
