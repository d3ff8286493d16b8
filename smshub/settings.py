"""Settings, all from the environment; every secret may also come from a file (`NAME_FILE=/run/secrets/…`).

`.env` files are not read. A checkout in which `make run` has started its embedded servers is known by
`.smshub/env`, which fills in only what the environment does not say.
"""

from pathlib import Path
from typing import Any

import environ
import environ.fileaware_mapping
import structlog
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

from smshub.quickstart import environment as quickstart

BASE_DIR = Path(__file__).resolve().parent.parent
quickstart.load(BASE_DIR)


class _Files(environ.fileaware_mapping.FileAwareMapping):
    """NAME_FILE, without the line end that editors and `echo` leave in a file."""

    def __getitem__(self, key: str) -> str:
        return str(super().__getitem__(key)).strip()


class Env(environ.FileAwareEnv):
    ENVIRON = _Files()


env = Env()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Where providers reach us. Callback signatures are computed over this URL, never over request headers.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
# What short links in texts begin with: a domain of its own that leads here, the shorter the better.
LINK_BASE_URL = env.str("LINK_BASE_URL", default=PUBLIC_URL).rstrip("/")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    # Admin's modules are loaded by smshub/urls.py: whatever serves no pages starts in half the time without them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "csp",
    "django_structlog",
    "contacts",
    "delivery",
    "campaigns",
    "smshub.api",
    "smshub.accounts",
    "smshub.audit",
    "smshub",
]

MIDDLEWARE = [
    "smshub.request_ids.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "smshub.policies.ContentPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "smshub.languages.StaffLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "smshub.audit.requests.Audit",
    "django.contrib.messages.middleware.MessageMiddleware",
    "smshub.accounts.middleware.Accounts",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

# It is ours by then, or a UUID: see smshub/request_ids.py.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True

ROOT_URLCONF = "smshub.urls"
ASGI_APPLICATION = "smshub.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "smshub" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Postgres: the queue of record ---------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default="postgres://smshub@127.0.0.1:5432/smshub")}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60),
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        **DATABASES["default"].get("OPTIONS", {}),
        "application_name": env.str("APPLICATION_NAME", default="smshub"),
    },
}
# A web process has as many at most, shared by its requests; the other processes have one for each of theirs.
WEB_DB_CONNECTIONS = env.int("WEB_DB_CONNECTIONS", default=20)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: broker, rate limits, wake-ups; nothing in it that cannot be lost ------------------------
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
REDIS_PREFIX = env.str("REDIS_PREFIX", default="smshub:")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# However long Redis is away: a worker that had given up would not come back with it.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than any task; a task lost with its worker comes back after it, and the tick is sooner anyway.
    "visibility_timeout": 600,
    "global_keyprefix": REDIS_PREFIX,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1000
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_ROUTES = {
    "delivery.tasks.dispatch": {"queue": "dispatch"},
    "delivery.tasks.connector_*": {"queue": "connector"},
    "delivery.tasks.reconcile": {"queue": "reconcile"},
    "delivery.tasks.webhooks": {"queue": "webhooks"},
    "delivery.tasks.*": {"queue": "default"},
    "campaigns.tasks.tick": {"queue": "default"},
    "campaigns.tasks.read_file": {"queue": "imports"},
    "campaigns.tasks.*": {"queue": "launch"},
    "contacts.tasks.tick": {"queue": "default"},
    "contacts.tasks.*": {"queue": "imports"},
    "smshub.api.tasks.tell_twilio": {"queue": "webhooks"},
    "smshub.api.tasks.*": {"queue": "default"},
    "smshub.tasks.*": {"queue": "default"},
}
CELERY_BEAT_SCHEDULE = {
    # None of them expires: the worker that takes it would judge that by a clock of its own.
    "delivery": {"task": "delivery.tasks.tick", "schedule": 1.0},
    "campaigns": {"task": "campaigns.tasks.tick", "schedule": 1.0},
    "contacts": {"task": "contacts.tasks.tick", "schedule": 15.0},
    "api": {"task": "smshub.api.tasks.tick", "schedule": 3600.0},
    "privacy": {"task": "smshub.tasks.tick", "schedule": 15.0},
    "doctor": {"task": "smshub.tasks.health", "schedule": 60.0},
    "health": {"task": "delivery.tasks.health", "schedule": 2.0},
    "housekeeping": {"task": "delivery.tasks.housekeeping", "schedule": 15.0},
}

