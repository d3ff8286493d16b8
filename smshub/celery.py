"""The Celery app: carries wake-ups and chunks, never a message (see docs/decisions/0001)."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")

app = Celery("smshub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**_: object) -> None:
    """Keep Celery from replacing the logging set up in settings, which redacts personal data."""
    import logging.config

    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
