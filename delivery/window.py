"""How many requests one worker may have open at a provider."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from delivery.providers.base import Outcome, SendOutcome


@dataclass
class Window:
    """Additive increase, multiplicative decrease (as in TCP, RFC 5681): halved when the provider refuses for speed,
    at most once a second, and one more with each good round."""

    most: int
    size: float = 0
    _halved_at: float = 0

    def __post_init__(self) -> None:
        self.size = self.most

    def learn(self, outcomes: Sequence[SendOutcome]) -> None:
        if any(outcome.outcome is Outcome.THROTTLED for outcome in outcomes):
            if time.monotonic() - self._halved_at > 1.0:
                self._halved_at = time.monotonic()
                self.size = max(1.0, self.size / 2)
        elif outcomes:
            self.size = min(float(self.most), self.size + 1)
