"""How the carrier misbehaves: the knobs, and the seeded dice that turn shares into decisions.

Protocol-neutral: a face asks what is to happen to a request and does it in its own protocol's words.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from itertools import accumulate
from typing import Any, Self

from simulator.smsc.knobs import SmppKnobs, check

ACCOUNT_STATES = ("active", "suspended", "closed")


class Fate(StrEnum):
    """What becomes of one create. `before` means that the ledger never sees it, `after` that it has it."""

    HONEST = "honest"
    THROTTLE = "throttle"
    ERROR_BEFORE = "error_before"
    DROP_BEFORE = "drop_before"
    ERROR_AFTER = "error_after"
    DROP_AFTER = "drop_after"
    LATE = "late"
    GARBAGE = "garbage"
    # Of connections that carry more than one request: SMPP only.
    NACK = "nack"
    DROP_ANSWERED = "drop_answered"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Faults(SmppKnobs):
    """What faces have in common; what only SMPP knows is inherited, and named smpp_…

    Shares are of 0..1, times in the unit that the name ends with, mixes are {error code: share}.

    Raises ValueError, naming the knob, for a value that cannot be meant.
    """

    outage: bool = False
    """Every request is refused: the service is down."""
    faulty_account: str = ""
    """Whose outage and state it is, and whose creates meet a fate or a refusal; empty: everybody's."""
    account_state: str = "active"
    """active, suspended or closed: only the first may send. Over SMPP `smpp_bind_reject_mix` says it."""
    credit: float = 100.0
    """What is left of an account's money; at 0 Vonage says that it is used up."""
    latency_ms: float = 0.0
    latency_sigma: float = 0.0
    """0: every answer takes `latency_ms`; more: lognormal around that median."""
    max_in_flight: int = 0
    """Creates of one account in progress at once; the next is throttled. 0: no limit."""
    throttle_share: float = 0.0
    error_before_share: float = 0.0
    drop_before_share: float = 0.0
    error_after_share: float = 0.0
    drop_after_share: float = 0.0
    late_share: float = 0.0
    late_seconds: float = 30.0
    garbage_share: float = 0.0
    reject_mix: Mapping[str, float] = field(default_factory=dict)
    """Refusals at create, in place of acceptance."""
    error_mix: Mapping[str, float] = field(default_factory=dict)
    """Failures after acceptance, in place of delivery."""
    listing_delay_ms: float = 0.0
    """An accepted message shows up in lists only after this long; by its own id it is known at once."""
    never_final_share: float = 0.0
    """Accepted and sent, and no final state ever."""
    queued_callback: bool = True
    """Whether a message from a plain number reports `queued` too."""
    receipt_delay_ms: float = 200.0
    receipt_jitter_ms: float = 50.0
    """The final receipt comes `receipt_delay_ms` ± jitter after acceptance, `sent` at half of that."""
    receipts_lost_share: float = 0.0
    receipts_doubled_share: float = 0.0
    receipts_reordered_share: float = 0.0
    """Of messages: the final receipt before `sent`; where `sent` is not told, after those of later messages."""
    receipts_early_share: float = 0.0
    """Of messages: the first receipt before the answer to the create."""
    schedule_lead_seconds: float = 300.0
    """How far ahead a message must at least be scheduled; lower it to see one sent within a test."""

    def __post_init__(self) -> None:
        for knob in fields(self):
            value = getattr(self, knob.name)
            if knob.name.endswith("_mix"):
                _check_mix(knob.name, value)
            elif isinstance(knob.default, str):
                if not isinstance(value, str):
                    raise ValueError(f"{knob.name} must be a text")
            elif isinstance(knob.default, bool):
                if not isinstance(value, bool):
                    raise ValueError(f"{knob.name} must be true or false")
            elif isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ValueError(f"{knob.name} must be a number")
            elif isinstance(knob.default, int) and not isinstance(value, int):
                raise ValueError(f"{knob.name} must be a whole number")
            elif value < 0 or (knob.name.endswith("_share") and value > 1):
                raise ValueError(f"{knob.name} must be {'0..1' if 'share' in knob.name else '0 or more'}")
        check(self)
        if self.account_state not in ACCOUNT_STATES:
            raise ValueError(f"account_state must be one of {', '.join(ACCOUNT_STATES)}")
        if sum(share for _, share in self.fates()) > 1 + 1e-9:
            raise ValueError("the shares of what becomes of a create add up to more than 1")
        if sum(self.error_mix.values()) + self.never_final_share > 1 + 1e-9:
            raise ValueError("error_mix and never_final_share add up to more than 1")
        if self.receipts_lost_share + self.receipts_doubled_share > 1 + 1e-9:
            raise ValueError("receipts_lost_share and receipts_doubled_share add up to more than 1")

    def fates(self) -> list[tuple[Fate, float]]:
        return [
            (Fate.THROTTLE, self.throttle_share),
            (Fate.ERROR_BEFORE, self.error_before_share),
            (Fate.DROP_BEFORE, self.drop_before_share),
            (Fate.ERROR_AFTER, self.error_after_share),
            (Fate.DROP_AFTER, self.drop_after_share),
            (Fate.LATE, self.late_share),
            (Fate.GARBAGE, self.garbage_share),
            (Fate.NACK, self.smpp_nack_share),
            (Fate.DROP_ANSWERED, self.smpp_drop_answered_share),
            (Fate.CUT, self.smpp_cut_share),
        ]

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """A copy with the knobs of `changes` turned. ValueError names a knob that does not exist."""
        unknown = changes.keys() - {knob.name for knob in fields(self)}
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _check_mix(name: str, mix: object) -> None:
    if not isinstance(mix, Mapping):
        raise ValueError(f"{name} must be an object of error code to share")
    for code, share in mix.items():
        if not str(code).isdecimal():
            raise ValueError(f"{name}: {code!r} is not an error code")
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise ValueError(f"{name}: the share of {code} must be 0..1")
    if sum(mix.values()) > 1 + 1e-9:
        raise ValueError(f"{name} adds up to more than 1")


