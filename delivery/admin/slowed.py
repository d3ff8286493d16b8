"""What of an account's limits is slowed just now, in words."""

import redis
from django.utils import timezone

from delivery import slowing
from delivery.models import Provider, Sender


def lines(provider: Provider) -> list[str]:
    """A sentence for each limit that is below what is configured; none when Redis is away."""
    try:
        slowed = slowing.slowed(provider.pk)
    except redis.RedisError:
        return []
    ids = [int(limit.limit.partition(":")[2]) for limit in slowed if limit.limit.startswith("sender:")]
    addresses = dict(Sender.objects.filter(pk__in=ids).values_list("pk", "address"))
    return [f"{_named(limit.limit, addresses)}: {_in_words(limit)}." for limit in slowed]


def _named(limit: str, addresses: dict[int, str]) -> str:
    kind, _, number = limit.partition(":")
    if kind == "sender":
        return f"Sender {addresses.get(int(number), number)}"
    if kind == "pace":
        return f"Pace of campaign {number}"
    return "Requests in flight" if limit == slowing.REQUESTS else "The account's rate"


def _in_words(limit: slowing.Slowed) -> str:
    since = timezone.localtime(limit.since)
    return f"slowed to {limit.factor:.0%} since {since:%H:%M} after code {limit.code}"
