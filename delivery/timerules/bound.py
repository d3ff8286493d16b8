"""Which lanes the time rules are about. One-time codes, alerts and transactional texts never wait for an hour."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from delivery.lanes import URGENT, Lane

MAY_BE_BOUND = tuple(lane for lane in Lane if lane not in URGENT)


def lanes() -> tuple[Lane, ...]:
    """As TIME_RULES_LANES names them; none: no message waits for a time rule. Raises ImproperlyConfigured."""
    names = [name.strip().lower() for name in settings.TIME_RULES_LANES if name.strip()]
    by_name = {lane.name.lower(): lane for lane in MAY_BE_BOUND}
    if unknown := sorted(set(names) - set(by_name)):
        raise ImproperlyConfigured(f"TIME_RULES_LANES: “{', '.join(unknown)}” is not among {', '.join(by_name)}.")
    return tuple(lane for name, lane in by_name.items() if name in names)
