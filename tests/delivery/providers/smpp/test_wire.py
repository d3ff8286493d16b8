"""How messages are written, and what codes mean."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.errors import Failure
from delivery.providers.base import Outcome, Slows
from delivery.providers.smpp import KIND, codes, wire
from delivery.providers.smpp.account import Account, Validity, read
from delivery.smpp.codec import encode
from delivery.smpp.constants import CommandStatus, MessageState, Tag
from delivery.smpp.pdu import tlv
from tests.delivery.providers.smpp.scenes import config, message


def account(**settings: Any) -> Account:
    return read(config(2775, **settings))


def test_a_message_as_it_goes_out() -> None:
    [submit] = wire.submits(
        message("Grüße", validity_seconds=3600, sender="Shop"),
        account(priority=1, service_type="CMT", parameters="1400=01"),
        optional=False,
    )
    assert (submit.source_addr_ton, submit.source_addr_npi, submit.source_addr) == (5, 0, "Shop")
    assert (submit.dest_addr_ton, submit.dest_addr_npi, submit.destination_addr) == (1, 1, "14155550123")
    assert (submit.data_coding, submit.short_message) == (0, b"Gr\x7e\x1ee")
    assert (submit.registered_delivery, submit.priority_flag, submit.service_type) == (1, 1, "CMT")
    assert (submit.validity_period, submit.tlvs) == ("000000010000000R", ((0x1400, b"\x01"),))


@pytest.mark.parametrize(
    ("sender", "ton", "npi", "address"),
    [
        ("+15005550006", 1, 1, "15005550006"),
        ("12345", 3, 0, "12345"),
        ("Shop", 5, 0, "Shop"),
        ("4 You", 5, 0, "4 You"),
    ],
)
def test_the_kind_of_a_sender_is_seen(sender: str, ton: int, npi: int, address: str) -> None:
    assert wire.source_address(sender, account()) == (ton, npi, address)
    assert wire.source_address(sender, account(source_ton_npi="2/8")) == (2, 8, address)


@pytest.mark.parametrize("sender", ["", "Größe", "x" * 21, "a\nb"])
def test_a_sender_that_cannot_be_written_is_refused_as_such(sender: str) -> None:
    with pytest.raises(wire.BadSender):
        wire.source_address(sender, account())


@given(st.integers(-5, 10**9))
def test_a_validity_is_always_in_form(seconds: int) -> None:
    for form in (Validity.RELATIVE, Validity.ABSOLUTE):
        period = wire.validity_period(seconds, form)
        assert len(period) == 16
        assert period[:15].isdecimal()
    assert wire.validity_period(seconds, Validity.NONE) == ""


def test_validity_in_each_form() -> None:
    now = datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
    assert wire.validity_period(90_061, Validity.RELATIVE) == "000001010101000R"
    assert wire.validity_period(7200, Validity.ABSOLUTE, now=now) == "260301010000000+"
    assert wire.validity_period(None, Validity.RELATIVE) == ""


def test_the_parts_of_a_second_attempt_are_those_of_the_first() -> None:
    first = message("x" * 400)
    again = message("x" * 400, id=first.id, attempt=2)
    parts, parts_again = (wire.submits(each, account(), optional=True) for each in (first, again))
    assert [part.short_message for part in parts] == [part.short_message for part in parts_again]
    references = [{tlv(part.tlvs, Tag.USER_MESSAGE_REFERENCE) for part in each} for each in (parts, parts_again)]
    assert [len(each) for each in references] == [1, 1]
    assert references[0] != references[1]


def test_optional_parameters_only_where_they_are_understood() -> None:
    assert wire.submits(message(), account(), optional=False)[0].tlvs == ()
    assert [tag for tag, _ in wire.submits(message(), account(), optional=True)[0].tlvs] == [Tag.USER_MESSAGE_REFERENCE]


@given(st.text(max_size=400), st.sampled_from(["udh8", "udh16", "sar", "payload"]))
def test_whatever_is_written_can_be_sent(body: str, long: str) -> None:
    for submit in wire.submits(message(body), account(long_messages=long), optional=True):
        encode(submit, 1)


def test_every_status_of_the_specification_has_a_meaning() -> None:
    assert codes.STATUSES.keys() == set(CommandStatus) - {CommandStatus.ESME_ROK}
    assert codes.STATES.keys() == set(MessageState)
    for status, meaning in codes.STATUSES.items():
        assert (meaning.outcome is Outcome.THROTTLED) == (meaning.retry_after is not None), status
        words, page = KIND.explain(CommandStatus(status).name) if KIND.explain else ("", "")
        assert words == meaning.words
        assert page


@pytest.mark.parametrize(
    ("status", "outcome", "failure", "slows"),
    [
        (CommandStatus.ESME_RTHROTTLED, Outcome.THROTTLED, Failure.THROTTLED, Slows.ACCOUNT),
        (CommandStatus.ESME_RMSGQFUL, Outcome.THROTTLED, Failure.THROTTLED, Slows.ACCOUNT),
        (CommandStatus.ESME_RINVDSTADR, Outcome.REJECTED, Failure.INVALID_NUMBER, None),
        (CommandStatus.ESME_RINVSRCADR, Outcome.REJECTED, Failure.SENDER, None),
        (CommandStatus.ESME_RSYSERR, Outcome.UNCERTAIN, None, None),
        (0x0412, Outcome.REJECTED, Failure.UNKNOWN, None),
    ],
)
def test_what_a_refusal_becomes(status: int, outcome: Outcome, failure: Failure | None, slows: Slows | None) -> None:
    found = wire.refused(message(), status, account())
    assert (found.outcome, found.failure, found.slows) == (outcome, failure, slows)
    assert found.code == (CommandStatus(status).name if status in codes.STATUSES else "0x00000412")


def test_an_operator_may_say_that_a_system_error_has_taken_nothing() -> None:
    found = wire.refused(message(), CommandStatus.ESME_RSYSERR, account(retry_system_errors=True))
    assert (found.outcome, found.code) == (Outcome.THROTTLED, "ESME_RSYSERR")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("UNDELIVERABLE", "Cannot be delivered"),
        ("GSM 6", "Absent subscriber"),
        ("err 42", "operator's own"),
        ("0x00000412", "operator's own"),
        ("nonsense", ""),
    ],
)
def test_codes_in_words(code: str, words: str) -> None:
    assert words in codes.explain(code)[0]
    assert bool(words) == bool(codes.explain(code)[0])
