"""Settings of the usual design: what `startproject` gives, less the admin that nobody looks at here."""

import os

import environ

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["benchmarks.usual_design.apps.UsualDesign"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "benchmarks.usual_design.urls"
DATABASES = {"default": environ.Env().db_url("DATABASE_URL") | {"CONN_MAX_AGE": 60}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

CELERY_BROKER_URL = os.environ["REDIS_URL"]
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": os.environ["REDIS_PREFIX"]}
CELERY_TASK_IGNORE_RESULT = True
# Left out, Celery opens a connection to Postgres per task, at twice the CPU time for all of it.
CELERY_DB_REUSE_MAX = 1000

PUBLIC_URL = os.environ["PUBLIC_URL"]
CARRIER_URL = os.environ["CARRIER_URL"]
