"""Status callbacks and incoming texts of Twilio's, in all the shapes that they come in."""

from urllib.parse import urlencode

import pytest

from delivery.errors import Failure
from delivery.providers.base import BadCallback, Callback, ProviderConfig, Receipt
from delivery.providers.twilio import KIND
from delivery.providers.twilio.receipts import STATUSES, parse_inbound, parse_receipts
from delivery.providers.twilio.signature import sign
from delivery.states import Status

SID = "SM" + "ab" * 16
URL = "https://hub.example.com/callbacks/receipts/1/token"
CONFIG = ProviderConfig(id=1, settings={"account_sid": "AC" + "0" * 32}, credentials={"auth_token": "secret"})


def posted(**fields: str) -> Callback:
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        "x-twilio-signature": sign("secret", URL, fields.items()),
    }
    return Callback(url=URL, headers=headers, body=urlencode(fields).encode())


def status(state: str, **fields: str) -> list[Receipt]:
    return list(parse_receipts(posted(MessageSid=SID, MessageStatus=state, **fields), CONFIG))


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("queued", "", Receipt(SID, Status.ACCEPTED)),
        ("sent", "", Receipt(SID, Status.SENT)),
        ("delivered", "", Receipt(SID, Status.DELIVERED)),
        ("delivered", "30008", Receipt(SID, Status.DELIVERED)),
        ("read", "", Receipt(SID, Status.READ)),
        ("undelivered", "30005", Receipt(SID, Status.UNDELIVERED, Failure.INVALID_NUMBER, "30005")),
        ("undelivered", "30007", Receipt(SID, Status.UNDELIVERED, Failure.FILTERED, "30007")),
        ("undelivered", "99999", Receipt(SID, Status.UNDELIVERED, Failure.UNKNOWN, "99999")),
        ("undelivered", "", Receipt(SID, Status.UNDELIVERED, Failure.UNKNOWN)),
        ("failed", "21610", Receipt(SID, Status.FAILED, Failure.OPTED_OUT, "21610")),
        ("failed", "30036", Receipt(SID, Status.EXPIRED, Failure.EXPIRED, "30036")),
        ("failed", "'; drop", Receipt(SID, Status.FAILED, Failure.UNKNOWN)),
        ("canceled", "", Receipt(SID, Status.FAILED, Failure.UNKNOWN)),
    ],
)
def test_a_state_becomes_evidence(state: str, code: str, expected: Receipt) -> None:
    assert status(state, ErrorCode=code) == [expected]


def test_a_state_that_we_never_heard_of_says_nothing() -> None:
    assert status("teleported") == []


def test_fields_that_twilio_may_add_do_no_harm() -> None:
    [receipt] = status("delivered", RawDlrDoneDate="2611011200", ChannelToAddress="+1415555XXXX", Neu="ü")
    assert receipt.status is Status.DELIVERED


def test_every_state_of_twilios_is_known() -> None:
    outbound = "accepted scheduled queued sending sent delivered undelivered failed canceled read partially_delivered"
    assert set(outbound.split()) == set(STATUSES)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"MessageStatus": "sent"},
        {"MessageSid": SID},
        {"MessageSid": "x\0y", "MessageStatus": "sent"},
        {"MessageSid": "S" * 65, "MessageStatus": "sent"},
    ],
)
def test_a_signed_post_that_is_no_receipt_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_receipts(posted(**fields), CONFIG)
    assert refused.value.status == 400


def inbound(**fields: str) -> Callback:
    return posted(**({"MessageSid": SID, "From": "+14155550123", "To": "12345", "Body": "Hello"} | fields))


@pytest.mark.parametrize("writer", ["+14155550123", "rcs:+14155550123", "whatsapp:+14155550123"])
def test_a_text_from_a_person(writer: str) -> None:
    text = parse_inbound(inbound(From=writer), CONFIG)
    assert (text.provider_message_id, text.phone, text.recipient) == (SID, "+14155550123", "12345")
    assert (text.body, text.opt_out_type) == ("Hello", "")


@pytest.mark.parametrize(("given", "read"), [("STOP", "STOP"), ("stop", "STOP"), ("HELP", "HELP"), ("?", "")])
def test_an_opt_out_that_twilio_has_already_answered(given: str, read: str) -> None:
    assert parse_inbound(inbound(OptOutType=given), CONFIG).opt_out_type == read


def test_a_body_that_the_database_could_not_keep_is_made_to_fit() -> None:
    assert parse_inbound(inbound(Body="a\0b"), CONFIG).body == "ab"
    assert len(parse_inbound(inbound(Body="x" * 100_000), CONFIG).body) < 40_000
    assert parse_inbound(inbound(Body=""), CONFIG).body == ""


@pytest.mark.parametrize("writer", ["", "+1", "+" + "1" * 20, "a-name-that-is-too-long", "<script>", "+1\n2345"])
def test_a_writer_that_is_none_is_refused(writer: str) -> None:
    with pytest.raises(BadCallback) as refused:
        parse_inbound(inbound(From=writer), CONFIG)
    assert refused.value.status == 400


def test_the_answer_is_an_empty_document_that_twilio_takes_for_no_reply() -> None:
    content_type, body = KIND.inbound_answer
    assert content_type == "text/xml"
    assert body.endswith(b"<Response/>")
