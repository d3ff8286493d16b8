"""When an event is sent again, when it is given up, and when its endpoint is left alone. All times of it stand here.

The waits are those that the Standard Webhooks specification recommends (its section on deliverability and reliability):
three days, so that a system that goes down on a Friday has everything on Monday.
"""

import random
from datetime import timedelta

#: After the first failed attempt, the second, and so on: seconds. After the last one it is given up.
WAITS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
#: What has not been tried that often, for its endpoint is down, is given up when it is so old.
GIVE_UP_AFTER = timedelta(seconds=sum(WAITS))
#: So that what failed together does not come back together: a wait is up to so much longer.
JITTER = 0.2

#: So many failures with nothing taken in between, and the endpoint is down: what waits for it is not tried one by one.
DOWN_AFTER = 5
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 600.0
#: What an endpoint may ask for itself (`Retry-After`).
LONGEST_ASKED_SECONDS = 3_600.0

#: An endpoint that took nothing for so long, and was tried, is switched off.
DISABLE_AFTER = timedelta(days=5)
#: How long the secret before the present one signs as well.
OVERLAP = timedelta(hours=24)


def wait(tries: int) -> float | None:
    """Seconds until an event that failed so often is sent again; None: it is given up."""
    return _jittered(WAITS[tries - 1]) if tries <= len(WAITS) else None


def pause(failures: int, asked: float = 0.0) -> float:
    """Seconds for which an endpoint is left alone after so many failures in a row, or for which it asked."""
    asked = min(asked, LONGEST_ASKED_SECONDS)
    if failures < DOWN_AFTER:
        return asked
    doubled = FIRST_PAUSE_SECONDS * 2 ** min(failures - DOWN_AFTER, 16)
    return max(asked, _jittered(min(doubled, LONGEST_PAUSE_SECONDS)))


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.0 + JITTER)  # noqa: S311  (no secret)
