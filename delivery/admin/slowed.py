"""What of an account's limits is slowed just now, in words."""

import redis
from django.utils import timezone
from django.utils.translation import gettext as _

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
    kind, _colon, number = limit.partition(":")
    if kind == "sender":
        return _("Sender %(address)s") % {"address": addresses.get(int(number), number)}
    if kind == "pace":
        return _("Pace of campaign %(number)s") % {"number": number}
    return _("Requests in flight") if limit == slowing.REQUESTS else _("The account's rate")


def _in_words(limit: slowing.Slowed) -> str:
    since = timezone.localtime(limit.since)
    return _("slowed to %(factor)s since %(since)s after code %(code)s") % {
        "factor": f"{limit.factor:.0%}",
        "since": f"{since:%H:%M}",
        "code": limit.code,
    }
