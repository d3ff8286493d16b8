"""Secrets at rest: opened only with the right key, in the right column, unaltered."""

import base64
import os
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from delivery.encryption import CannotDecrypt, seal, unseal
from delivery.models import Provider


def new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


@pytest.fixture(autouse=True)
def key(settings: Settings) -> str:
    only = new_key()
    settings.FIELD_ENCRYPTION_KEYS = [only]
    return only


@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"])))
@example(b"", "")
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_sealed_opens_again(plain: bytes, context: str) -> None:
    assert unseal(seal(plain, context=context), context=context) == plain


def test_the_same_secret_never_looks_the_same_twice() -> None:
    assert seal(b"secret", context="a") != seal(b"secret", context="a")


@given(st.data())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_altered_bit_goes_unnoticed(data: st.DataObject) -> None:
    sealed = bytearray(seal(b"secret", context="a"))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CannotDecrypt):
        unseal(bytes(sealed), context="a")


@given(st.binary(max_size=40))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_never_sealed_does_not_open(rubbish: bytes) -> None:
    with pytest.raises(CannotDecrypt):
        unseal(rubbish, context="a")


def test_a_value_of_another_column_does_not_open() -> None:
    with pytest.raises(CannotDecrypt, match="altered or belongs elsewhere"):
        unseal(seal(b"secret", context="delivery.provider.credentials"), context="other.model.field")


def test_keys_are_rotated_by_putting_a_new_one_in_front(settings: Settings, key: str) -> None:
    old = seal(b"secret", context="a")
    newer = new_key()

    settings.FIELD_ENCRYPTION_KEYS = [newer, key]
    assert unseal(old, context="a") == b"secret"
    resealed = seal(b"secret", context="a")

    settings.FIELD_ENCRYPTION_KEYS = [newer]
    assert unseal(resealed, context="a") == b"secret"
    with pytest.raises(CannotDecrypt, match="old key missing from FIELD_ENCRYPTION_KEYS"):
        unseal(old, context="a")


@pytest.mark.parametrize("keys", [[], ["short"], ["!" * 44], [base64.urlsafe_b64encode(b"x" * 31).decode()]])
def test_bad_keys_are_named(settings: Settings, keys: list[str]) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="FIELD_ENCRYPTION_KEYS"):
        seal(b"secret", context="a")


@pytest.mark.django_db
@pytest.mark.parametrize("secrets", [{}, {"auth_token": "tök€n"}, {"nested": {"list": [1, None, True]}}])
def test_the_database_holds_only_the_sealed_form(secrets: dict[str, Any]) -> None:
    Provider.objects.create(name="Main", adapter="console", credentials=secrets)
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM delivery_provider")
        raw = bytes(cursor.fetchone()[0])
    assert Provider.objects.get().credentials == secrets
    assert b"auth_token" not in raw
    assert b"nested" not in raw


@pytest.mark.django_db
def test_a_row_whose_key_is_gone_says_so(settings: Settings) -> None:
    Provider.objects.create(name="Main", adapter="console", credentials={"a": "b"})
    settings.FIELD_ENCRYPTION_KEYS = [new_key()]
    with pytest.raises(CannotDecrypt, match=r"delivery\.provider\.credentials"):
        Provider.objects.get()
    assert Provider.objects.defer("credentials").get().name == "Main"