class _Lottery:
    """Draws an index by share; None when the rest of the probability is drawn."""

    __slots__ = ("_bounds",)

    def __init__(self, shares: list[float]) -> None:
        self._bounds = list(accumulate(shares))

    def draw(self, rng: random.Random) -> int | None:
        bounds = self._bounds
        if not bounds or not bounds[-1]:
            return None
        drawn = bisect_right(bounds, rng.random())
        return drawn if drawn < len(bounds) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to become of one accepted message. `delay` is seconds from acceptance to the final receipt."""

    delay: float
    error: int | None
    never_final: bool
    reordered: bool
    early: bool


class Dice:
    """Every decision of the carrier, from one seeded generator: the same requests in the same order meet
    the same faults."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._rng = random.Random(seed)
        self.turn(faults)

    def turn(self, faults: Faults) -> None:
        """Decide by other knobs from here on; the generator goes on where it stands."""
        self.faults = faults
        self._fate_names = [fate for fate, _ in faults.fates()]
        self._fates = _Lottery([share for _, share in faults.fates()])
        self._reject_codes = [int(code) for code in faults.reject_mix]
        self._rejections = _Lottery(list(faults.reject_mix.values()))
        self._bind_codes = [int(code) for code in faults.smpp_bind_reject_mix]
        self._bind_rejections = _Lottery(list(faults.smpp_bind_reject_mix.values()))
        self._error_codes = [int(code) for code in faults.error_mix]
        self._ends = _Lottery([*faults.error_mix.values(), faults.never_final_share])

    def seed(self, seed: int) -> None:
        self._rng.seed(seed)

    def _happens(self, share: float) -> bool:
        return share > 0 and self._rng.random() < share

    def spares(self, account: str | None) -> bool:
        """Whether the faults are another account's."""
        return bool(self.faults.faulty_account) and account != self.faults.faulty_account

    def outage(self, account: str | None) -> bool:
        return self.faults.outage and not self.spares(account)

    def state(self, account: str) -> str:
        """One of ACCOUNT_STATES."""
        return ACCOUNT_STATES[0] if self.spares(account) else self.faults.account_state

    def fate(self, account: str) -> Fate:
        if self.spares(account):
            return Fate.HONEST
        drawn = self._fates.draw(self._rng)
        return Fate.HONEST if drawn is None else self._fate_names[drawn]

    def rejection(self, account: str) -> int | None:
        """The error code to refuse this create with, or None."""
        if self.spares(account):
            return None
        drawn = self._rejections.draw(self._rng)
        return None if drawn is None else self._reject_codes[drawn]

    def bind_rejection(self, account: str) -> int | None:
        """The command_status to refuse this bind with, or None."""
        if self.spares(account):
            return None
        drawn = self._bind_rejections.draw(self._rng)
        return None if drawn is None else self._bind_codes[drawn]

    def bind_drops(self, account: str) -> bool:
        return not self.spares(account) and self._happens(self.faults.smpp_bind_drop_share)

    def latency(self) -> float:
        """Seconds that this request takes."""
        median = self.faults.latency_ms / 1000
        if not median or not self.faults.latency_sigma:
            return median
        return median * self._rng.lognormvariate(0.0, self.faults.latency_sigma)

    def outcome(self) -> Outcome:
        faults = self.faults
        jitter = faults.receipt_jitter_ms
        delay = faults.receipt_delay_ms + (self._rng.uniform(-jitter, jitter) if jitter else 0.0)
        end = self._ends.draw(self._rng)
        never_final = end is not None and end == len(self._error_codes)
        return Outcome(
            delay=max(delay, 0.0) / 1000,
            error=None if end is None or never_final else self._error_codes[end],
            never_final=never_final,
            reordered=self._happens(faults.receipts_reordered_share),
            early=self._happens(faults.receipts_early_share),
        )

    def copies(self) -> int:
        """How often one receipt is posted: 0 (lost), 1 or 2 (doubled)."""
        lost, doubled = self.faults.receipts_lost_share, self.faults.receipts_doubled_share
        if not lost and not doubled:
            return 1
        drawn = self._rng.random()
        return 0 if drawn < lost else 2 if drawn < lost + doubled else 1

    def receipt_is_dated(self) -> bool:
        """Whether the network told when a message reached its end: it does on most."""
        return self._rng.random() < 0.9
