"""Another system sends through the API, and asks what became of it."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from django.conf import settings
from django.db import connection

from contacts.models import Suppression
from smshub.api import keys
from tests.hub import Hub, wait_for

pytestmark = pytest.mark.pipeline


def call(hub: Hub, key: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    request = Request(
        f"{hub.url}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        | {name.replace("_", "-"): value for name, value in headers.items()},
    )
    with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
        return answer.status, json.load(answer)


def test_a_message_sent_through_the_api_is_followed_until_it_is_delivered(hub: Hub) -> None:
    hub.carrier.set_faults(receipt_delay_ms=1000)  # surely after its answer was written
    hub.provider()
    _, key = keys.issue(name="Web shop", scopes=["messages:*"], actor=None)
    wanted = {"to": "+14155550123", "body": "Your parcel is at the door."}

    answers = [call(hub, key, "POST", "messages", wanted, Idempotency_Key="parcel-1") for _ in range(2)]

    assert [status for status, _ in answers] == [201, 201]
    (message_id,) = {body["id"] for _, body in answers}
    wait_for(
        lambda: call(hub, key, "GET", f"messages/{message_id}")[1]["status"] == "delivered",
        seconds=15,
        what="delivery",
    )
    _, message = call(hub, key, "GET", f"messages/{message_id}")
    (entry,) = hub.carrier.ledger()
    assert (entry["to"], entry["body"], entry["sid"]) == (*wanted.values(), message["provider_message_id"])
    assert [event["status"] for event in message["events"]][-1] == "delivered"


def test_what_a_test_key_sends_has_its_end_by_the_true_path_and_reaches_nobody(hub: Hub) -> None:
    hub.provider()
    _, key = keys.issue(name="Web shop, trial", scopes=["*"], actor=None, mode="test")
    ends = {
        "+14155550123": "delivered",
        "+15005550004": "failed",
        "+15005550037": "undelivered",
        "+15005550081": "delivered",
        "+15005550082": "delivered",
        "+15005550091": "delivered",
        "+15005550092": "delivered",
    }
    ids = {
        to: call(hub, key, "POST", "messages", {"to": to, "body": "Your parcel is at the door."})[1]["id"]
        for to in ends
    }

    hub.kill("dispatch")

    def statuses() -> dict[str, str]:
        return {to: call(hub, key, "GET", f"messages/{message_id}")[1]["status"] for to, message_id in ids.items()}

    wait_for(lambda: statuses() == ends, seconds=90, what="every end")
    assert hub.carrier.ledger() == []
    assert not Suppression.objects.exists()


def test_requests_share_the_connections_that_a_web_process_may_have(hub: Hub) -> None:
    _, key = keys.issue(name="Web shop", scopes=["messages:read"], actor=None)

    def connections() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchone()[0])

    before = connections()
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda _: call(hub, key, "GET", "messages")[0], range(120)))

    assert answers == [200] * 120
    assert connections() <= before + settings.WEB_DB_CONNECTIONS
