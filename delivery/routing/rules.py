"""When a provider gets less to send, and when more again: the rules, as data and one function. Knows no database.

A provider is *healthy* with all of its weight; *degraded* with a part of it, which goes down and up in steps; *open*
with nothing, after which it is *half-open*: a trickle of real messages is the probe. Thresholds differ on the way
down and on the way up, and two changes are never closer than `min_seconds`. A step is judged by what came since the
one before, so that old trouble is not counted twice.

Hard failover put the whole load of one national service onto a second provider that could not bear it; hence steps,
shares and trickles, and thresholds that can be set.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.wording import figure
from delivery.errors import Failure
from delivery.routing.table import FULL

#: Failures of an attempt that speak against the provider. Not: a number, a text, a sender, a country, a speed.
PROVIDERS_FAULT = frozenset({Failure.CARRIER, Failure.ACCOUNT, Failure.UNKNOWN})


class State(models.TextChoices):
    HEALTHY = "healthy", _("Healthy")
    DEGRADED = "degraded", _("Degraded")
    OPEN = "open", _("Open: gets nothing")
    HALF_OPEN = "half_open", _("Half-open: on trial")


class Pin(models.TextChoices):
    NONE = "", _("By what is measured")
    HEALTHY = "healthy", _("Healthy, whatever is measured")
    OPEN = "open", _("Open: gets nothing")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Percentages and seconds; docs/operating.md has the table."""

    at_least: int
    """Messages without which a share says nothing."""
    trial_at_least: int
    errors_worse: float
    errors_open: float
    errors_better: float
    missing_worse: float
    missing_open: float
    missing_better: float
    step: int
    floor: int
    """A degraded provider keeps at least this much, or its recovery could not be seen."""
    trial_factor: int
    min_seconds: float
    rise_seconds: float
    open_seconds: float
    open_most_seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one provider, since its last change and within the windows."""

    attempts: int = 0
    errors: int = 0
    taken: int = 0
    """What it accepted so long ago that a receipt should be there."""
    missing: int = 0
    """Of these, without a receipt in time."""

    @property
    def error_percent(self) -> float:
        return 100 * min(self.errors, self.attempts) / self.attempts if self.attempts else 0.0

    @property
    def missing_percent(self) -> float:
        return 100 * self.missing / self.taken if self.taken else 0.0


@dataclass(frozen=True, slots=True)
class Health:
    state: State = State.HEALTHY
    factor: int = FULL
    since: datetime | None = None
    """Of the last change; None: there never was one."""
    openings: int = 0
    """How often it was opened without having been healthy in between."""
    pin: Pin = Pin.NONE
    enabled: bool = True
    disabled_reason: str = ""
    down: str = ""
    """Why none of the connections that it needs is up."""
    unbound: bool = False
    """It is open because none was up."""
    strained: str = ""
    """Why it cannot take what it should, in a sentence, whatever came of what it took (`delivery.routing.strain`)."""


@dataclass(frozen=True, slots=True)
class Change:
    state: State
    factor: int
    openings: int
    reason: str
    unbound: bool = False


class _Verdict(IntEnum):
    UNKNOWN = 0
    BETTER = 1
    SO_SO = 2
    WORSE = 3
    TERRIBLE = 4


def judge(health: Health, figures: Figures, rules: Thresholds, *, all_slow: bool, now: datetime) -> Change | None:
    """The change that is due, if any. `all_slow`: every provider's receipts are late, which says nothing of this one.

    What a person or an account's refusal says goes at once, and so does the loss of all connections; everything else
    keeps the distances. When a connection is back, that is proof enough for a trial.
    """
    if not health.enabled:
        reason = _said(gettext("It is switched off."), health.disabled_reason)
        return None if health.state == State.OPEN else Change(State.OPEN, 0, health.openings + 1, reason)
    if health.pin != Pin.NONE:
        told = pinned(health.pin, "staff")
        return None if (told.state, told.factor) == (health.state, health.factor) else told
    if health.down:
        reason = _said(gettext("None of its connections is up."), health.down)
        return None if health.state == State.OPEN else Change(State.OPEN, 0, health.openings, reason, unbound=True)
    age = now - health.since if health.since else timedelta.max
    if age < timedelta(seconds=rules.min_seconds):
        return None
    trial = health.state == State.HALF_OPEN
    verdict, because = _look(figures, rules, all_slow=all_slow, at_least=rules.trial_at_least if trial else None)
    if health.strained and not trial and verdict < _Verdict.WORSE:
        # On trial it is held back by us, and what it then cannot take says nothing.
        verdict, because = _Verdict.WORSE, health.strained
    match health.state:
        case State.OPEN:
            if health.unbound:
                reason = gettext("A connection is up again after %(seconds)s seconds: it is tried with a trickle.") % {
                    "seconds": _seconds(age)
                }
                return Change(State.HALF_OPEN, rules.trial_factor, health.openings, reason)
            if age >= open_for(health.openings, rules):
                reason = gettext("After %(seconds)s seconds it is tried again with a trickle.") % {
                    "seconds": _seconds(age)
                }
                return Change(State.HALF_OPEN, rules.trial_factor, health.openings, reason)
        case State.HALF_OPEN:
            if verdict >= _Verdict.WORSE:
                return Change(State.OPEN, 0, health.openings + 1, _said(gettext("The trial failed."), because))
            if verdict == _Verdict.BETTER:
                return _raised(health, rules, _said(gettext("The trial went well."), because))
            if age >= timedelta(seconds=rules.rise_seconds):
                long = gettext("It was on trial for %(seconds)s seconds.") % {"seconds": _seconds(age)}
                return _raised(health, rules, _said(because, long))
        case _:
            if verdict == _Verdict.TERRIBLE:
                return Change(State.OPEN, 0, health.openings + 1, because)
            if verdict == _Verdict.WORSE and health.factor > rules.floor:
                lower = max(rules.floor, health.factor - rules.step)
                return Change(State.DEGRADED, lower, health.openings, because)
            rising = health.state == State.DEGRADED and age >= timedelta(seconds=rules.rise_seconds)
            if rising and verdict <= _Verdict.BETTER:
                return _raised(health, rules, because)
    return None


def open_for(openings: int, rules: Thresholds) -> timedelta:
    """How long it stays open: twice as long with each trial that failed, up to a limit."""
    return timedelta(seconds=min(rules.open_seconds * 2.0 ** min(max(openings - 1, 0), 30), rules.open_most_seconds))


def trial_rate(health: Health, rate: int) -> float | None:
    """Segments per second that a provider which others can stand in for may be sent; None: as many as it can take."""
    if health.state == State.OPEN:
        return 0.0
    return max(1.0, rate * health.factor / FULL) if health.state == State.HALF_OPEN else None


def pinned(pin: Pin, who: str) -> Change:
    """What a person's word makes of a provider."""
    if pin == Pin.OPEN:
        return Change(State.OPEN, 0, 0, gettext("Pinned open by %(who)s.") % {"who": who})
    if pin == Pin.HEALTHY:
        return Change(State.HEALTHY, FULL, 0, gettext("Pinned healthy by %(who)s.") % {"who": who})
    return Change(State.HEALTHY, FULL, 0, gettext("Left to what is measured again by %(who)s.") % {"who": who})


