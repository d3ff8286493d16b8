"""Logging: one line per event, JSON in production, and never a phone number, a body or a secret.

Call sites log ids and counts. The redaction here is the net under them, for text that comes from libraries.
"""

import os
import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

#: Nine digits or more, however they are grouped: "+1 (415) 555-0123", "14155550123", "%2B14155550123".
_DIGITS = re.compile(r"\d(?:[\s().\-]{0,2}\d){8,}")
_SECRET = {"authorization", "auth_token", "password", "credentials", "body", "recipient", "phone", "to", "from"}
#: Made by us, and full of digits.
_OURS = {"timestamp", "request_id", "task_id", "message_id", "pid", "logger", "level"}


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask what looks like a phone number in any text, whole values under telling names, and query strings."""
    for key, value in event.items():
        if key in _SECRET:
            event[key] = "[redacted]"
        elif isinstance(value, str) and key not in _OURS:
            text = value.split("?", 1)[0] if key == "request" else value
            event[key] = _DIGITS.sub("[number]", text)
    return event


PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.filter_by_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]

_RENDERER = (
    structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    if os.environ.get("LOG_FORMAT", "json") == "console"
    else structlog.processors.JSONRenderer()
)

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _RENDERER,
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {
        "django_structlog": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "uvicorn.access": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
    },
}
