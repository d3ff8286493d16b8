"""API keys: shown once, stored as a hash, bounded by scope and time."""

from datetime import timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from smshub.api import keys
from smshub.api.models import ApiKey
from tests.api.conftest import System, is_problem
from tests.factories import ApiKeyFactory

migration = import_module("smshub.api.migrations.0007_keys_made_by_keys")

pytestmark = pytest.mark.django_db


def call(authorization: str | None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return Client().get("/api/v1/whoami", headers=headers)


def test_a_key_is_stored_without_its_secret() -> None:
    key, text = keys.issue(name="Shop", scopes=["messages:write"], actor=None)

    mark, prefix, secret = text[:12], key.prefix, text.rpartition("_")[2]
    assert mark == "smshub_live_"
    assert text == f"{mark}{prefix}_{secret}"
    assert len(secret) == 43
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert secret not in str(row)
    assert len(bytes(row["secret_hash"])) == 32


def test_no_two_keys_are_alike() -> None:
    texts = {keys.issue(name="Shop", scopes=["*"], actor=None)[1] for _ in range(20)}

    assert len(texts) == 20


def test_wildcards_are_spelled_out_at_issue() -> None:
    key, _ = keys.issue(name="Shop", scopes=["contacts:*", "inbound:read"], actor=None)

    assert key.scopes == ["contacts:read", "contacts:write", "inbound:read"]
    assert keys.expand(["*"]) == sorted(keys.SCOPES)


@pytest.mark.parametrize("scope", ["contact:read", "", "con*", "contacts:", "contacts:delete"])
def test_an_unknown_scope_is_refused(scope: str) -> None:
    with pytest.raises(keys.UnknownScope):
        keys.issue(name="Shop", scopes=[scope], actor=None)


def test_an_unknown_scope_is_refused_with_the_nearest() -> None:
    with pytest.raises(keys.UnknownScope, match="Did you mean 'contacts:read'"):
        keys.expand(["contact:read"])


def test_whoami_answers_with_name_and_scopes_and_no_secret() -> None:
    shop = System("messages:write")

    answer = shop.get("whoami")

    assert answer.status_code == 200
    assert answer.body["name"] == "Web shop"
    assert answer.body["scopes"] == ["messages:write"]
    assert shop.text.rpartition("_")[2] not in answer.content.decode()


@pytest.mark.parametrize("authorization", [None, ""])
def test_no_key(authorization: str | None) -> None:
    answer = call(authorization)

    assert is_problem(answer, 401, "authentication-required")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer smshub_live_",
        "Bearer smshub_live_aaaaaaaaaa_",
        "Bearer smshub_live_aaaaaaaaaa_" + "b" * 43,
        "Bearer smshub_live_aaaaaaaaa\u00e9_b",
        "Bearer smshub_live_aaa\x00aaaaaa_b",
        "Basic c2hvcDpzZWNyZXQ=",
        "Bearer " + "x" * 5000,
    ],
)
def test_what_is_no_key_gets_401(authorization: str) -> None:
    answer = call(authorization)

    assert is_problem(answer, 401, "invalid-key")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_an_unknown_prefix_and_a_wrong_secret_are_answered_alike(django_assert_num_queries: Any) -> None:
    _, text = keys.issue(name="Shop", scopes=["*"], actor=None)
    wrong_secret = text[:-1] + ("a" if text[-1] != "a" else "b")
    unknown_prefix = "smshub_live_" + "0" * 10 + text[22:]

    answers = []
    for guess in (wrong_secret, unknown_prefix):
        with django_assert_num_queries(1):
            answers.append(call(f"Bearer {guess}"))

    documents = [answer.json() | {"request_id": ""} for answer in answers]
    assert documents[0] == documents[1]


def test_an_expired_key_says_so() -> None:
    _, text = keys.issue(name="Shop", scopes=["*"], actor=None, expires_at=timezone.now() - timedelta(seconds=1))

    answer = call(f"Bearer {text}")

    assert is_problem(answer, 401, "invalid-key")
    assert "expired" in answer.json()["detail"]


def test_a_revoked_key_says_so_and_stays_revoked() -> None:
    key, text = keys.issue(name="Shop", scopes=["*"], actor=None)
    keys.revoke(key)
    first = ApiKey.objects.get(pk=key.pk).revoked_at
    keys.revoke(key)

    answer = call(f"Bearer {text}")

    assert is_problem(answer, 401, "invalid-key")
    assert "revoked" in answer.json()["detail"]
    assert ApiKey.objects.get(pk=key.pk).revoked_at == first


def test_last_use_is_noted_at_most_once_a_minute(django_assert_num_queries: Any) -> None:
    shop = System()
    with django_assert_num_queries(2):
        shop.get("whoami")
    with django_assert_num_queries(1):
        shop.get("whoami")
    noted = ApiKey.objects.get(pk=shop.key.pk).last_used_at
    assert noted is not None

    ApiKey.objects.filter(pk=shop.key.pk).update(last_used_at=noted - timedelta(minutes=2))
    shop.get("whoami")

    assert ApiKey.objects.get(pk=shop.key.pk).last_used_at >= noted


def test_the_command_prints_a_key_that_works() -> None:
    out = StringIO()
    call_command("create_api_key", "Shop", "--scope", "contacts:*", "--days", "30", stdout=out)

    answer = call(f"Bearer {out.getvalue().strip()}")

    assert answer.json()["scopes"] == ["contacts:read", "contacts:write"]
    assert answer.json()["expires_at"]


def test_the_command_refuses_an_unknown_scope() -> None:
    with pytest.raises(CommandError, match="no scope"):
        call_command("create_api_key", "Shop", "--scope", "everything")


def test_keys_that_could_see_lists_and_imports_with_contacts_still_can() -> None:
    reader, writer, other = (
        ApiKeyFactory(scopes=scopes)
        for scopes in (["contacts:read"], ["contacts:read", "contacts:write"], ["messages:write"])
    )

    migration.give(apps, None)

    scopes = {key.pk: key.scopes for key in ApiKey.objects.all()}
    assert scopes[reader.pk] == ["contacts:read", "imports:read", "lists:read"]
    assert len(scopes[writer.pk]) == 6
    assert scopes[other.pk] == ["messages:write"]
    migration.take(apps, None)
    assert {key.pk: key.scopes for key in ApiKey.objects.all()}[writer.pk] == ["contacts:read", "contacts:write"]