def _raised(health: Health, rules: Thresholds, because: str) -> Change:
    factor = min(FULL, health.factor + rules.step)
    if factor == FULL:
        return Change(State.HEALTHY, FULL, 0, because)
    return Change(State.DEGRADED, factor, health.openings, because)


def _look(figures: Figures, rules: Thresholds, *, all_slow: bool, at_least: int | None) -> tuple[_Verdict, str]:
    at_least = rules.at_least if at_least is None else at_least
    found = []
    if figures.attempts >= max(1, at_least):
        share = figures.error_percent
        words = gettext("%(share)s %% of %(attempts)s attempts failed by its fault.") % {
            "share": figure(share, 1),
            "attempts": figure(figures.attempts),
        }
        found.append((_grade(share, rules.errors_worse, rules.errors_open, rules.errors_better), words))
    if figures.taken >= max(1, at_least) and not all_slow:
        share = figures.missing_percent
        words = gettext("%(share)s %% of %(taken)s messages had no receipt in time.") % {
            "share": figure(share, 1),
            "taken": figure(figures.taken),
        }
        found.append((_grade(share, rules.missing_worse, rules.missing_open, rules.missing_better), words))
    if not found:
        return _Verdict.UNKNOWN, gettext("Nothing spoke against it.")
    worst = max(verdict for verdict, _words in found)
    return worst, " ".join(words for verdict, words in found if verdict == worst)


def _said(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _seconds(age: timedelta) -> str:
    return figure(age.total_seconds(), 0)


def _grade(share: float, worse: float, terrible: float, better: float) -> _Verdict:
    if share >= terrible:
        return _Verdict.TERRIBLE
    if share >= worse:
        return _Verdict.WORSE
    return _Verdict.BETTER if share <= better else _Verdict.SO_SO
