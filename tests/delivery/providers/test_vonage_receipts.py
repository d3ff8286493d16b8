"""Message statuses and incoming texts of Vonage's, in all the shapes that they come in."""

import base64
import hashlib
import hmac
import json
import time
import warnings
from dataclasses import replace
from typing import Any

import jwt
import pytest

from delivery.errors import Failure
from delivery.providers.base import BadCallback, Callback, ProviderConfig, Receipt
from delivery.providers.vonage.receipts import STATUSES, parse_inbound, parse_receipts
from delivery.states import Status

UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
SECRET = "the-secret-that-signs-what-is-posted-to-us"
CONFIG = ProviderConfig(
    id=1, settings={"api_key": "a1b2c3d4"}, credentials={"api_secret": "s", "signature_secret": SECRET}
)


def claims_for(body: bytes, **changes: Any) -> dict[str, Any]:
    claims = {
        "iat": int(time.time()),
        "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": "a1b2c3d4",
        "application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def callback(body: bytes, token: str) -> Callback:
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    return Callback(url="https://hub.example/callbacks/receipts/1", headers=headers, body=body)


def posted(content: object, *, secret: str = SECRET, **claims: Any) -> Callback:
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    return callback(body, jwt.encode(claims_for(body, **claims), secret, "HS256"))


def status(state: str, **fields: Any) -> dict[str, Any]:
    return {
        "message_uuid": UUID,
        "to": "447700900000",
        "from": "447700900001",
        "timestamp": "2026-02-03T12:14:25Z",
        "status": state,
        "channel": "sms",
        "client_ref": "our-token",
        "usage": {"currency": "EUR", "price": "0.0333"},
        "destination": {"network_code": "12345"},
        "sms": {"count_total": "2"},
        **fields,
    }


def error(code: object) -> dict[str, Any]:
    return {"type": f"https://developer.vonage.com/api-errors/messages#{code}", "title": code, "detail": "No"}


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("submitted", None, Receipt(UUID, Status.SENT)),
        ("delivered", None, Receipt(UUID, Status.DELIVERED)),
        ("delivered", 1330, Receipt(UUID, Status.DELIVERED)),
        ("read", None, Receipt(UUID, Status.READ)),
        ("rejected", None, Receipt(UUID, Status.FAILED, Failure.UNKNOWN)),
        ("rejected", 1120, Receipt(UUID, Status.FAILED, Failure.SENDER, "1120")),
        ("rejected", 1070, Receipt(UUID, Status.FAILED, Failure.ACCOUNT, "1070")),
        ("rejected", 1180, Receipt(UUID, Status.UNDELIVERED, Failure.UNREACHABLE, "1180")),
        ("rejected", 1210, Receipt(UUID, Status.UNDELIVERED, Failure.FILTERED, "1210")),
        ("rejected", 1240, Receipt(UUID, Status.UNDELIVERED, Failure.OPTED_OUT, "1240")),
        ("rejected", 1360, Receipt(UUID, Status.EXPIRED, Failure.EXPIRED, "1360")),
        ("rejected", 9999, Receipt(UUID, Status.FAILED, Failure.UNKNOWN, "9999")),
        ("rejected", "'; drop", Receipt(UUID, Status.FAILED, Failure.UNKNOWN)),
        ("undeliverable", None, Receipt(UUID, Status.UNDELIVERED, Failure.UNKNOWN)),
        ("undeliverable", 1260, Receipt(UUID, Status.UNDELIVERED, Failure.UNREACHABLE, "1260")),
    ],
)
def test_a_state_becomes_evidence_that_names_our_message(state: str, code: object, expected: Receipt) -> None:
    given = status(state, **({} if code is None else {"error": error(code)}))
    assert parse_receipts(posted(given), CONFIG) == [replace(expected, token="our-token")]


@pytest.mark.parametrize("broken", [None, "1120", 7, [], {}, {"type": 7}, {"type": None, "title": {}}])
def test_an_error_that_cannot_be_read_is_an_unknown_one(broken: object) -> None:
    [receipt] = parse_receipts(posted(status("rejected", error=broken)), CONFIG)
    assert (receipt.status, receipt.failure, receipt.code) == (Status.FAILED, Failure.UNKNOWN, "")


def test_an_error_whose_title_alone_is_the_code() -> None:
    [receipt] = parse_receipts(posted(status("rejected", error={"type": "about:blank", "title": 1190})), CONFIG)
    assert (receipt.failure, receipt.code) == (Failure.INVALID_NUMBER, "1190")


@pytest.mark.parametrize("reference", [None, 7, ["x"], "x" * 101])
def test_a_reference_that_cannot_be_ours_names_nobody(reference: object) -> None:
    [receipt] = parse_receipts(posted(status("delivered", client_ref=reference)), CONFIG)
    assert receipt.token == ""


def test_a_state_or_a_channel_that_we_never_heard_of_says_nothing() -> None:
    assert parse_receipts(posted(status("teleported")), CONFIG) == []
    assert parse_receipts(posted(status("delivered", channel="whatsapp")), CONFIG) == []
    assert set(STATUSES) == {"submitted", "delivered", "read", "rejected", "undeliverable"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"7",
        [],
        {},
        {"status": "delivered"},
        {"message_uuid": UUID},
        status("delivered", message_uuid="x\0y"),
        status("delivered", message_uuid=7),
        {**status("delivered"), "status": ["delivered"]},
    ],
)
def test_a_signed_post_that_is_no_receipt_is_refused(content: object) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_receipts(posted(content), CONFIG)
    assert refused.value.status == 400


