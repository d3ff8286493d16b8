"""The same POST with the same key has one effect, however often and however simultaneously it comes."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from contacts.models import Contact, ContactList
from delivery.models import Message
from smshub.api import idempotency
from smshub.api.models import IdempotencyRecord
from tests.api.conftest import System, is_problem
from tests.factories import IdempotencyRecordFactory

ADA = {"phone": "+14155550123", "name": "Ada Byron"}


@pytest.mark.django_db
def test_the_same_request_again_gets_the_same_answer(shop: System, sender: Any) -> None:
    text = {"to": "+14155550123", "body": "Your table is ready."}
    first = shop.post("messages", text, Idempotency_Key="a")
    again = shop.post("messages", text, Idempotency_Key="a")

    assert first.status_code == again.status_code == 201
    assert again.body == first.body
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Message.objects.count() == 1


@pytest.mark.django_db
def test_the_order_of_fields_makes_no_difference(shop: System) -> None:
    shop.post("contacts", '{"phone": "+14155550123", "name": "Ada"}', Idempotency_Key="a")
    again = shop.post("contacts", '{"name": "Ada", "phone": "+14155550123"}', Idempotency_Key="a")

    assert again.status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body"),
    [("contacts", ADA | {"name": "Bob"}), ("contacts?upsert=true", ADA), ("lists", {"name": "Friends"})],
)
def test_another_request_with_the_key_is_refused(shop: System, path: str, body: Any) -> None:
    shop.post("contacts", ADA, Idempotency_Key="a")

    assert is_problem(shop.post(path, body, Idempotency_Key="a"), 422, "idempotency-key-reused")
    assert Contact.objects.count() == 1
    assert ContactList.objects.count() == 0


@pytest.mark.django_db
def test_each_api_key_has_its_own(system: Any) -> None:
    assert system().post("lists", {"name": "Friends"}, Idempotency_Key="a").status_code == 201
    assert system().post("lists", {"name": "Others"}, Idempotency_Key="a").status_code == 201


@pytest.mark.django_db
def test_a_refusal_leaves_the_key_free(shop: System) -> None:
    assert shop.post("contacts", {"phone": "12"}, Idempotency_Key="a").status_code == 400
    assert IdempotencyRecord.objects.count() == 0

    assert shop.post("contacts", ADA, Idempotency_Key="a").status_code == 201


@pytest.mark.django_db
def test_a_fault_of_ours_leaves_neither_effect_nor_record(shop: System, monkeypatch: pytest.MonkeyPatch) -> None:
    from contacts.api import saving

    create = saving.create

    def fails(**kwargs: Any) -> None:
        create(**kwargs)
        raise RuntimeError

    monkeypatch.setattr(saving, "create", fails)
    shop.client.raise_request_exception = False
    assert shop.post("contacts", ADA, Idempotency_Key="a").status_code == 500
    monkeypatch.undo()

    assert Contact.objects.count() == 0
    assert shop.post("contacts", ADA, Idempotency_Key="a").status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "é", "x" * 256, "a\tb"])
def test_an_odd_key_is_refused(shop: System, key: str) -> None:
    answer = shop.post("contacts", ADA, Idempotency_Key=key)

    assert is_problem(answer, 400, "validation-error")
    assert Contact.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_twins_at_the_same_moment_have_one_effect(shop: System) -> None:
    start = threading.Barrier(4)
    answers: list[Any] = []

    def twin() -> None:
        try:
            caller = System.__new__(System)
            caller.text, caller.client = shop.text, type(shop.client)()
            start.wait(10)
            answers.append(caller.post("contacts", ADA, Idempotency_Key="a"))
        finally:
            connection.close()

    threads = [threading.Thread(target=twin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [answer.status_code for answer in answers] == [201] * 4
    assert [answer.body for answer in answers] == [answers[0].body] * 4
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
    assert Contact.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_twin_does_not_wait_for_ever(shop: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 1)
    taken, done = threading.Event(), threading.Event()

    def first() -> None:
        try:
            with transaction.atomic():
                IdempotencyRecordFactory(api_key=shop.key, key="a")
                taken.set()
                done.wait(30)
        finally:
            connection.close()

    at_work = threading.Thread(target=first)
    at_work.start()
    assert taken.wait(10)
    answer = shop.post("contacts", ADA, Idempotency_Key="a")
    done.set()
    at_work.join(30)

    assert is_problem(answer, 409, "idempotency-key-in-use")
    assert int(answer["Retry-After"]) >= 1
    assert Contact.objects.count() == 0


@pytest.mark.django_db
def test_old_answers_are_forgotten_and_young_ones_kept() -> None:
    old, young = IdempotencyRecordFactory(), IdempotencyRecordFactory()
    IdempotencyRecord.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=8))

    assert idempotency.purge() == 1
    assert list(IdempotencyRecord.objects.all()) == [young]
    assert idempotency.purge() == 0


@pytest.mark.django_db
def test_only_the_wait_for_a_twin_is_short_not_what_follows_it(shop: System) -> None:
    waits = []
    with transaction.atomic(), connection.cursor() as cursor:
        for _ in range(2):  # the key is taken, and then goes on with it
            idempotency._progress(shop.key, "a", b"1" * 32)
            cursor.execute("SHOW lock_timeout")
            waits += cursor.fetchall()

    assert waits == [("0",), ("0",)]
