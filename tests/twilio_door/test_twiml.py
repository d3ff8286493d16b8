"""TwiML as applications write it, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smshub.twilio_door import twiml


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (b"", []),
        (b"<Response/>", []),
        (b"<?xml version='1.0' encoding='UTF-8'?><Response><Message>Hi</Message></Response>", ["Hi"]),
        ("\ufeff<Response><Sms>Grüße</Sms></Response>".encode(), ["Grüße"]),
        (
            b"<Response><Message><Body>A</Body><Media>https://x/</Media></Message><Redirect>/x</Redirect></Response>",
            ["A"],
        ),
        (b"<Response><!-- c --><Message><![CDATA[1 < 2]]></Message></Response>", ["1 < 2"]),
        (b"<Response><Message> </Message></Response>", []),
        (b"<Response>" + b"<Message>x</Message>" * 50 + b"</Response>", ["x"] * twiml.MOST_REPLIES),
    ],
)
def test_twiml_is_read(answer: bytes, texts: list[str]) -> None:
    assert twiml.replies(answer) == texts


@pytest.mark.parametrize(
    "answer",
    [
        b"Thanks!",
        b"<Message>Hi</Message>",
        b"<Response>",
        b'<!DOCTYPE r [<!ENTITY a "b">]><Response><Message>&a;</Message></Response>',
        b"<Response><Message>&a;</Message></Response>",
        "<Response><Message>Hi</Message></Response>".encode("utf-16"),
        b'<?xml version="1.0" encoding="cp037"?>\x4c\x5a',
        b"<Response><Message>\xff</Message></Response>",
    ],
)
def test_what_is_no_twiml_is_no_reply(answer: bytes) -> None:
    with pytest.raises(twiml.NotTwiml):
        twiml.replies(answer)


@given(st.binary(max_size=200))
def test_twiml_never_fails_in_another_way(answer: bytes) -> None:
    try:
        assert all(twiml.replies(answer))
    except twiml.NotTwiml:
        pass
