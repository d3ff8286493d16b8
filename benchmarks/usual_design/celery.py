import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.usual_design.settings")

app = Celery("usual")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
