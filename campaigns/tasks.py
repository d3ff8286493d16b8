"""Celery's side of campaigns: each task wakes up, calls a verb, and says so if work is left.

Every task may run twice, or at the same time as its twin: rows and chunks are claimed in Postgres.
"""

from celery import shared_task

from campaigns import control, launch, lifecycle, retrying, wake
from campaigns import materialise as materialising
from campaigns.appointments import feeds, uploads
from campaigns.links import single, visits
from campaigns.reminders import work as reminding
from campaigns.report import counting
from delivery.tasks import TICK_MS
from delivery.wake import first_in, heard

#: How long a task keeps a worker before it makes room for another campaign's.
RUN_SECONDS = 20.0
#: What has expired goes once an hour.
FORGET_MS = 3_600_000


@shared_task(name="campaigns.tasks.freeze")
def freeze(campaign_id: int) -> None:
    heard("campaigns.tasks.freeze", campaign_id)
    materialising.freeze(campaign_id)
    wake.materialise(campaign_id)


@shared_task(name="campaigns.tasks.materialise")
def materialise(campaign_id: int) -> None:
    heard("campaigns.tasks.materialise", campaign_id)
    if materialising.materialise(campaign_id, seconds=RUN_SECONDS):
        wake.materialise(campaign_id)


@shared_task(name="campaigns.tasks.cancel_rest")
def cancel_rest(campaign_id: int) -> None:
    heard("campaigns.tasks.cancel_rest", campaign_id)
    if control.cancel_rest(campaign_id, seconds=RUN_SECONDS):
        wake.cancel_rest(campaign_id)


@shared_task(name="campaigns.tasks.retry_failed")
def retry_failed(campaign_id: int) -> None:
    heard("campaigns.tasks.retry_failed", campaign_id)
    if retrying.retry_rest(campaign_id, seconds=RUN_SECONDS):
        wake.retry_failed(campaign_id)


@shared_task(name="campaigns.tasks.remind")
def remind() -> None:
    heard("campaigns.tasks.remind")
    if reminding.work(seconds=RUN_SECONDS):
        wake.remind()


@shared_task(name="campaigns.tasks.fetch_feeds")
def fetch_feeds() -> None:
    heard("campaigns.tasks.fetch_feeds")
    feeds.fetch_due()


@shared_task(name="campaigns.tasks.read_file")
def read_file(file_id: int) -> None:
    heard("campaigns.tasks.read_file", file_id)
    uploads.proceed(file_id)


@shared_task(name="campaigns.tasks.count_visits")
def count_visits() -> None:
    heard("campaigns.tasks.count_visits")
    if visits.settle(seconds=RUN_SECONDS):
        wake.count_visits()


@shared_task(name="campaigns.tasks.count_report")
def count_report(campaign_id: int) -> None:
    heard("campaigns.tasks.count_report", campaign_id)
    counting.count(campaign_id)


@shared_task(name="campaigns.tasks.tick")
def tick() -> None:
    if first_in(TICK_MS, "campaigns.tasks.tick"):
        lifecycle.look_after()
        launch.launch_due()
        if reminding.is_there_any():
            wake.remind()
        if feeds.is_any_due():
            wake.fetch_feeds()
        for file_id in uploads.waiting():
            wake.read_file(file_id)
        if visits.is_there_any():
            wake.count_visits()
        for campaign_id in counting.due():
            wake.count_report(campaign_id)
        if first_in(FORGET_MS, "campaigns.links.forget"):
            single.forget()
