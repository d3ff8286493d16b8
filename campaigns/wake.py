"""Wake-ups for campaign work: "this campaign has work", at most one of each waiting at a time.

Losing one costs a second: the tick says it again. A task that is up may be woken a second time while it works,
which is how several workers come to share one large campaign.
"""

import redis
import structlog
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

from delivery.wake import client

log = structlog.get_logger(__name__)

#: A wake-up that nobody took in this time (a lost broker, a killed worker) may be said again.
_FORGET_MS = 30_000


def _key(task: str, campaign_id: int) -> str:
    return f"{settings.REDIS_PREFIX}wake:campaigns.{task}:{campaign_id}"


def _say(task: str, campaign_id: int) -> None:
    try:
        if client().set(_key(task, campaign_id), 1, nx=True, px=_FORGET_MS):
            current_app.send_task(f"campaigns.tasks.{task}", args=(campaign_id,), retry=False)
    except (redis.RedisError, OperationalError) as error:
        log.warning("wake_up_lost", task=task, campaign_id=campaign_id, error=type(error).__name__)


def heard(task: str, campaign_id: int) -> None:
    """The task is up: from now on the next one may be woken."""
    try:
        client().delete(_key(task, campaign_id))
    except redis.RedisError:
        log.warning("wake_up_not_cleared", task=task, campaign_id=campaign_id)


def freeze(campaign_id: int) -> None:
    """The campaign was launched: its audience is to be frozen."""
    _say("freeze", campaign_id)


def materialise(campaign_id: int) -> None:
    """The campaign has chunks of audience without messages."""
    _say("materialise", campaign_id)


def cancel_rest(campaign_id: int) -> None:
    """The campaign was cancelled: what has not been claimed is to be closed."""
    _say("cancel_rest", campaign_id)