# --- Delivery ---------------------------------------------------------------------------------------
# How long a claimed message belongs to its worker. Must exceed SEND_TIMEOUT with room to spare.
LEASE_SECONDS = env.int("LEASE_SECONDS", default=60)
SEND_TIMEOUT = env.float("SEND_TIMEOUT", default=15.0)
# How long without a sign of life until a provider is asked what became of a message it took.
ASK_AFTER_SECONDS = env.int("ASK_AFTER_SECONDS", default=900)
# How long after an attempt in doubt its provider is first asked about it.
ASK_UNCERTAIN_AFTER_SECONDS = env.int("ASK_UNCERTAIN_AFTER_SECONDS", default=10)
# How long an attempt may be in doubt until the provider's "I have no such message" is believed.
BELIEVE_ABSENCE_AFTER_SECONDS = env.int("BELIEVE_ABSENCE_AFTER_SECONDS", default=90)
# How long we go on asking before a message with no final receipt is closed as expired.
GIVE_UP_AFTER_SECONDS = env.int("GIVE_UP_AFTER_SECONDS", default=3 * 24 * 3600)
# Texts of messages that have been final for so many days, and texts received as long ago, are emptied; 0: never.
REDACT_AFTER_DAYS = env.int("REDACT_AFTER_DAYS", default=0)
# So many whole months of messages are kept beside the present one; 0: all. Their counts and costs stay.
RETENTION_MONTHS = env.int("RETENTION_MONTHS", default=0)
# Lane=seconds: when what is in doubt is sent again although its provider cannot be asked. Only for urgent lanes.
SEND_AGAIN_IN_DOUBT = env.dict("SEND_AGAIN_IN_DOUBT", default={})
# Lanes that allowed hours and frequency caps are about; empty: none. The urgent ones never are.
TIME_RULES_LANES = env.list("TIME_RULES_LANES", default=["reminder", "bulk"])
# When a running campaign is paused by itself: so many of its messages at their end, and of all that were answered
# more than so many percent filtered as spam, or not arrived for whatever reason.
AUTO_PAUSE_AFTER_MESSAGES = env.int("AUTO_PAUSE_AFTER_MESSAGES", default=100)
AUTO_PAUSE_FILTERED_PERCENT = env.float("AUTO_PAUSE_FILTERED_PERCENT", default=2.0)
AUTO_PAUSE_FAILED_PERCENT = env.float("AUTO_PAUSE_FAILED_PERCENT", default=25.0)
# A campaign to more people than this is launched only after somebody else's approval; 0: any may be launched at once.
APPROVAL_ABOVE = env.int("APPROVAL_ABOVE", default=0)
# For so long a launch by hand may be undone before anything leaves; 0: it leaves at once.
LAUNCH_UNDO_SECONDS = env.int("LAUNCH_UNDO_SECONDS", default=30)
# When a provider gets less of what is routed, and when more again: see delivery/routing/rules.py. Shares of attempts
# that fail by its fault and of messages without a receipt in time; without so many of them a share says nothing.
HEALTH_AT_LEAST = env.int("HEALTH_AT_LEAST", default=20)
HEALTH_ERRORS_WORSE_PERCENT = env.float("HEALTH_ERRORS_WORSE_PERCENT", default=15.0)
HEALTH_ERRORS_OPEN_PERCENT = env.float("HEALTH_ERRORS_OPEN_PERCENT", default=50.0)
HEALTH_ERRORS_BETTER_PERCENT = env.float("HEALTH_ERRORS_BETTER_PERCENT", default=5.0)
HEALTH_MISSING_WORSE_PERCENT = env.float("HEALTH_MISSING_WORSE_PERCENT", default=15.0)
HEALTH_MISSING_OPEN_PERCENT = env.float("HEALTH_MISSING_OPEN_PERCENT", default=70.0)
HEALTH_MISSING_BETTER_PERCENT = env.float("HEALTH_MISSING_BETTER_PERCENT", default=8.0)
# How far back attempts are looked at; how old a message without a receipt is late, and how far back those are.
HEALTH_WINDOW_SECONDS = env.float("HEALTH_WINDOW_SECONDS", default=300)
HEALTH_RECEIPT_LATE_SECONDS = env.float("HEALTH_RECEIPT_LATE_SECONDS", default=300)
HEALTH_RECEIPT_WINDOW_SECONDS = env.float("HEALTH_RECEIPT_WINDOW_SECONDS", default=900)
# Steps of the factor in percent of the weight, what a degraded provider keeps, and what one on trial gets.
HEALTH_STEP_PERCENT = env.int("HEALTH_STEP_PERCENT", default=25)
HEALTH_FLOOR_PERCENT = env.int("HEALTH_FLOOR_PERCENT", default=10)
HEALTH_TRIAL_PERCENT = env.int("HEALTH_TRIAL_PERCENT", default=10)
HEALTH_TRIAL_AT_LEAST = env.int("HEALTH_TRIAL_AT_LEAST", default=5)
# Between two changes, and before a step up; how long it stays open at first, and at most.
HEALTH_MIN_SECONDS = env.float("HEALTH_MIN_SECONDS", default=60)
HEALTH_RISE_SECONDS = env.float("HEALTH_RISE_SECONDS", default=600)
HEALTH_OPEN_SECONDS = env.float("HEALTH_OPEN_SECONDS", default=60)
HEALTH_OPEN_MOST_SECONDS = env.float("HEALTH_OPEN_MOST_SECONDS", default=900)
# Refused for speed for so long a provider is full. Where messages wait for longer than so long it is slow: those of the
# urgent lanes, and the others; 0: however long.
HEALTH_FULL_SECONDS = env.float("HEALTH_FULL_SECONDS", default=60)
HEALTH_SLOW_SECONDS = env.float("HEALTH_SLOW_SECONDS", default=30)
HEALTH_SLOW_BULK_SECONDS = env.float("HEALTH_SLOW_BULK_SECONDS", default=0)
# What is moved to another provider never waits there longer than about so long, by its rate.
FAILOVER_SECONDS = env.float("FAILOVER_SECONDS", default=5)
# Of the price list and of campaigns' budgets, three letters (ISO 4217).
CURRENCY = env.str("CURRENCY", default="USD")
# First of the list encrypts, all of it decrypts: put a new key in front to rotate.
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[])
# Providers on a private address (an operator's own gateway, the simulator) must be allowed by the operator.
ALLOW_PRIVATE_PROVIDER_URLS = env.bool("ALLOW_PRIVATE_PROVIDER_URLS", default=False)

