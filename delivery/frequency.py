"""How often something may be done by somebody: counted in Redis, for all processes together."""

from django.conf import settings

from delivery.wake import client

SECONDS = 60


def once_more(what: str, *, most: int) -> bool:
    """Count it, and whether it is not more than `most` times within the minute. Raises redis.RedisError."""
    key = f"{settings.REDIS_PREFIX}{what}"
    pipe = client().pipeline()
    pipe.incr(key)
    pipe.expire(key, SECONDS, nx=True)
    done, _set = pipe.execute()
    return int(done) <= most
