"""Batches and twins against the web server that production runs: what is killed or doubled on the way sends nothing
twice and skips nobody."""

import threading
import uuid
from collections import Counter
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.models import Message
from smshub.api import keys
from smshub.api.models import IdempotencyRecord
from tests.hub import Hub, wait_for
from tests.pipeline.test_api import call

pytestmark = pytest.mark.pipeline


def key_of(hub: Hub) -> str:
    return keys.issue(name="Web shop", scopes=["messages:*"], actor=None)[1]


def test_the_web_server_killed_between_two_chunks_and_the_same_request_again(hub: Hub) -> None:
    # Given a batch of which some chunks are written
    hub.carrier.set_faults(receipt_delay_ms=100)
    hub.provider()
    key, size = key_of(hub), 1500
    wanted = {"messages": [{"to": f"+1415555{1000 + n}", "body": f"Text {n}"} for n in range(size)]}

    def ask() -> None:
        with suppress(OSError, HTTPException):
            call(hub, key, "POST", "messages/batch", wanted, Idempotency_Key="run-1")

    asking = threading.Thread(target=ask)
    asking.start()

    # When the web server is killed there: no chunk can be written while the record is held
    def killed_within() -> bool:
        with transaction.atomic():
            record = IdempotencyRecord.objects.select_for_update().filter(key="run-1").first()
            done = len(record.body["results"]) if record else 0
            if 0 < done < size:
                hub.kill("web")
            return 0 < done < size

    wait_for(killed_within, seconds=30, what="a chunk that is not the last")
    asking.join(30)
    written = Message.objects.count()
    assert 0 < written < size
    hub.wait_healthy("web")

    # Then the same request finishes it, with an answer that stays
    status, answer = call(hub, key, "POST", "messages/batch", wanted, Idempotency_Key="run-1")
    assert (status, answer["accepted"], answer["refused"]) == (200, size, 0)
    assert call(hub, key, "POST", "messages/batch", wanted, Idempotency_Key="run-1") == (status, answer)
    ids = {str(pk) for pk in Message.objects.values_list("pk", flat=True)}
    assert ids == {result["id"] for result in answer["results"]}
    taken = Message.objects.filter(status__in=["accepted", "sent", "delivered"])
    wait_for(lambda: taken.count() == size, seconds=120, what="all texts at the carrier")
    assert Counter(entry["to"] for entry in hub.carrier.entries()) == {text["to"]: 1 for text in wanted["messages"]}


def test_clients_with_the_same_key_at_the_same_moment_send_one_message(hub: Hub) -> None:
    hub.provider()
    key = key_of(hub)

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(twins=st.integers(2, 4), many=st.booleans(), others=st.booleans())
    def attempt(twins: int, many: bool, others: bool) -> None:
        name, number = str(uuid.uuid4()), f"+1415{Message.objects.count() + 5_550_000}"
        text = {"to": number, "body": name}
        path, wanted = ("messages/batch", {"messages": [text]}) if many else ("messages", text)
        start = threading.Barrier(twins + others)
        answers: list[tuple[int, Any]] = []

        def ask(body: Any) -> None:
            start.wait(10)
            try:
                answers.append(call(hub, key, "POST", path, body, Idempotency_Key=name))
            except HTTPError as refusal:
                answers.append((refusal.code, None))

        # The other one comes with the same key and another text: whoever is first has it.
        bodies = [wanted] * twins
        bodies += [{"messages": [text | {"body": "Other"}]} if many else text | {"body": "Other"}] * others
        asking = [threading.Thread(target=ask, args=[body]) for body in bodies]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(30)

        assert Message.objects.filter(recipient=number).count() == 1
        good = [body for status, body in answers if status in (200, 201)]
        assert good
        assert all(body == good[0] for body in good)
        assert len(answers) == len(bodies)
        assert Counter(status for status, _ in answers if status not in (200, 201)).keys() <= {422}

    attempt()
