"""The plans of every statement on the hot path, with years of messages in the tables.

    make bench ARGS="explain --messages 5000000 --months 24"

Fills the tables, then runs each statement once to warm up and once under EXPLAIN (ANALYZE, BUFFERS), in a transaction
that is rolled back. Reported are the indexes that were read (of all partitions together, by the name that the
model gives them), how many partitions were touched, pages, and the times of planning and running. Ends with status 1 if
any of them reads a table of messages from end to end.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.db import connection, transaction
from django.utils import timezone

from benchmarks import report, years
from benchmarks.servers import Servers, fresh_database
from benchmarks.years import Years
from campaigns import messages as campaign_messages
from delivery import (
    claim,
    control,
    failures,
    finding,
    flow,
    horizon,
    queue,
    redaction,
    retention,
    retries,
    settle,
    standstill,
    streams,
    uncertain,
)
from delivery.ids import LATEST, campaign_range, first_id, month_bounds, month_of
from delivery.lanes import Lane
from delivery.models import EVENT_ORDER, TEST_PROVIDER, FrequencyCap, Message, MessageEvent, Month, Place
from delivery.months import partition
from delivery.receipts import evidence, reconcile
from delivery.routing import failover
from delivery.states import Status
from delivery.timerules import release
from smshub.dashboard import today
from smshub.metrics import readings

Statement = tuple[str, str, Mapping[str, Any]]


@dataclass(slots=True)
class Plan:
    planning: float
    running: float
    pages: int
    indexes: set[str] = field(default_factory=set)
    partitions: set[str] = field(default_factory=set)
    seq_scans: set[str] = field(default_factory=set)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--only", default="", help="statements whose name begins with this")


def run(_servers: Servers, options: argparse.Namespace) -> int:
    with fresh_database():
        made = years.make(options.messages, options.months)
        names = _index_names()
        rows, whole = [], False
        for name, statement, values in _statements(made):
            if not name.startswith(options.only):
                continue
            plan = _explain(statement, values, names)
            whole = whole or bool(plan.seq_scans)
            read = sorted(plan.indexes) + [f"**all of {table}**" for table in sorted(plan.seq_scans)]
            figures = [f"{len(plan.partitions)}", f"{plan.pages:,}", f"{plan.planning:.1f}", f"{plan.running:.1f}"]
            rows.append([name, ", ".join(read), *figures])
    headings = ["Statement", "indexes read", "partitions", "pages", "planning, ms", "running, ms"]
    report.say(f"Plans with {options.messages:,} messages in {options.months} months", report.table(headings, rows))
    return int(whole)


def _statements(made: Years) -> Iterator[Statement]:
    now = timezone.now()
    provider, sender = made.sender.provider_id, made.sender.pk
    of_all = {"provider_id": provider, "now": now, "limit": 5000, "floor": horizon.first_open(now)}
    lanes = [lane.value for lane in Lane]
    begin = {"rate": 100, "lanes": lanes, "after": [-1 for _ in lanes]}
    places = {name: [] for name in ("place_lanes", "place_campaigns", "place_senders", "place_countries")}
    yield "claim: whose turn it is", streams._NEXT, of_all | begin | places
    turn = {
        "lanes": [3, 3],
        "campaigns": [made.big.pk, made.small.pk],
        "senders": [sender] * 2,
        "countries": ["US"] * 2,
        "budgets": [50] * 2,
        "most": [50] * 2,
        "lease_seconds": 60,
    }
    of_all |= {"bound": [Lane.REMINDER.value, Lane.BULK.value]}
    yield "claim of 100", claim.statement(most=50), of_all | turn
    FrequencyCap.objects.create(most=3, hours=24)
    yield "claim of 100 that a cap counts", claim.statement(most=50, capped=True), of_all | turn
    yield "time rules: hold 20,000 that are shut", release._HOLD, of_all | {"limit": 20_000}
    Place.objects.update(opens_at=now + timedelta(hours=8), closes_at=now + timedelta(hours=9))
    yield "claim of 100, all shut", claim.statement(most=50), of_all | turn
    yield "time rules: hold 20,000 of a million", release._HOLD, of_all | {"limit": 20_000}
    yield "tick: 5,000 due that are shut", release._RELEASE, of_all
    Place.objects.update(opens_at=now, closes_at=now + timedelta(hours=9))
    sending = _ids(Status.SENDING, 100)
    yield "settle: lock 100", settle.LOCK, {"ids": sending}
    answers: dict[str, Any] = {
        "ids": sending,
        "attempts": [1] * 100,
        "statuses": ["accepted"] * 100,
        "provider_ids": [f"SM{n}" for n in range(100)],
        **dict.fromkeys(("reasons", "codes", "details"), [""] * 100),
        "ask_soon": 10,
        "ask_after": 900,
    }
    yield "settle 100", settle._EVIDENCE, answers
    yield "settle: 100 come back later", settle._LATER, answers | {"delays": [1.0] * 100}
    accepted = _ids(Status.ACCEPTED, 2000)
    told: dict[str, Any] = {
        "ids": accepted,
        "attempts": [1] * 2000,
        "fingerprints": ["receipt:1:sent:"] * 2000,
        "statuses": ["sent"] * 2000,
        "provider_ids": ["SM"] * 2000,
        "sources": ["receipt"] * 2000,
        **dict.fromkeys(("reasons", "codes", "details"), [""] * 2000),
        "ats": [now] * 2000,
        "ask_at": now,
    }
    yield "reconcile: lock 2,000", settle.LOCK, {"ids": accepted}
    yield "reconcile: note 2,000", evidence._NOTE, told
    yield "reconcile: apply 2,000", evidence._APPLY, told
    _fill_inbox(provider)
    yield "reconcile: take 2,000", reconcile._TAKE, {"now": timezone.now(), "limit": 2000}
    nameless = {
        "inbox_ids": list(range(1000)),
        "providers": [provider] * 1000,
        "known_as": list(Message.objects.filter(pk__in=accepted[:1000]).values_list("provider_message_id", flat=True)),
    }
    yield "reconcile: find 1,000 without a token", reconcile._FIND, of_all | nameless
    stray = nameless | {"known_as": [f"SM{n}" for n in range(1000)]}
    yield "reconcile: find 1,000 that nobody knows", reconcile._FIND, of_all | stray
    yield "tick: is there work?", queue._WORK, of_all
    yield "tick: release 5,000", release._RELEASE, of_all
    held = Message.objects.filter(campaign_id=made.big.pk, status=Status.HELD, waits_for="quiet_hours")
    until = held.order_by("not_before").values_list("not_before")[:1]
    yield from _of_queryset("campaign: until when what is held waits", until)
    yield "tick: sweep ended leases", uncertain._SWEEP, of_all
    asked = {"in_doubt": 15, "ask_after": 900, "give_up_after": 3 * 24 * 3600, "limit": 500}
    asked |= {"lanes": [], "again_after": []}
    yield "ask: take 500", uncertain._TAKE, of_all | asked
    yield "give up", uncertain._GIVE_UP, of_all | asked
    yield from _of_campaigns(made)
    yield from _of_people(made)
    yield "claim: where the queue begins", horizon._FIRST_OPEN, _bounds(now)
    yield "metrics: streams", readings._STREAMS, {}
    yield "metrics: depths", readings._DEPTHS, {"lanes": [0, 1, 2, 3], "most": readings.MOST_ROWS}
    yield "metrics: uncertain", readings._UNCERTAIN, {"before": now, "most": readings.MOST_ROWS}
    yield from _of_pages(made, now)
    first, end = month_bounds(month_of(made.over.launched_at or now))
    stretch = {"after": first, "end": end, "size": redaction.BATCH, "before": now}
    yield "redaction: next 5,000", redaction._UPTO, stretch
    yield "redaction: empty 5,000", redaction._MESSAGES, stretch | {"upto": _nth_id(first, end, redaction.BATCH)}
    table = partition("delivery_message", month_of(now))
    every = dict(zip(failover.CURSOR, failover._START, strict=True))
    yield "failover: a page of 5,000", failover._PAGE, of_all | every
    yield "retention: is anything open?", retention._OPEN.format(table=table), {}


def _of_pages(made: Years, now: datetime) -> Iterator[Statement]:
    """What the home page and the page of a campaign under way ask again and again."""
    provider, midnight = made.sender.provider_id, now.replace(hour=0, minute=0, second=0, microsecond=0)
    newest = {"lowest": first_id(midnight), "highest": LATEST, "most": failures.MOST}
    yield "home: the newest failures of today", failures._LATEST, newest
    hour = {"providers": [provider], "since": now - timedelta(hours=1)}
    yield "home: messages a minute", flow._MINUTES, hour
    yield "home: first receipts due", readings._FIRST_DUE, {"most": readings.MOST_ROWS}
    texts = {"since": first_id(midnight), "none": "", "stops": ["stop"], "test": TEST_PROVIDER}
    yield "home: who wrote today", today._WROTE, texts | {"most": today.MOST_TEXTS}
    if made.big.launched_at is None:
        raise RuntimeError("A campaign was not launched.")
    ids = campaign_range(made.big.launched_at, made.big.pk)
    of_one = {"lowest": ids.lowest, "highest": ids.highest}
    yield "campaign: its newest failures", failures._LATEST, of_one | {"most": failures.MOST}
    waiting = {"campaign_id": made.big.pk, "lane": Lane.BULK.value, "providers": [provider]}
    yield "campaign: where it waits", standstill._QUEUED, of_one | waiting


def _of_campaigns(made: Years) -> Iterator[Statement]:
    launched = made.big.launched_at
    if launched is None or made.over.launched_at is None:
        raise RuntimeError("A campaign was not launched.")
    first, end = month_bounds(month_of(launched))
    cancelled = {"campaign_id": made.big.pk, "now": timezone.now(), "first": first, "end": end}
    yield "cancel 5,000 queued", control._CANCEL_QUEUED.format(limit=5000), cancelled
    yield "cancel 5,000 held", control._CANCEL_HELD.format(limit=5000), cancelled
    ids = campaign_range(made.over.launched_at, made.over.pk)
    rows = {"campaign_id": made.over.pk, "lowest": ids.lowest, "highest": ids.highest, "size": 5000}
    yield "retry by hand: a stretch of 5,000", retries._STRETCH, rows
    yield "retry by hand: lock its failures", retries._LOCK_STRETCH, rows
    yield from _of_queryset("list: a campaign's newest 50", campaign_messages.of(made.over.pk).order_by("-pk")[:50])


def _of_people(made: Years) -> Iterator[Statement]:
    everything = Message.objects.select_related("sender", "request").order_by("-pk")
    yield from _of_queryset("list: newest 50", everything[:50])
    since = first_id(timezone.now() - timedelta(hours=1))
    yield from _of_queryset("list: of the last hour", everything.filter(pk__gte=since)[:50])
    yield from _of_queryset("list: to one number", everything.filter(recipient="+14151000007")[:50])
    for status in (Status.FAILED, Status.CANCELLED, Status.QUEUED, Status.DELIVERED):
        yield from _of_queryset(f"list: {status} ones", everything.filter(status=status)[:50])
    yield from _of_queryset("list: transactional ones", everything.filter(lane=Lane.TRANSACTIONAL)[:50])
    yield from _of_queryset("list: by reference", finding.with_reference(everything, "order-77")[:50])
    yield from _of_queryset("list: by metadata, few", finding.with_metadata(everything, "order", "77")[:50])
    yield from _of_queryset("list: by metadata, a fifth", finding.with_metadata(everything, "shop", "shop 3")[:50])
    recent = finding.with_metadata(everything, "shop", "shop 3", first=since)
    yield from _of_queryset("list: by metadata, a fifth, of the last hour", recent[:50])
    one = Message.objects.filter(campaign_id=made.big.pk, status=Status.SENT).values_list("pk", flat=True)[0]
    yield from _of_queryset("page: one message", Message.objects.filter(pk=one))
    timeline = MessageEvent.objects.filter(message_id=one).order_by(*EVENT_ORDER)
    yield from _of_queryset("page: its timeline", timeline)
    found = Message.objects.filter(provider_message_id__in=["SM1", "SM2"], provider_id=made.sender.provider_id)
    yield from _of_queryset("ask: whose are these provider's ids?", found)


def _of_queryset(name: str, queryset: Any) -> Iterator[Statement]:
    statement, values = queryset.query.sql_with_params()
    named = {f"p{n}": value for n, value in enumerate(values)}
    parts = iter(named)
    yield name, re.sub("%s", lambda _: f"%({next(parts)})s", statement), named


def _explain(statement: str, values: Mapping[str, Any], names: Mapping[str, str]) -> Plan:
    # Psycopg's own cursor: it leaves the values out of the statement, as the event loop's does, but plans for them.
    with transaction.atomic():
        with psycopg.Cursor(connection.connection) as cursor:
            for prefix in ("", "ROLLBACK", "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "):
                if prefix == "ROLLBACK":
                    cursor.execute("ROLLBACK TO SAVEPOINT warm")
                else:
                    cursor.execute("SAVEPOINT warm")
                    cursor.execute(f"{prefix}{statement}".encode(), dict(values), prepare=False)
            row = cursor.fetchone()
        transaction.set_rollback(True)
    (told,) = row[0] if row and not isinstance(row[0], str) else json.loads(row[0] if row else "")
    top = told["Plan"]
    plan = Plan(told["Planning Time"], told["Execution Time"], top["Shared Hit Blocks"] + top["Shared Read Blocks"])
    for node in _nodes(top):
        if not node.get("Actual Loops"):
            continue
        relation = node.get("Relation Name", "")
        if re.search(r"_\d{4}_\d\d$", relation):
            plan.partitions.add(relation)
        if index := node.get("Index Name"):
            plan.indexes.add(names.get(index, index))
        touched = node["Shared Hit Blocks"] + node["Shared Read Blocks"]
        if node["Node Type"] == "Seq Scan" and touched and re.match("delivery_(message|attempt)", relation):
            plan.seq_scans.add(relation)
    return plan


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", []):
        yield from _nodes(inner)


def _index_names() -> dict[str, str]:
    """A partition's index → the index of the whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT part.relname, whole.relname FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid
               JOIN pg_class AS whole ON whole.oid = inhparent WHERE whole.relkind = 'I'"""
        )
        return dict(cursor.fetchall())


def _ids(status: Status, number: int) -> list[Any]:
    return list(Message.objects.filter(status=status).order_by("pk").values_list("pk", flat=True)[:number])


def _bounds(now: datetime) -> dict[str, list[Any]]:
    months = Month.objects.filter(month__lt=month_of(now)).order_by("month").values_list("month", flat=True)
    firsts, ends = zip(*(month_bounds(month) for month in months), strict=True)
    return {"firsts": list(firsts), "ends": list(ends)}


def _nth_id(first: Any, end: Any, number: int) -> Any:
    ids = Message.objects.filter(pk__gt=first, pk__lt=end).order_by("pk").values_list("pk", flat=True)
    return next(iter(ids[number - 1 : number]), end)


def _fill_inbox(provider_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO delivery_inboxreceipt (provider_id, message_id, attempt, provider_message_id, status, reason,
                   code, received_at, try_at, tries)
               SELECT %s, CASE WHEN n %% 2 = 0 THEN id END, n %% 2, provider_message_id, 'delivered', '', '', now(),
                   now(), 0
               FROM (SELECT id, provider_message_id, row_number() OVER (ORDER BY id) AS n
                     FROM delivery_message WHERE status IN ('accepted', 'sent')) AS message""",
            [provider_id],
        )
        cursor.execute("VACUUM ANALYZE delivery_inboxreceipt")
