"""Lists, single messages and their changes: a login sees its own and nobody else's."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery.models import Inbound, Message, Submission
from delivery.states import Status
from smshub.twilio_door import listing, resource
from tests.factories import InboundFactory, MessageFactory, SenderFactory
from tests.twilio_door.conftest import TO, Application, refused

pytestmark = pytest.mark.django_db


def pages(shop: Application, **query: Any) -> list[list[str]]:
    """The sids of every page, by following the addresses that are given."""
    found, path = [], "/Messages.json"
    answer = shop.get(path, **query)
    while True:
        assert answer.status_code == 200, answer.body
        found.append([message["sid"] for message in answer.body["messages"]])
        if (following := answer.body["next_page_uri"]) is None:
            return found
        answer = shop("GET", following.removeprefix(f"/2010-04-01/Accounts/{shop.sid}"))


def sids(*messages: Message) -> list[str]:
    return [resource.sid_of(message.pk) for message in messages]


def flat(found: list[list[str]]) -> list[str]:
    return [sid for page in found for sid in page]


def ended(message: Message, status: Status, **changes: Any) -> Message:
    Message.objects.filter(pk=message.pk).update(status=status, final_at=timezone.now(), **changes)
    message.refresh_from_db()
    return message


def test_a_list_is_newest_first_in_pages_and_ones_own(shop: Application, apply: Callable[..., Application]) -> None:
    mine = [shop.sent() for _ in range(7)]
    apply().sent()
    MessageFactory(recipient=TO)

    found = pages(shop, PageSize=3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert flat(found) == sids(*reversed(mine))
    first = shop.get("/Messages.json", PageSize=3).body
    assert (first["page"], first["page_size"], first["start"], first["end"]) == (0, 3, 0, 2)
    assert first["first_page_uri"].endswith("Messages.json?PageSize=3&Page=0")
    assert first["previous_page_uri"] is None


def test_new_messages_shift_nothing(shop: Application) -> None:
    mine = [shop.sent() for _ in range(4)]
    first = shop.get("/Messages.json", PageSize=2).body
    shop.sent()
    second = shop("GET", first["next_page_uri"].removeprefix(f"/2010-04-01/Accounts/{shop.sid}")).body
    assert [message["sid"] for message in second["messages"]] == sids(mine[1], mine[0])


def test_filters_by_number_and_sender(shop: Application) -> None:
    other = SenderFactory()
    shop.row.senders.add(other)
    a, b, c = shop.sent(), shop.sent(To="+14155550199"), shop.sent(From=other.address)
    assert flat(pages(shop, To=TO)) == sids(c, a)
    assert flat(pages(shop, To="(415) 555-0199")) == sids(b)
    assert flat(pages(shop, From=other.address)) == sids(c)
    assert flat(pages(shop, To=TO, From=shop.sender.address)) == sids(a)
    assert flat(pages(shop, To="nobody")) == []
    assert flat(pages(shop, From="+1")) == []


def test_filters_by_the_day_it_was_sent(shop: Application) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    unsent, today, yesterday = shop.sent(), shop.sent(), shop.sent()
    ended(today, Status.DELIVERED, sent_at=now)
    ended(yesterday, Status.DELIVERED, sent_at=now - timedelta(days=1))
    day, before = f"{now:%Y-%m-%d}", f"{now - timedelta(days=1):%Y-%m-%d}"

    assert flat(pages(shop)) == sids(yesterday, today, unsent)
    assert flat(pages(shop, DateSent=day)) == sids(today)
    assert flat(pages(shop, **{"DateSent>": day})) == sids(today)
    assert flat(pages(shop, **{"DateSent>": now.isoformat()})) == sids(today)
    assert flat(pages(shop, **{"DateSent>": (now + timedelta(seconds=1)).isoformat()})) == []
    assert flat(pages(shop, **{"DateSent<": day, "DateSent>": before})) == sids(yesterday, today)
    assert flat(pages(shop, To=TO, **{"DateSent>": day})) == sids(today)


def test_the_day_is_asked_of_messages_made_before_it(shop: Application) -> None:
    """One that was scheduled weeks ago is found by the day on which it left."""
    send_at = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    scheduled, plain = shop.sent(ScheduleType="fixed", SendAt=send_at), shop.sent()
    later = datetime.now(UTC) + timedelta(days=20)
    ended(scheduled, Status.DELIVERED, sent_at=later)
    ended(plain, Status.DELIVERED, sent_at=datetime.now(UTC))
    assert flat(pages(shop, **{"DateSent>": later.isoformat()})) == sids(scheduled)


@pytest.mark.parametrize("filters", [{"From": True}, {"To": True}])
def test_a_request_looks_at_so_many_and_the_next_goes_on(shop: Application, filters: dict[str, Any]) -> None:
    """Work is bounded whatever matches: pages may be empty on the way, and nothing is left out."""
    wanted = shop.sent(To="+14155550111")
    for _ in range(7):
        MessageFactory(recipient="+14155550111")
        other = shop.sent()
    Message.objects.exclude(pk=wanted.pk).update(sender=SenderFactory())
    query = {"From": shop.sender.address} if "From" in filters else {"To": "+14155550111"}
    with patch.object(listing, "MOST_LOOKED_AT", 3):
        found = pages(shop, **query)
        last = shop.get("/Messages.json", **query).body["next_page_uri"]
    assert flat(found) == sids(wanted)
    assert len(found) > 2
    assert all(each.hex not in last for each in Message.objects.values_list("pk", flat=True)), other


@pytest.mark.parametrize(
    "query",
    [
        {"PageSize": "many"},
        {"PageSize": "-1"},
        {"Page": "x"},
        {"PageToken": "PASM" + "0" * 32},
        {"PageToken": "PA"},
        {"PageToken": "PA" + "é" * 40},
        {"DateSent": "yesterday"},
        {"DateSent>": "2026-13-01"},
        {"DateSent<": "0001-01-01T00:00:00+23:59"},
    ],
)
def test_what_is_no_query_is_refused(shop: Application, query: dict[str, str]) -> None:
    assert refused(shop.get("/Messages.json", **query)) == 20001


def test_a_page_is_never_longer_than_a_thousand(shop: Application) -> None:
    assert shop.get("/Messages.json", PageSize=5000).body["page_size"] == 1000
    assert shop.get("/Messages.json", PageSize=0).body["page_size"] == 50


@pytest.mark.parametrize("query", [{}, {"To": TO}, {"From": "sender"}, {"DateSent>": "2020-01-01"}])
def test_a_list_takes_a_constant_number_of_queries_and_counts_nothing(shop: Application, query: dict[str, str]) -> None:
    if "From" in query:
        query = {"From": shop.sender.address}
    shop.get("/Messages.json")
    for size in (2, 6):
        for _ in range(size):
            shop.sent()
        Message.objects.update(sent_at=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            assert len(shop.get("/Messages.json", **query).body["messages"]) >= size
        assert len(queries) == (4 if "From" in query else 3), [each["sql"] for each in queries]


def test_a_list_goes_by_index(shop: Application) -> None:
    shop.sent()
    with CaptureQueriesContext(connection) as queries:
        shop.get("/Messages.json", **{"From": shop.sender.address, "DateSent>": "2020-01-01"})
    [statement] = [query["sql"] for query in queries if "looked AS" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + statement.replace("%", "%%"))
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "submission_listed" in plan
    assert "submission_scheduled" in plan
    assert "Seq Scan on delivery_submission" not in plan


def test_one_is_fetched_as_it_stands(shop: Application) -> None:
    message = ended(shop.sent(), Status.UNDELIVERED, reason="unreachable", error_code="9", cost="0.0075")
    Message.objects.filter(pk=message.pk).update(sent_at=message.final_at)
    with CaptureQueriesContext(connection) as queries:
        found = shop.get(shop.one(message)).body
    assert len(queries) == 3
    assert (found["status"], found["error_code"], found["price"]) == ("undelivered", 30003, "-0.00750")
    assert found["error_message"] == "The handset is off or out of reach"
    assert found["date_sent"] == found["date_updated"] is not None
    assert shop.get(shop.one(message).replace("SM", "MM")).body["sid"] == resource.sid_of(message.pk)


@pytest.mark.parametrize(
    ("status", "reason", "word", "code"),
    [
        (Status.SENDING, "", "sending", None),
        (Status.UNCERTAIN, "", "sending", None),
        (Status.ACCEPTED, "", "sent", None),
        (Status.DELIVERED, "", "delivered", None),
        (Status.READ, "", "read", None),
        (Status.EXPIRED, "expired", "failed", 30036),
        (Status.EXPIRED, "no_receipt", "sent", None),
        (Status.FAILED, "content", "failed", 30008),
        (Status.SUPPRESSED, "opted_out", "failed", 21610),
        (Status.CANCELLED, "", "canceled", None),
    ],
)
def test_statuses_are_told_in_twilios_words(
    shop: Application, status: Status, reason: str, word: str, code: int | None
) -> None:
    message = shop.sent()
    Message.objects.filter(pk=message.pk).update(status=status, reason=reason)
    found = shop.get(shop.one(message)).body
    assert (found["status"], found["error_code"]) == (word, code)


def test_anothers_message_is_as_if_there_were_none(shop: Application, apply: Callable[..., Application]) -> None:
    other = apply()
    theirs, nobodys = other.sent(), MessageFactory()
    for path in (shop.one(theirs), shop.one(nobodys), "/Messages/SM1.json", "/Messages/SM" + "g" * 32 + ".json"):
        for answer in (shop.get(path), shop("DELETE", path), shop("POST", path, {"Status": "canceled"})):
            assert refused(answer) == 20404
    theirs.refresh_from_db()
    assert theirs.status == Status.QUEUED


def test_a_message_is_canceled_as_long_as_nobody_sends_it(shop: Application) -> None:
    message = shop.sent()
    assert shop("POST", shop.one(message), {"Status": "canceled"}).body["status"] == "canceled"
    message.refresh_from_db()
    assert message.status == Status.CANCELLED
    assert refused(shop("POST", shop.one(message), {"Status": "canceled"})) == 30409

    under_way = shop.sent()
    Message.objects.filter(pk=under_way.pk).update(status=Status.SENDING)
    assert refused(shop("POST", shop.one(under_way), {"Status": "canceled"})) == 30409
    for form in ({"Status": "sent"}, {"Body": "Other"}, {}):
        assert refused(shop("POST", shop.one(under_way), form)) == 20001


def test_a_text_is_emptied_at_its_end_and_not_before(shop: Application) -> None:
    message = shop.sent()
    assert refused(shop("POST", shop.one(message), {"Body": ""})) == 20009
    assert Message.objects.get(pk=message.pk).body == "Your table is ready."

    ended(message, Status.DELIVERED)
    assert shop("POST", shop.one(message), "Body=").body["body"] == ""
    assert Message.objects.get(pk=message.pk).sealed_body is None
    assert shop("POST", shop.one(message), "Body=").status_code == 200


def test_a_message_is_deleted_for_its_login_and_kept_in_the_books(shop: Application) -> None:
    message = shop.sent()
    assert refused(shop("DELETE", shop.one(message))) == 20009
    ended(message, Status.DELIVERED)
    assert shop("DELETE", shop.one(message)).status_code == 204
    assert refused(shop.get(shop.one(message))) == 20404
    assert refused(shop("DELETE", shop.one(message))) == 20404
    assert flat(pages(shop)) == []
    kept = Message.objects.get(pk=message.pk)
    assert (kept.status, kept.sealed_body) == (Status.DELIVERED, None)
    assert not Submission.objects.exists()


def test_a_text_that_came_in_is_fetched_by_whose_sender_it_was_written_to(
    shop: Application, apply: Callable[..., Application]
) -> None:
    inbound: Inbound = InboundFactory(provider=shop.sender.provider, recipient=shop.sender.address, phone=TO)
    path = f"/Messages/{resource.sid_of(inbound.pk)}.json"
    found = shop.get(path).body
    assert (found["direction"], found["status"], found["from"], found["body"]) == (
        "inbound",
        "received",
        TO,
        "Thank you!",
    )
    assert refused(apply().get(path)) == 20404
    assert refused(apply("messages:read", sender=shop.sender).get(path)) == 20404
