"""Wake-ups: "there is work", said at most once until somebody gets up.

Losing one costs a second, for the beat's tick says it again; so a broker that is down is no error here.
"""

from functools import cache

import redis
import structlog
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

#: A wake-up that nobody took in this time (a lost broker, a killed worker) may be said again.
_FORGET_MS = 15_000


@cache
def client() -> redis.Redis:
    """This process's Redis connection pool, with time-outs, so that a dead Redis never hangs a worker."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def _key(name: str) -> str:
    return f"{settings.REDIS_PREFIX}wake:{name}"


def _say(task: str, *args: int) -> None:
    name = ":".join([task, *map(str, args)])
    try:
        if client().set(_key(name), 1, nx=True, px=_FORGET_MS):
            current_app.send_task(f"delivery.tasks.{task}", args=args, retry=False)
    except (redis.RedisError, OperationalError) as error:
        log.warning("wake_up_lost", task=task, error=type(error).__name__)


def heard(task: str, *args: int) -> None:
    """The task is up: from now on somebody else may wake the next one."""
    try:
        client().delete(_key(":".join([task, *map(str, args)])))
    except redis.RedisError:
        log.warning("wake_up_not_cleared", task=task)


def dispatch(provider_id: int) -> None:
    """The provider has messages to send."""
    _say("dispatch", provider_id)


def reconcile() -> None:
    """Receipts are waiting in the inbox."""
    _say("reconcile")


def ask(provider_id: int) -> None:
    """Some messages of the provider are to be asked about."""
    _say("ask", provider_id)
