"""What people write: kept once, and STOP is in force when the provider has its answer."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.consent import is_suppressed
from delivery import callbacks
from delivery.inbound.keywords import HELP, START, STOP, recognise
from delivery.inbound.store import store
from delivery.models import Inbound
from delivery.providers.base import InboundText
from tests.factories import ProviderFactory, SuppressionFactory

NOBODY = "+14155550123"


@pytest.mark.parametrize(
    ("body", "keyword"),
    [
        ("STOP", "stop"),
        (" stop. ", "stop"),
        ("Opt-Out!", "stop"),
        ("OPT OUT", "stop"),
        ("Arrêt", "stop"),
        ("ＳＴＯＰ", "stop"),
        ("BAJA", "stop"),
        ("start", "start"),
        ("Começar", "start"),
        ("help?", "help"),
        ("Please do not stop the reminders", ""),
        ("1", ""),
        ("", ""),
    ],
)
def test_words_are_recognised_alone_and_in_any_spelling(body: str, keyword: str) -> None:
    assert recognise(body) == keyword


def test_the_providers_own_word_on_it_wins() -> None:
    assert recognise("please no more", "STOP") == "stop"
    assert recognise("STOP", "gibberish") == "stop"


def test_no_word_means_two_things() -> None:
    assert not STOP & START
    assert not (STOP | START) & HELP


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(body: str) -> None:
    recognise(body)


def text(provider_message_id: str, body: str) -> InboundText:
    return InboundText(provider_message_id=provider_message_id, phone=NOBODY, recipient="+15005550006", body=body)


@pytest.mark.django_db
def test_stop_suppresses_and_start_lifts_what_the_person_stopped() -> None:
    provider = ProviderFactory()
    assert store(provider.pk, text("SM1", "STOP"))
    assert is_suppressed(NOBODY)
    assert store(provider.pk, text("SM2", "START"))
    assert not is_suppressed(NOBODY)


@pytest.mark.django_db
def test_a_text_that_comes_twice_is_kept_and_honoured_once() -> None:
    provider = ProviderFactory()
    assert store(provider.pk, text("SM1", "STOP"))
    assert store(provider.pk, text("SM2", "START"))
    assert not store(provider.pk, text("SM1", "STOP"))
    assert Inbound.objects.count() == 2
    assert not is_suppressed(NOBODY)


@pytest.mark.django_db
def test_start_does_not_lift_what_staff_suppressed() -> None:
    SuppressionFactory(phone=NOBODY, reason="manual")
    store(ProviderFactory().pk, text("SM1", "START"))
    assert is_suppressed(NOBODY)


@given(attempt=st.integers(1, 255))
def test_a_callback_token_names_message_and_attempt_and_no_other_can_be_made(attempt: int) -> None:
    message_id = uuid4()
    token = callbacks.token(message_id, attempt)
    assert callbacks.read_token(token) == (message_id, attempt)
    for position in range(0, len(token), 5):
        altered = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        assert callbacks.read_token(altered) is None
    assert callbacks.read_token(token[:-4]) is None
