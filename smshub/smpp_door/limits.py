"""How often: submits of a login, and wrong passwords of an address. No clock and no I/O; memory is bounded."""

from collections import OrderedDict
from dataclasses import dataclass

FREE_FAILURES = 5
"""Wrong binds of an address before it has to wait."""
FIRST_LOCK_SECONDS = 30.0
LONGEST_LOCK_SECONDS = 900.0
FORGET_SECONDS = 3600.0
"""After so long without a failure an address begins anew."""
MOST_ADDRESSES = 10_000


class Bucket:
    """Tokens for `rate` a second, and never more than a second's worth at once."""

    __slots__ = ("_at", "_tokens", "rate")

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self._tokens = float(rate)
        self._at = now

    def take(self, now: float) -> bool:
        self._tokens = min(float(self.rate), self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


@dataclass(slots=True)
class _Failures:
    number: int
    last: float
    until: float = float("-inf")


class Lockout:
    """Addresses that gave wrong credentials too often, whichever: so it says nothing about who exists.

    It is by address and not by name, so that nobody can lock another's system out. Past FREE_FAILURES each failure
    doubles the wait.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def is_locked(self, address: str, now: float) -> bool:
        known = self._failures.get(address)
        return known is not None and now < known.until

    def failed(self, address: str, now: float) -> None:
        known = self._failures.pop(address, None)
        if known is None or now - known.last > FORGET_SECONDS:
            known = _Failures(0, now)
        known.number += 1
        known.last = now
        if (beyond := known.number - FREE_FAILURES) >= 0:
            known.until = now + min(FIRST_LOCK_SECONDS * 2 ** min(beyond, 20), LONGEST_LOCK_SECONDS)
        self._failures[address] = known
        if len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        self._failures.pop(address, None)
