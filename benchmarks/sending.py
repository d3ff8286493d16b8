"""One campaign through the running hub, from launch to the last receipt, timed, and compared with the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from django.db import connection
from django.db.models import Max

from benchmarks import scenes
from benchmarks.hub import Hub, wait_for
from benchmarks.usage import Used, used
from campaigns import launch
from campaigns import messages as campaign_messages
from campaigns.models import Campaign
from delivery import tallies
from delivery.models import InboxReceipt, MessageEvent, Sender
from delivery.states import FINAL, Status
from smshub.quickstart.demo import compare

#: Queued, sent and delivered.
RECEIPTS = 3
#: A machine that is slower than this per message is not worth waiting for.
PATIENCE = 0.1
WARM_UP = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """Times in seconds from launch. `disagreements` of rows, receipts and ledger: none, or the run means nothing."""

    messages: int
    written: float
    """Until everyone had a row."""
    handed_over: float
    """Until the carrier had taken the last."""
    final: float
    """Until every row was committed with its final status."""
    settled: float
    """Until the last receipt of all was applied."""
    wal: int
    """Bytes."""
    updates: float
    """Of a message's row, from when it was written until it was final."""
    hot: float
    """The share of them that touched no index."""
    used: dict[str, Used]
    disagreements: tuple[str, ...]

    @property
    def rate(self) -> float:
        return self.messages / self.final


def warm_up(hub: Hub, by: Sender) -> None:
    """A small campaign, so that every process has made its connections and loaded its modules."""
    deliver(hub, scenes.campaign(scenes.people(WARM_UP, first=90_000_000), by), WARM_UP)


def send(hub: Hub, by: Sender, size: int) -> Sent:
    campaign = scenes.campaign(scenes.people(size), by)
    before, wal, updated = used(hub.pids), _wal(), _updates()
    final, settled = deliver(hub, campaign, size)
    after, written_wal = used(hub.pids), _wal() - wal
    updates, hot = (now - then for now, then in zip(_updates(), updated, strict=True))
    campaign.refresh_from_db()
    last = campaign_messages.of(campaign.pk).aggregate(Max("sent_at"))["sent_at__max"]
    if campaign.launched_at is None or campaign.materialised_at is None:
        raise RuntimeError("The campaign says nothing of its launch.")
    return Sent(
        messages=size,
        written=(campaign.materialised_at - campaign.launched_at).total_seconds(),
        handed_over=(last - campaign.launched_at).total_seconds(),
        final=final,
        settled=settled,
        wal=written_wal,
        updates=updates / size,
        hot=hot / updates,
        used={name: Used(after[name].cpu - before[name].cpu, after[name].peak) for name in after},
        disagreements=tuple(_disagreements(hub, campaign, size)),
    )


def _updates() -> tuple[int, int]:
    """Updates of messages so far, and how many of them were HOT."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT sum(n_tup_upd)::bigint, sum(n_tup_hot_upd)::bigint FROM pg_stat_user_tables
               WHERE relname ~ '^delivery_message_\\d'"""
        )
        updates, hot = cursor.fetchone()
    return updates, hot


def deliver(hub: Hub, campaign: Campaign, size: int) -> tuple[float, float]:
    """Launch it and wait: seconds until all was final, and until every receipt was applied."""
    began = monotonic()
    launch.launch(campaign=campaign, actor=None)
    patience = 60 + size * PATIENCE
    wait_for(lambda: _final(campaign.pk) == size, seconds=patience, what="the last final status")
    final = monotonic() - began
    wait_for(
        lambda: not hub.carrier.stats()["callbacks_pending"] and not InboxReceipt.objects.exists(),
        seconds=60,
        what="the last receipt",
    )
    return final, monotonic() - began


def _final(campaign_id: int) -> int:
    return sum(count.messages for count in tallies.counts([campaign_id]) if count.status in FINAL)


def _wal() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn() - '0/0'")
        (position,) = cursor.fetchone()
    return int(position)


def _disagreements(hub: Hub, campaign: Campaign, size: int) -> Iterator[str]:
    messages = campaign_messages.of(campaign.pk)
    agreement = compare(campaign.pk, hub.carrier)
    if agreement.rows != size or not agreement.complete or agreement.handed_over != size:
        yield f"rows and ledger differ: {agreement}"
    if hub.carrier.summary()["duplicates"]:
        yield "the carrier has texts twice"
    if (delivered := messages.filter(status=Status.DELIVERED).count()) != size:
        yield f"{delivered} of {size} are delivered"
    receipts = MessageEvent.objects.filter(message__in=messages, source=MessageEvent.Source.RECEIPT).count()
    if receipts != RECEIPTS * size:
        yield f"{receipts} receipts are in the timelines, not {RECEIPTS * size}"
