"""How fast an audience becomes message rows, and how much memory it takes.

    make bench ARGS="materialise 20000 100000"
    make bench ARGS="materialise 100000 --processes 2"
    make bench ARGS="materialise --writers"

For each size, in a fresh process (so that its peak memory is its own) and an empty database: freeze the audience,
then materialise it with one worker, or with as many as the loader has (`--processes`, two in `make run`). Rendering,
smart encoding and measuring are also timed alone, on contacts alike, to tell the writing apart; so are sealing a text
and opening it. `--writers` compares the ways to write a chunk of
rows; the first is the one in use.
"""

import argparse
import time
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from benchmarks import report, scenes
from benchmarks.alone import Figures, alone, finish, seconds, start
from benchmarks.servers import Servers, fresh_database
from campaigns import launch, materialise
from campaigns.models import Campaign, TemplateVersion
from campaigns.split import LOTS, OWN, Arm, Split
from delivery import bodies
from delivery.ids import campaign_message_id, month_of
from delivery.models import Message, Sender
from delivery.routing import routes
from delivery.states import Status


def frozen(size: int) -> Figures:
    """An audience that is ready to be materialised, and the parts of the work timed alone."""
    campaign = scenes.campaign(scenes.people(size), scenes.sender())
    figures: Figures = {
        "campaign": campaign.pk,
        "launch": seconds(lambda: launch.launch(campaign=campaign, actor=None)),
        "freeze": seconds(lambda: materialise.freeze(campaign.pk)),
        "rendering": rendering(size),
    }
    figures["sealing"], figures["opening"] = sealing(size)
    return figures


def share(campaign: int) -> Figures:
    """What one worker of several does, between two moments of the machine's clock."""
    began = time.monotonic()
    materialise.materialise(campaign, seconds=3600)
    return {"began": began, "ended": time.monotonic()}


def one(size: int, processes: int = 1) -> Figures:
    """Freeze an audience and write its messages, each in processes of their own."""
    figures = alone(frozen, size=size)
    shares = [finish(worker) for worker in [start(share, campaign=figures["campaign"]) for _ in range(processes)]]
    figures["seconds"] = max(part["ended"] for part in shares) - min(part["began"] for part in shares)
    figures["memory"] = max(part["memory"] for part in shares)
    queued = Message.objects.filter(campaign_id=figures["campaign"], status=Status.QUEUED).count()
    if queued != size:
        raise SystemExit(f"{queued} of {size} contacts have a message.")
    return figures


def rendering(size: int) -> float:
    """Seconds for the texts alone, extrapolated from one chunk."""
    version = TemplateVersion(body=scenes.BODY, smart_encoding=True)
    people = [
        materialise._Contact(n, "+14155550123", f"Person {n}", "en", "US", f'{{"number": {n}, "clinic": "Elm Street"}}')
        for n in range(1000)
    ]
    everybody = Arm(OWN, LOTS, version=version)
    text_for = materialise._renderer(Split((everybody,)), lambda _: everybody)
    ways = routes.way_of(Sender.objects.select_related("provider").earliest("pk"))
    campaign = Campaign()
    return seconds(lambda: [materialise._outcome(person, text_for, ways, campaign) for person in people]) * size / 1000


def sealing(size: int) -> tuple[float, float]:
    """Seconds to seal as many texts, and to open them."""
    now = timezone.now()
    month = month_of(now)
    cipher = bodies.sealer(month)
    ids = [campaign_message_id(now, 1, n) for n in range(size)]
    sealed = [bodies.seal_with(cipher, pk, scenes.TEXT) for pk in ids]
    return (
        seconds(lambda: [bodies.seal_with(cipher, pk, scenes.TEXT) for pk in ids]),
        seconds(lambda: [bodies.open_with({month: cipher}, pk, body) for pk, body in zip(ids, sealed, strict=True)]),
    )


def copy_only(size: int) -> Figures:
    """As many finished rows by COPY, straight into the table, in chunks as large."""
    by = scenes.sender()
    rows = list(scenes.message_rows(size, by, Status.QUEUED))

    def copy_all() -> None:
        for first in range(0, size, materialise.CHUNK_SIZE):
            _copy(scenes.COPY, scenes.TYPES, rows[first : first + materialise.CHUNK_SIZE])

    return {"seconds": seconds(copy_all)}