# --- Webhooks out: other systems are told of what happens -------------------------------------------
# A system on a private address must be allowed by the operator, as a provider must.
ALLOW_PRIVATE_WEBHOOK_URLS = env.bool("ALLOW_PRIVATE_WEBHOOK_URLS", default=False)
# What was sent is known for so many days, and with its content for so many: until then it may be sent again.
WEBHOOK_LOG_DAYS = env.int("WEBHOOK_LOG_DAYS", default=30)
WEBHOOK_BODY_DAYS = env.int("WEBHOOK_BODY_DAYS", default=7)

# --- Notices to the operator ------------------------------------------------------------------------
# Who is written to when the hub switches something off (in NOTICE_LANGUAGE); nobody is without an address and a server.
NOTICE_EMAILS = env.list("NOTICE_EMAILS", default=[])
vars().update(env.email_url("EMAIL_URL", default="dummymail://"))
DEFAULT_FROM_EMAIL = env.str("NOTICE_FROM_EMAIL", default="smshub@localhost")

# --- Contacts ---------------------------------------------------------------------------------------
DEFAULT_COUNTRY = env.str("DEFAULT_COUNTRY", default="US")
# Kinds of numbers that the API does not text: see contacts/kinds.py.
REFUSED_NUMBER_KINDS = env.list("REFUSED_NUMBER_KINDS", default=["premium", "shared_cost"])
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=2 * 1024**3)
# Marketing only to people whose consent is recorded. A consent that was withdrawn blocks marketing in any case.
MARKETING_NEEDS_CONSENT = env.bool("MARKETING_NEEDS_CONSENT", default=False)
# How long somebody has to confirm that they want texts.
OPT_IN_HOURS = env.int("OPT_IN_HOURS", default=48)

