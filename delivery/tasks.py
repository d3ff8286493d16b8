"""Celery's view of delivery: each task says there is work, runs for seconds, may run twice or beside its twin."""

import time

from celery import shared_task

from delivery import dispatch as dispatching
from delivery import heartbeat as heartbeat  # listens for the worker's start
from delivery import months, queue, reactions, redaction, retention, tallies, uncertain, vitals, wake
from delivery.connector import worker as connector
from delivery.receipts.reconcile import BATCH, reconcile_batch
from delivery.routing import failover
from delivery.routing import health as judging
from delivery.runtime import runtime
from delivery.timerules import caps
from delivery.webhooks import worker as webhooks_worker
from delivery.webhooks.upkeep import upkeep

#: One run of a loop; then others in the queue have their turn.
RUN_SECONDS = 5.0
#: Receipts come in a trickle of single requests: a short pause makes batches of them.
GATHER_SECONDS = 0.1
#: Half of the time between two ticks: what the clock says in its own pace is never left out.
TICK_MS = 500
#: Of the quarter of a minute between two rounds of housekeeping.
REDACT_SECONDS = 2.0


@shared_task
def dispatch(provider_id: int) -> None:
    wake.heard("delivery.tasks.dispatch", provider_id)
    if dispatching.dispatch(provider_id, runtime=runtime(), seconds=RUN_SECONDS):
        wake.dispatch(provider_id)


@shared_task
def connector_dispatch(provider_id: int) -> None:
    wake.heard("delivery.tasks.connector_dispatch", provider_id)
    connector.here().wake(provider_id)


@shared_task
def connector_ask(provider_id: int) -> None:
    wake.heard("delivery.tasks.connector_ask", provider_id)
    if connector.here().holds(provider_id):
        uncertain.ask(provider_id, runtime=connector.here().runtime)


@shared_task
def reconcile() -> None:
    wake.heard("delivery.tasks.reconcile")
    until = time.monotonic() + RUN_SECONDS
    idle = 0
    while time.monotonic() < until and idle < 5:
        done = reconcile_batch()
        idle = 0 if done else idle + 1
        if done < BATCH:
            time.sleep(GATHER_SECONDS)
    if idle == 0:
        wake.reconcile()


@shared_task
def webhooks() -> None:
    wake.heard("delivery.tasks.webhooks")
    webhooks_worker.here().wake()


@shared_task
def ask(provider_id: int) -> None:
    wake.heard("delivery.tasks.ask", provider_id)
    uncertain.ask(provider_id, runtime=runtime())


@shared_task
def tick() -> None:
    if wake.first_in(TICK_MS, "delivery.tasks.tick"):
        vitals.count("ticks")
        queue.tick()


@shared_task
def health() -> None:
    judging.look()
    failover.review()


@shared_task
def housekeeping() -> None:
    uncertain.give_up()
    tallies.squash()
    reactions.squash()
    months.open_ahead()
    redaction.redact(seconds=REDACT_SECONDS)
    retention.drop_old()
    judging.squash()
    caps.forget()
    upkeep()
