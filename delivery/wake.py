"""Wake-ups: "there is work", said at most once until somebody gets up.

Losing one costs a second or a few, for the beat's tick says it again; so a broker that is down is no error here.
"""

from collections.abc import Sequence
from functools import cache

import redis
import structlog
from celery import current_app
from django.conf import settings
from django.db import Error
from kombu.exceptions import KombuError
from redis.backoff import NoBackoff
from redis.retry import Retry

from delivery.limiter import account_bucket, shares_key
from delivery.models import Provider
from delivery.providers import registry

log = structlog.get_logger(__name__)

#: A wake-up that never left this process, which was killed between noting it and sending it, may be said again.
_UNSAID_MS = 1_000
#: So may one that nobody took in this time: the broker lost it, or the worker that had it was killed.
_UNHEARD_MS = 5_000


@cache
def client() -> redis.Redis:
    """This process's Redis connection pool, with time-outs, so that a dead Redis never hangs a worker."""
    # Tried once more, for a connection that broke while it lay idle. Whoever wakes others has other things to do.
    retry = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, retry=retry)


def _key(task: str, args: tuple[int, ...]) -> str:
    return f"{settings.REDIS_PREFIX}wake:" + ":".join([task, *map(str, args)])


def say(task: str, *args: int) -> None:
    """Send the task of that full name, unless one with these arguments is still waiting to be taken."""
    try:
        if client().set(_key(task, args), 1, nx=True, px=_UNSAID_MS):
            current_app.send_task(task, args=args, retry=False)
            client().pexpire(_key(task, args), _UNHEARD_MS)
    except (redis.RedisError, KombuError, OSError) as error:
        log.warning("wake_up_lost", task=task, error=type(error).__name__)


def heard(task: str, *args: int) -> None:
    """The task is up: from now on the next one may be woken, perhaps to share the work."""
    try:
        client().delete(_key(task, args))
    except redis.RedisError as error:
        log.warning("wake_up_not_cleared", task=task, error=type(error).__name__)


def first_in(milliseconds: int, task: str) -> bool:
    """Whether no other such task was up in that time: of those that piled up while nobody took them, one is enough.

    By the clock of Redis, for a worker's own may be wrong.
    """
    try:
        return bool(client().set(_key(f"up:{task}", ()), 1, nx=True, px=milliseconds))
    except redis.RedisError:
        return True


def still_asleep(provider_ids: Sequence[int]) -> bool:
    """Whether the wake-up of one of these providers has not been heard while nobody at all sends for it."""
    pipeline = client().pipeline(transaction=False)
    for provider_id in provider_ids:
        pipeline.exists(_key("delivery.tasks.dispatch", (provider_id,)))
        pipeline.exists(shares_key(account_bucket(provider_id, 0).name))
    try:
        answers = pipeline.execute()
    except redis.RedisError:
        return False
    return any(woken and not served for woken, served in zip(answers[0::2], answers[1::2], strict=True))


def dispatch(provider_id: int) -> None:
    """The provider has messages to send."""
    say("delivery.tasks.connector_dispatch" if in_connector(provider_id) else "delivery.tasks.dispatch", provider_id)


def reconcile() -> None:
    """Receipts are waiting in the inbox."""
    say("delivery.tasks.reconcile")


def webhooks() -> None:
    """Somebody is to be told of something. Without it that takes a second."""
    say("delivery.tasks.webhooks")


def ask(provider_id: int) -> None:
    """Some messages of the provider are to be asked about."""
    say("delivery.tasks.connector_ask" if in_connector(provider_id) else "delivery.tasks.ask", provider_id)


_in_connector: dict[int, bool] = {}
"""A provider's package never changes, so what it is needs to be read once."""


def in_connector(provider_id: int) -> bool:
    """Whether the provider holds connections, which only a connector worker does."""
    if provider_id not in _in_connector:
        try:
            adapter = Provider.objects.filter(pk=provider_id).values_list("adapter", flat=True).first()
        except Error:
            return False
        if adapter is None:
            return False
        _in_connector[provider_id] = adapter in registry.connected()
    return _in_connector[provider_id]