# --- People and keys --------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
# Who has no second factor is led to setting one up: names of groups, `superusers`, `everybody`. Empty: it is offered.
REQUIRE_TWO_FACTOR = env.list("REQUIRE_TWO_FACTOR", default=[])
# A session ends so long after its user last did something, and so long after the sign-in in any case.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=240)
SESSION_HOURS = env.int("SESSION_HOURS", default=24)
# Entries of the audit log are kept for so many days; 0: for good.
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=0)
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ACCESS_FAILURE_LOG = False
# Opens /metrics to whoever gives it as a bearer token; without it only this machine may ask.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AXES_ENABLE_ADMIN = False

BEHIND_TLS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "smshub.error_pages.csrf_failure"
# Explicit, because a link in an e-mail must find its reader signed in, and a form elsewhere must not.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
SESSION_ENGINE = "smshub.accounts.sessions"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 31536000 if BEHIND_TLS else 0
if env.bool("TRUST_PROXY_TLS_HEADER", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"

# Unfold's Alpine evaluates expressions and sets inline styles; nothing else is allowed to.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "object-src": [NONE],
    }
}

# --- API --------------------------------------------------------------------------------------------
# Requests of a key that names no rates of its own; 0: as many as come.
API_RATE_PER_SECOND = env.int("API_RATE_PER_SECOND", default=500)
API_RATE_PER_MINUTE = env.int("API_RATE_PER_MINUTE", default=0)
# Whether PATCH and DELETE must say which state they are about (If-Match).
API_REQUIRE_IF_MATCH = env.bool("API_REQUIRE_IF_MATCH", default=False)
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["smshub.api.auth.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["smshub.api.auth.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["smshub.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "smshub.api.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "smshub.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "smshub.api.problems.handle",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SMSHub API",
    "DESCRIPTION": "Contacts, lists, templates, campaigns, and the fate of every message.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVERS": [{"url": "/", "description": "This hub."}],
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "smshub.api.examples.filled_in",
        "smshub.api.schema.completed",
    ],
    "ENUM_NAME_OVERRIDES": {
        "MessageStatus": "delivery.states.Status",
        "CampaignStatus": "campaigns.models.Campaign.Status",
        "HealthState": "delivery.routing.rules.State",
        "ImportStatus": "contacts.models.ContactImport.Status",
        "AppointmentStatus": "campaigns.models.Appointment.Status",
        "PlanStatus": "campaigns.models.Plan.Status",
        "ErasureStatus": "contacts.models.Erasure.Status",
        "ConsentPurpose": "contacts.models.ConsentEvent.Purpose",
        "ConsentSource": "contacts.models.ConsentEvent.Source",
        "ReminderPurpose": "campaigns.models.Reminder.Purpose",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Files, language, time --------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None
# Serve straight from the packages where nobody ran collectstatic (a checkout).
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(BASE_DIR / ".smshub" / "media"))
FILE_UPLOAD_PERMISSIONS = 0o600
LANGUAGE_CODE = "en"
#: Those that staff may choose. The catalogue stands before Django's: where both know a word, ours fits the field.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
NOTICE_LANGUAGE = env.str("NOTICE_LANGUAGE", default=LANGUAGE_CODE, choices=[code for code, _name in LANGUAGES])
LOCALE_PATHS = [BASE_DIR / "smshub" / "locale"]
FORMAT_MODULE_PATH = ["smshub.formats"]
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
USE_TZ = True
TIME_ZONE = "UTC"

from smshub.admin_site import UNFOLD  # noqa: E402, F401  (data only; kept apart because it is long)
from smshub.logs import LOGGING, PROCESSORS  # noqa: E402, F401

structlog.configure(
    processors=PROCESSORS,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
