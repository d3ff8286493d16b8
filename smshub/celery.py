"""The Celery app: carries wake-ups and chunks, never a message (see docs/decisions/0001)."""

import os

from celery import Celery
from celery.signals import setup_logging, task_prerun, worker_process_init, worker_ready

from smshub import heap

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")

app = Celery("smshub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def replace_broken_connections(**_: object) -> None:
    """As Django does before a request. Celery, which keeps connections over tasks, would keep a broken one as well."""
    from django.db import close_old_connections

    close_old_connections()


@worker_process_init.connect
@worker_ready.connect  # one whose tasks run in threads has no process beside it
def settle_the_heap(**_: object) -> None:
    heap.settle()


@setup_logging.connect
def use_django_logging(**_: object) -> None:
    """Keep Celery from replacing the logging set up in settings, which redacts personal data."""
    import logging.config

    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
