"""What goes to Vonage, byte for byte, and what its answers mean."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.errors import Failure
from delivery.providers.base import OutboundMessage, Outcome, SendOutcome
from delivery.providers.vonage import codes
from delivery.providers.vonage.wire import create_body, read_answer

UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
ERRORS = "https://developer.vonage.com/api-errors"


def message(**given: Any) -> OutboundMessage:
    fields = {
        "id": uuid4(),
        "attempt": 2,
        "recipient": "+447700900000",
        "sender": "+447700900001",
        "body": "Hello",
        "segments": 1,
        "encoding": "gsm7",
        "callback_url": "https://hub.example/callbacks/receipts/7/sealed-token",
    }
    return OutboundMessage(**(fields | given))


def body_of(**given: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(create_body(message(**given)))
    return body


def answered(status: int, content: object = None, *, retry_after: str = "") -> SendOutcome:
    body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
    return read_answer(message(), status=status, retry_after=retry_after, body=body)


def problem(code: str, **more: Any) -> dict[str, Any]:
    page = f"{ERRORS}/messages" if code.isdecimal() else ERRORS
    return {"type": f"{page}#{code}", "title": "No", "detail": "Not 447700900000", "instance": "x", **more}


def test_the_body_of_a_create() -> None:
    assert body_of() == {
        "message_type": "text",
        "channel": "sms",
        "to": "447700900000",
        "from": "447700900001",
        "text": "Hello",
        "client_ref": "sealed-token",
        "webhook_url": "https://hub.example/callbacks/receipts/7/sealed-token",
        "webhook_version": "v1",
    }


@pytest.mark.parametrize("sender", ["12345", "SMSHub"])
def test_a_short_code_and_a_name_go_as_they_are(sender: str) -> None:
    assert body_of(sender=sender)["from"] == sender


def test_without_an_address_for_receipts_none_is_asked_for() -> None:
    assert not {"client_ref", "webhook_url", "webhook_version"} & body_of(callback_url="").keys()


@pytest.mark.parametrize(("seconds", "ttl"), [(1, 20), (3600, 3600), (10_000_000, 604_800)])
def test_the_validity_is_kept_within_bounds(seconds: int, ttl: int) -> None:
    assert body_of(validity_seconds=seconds)["ttl"] == ttl


@given(st.text())
def test_every_text_arrives_word_for_word_or_is_refused_here(text: str) -> None:
    try:
        sent = json.loads(create_body(message(body=text)))["text"]
    except ValueError:
        assert any("\ud800" <= character <= "\udfff" for character in text)
    else:
        assert sent == text


def test_half_a_pair_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        create_body(message(body="a\ud800"))


def test_taken() -> None:
    outcome = answered(202, {"message_uuid": UUID})
    assert (outcome.outcome, outcome.provider_message_id, outcome.attempt) == (Outcome.ACCEPTED, UUID, 2)


@pytest.mark.parametrize("content", [None, b"<html>", [], {}, {"message_uuid": 7}, {"message_uuid": "x" * 65}])
@pytest.mark.parametrize("status", [200, 202])
def test_a_yes_that_names_no_message_is_uncertain(status: int, content: object) -> None:
    assert answered(status, content).outcome is Outcome.UNCERTAIN


@pytest.mark.parametrize("status", [302, 400, 403, 409, 422, 500, 502, 503])
def test_what_is_no_answer_of_vonages_is_uncertain(status: int) -> None:
    assert answered(status, b"<html>").outcome is Outcome.UNCERTAIN
    assert answered(status, {"type": "about:blank", "title": "No"}).outcome is Outcome.UNCERTAIN


def test_a_5xx_is_uncertain_whatever_it_says() -> None:
    assert answered(500, problem("1120")).outcome is Outcome.UNCERTAIN


@pytest.mark.parametrize(
    ("status", "content", "outcome", "failure", "code"),
    [
        (401, problem("unauthorized"), Outcome.THROTTLED, Failure.ACCOUNT, "unauthorized"),
        (401, None, Outcome.THROTTLED, Failure.ACCOUNT, "unauthorized"),
        (402, problem("low-balance"), Outcome.THROTTLED, Failure.ACCOUNT, "low-balance"),
        (402, None, Outcome.THROTTLED, Failure.ACCOUNT, "low-balance"),
        (403, problem("account-suspended"), Outcome.THROTTLED, Failure.ACCOUNT, "account-suspended"),
        (403, problem("something-new"), Outcome.THROTTLED, Failure.ACCOUNT, "forbidden"),
        (403, problem("1120"), Outcome.REJECTED, Failure.SENDER, "1120"),
        (404, None, Outcome.THROTTLED, Failure.ACCOUNT, "not-found"),
        (422, problem("1070"), Outcome.THROTTLED, Failure.ACCOUNT, "1070"),
        (429, problem("1000"), Outcome.THROTTLED, Failure.THROTTLED, "1000"),
        (429, problem("something-new"), Outcome.THROTTLED, Failure.THROTTLED, "1000"),
        (429, b"<html>", Outcome.THROTTLED, Failure.THROTTLED, "1000"),
        (422, problem("1240"), Outcome.REJECTED, Failure.OPTED_OUT, "1240"),
        (422, problem("1030"), Outcome.UNCERTAIN, Failure.CARRIER, "1030"),
        (422, problem("1100"), Outcome.THROTTLED, Failure.CARRIER, "1100"),
        (422, problem("1320"), Outcome.UNCERTAIN, Failure.UNKNOWN, "1320"),
        (422, problem("1999"), Outcome.REJECTED, Failure.UNKNOWN, "1999"),
        (422, problem("something-new"), Outcome.REJECTED, Failure.UNKNOWN, "something-new"),
        (422, {"type": "about:blank", "title": "1050"}, Outcome.REJECTED, Failure.BLOCKED, "1050"),
    ],
)
def test_a_problem_is_decided_by_its_code_before_its_status(
    status: int, content: object, outcome: Outcome, failure: Failure, code: str
) -> None:
    read = answered(status, content)
    assert (read.outcome, read.failure, read.code) == (outcome, failure, code)
    assert (read.retry_after is not None) == (outcome is Outcome.THROTTLED)
    assert "447700900000" not in read.detail


@pytest.mark.parametrize("code", ["1020", "1150", "invalid-params"])
@pytest.mark.parametrize(
    ("names", "failure"),
    [
        (["to"], Failure.INVALID_NUMBER),
        (["from"], Failure.SENDER),
        (["text"], Failure.CONTENT),
        (["ttl", "text"], Failure.CONTENT),
        (["webhook_url"], Failure.ACCOUNT),
        (["ttl"], Failure.UNKNOWN),
        ([], Failure.UNKNOWN),
    ],
)
def test_a_parameter_that_is_not_valid_says_what_is_wrong(code: str, names: list[str], failure: Failure) -> None:
    blamed = [{"name": name, "reason": "invalid value"} for name in names]
    assert answered(422, problem(code, invalid_parameters=blamed)).failure is failure


@pytest.mark.parametrize("blamed", ["to", 7, None, {"name": "to"}, ["to"], [None, {"reason": "?"}]])
def test_a_blame_that_cannot_be_read_blames_nothing(blamed: object) -> None:
    assert answered(422, problem("1020", invalid_parameters=blamed)).failure is Failure.UNKNOWN


@pytest.mark.parametrize(("header", "seconds"), [("", 1.0), ("7", 7.0), ("0", 1.0), ("999999", 3600.0), ("x", 1.0)])
def test_retry_after_is_honoured(header: str, seconds: float) -> None:
    assert answered(429, problem("1000"), retry_after=header).retry_after == seconds


@given(status=st.integers(100, 599), body=st.binary(max_size=200))
def test_no_answer_breaks_the_reader(status: int, body: bytes) -> None:
    assert read_answer(message(), status=status, retry_after="", body=body).outcome is not Outcome.ACCEPTED


def test_a_code_in_words_with_its_page() -> None:
    assert codes.explain("1120") == (
        "The sender is not allowed at the destination",
        "https://developer.vonage.com/en/api-errors/messages#1120",
    )
    assert codes.explain("low-balance")[1] == "https://developer.vonage.com/en/api-errors#low-balance"
    assert codes.explain("1999")[0] == codes.UNKNOWN.words
    for nothing in ("", "30007", "<script>", "1120 or 1=1"):
        assert codes.explain(nothing) == ("", "")
