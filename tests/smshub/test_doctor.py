"""The doctor: each check finds its trouble, says what to do, and is silent where there is none.

What concerns the queue, the accounts and the processes stands in the files beside this one.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
import redis as redis_client
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django.fixtures import Settings

from delivery.ids import month_of
from delivery.months import partition
from smshub.doctor import postgres, redis, setup
from smshub.doctor.examine import CHECKS, examine
from smshub.doctor.findings import Check, Finding, Level, problem, warning
from smshub.quickstart.servers import free_port
from tests.factories import MessageFactory, ProviderFactory


def one(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    assert finding.what.endswith((".", ")"))
    assert finding.what_to_do
    return finding


def silent(findings: Iterable[Finding]) -> bool:
    return list(findings) == []


# --- settings ----------------------------------------------------------------------------------------------------


def test_a_secret_key_is_there_and_long(settings: Settings) -> None:
    assert silent(setup.secret_key())
    settings.SECRET_KEY = "short"
    assert one(setup.secret_key()).level is Level.WARNING
    settings.SECRET_KEY = ""
    assert one(setup.secret_key()).level is Level.PROBLEM


@pytest.mark.parametrize("keys", [[], ["not base64!"], ["c2hvcnQ="]])
def test_encryption_keys_are_there_and_are_keys(keys: list[str], settings: Settings) -> None:
    assert silent(setup.encryption_keys())
    settings.FIELD_ENCRYPTION_KEYS = keys
    assert "FIELD_ENCRYPTION_KEYS" in one(setup.encryption_keys()).what_to_do


def test_no_key_is_shown(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1yaWdodC1sZW5ndGg="]
    assert "bm90" not in str(one(setup.encryption_keys()))


def test_debugging_is_for_this_machine_only(settings: Settings) -> None:
    settings.DEBUG, settings.PUBLIC_URL = True, "http://127.0.0.1:8000"
    assert silent(setup.debugging())
    settings.PUBLIC_URL = "https://sms.example.org"
    assert "DEBUG" in one(setup.debugging()).what
    settings.DEBUG = False
    assert silent(setup.debugging())


def test_the_public_address_is_an_allowed_host(settings: Settings) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "https://sms.example.org", ["sms.example.org"]
    assert silent(setup.allowed_hosts())
    settings.ALLOWED_HOSTS = ["localhost"]
    assert "sms.example.org" in one(setup.allowed_hosts()).what_to_do


def test_times_that_would_stop_sending_or_send_twice_are_found(settings: Settings) -> None:
    assert silent(setup.timings())
    settings.LEASE_SECONDS = settings.SEND_TIMEOUT
    assert "Nothing can be sent" in one(setup.timings()).what
    settings.LEASE_SECONDS, settings.BELIEVE_ABSENCE_AFTER_SECONDS = 60, 5
    assert "twice" in one(setup.timings()).what


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("http://127.0.0.1:8000", "cannot reach it"),
        ("https://web:8000", "cannot reach it"),
        ("https://192.168.1.4", "cannot reach it"),
        ("http://sms.example.org", "not https"),
        ("https://sms.example.org", ""),
    ],
)
def test_a_real_provider_needs_a_public_https_address(address: str, found: str, settings: Settings) -> None:
    settings.PUBLIC_URL = address
    ProviderFactory(adapter="twilio", name="Carrier")
    findings = list(setup.public_url())
    assert [found] == [f for f in [found] if findings and f in findings[0].what] if found else not findings


@pytest.mark.django_db
def test_a_provider_on_this_machine_may_call_this_machine(settings: Settings) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    ProviderFactory(adapter="twilio", settings={"base_url": "http://127.0.0.1:8900"})
    ProviderFactory(adapter="console")
    ProviderFactory(adapter="twilio", enabled=False)
    assert silent(setup.public_url())


# --- Postgres ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_postgres_that_answers_is_no_news() -> None:
    assert silent(postgres.answers())
    assert silent(postgres.version())
    assert silent(postgres.migrations())


@pytest.mark.django_db
def test_postgres_that_does_not_answer_is_found() -> None:
    elsewhere = connection.copy()
    elsewhere.settings_dict["PORT"] = free_port(0)
    assert "DATABASE_URL" in one(postgres.answers(elsewhere)).what_to_do


@pytest.mark.django_db
def test_an_old_postgres_is_found() -> None:
    assert "99" in one(postgres.version(oldest=99)).what_to_do


@pytest.mark.django_db
def test_a_migration_that_was_not_applied_is_found() -> None:
    ((app, last),) = MigrationLoader(connection).graph.leaf_nodes("delivery")
    MigrationRecorder(connection).record_unapplied(app, last)
    assert "manage.py migrate" in one(postgres.migrations()).what_to_do


@pytest.mark.django_db(transaction=True)
def test_dead_rows_that_pile_up_are_found() -> None:
    message = MessageFactory()
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM {', '.join(postgres.HOT)}")
        for _ in range(20):
            cursor.execute("UPDATE delivery_message SET attempt = attempt + 1 WHERE id = %s", [message.pk])
        cursor.execute("SELECT pg_stat_force_next_flush()")
    # The rows of a small page may have been pruned by the next reader, but are counted until a vacuum.
    assert [finding.what for finding in postgres.vacuum(dead_rows=2) if "delivery_message_" in finding.what]
    assert silent(postgres.vacuum())


@pytest.mark.django_db
def test_a_table_without_autovacuum_is_found() -> None:
    table = partition("delivery_message", month_of(timezone.now()))
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    # Whatever tests before it have left lying about.
    assert "grows without end" in one(postgres.vacuum(dead_rows=10**9)).what


@contextmanager
def open_transaction() -> Iterator[None]:
    database = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    parameters: dict[str, Any] = {name: database[key] for name, key in names.items()}
    with psycopg.connect(**parameters, application_name="forgotten") as other:
        other.execute("SELECT pg_current_xact_id()")
        yield
        other.rollback()


@pytest.mark.django_db
def test_a_transaction_that_stays_open_is_found() -> None:
    with open_transaction():
        found = [finding.what for finding in postgres.long_transactions(longest=timedelta(0))]
        assert [what for what in found if "(forgotten)" in what]
        assert silent(postgres.long_transactions(longest=timedelta(days=1)))


# --- Redis -------------------------------------------------------------------------------------------------------


def test_redis_as_it_should_be_is_no_news() -> None:
    assert silent(redis.answers())
    assert silent(redis.memory())
    assert silent(redis.latency(slow_seconds=60.0))


@pytest.mark.usefixtures("redis_is_away")
def test_redis_that_does_not_answer_is_found() -> None:
    assert "REDIS_URL" in one(redis.answers()).what_to_do


@contextmanager
def configured(settings: Settings, name: str, value: str) -> Iterator[None]:
    client = redis_client.Redis.from_url(settings.REDIS_URL)
    before = client.config_get(name)[name]
    client.config_set(name, value)
    try:
        yield
    finally:
        client.config_set(name, before)
        client.close()


def test_redis_that_may_evict_is_found(settings: Settings) -> None:
    with configured(settings, "maxmemory-policy", "allkeys-lru"):
        assert "noeviction" in one(redis.memory()).what_to_do


def test_redis_that_is_full_is_found(settings: Settings) -> None:
    client = redis_client.Redis.from_url(settings.REDIS_URL)
    used = int(client.info("memory")["used_memory"])
    with configured(settings, "maxmemory", str(used + used // 50)):
        assert "maxmemory" in one(redis.memory()).what_to_do


def test_redis_that_is_slow_is_found() -> None:
    assert "SLOWLOG" in one(redis.latency(slow_seconds=0.0)).what_to_do


# --- going through the list --------------------------------------------------------------------------------------


def test_what_needs_something_that_is_away_is_not_looked_at() -> None:
    def asked_in_vain() -> list[Finding]:
        raise AssertionError("must not be looked at")

    report = examine(
        [
            Check("server", lambda: [problem("It is away.", "Start it.")]),
            Check("table", asked_in_vain, needs=("server",)),
            Check("row", asked_in_vain, needs=("table",)),
            Check("weather", lambda: [warning("Rain.", "Take a coat.")]),
            Check("walk", list, needs=("weather",)),
        ]
    )
    assert report.skipped == ["table", "row"]
    assert report.passed == ["walk"]
    assert not report.healthy


def test_a_check_that_fails_is_a_finding_and_quotes_nothing() -> None:
    def fails() -> list[Finding]:
        raise ValueError("Key (phone)=(+14155550123) already exists")

    report = examine([Check("odd", fails)])
    assert not report.healthy
    assert "ValueError" in report.found[0][1].what
    assert "+1415" not in str(report)


def test_checks_need_only_what_comes_before_them_and_are_named_once() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    for position, check in enumerate(CHECKS):
        assert set(check.needs) <= set(names[:position]), check.name


@pytest.mark.django_db(transaction=True)
def test_the_command_ends_with_1_where_something_is_wrong_and_says_what(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty hub: no clock, no worker, no provider."""
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    assert ended.value.code == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "Start the program beat" in shown
    assert "checks found nothing wrong" in shown


@pytest.mark.django_db(transaction=True)
def test_the_command_speaks_to_programs_too() -> None:
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert said["healthy"] is False
    assert "migrations" in said["passed"]
    found = {(finding["check"], finding["level"]) for finding in said["findings"]}
    assert {("providers", "problem"), ("clock", "problem"), ("default sender", "warning")} <= found


@pytest.mark.usefixtures("redis_is_away")
@pytest.mark.django_db(transaction=True)
def test_the_command_speaks_when_redis_is_away() -> None:
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert {"Redis memory", "workers", "clock", "queue"} <= set(said["skipped"])
    assert "Postgres" in said["passed"]