def test_what_is_too_large_or_no_json_is_not_even_verified() -> None:
    good = posted(status("delivered"))
    for bad in (
        replace(good, body=b" " * 300_000),
        replace(good, headers=good.headers | {"content-type": "text/plain"}),
    ):
        with pytest.raises(BadCallback) as refused:
            parse_receipts(bad, CONFIG)
        assert refused.value.status == 400


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


BODY = json.dumps(status("delivered")).encode()


def handmade(header: dict[str, Any], claims: dict[str, Any], digest: str | None = "sha256") -> str:
    """A token as no library would make it."""
    signed = f"{part(header)}.{part(claims)}"
    seal = hmac.digest(SECRET.encode(), signed.encode(), digest) if digest else b""
    return f"{signed}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "ä.b.c",
        "." * 10_000,
        handmade({"alg": "none", "typ": "JWT"}, claims_for(BODY), None),
        handmade({"alg": "none", "typ": "JWT"}, claims_for(BODY)),
        handmade({"alg": "HS512", "typ": "JWT"}, claims_for(BODY), "sha512"),
        handmade({"alg": "RS256", "typ": "JWT"}, claims_for(BODY)),
        handmade({"typ": "JWT"}, claims_for(BODY)),
        handmade({"alg": "HS256"}, claims_for(BODY))[:-2],
        jwt.encode(claims_for(BODY), "another-secret-of-somebody-else-altogether", "HS256"),
        jwt.encode(claims_for(BODY, payload_hash=None), SECRET, "HS256"),
        jwt.encode(claims_for(BODY, payload_hash=""), SECRET, "HS256"),
        jwt.encode(claims_for(BODY, payload_hash=7), SECRET, "HS256"),
        jwt.encode(claims_for(BODY, payload_hash="\ud800"), SECRET, "HS256"),
        jwt.encode(claims_for(BODY + b" "), SECRET, "HS256"),
        jwt.encode(claims_for(BODY, api_key="somebody"), SECRET, "HS256"),
    ],
)
def test_a_token_that_does_not_sign_this_body_for_this_account_is_a_forgery(token: str) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_receipts(callback(BODY, token), CONFIG)
    assert refused.value.status == 403


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_is_read_as_http_reads_it(scheme: str) -> None:
    good = posted(status("delivered"))
    token = good.headers["authorization"].partition(" ")[2]
    assert parse_receipts(replace(good, headers=good.headers | {"authorization": f"{scheme} {token}"}), CONFIG)
    with pytest.raises(BadCallback):
        parse_receipts(replace(good, headers=good.headers | {"authorization": f"Basic {token}"}), CONFIG)


def test_a_callback_without_a_signature_is_asked_for_again() -> None:
    good = posted(status("delivered"))
    with pytest.raises(BadCallback) as refused:
        parse_receipts(replace(good, headers={"content-type": "application/json"}), CONFIG)
    assert refused.value.status == 503


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": int(time.time()) - 86_400},
        {"iat": int(time.time()) + 600},
        {"api_key": None},
        {"payload_hash": hashlib.sha256(BODY).hexdigest().upper()},
    ],
)
def test_neither_a_late_token_nor_a_clock_that_differs_loses_a_receipt(claims: dict[str, Any]) -> None:
    assert parse_receipts(posted(BODY, **claims), CONFIG)


def test_a_secret_of_any_length_and_alphabet_is_taken() -> None:
    config = replace(CONFIG, credentials={"api_secret": "s", "signature_secret": "schlüssel"})
    with warnings.catch_warnings(action="ignore", category=jwt.warnings.InsecureKeyLengthWarning):
        assert parse_receipts(posted(status("delivered"), secret="schlüssel"), config)


def inbound(**fields: Any) -> Callback:
    return posted(
        {
            "channel": "sms",
            "message_uuid": UUID,
            "to": "447700900001",
            "from": "447700900000",
            "timestamp": "2026-02-03T12:14:25Z",
            "message_type": "text",
            "text": "Hello",
            "sms": {"num_messages": "1", "keyword": "HELLO"},
            **fields,
        }
    )


def test_a_text_from_a_person() -> None:
    text = parse_inbound(inbound(), CONFIG)
    assert (text.provider_message_id, text.phone, text.recipient) == (UUID, "+447700900000", "+447700900001")
    assert (text.body, text.opt_out_type) == ("Hello", "")


@pytest.mark.parametrize(
    ("given", "read"),
    [("+447700900000", "+447700900000"), ("6834001", "+6834001"), ("12345", "12345"), ("SMSHub", "SMSHub")],
)
def test_a_number_gets_its_plus_and_a_short_code_none(given: str, read: str) -> None:
    assert parse_inbound(inbound(to=given), CONFIG).recipient == read


@pytest.mark.parametrize("writer", ["", None, 7, "1", "1" * 20, "a-name-that-is-too-long", "<script>", "44\n770"])
def test_a_writer_that_is_none_is_refused(writer: object) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_inbound(inbound(**{"from": writer}), CONFIG)
    assert refused.value.status == 400


def test_a_text_of_another_channel_is_refused() -> None:
    with pytest.raises(BadCallback) as refused:
        parse_inbound(inbound(channel="whatsapp"), CONFIG)
    assert refused.value.status == 400


def test_a_body_that_the_database_could_not_keep_is_made_to_fit() -> None:
    body = json.dumps(json.loads(inbound().body) | {"text": "a\0b\ud800c"}).encode()
    assert parse_inbound(posted(body), CONFIG).body == "ab?c"
    assert len(parse_inbound(inbound(text="x" * 100_000), CONFIG).body) < 40_000
    assert parse_inbound(inbound(text=None), CONFIG).body == ""
