"""When a campaign is stopped by SMSHub itself: the rules, as data, and how they are judged.

Judged are the counts that a campaign's tallies give, less those of the moment when a person last let it go on: so
what somebody has seen and accepted does not stop it again. The figures may be set (see docs/operating.md); that of
filtering follows Twilio's page on 30007, by which a text that carriers filter harms its sender from about one in a
hundred on.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Campaign
from contacts.wording import figure
from delivery import control as delivery_control
from delivery import errors, prices
from delivery.errors import Failure
from delivery.states import UNCLAIMED, Status
from delivery.tallies import NOT_HANDED_OVER, Count

_ENDED = frozenset({Status.EXPIRED, Status.FAILED, Status.UNDELIVERED, Status.DELIVERED, Status.READ})
_ARRIVED = frozenset({Status.DELIVERED, Status.READ})
_ANSWERED = _ENDED | {Status.ACCEPTED, Status.SENT}


@dataclass(frozen=True, slots=True)
class Sums:
    """What the rules look at, in messages; `segments` and `cost` are those of all that has been handed over.

    `answered` have been taken or refused, `ended` have come to their end; of these, `failed` did not arrive, among
    them the `filtered`. A message of which nothing was ever heard has ended and has not failed.
    """

    answered: int = 0
    ended: int = 0
    failed: int = 0
    filtered: int = 0
    segments: int = 0
    cost: Decimal = Decimal(0)


#: What is told apart from what somebody has seen and accepted; budgets are about all of it.
JUDGED = ("answered", "ended", "failed", "filtered", "segments")


class Rule(NamedTuple):
    setting: str
    bad: Callable[[Sums], int]
    happened: Promise


RULES = (
    Rule(
        "AUTO_PAUSE_FILTERED_PERCENT",
        lambda sums: sums.filtered,
        gettext_lazy("%(bad)s of %(all)s (%(share)s %%) were filtered as spam, more than %(allowed)s %%."),
    ),
    Rule(
        "AUTO_PAUSE_FAILED_PERCENT",
        lambda sums: sums.failed,
        gettext_lazy("%(bad)s of %(all)s (%(share)s %%) did not arrive, more than %(allowed)s %%."),
    ),
)


def sums(counts: Iterable[Count]) -> Sums:
    """Of one campaign's counts."""
    answered = ended = failed = filtered = segments = 0
    cost = Decimal(0)
    for count in counts:
        answered += count.messages * (count.status in _ANSWERED)
        ended += count.messages * (count.status in _ENDED)
        failed += count.messages * _is_failure(count)
        filtered += count.messages * (_is_failure(count) and count.reason == Failure.FILTERED)
        if count.status not in NOT_HANDED_OVER:
            segments += count.segments
            cost += count.cost
    return Sums(answered, ended, failed, filtered, segments, cost)


def seen(counts: Iterable[Count]) -> dict[str, int]:
    """The sums, to be kept in `judged_from` when a person lets the campaign go on."""
    return {name: value for name, value in asdict(sums(counts)).items() if name in JUDGED}


def something_left(campaign: Campaign, counts: Iterable[Count]) -> bool:
    """Whether any of it has not been claimed: a pause, or its end, would make a difference."""
    return campaign.materialised_at is None or any(count.status in UNCLAIMED for count in counts)


def verdict(campaign: Campaign, counts: Iterable[Count]) -> str:
    """Why a running campaign should stop, in a sentence or two; empty when it should not.

    Never when nothing of it is left to be sent, nor while its failures are being collected to be tried again.
    """
    counts = list(counts)
    if campaign.retrying_after is not None or not something_left(campaign, counts):
        return ""
    now = sums(counts)
    return used_up(campaign, now) or _too_many(_since(campaign, now), counts)


def used_up(campaign: Campaign, now: Sums) -> str:
    """Says so, when the campaign's budget of money or of segments is."""
    if campaign.max_cost is not None and (now.cost >= campaign.max_cost or delivery_control.is_spent(campaign.pk)):
        return _(
            "Of the %(allowed)s that it may cost, %(spent)s are spent, and the rest does not pay for the next message. "
            "Raise that limit to go on."
        ) % {"allowed": prices.in_words(campaign.max_cost), "spent": prices.in_words(now.cost)}
    if campaign.max_segments is None or now.segments < campaign.max_segments:
        return ""
    return _("The %(segments)s segments that it may send are used up. Raise that limit to go on.") % {
        "segments": figure(campaign.max_segments)
    }


def _too_many(since: Sums, counts: list[Count]) -> str:
    if since.ended < _set("AUTO_PAUSE_AFTER_MESSAGES"):
        return ""
    # Failures are often known sooner than deliveries: what was taken counts, although its end is not known.
    whole = max(since.answered, since.ended)
    for rule in RULES:
        bad, allowed = rule.bad(since), _set(rule.setting)
        if 100 * bad > allowed * whole:
            share = rule.happened % {
                "bad": figure(bad),
                "all": figure(whole),
                "share": figure(100 * bad / whole, 1),
                "allowed": f"{allowed:g}",
            }
            most = _("Most often: %(reason_words)s.") % {"reason_words": _main_reason(counts)}
            return f"{share} {most}"
    return ""


def _is_failure(count: Count) -> bool:
    return count.status in _ENDED - _ARRIVED and count.reason != Failure.NO_RECEIPT


def _main_reason(counts: list[Count]) -> str:
    worst = max((count for count in counts if _is_failure(count)), key=lambda count: count.messages)
    return errors.in_words(worst.status, worst.reason) or _("no reason given")


def _since(campaign: Campaign, now: Sums) -> Sums:
    then = campaign.judged_from
    return replace(now, **{name: max(0, getattr(now, name) - int(then.get(name, 0))) for name in JUDGED})


def _set(name: str) -> float:
    return float(getattr(settings, name))
