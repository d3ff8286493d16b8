"""Local first, cloud when that is down, full or slow: two tiers of routes, ready-made.

What moves between them is health's (`health`, `strain`) and failover's doing, as with any other routes.
"""

from django.db import transaction

from delivery.lanes import Lane
from delivery.models import Route, Sender

LOCAL_TIER, CLOUD_TIER = 1, 2


class NotHybrid(Exception):
    """These two make no hybrid; the message says why."""


def set_up(*, local: Sender, cloud: Sender, country: str = "", lane: Lane | None = None) -> list[Route]:
    """Route a destination by `local`, and by `cloud` in its stead. Safe to repeat, and with another country or lane.

    Other routes of the same destination stay as they are, in their tiers. Raises NotHybrid.
    """
    if local.provider_id == cloud.provider_id:
        raise NotHybrid("Both senders are of one provider: when that is down, so are both.")
    with transaction.atomic():
        return [
            Route.objects.update_or_create(
                channel=Route.Channel.SMS,
                country=country,
                lane=lane,
                sender=sender,
                defaults={"order": tier, "enabled": True},
            )[0]
            for sender, tier in ((local, LOCAL_TIER), (cloud, CLOUD_TIER))
        ]


def others(made: list[Route]) -> list[Route]:
    """Routes of the same destination that count beside these."""
    first = made[0]
    same = Route.objects.filter(channel=first.channel, country=first.country, lane=first.lane, enabled=True)
    return list(same.exclude(pk__in=[route.pk for route in made]).select_related("sender__provider"))
