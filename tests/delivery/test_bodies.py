"""Texts at rest: no text in the database in clear, each bound to its row and its month, gone with the month's key."""

import asyncio
import base64
import os
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from delivery import bodies, uncertain
from delivery.ids import month_of, new_message_id
from delivery.inbound.store import store
from delivery.models import Inbound, Message, Month
from delivery.providers.base import Answer, InboundText, Question
from delivery.runtime import Runtime, connect, runtime
from delivery.submit import submit
from tests.factories import DefaultSenderFactory, InboundFactory, MessageFactory, ProviderFactory

pytestmark = pytest.mark.django_db

TEXT = "Your appointment with Dr Ōe is at nine."


@pytest.fixture(autouse=True)
def keys_are_read_anew() -> object:
    bodies.forget()
    yield
    bodies.forget()


def shred() -> None:
    Month.objects.update(body_key=None)
    bodies.forget()


def another_ring(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [base64.urlsafe_b64encode(os.urandom(32)).decode()]
    bodies.forget()


def in_clear(text: str) -> list[str]:
    """Tables of ours in which the text stands, in whatever column."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(delivery|campaigns)_'"
        )
        for (table,) in cursor.fetchall():
            # As text, and as the bytes of a bytea.
            cursor.execute(
                f"""SELECT 1 FROM "{table}" AS row WHERE position(%(text)s IN row::text) > 0
                       OR position(encode(convert_to(%(text)s, 'UTF8'), 'hex') IN row::text) > 0 LIMIT 1""",
                {"text": text},
            )
            found += [table] if cursor.fetchone() else []
    return found


def test_no_text_that_goes_out_or_comes_in_is_in_the_database_in_clear() -> None:
    sender = DefaultSenderFactory()
    message = submit(recipient="+14155550100", body=TEXT)
    store(sender.provider_id, InboundText("MO1", "+14155550100", sender.address, TEXT + " Thank you!"))

    assert Message.objects.get(pk=message.pk).body == TEXT
    assert Inbound.objects.get().body == TEXT + " Thank you!"
    assert in_clear("Dr Ōe") == []
    # And the search would have found it
    MessageFactory(error_code="Dr Ōe")
    assert in_clear("Dr Ōe") != []


@given(st.text(st.characters(exclude_categories=["Cs"])))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_sealed_opens_again(text: str) -> None:
    message_id = new_message_id()
    assert bodies.shown(message_id, bodies.seal(message_id, text)) == text


def test_a_text_is_bound_to_its_row() -> None:
    one, other = new_message_id(), new_message_id()
    assert bodies.shown(other, bodies.seal(one, TEXT)) is None


def test_the_same_text_never_looks_the_same_twice() -> None:
    message_id = new_message_id()
    assert bodies.seal(message_id, TEXT) != bodies.seal(message_id, TEXT)


@given(st.data())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_altered_bit_goes_unnoticed(data: st.DataObject) -> None:
    message_id = new_message_id()
    sealed = bytearray(bodies.seal(message_id, TEXT))
    # The first byte says in which way it is sealed; there is one way so far.
    position = data.draw(st.integers(1, len(sealed) - 1))
    sealed[position] ^= 1 << data.draw(st.integers(0, 7))
    assert bodies.shown(message_id, bytes(sealed)) is None


def test_when_the_key_of_a_month_is_shredded_its_texts_are_gone_and_lists_go_on() -> None:
    message, inbound = MessageFactory(body=TEXT), InboundFactory(body=TEXT)
    shred()
    assert Message.objects.get(pk=message.pk).body is None
    assert Inbound.objects.get(pk=inbound.pk).body is None


def test_each_month_has_a_key_of_its_own() -> None:
    keys = [bytes(key) for key in Month.objects.values_list("body_key", flat=True)]
    assert len(keys) == len(set(keys)) >= 5


def test_keys_are_read_once_for_many_texts(django_assert_num_queries: object) -> None:
    messages = MessageFactory.create_batch(20, body=TEXT)
    bodies.forget()
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert {bodies.shown(message.pk, message.sealed_body) for message in messages} == {TEXT}


def test_a_text_for_a_month_without_a_key_is_refused_not_stored_in_clear() -> None:
    DefaultSenderFactory()
    shred()
    with pytest.raises(LookupError, match="no key"):
        submit(recipient="+14155550100", body=TEXT)
    assert not Message.objects.exists()


def test_a_stop_holds_even_where_its_text_cannot_be_kept() -> None:
    provider = ProviderFactory()
    shred()
    assert store(provider.pk, InboundText("MO1", "+14155550100", "+16505550000", "STOP"))
    assert Inbound.objects.get().keyword == Inbound.Keyword.STOP
    with pytest.raises(LookupError):
        store(provider.pk, InboundText("MO2", "+14155550100", "+16505550000", "When is it?"))


def test_the_event_loop_reads_keys_over_its_own_connection(transactional_db: None) -> None:
    message_id = new_message_id()
    sealed = bodies.seal(message_id, TEXT)
    bodies.forget()

    async def read() -> str:
        async with await connect() as session:
            return bodies.open_with(await bodies.ciphers_over(session, {month_of(timezone.now())}), message_id, sealed)

    assert asyncio.run(read()) == TEXT


@pytest.mark.parametrize("known_as", ["", "SM1"])
def test_nobody_is_asked_for_a_message_that_looks_like_one_whose_text_is_gone(known_as: str) -> None:
    """To hear that there is none like it would mean to send again."""
    message = MessageFactory(
        sender__provider__adapter="twilio",
        body=TEXT,
        status="uncertain",
        ask_at=timezone.now(),
        provider_message_id=known_as,
    )
    asked: list[UUID] = []

    class Asked:
        async def ask(self, question: Question) -> Answer:
            asked.append(question.message_id)
            return Answer(question.message_id, question.attempt, [])

    class Asking(Runtime):
        async def adapter(self, provider: Any) -> Any:
            return Asked()

    shred()
    uncertain.ask(message.provider_id, runtime=Asking(runtime().runner))
    assert asked == ([message.pk] if known_as else [])


def test_with_another_key_ring_texts_are_locked_and_not_lost(settings: Settings) -> None:
    message = MessageFactory(body=TEXT)
    ring = settings.FIELD_ENCRYPTION_KEYS
    another_ring(settings)
    ciphers = bodies._ciphers(set())
    with pytest.raises(bodies.Locked):
        bodies.open_with(ciphers, message.pk, message.sealed_body)
    assert message.body is None
    settings.FIELD_ENCRYPTION_KEYS = ring
    bodies.forget()
    assert message.body == TEXT


def test_an_empty_text_needs_no_key() -> None:
    old = UUID(int=(1 << 80) | (7 << 76) | (2 << 62))
    assert bodies.shown(old, bodies.seal(old, "")) == ""
    with pytest.raises(LookupError, match="January 1970"):
        bodies.sealer(date(1970, 1, 1))