def _copy(statement: str, types: Iterable[str], rows: Iterable[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


# --- ways to write ----------------------------------------------------------------------------------------------

_VARIED = ", ".join(materialise._STAGED)
_ALL = f"{_VARIED}, campaign_id, provider_id, sender_id, lane, error_code, attempt, provider_message_id, created_at"


def in_use(campaign: Campaign, sender: Sender, outcomes: list[Any]) -> None:
    materialise._write(campaign, timezone.now(), sender, outcomes)


def _sealed(campaign: Campaign, outcomes: list[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows with their ids and their texts sealed, as the one in use makes them."""
    now = timezone.now()
    cipher = bodies.sealer(month_of(now))
    ids = (campaign_message_id(now, campaign.pk, outcome.contact_id) for outcome in outcomes)
    return (
        (pk, *outcome._replace(body=bodies.seal_with(cipher, pk, outcome.body)))
        for pk, outcome in zip(ids, outcomes, strict=True)
    )


def copy_text(campaign: Campaign, sender: Sender, outcomes: list[Any]) -> None:
    """The same with COPY in text format."""
    rows = _sealed(campaign, outcomes)
    with connection.cursor() as cursor:
        cursor.execute(materialise._STAGE)
        with cursor.copy(f"COPY materialise_stage ({_VARIED}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        values = {"campaign": campaign.pk, "provider": sender.provider_id, "sender": sender.pk, "lane": 3}
        cursor.execute(materialise._INSERT, values | {"now": timezone.now()})


def copy_straight(campaign: Campaign, sender: Sender, outcomes: list[Any]) -> None:
    """COPY into the table itself: one row that is there already fails the whole chunk."""
    rest = (campaign.pk, sender.provider_id, sender.pk, 3, "", 1, "", timezone.now())
    types = (*materialise._STAGED_TYPES, "int8", "int8", "int8", "int2", "text", "int2", "text", "timestamptz")
    rows = ((*row, *rest) for row in _sealed(campaign, outcomes))
    _copy(f"COPY delivery_message ({_ALL}) FROM STDIN (FORMAT BINARY)", types, rows)


def unnest(campaign: Campaign, sender: Sender, outcomes: list[Any]) -> None:
    columns = [list(column) for column in zip(*_sealed(campaign, outcomes), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO delivery_message ({_ALL})
                SELECT {_VARIED}, %s, %s, %s, 3, '', 1, '', now()
                FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::smallint[],
                            %s::text[], %s::text[]) AS row ({_VARIED})
                ON CONFLICT (id) DO NOTHING""",
            [campaign.pk, sender.provider_id, sender.pk, *columns],
        )


def writers(chunks: int = 20) -> Figures:
    by = scenes.sender()
    campaign = scenes.campaign(scenes.people(1), by)
    contact = 0
    rates: Figures = {}
    for writer in (in_use, copy_text, copy_straight, unnest):
        spent = 0.0
        for _ in range(chunks):
            outcomes = [
                materialise._Outcome(
                    contact_id=contact + n,
                    recipient="+14155550123",
                    country="US",
                    body=f"Hi Person {n}, your table is ready.",
                    encoding="gsm7",
                    segments=1,
                    status="queued",
                    reason="",
                    provider_id=by.provider_id,
                    sender_id=by.pk,
                )
                for n in range(materialise.CHUNK_SIZE)
            ]
            contact += len(outcomes)
            spent += seconds(lambda: _in_transaction(writer, campaign, by, outcomes))  # noqa: B023 - called at once
        rates[writer.__name__] = chunks * materialise.CHUNK_SIZE / spent
    return rates


def _in_transaction(writer: Any, campaign: Campaign, by: Sender, outcomes: list[Any]) -> None:
    with transaction.atomic():
        writer(campaign, by, outcomes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sizes", nargs="*", type=int, default=[20_000])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--writers", action="store_true")


def run(_servers: Servers, options: argparse.Namespace) -> int:
    if options.writers:
        with fresh_database():
            ways = alone(writers)
        ways.pop("memory")
        rates = [[name.replace("_", " "), f"{rate:,.0f}"] for name, rate in ways.items()]
        report.say("Ways to write message rows", report.table(["Way", "rows/s"], rates))
        return 0
    rows = []
    for size in options.sizes:
        with fresh_database():
            took = one(size, options.processes)
        writing = took["seconds"] - took["rendering"] / options.processes
        speeds = [size / took["seconds"], size / writing]
        times = [f"{took[part]:.2f} s" for part in ("launch", "freeze")]
        per_text = [f"{took[part] / size * 1e6:.1f} µs" for part in ("sealing", "opening")]
        rates = [f"{rate:,.0f}" for rate in speeds]
        rows.append([f"{size:,}", *times, *rates, *per_text, f"{took['memory']:.0f} MB"])
    headings = ["Contacts", "launch", "freeze", "rows/s", "without rendering", "sealing", "opening", "peak memory"]
    report.say("From audience to message rows", report.table(headings, rows))
    return 0
