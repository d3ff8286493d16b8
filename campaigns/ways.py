"""Which way a campaign's messages go: how far each provider is with them, what waits there and why, what failed of
late; and whether anybody is at work. A dead worker is said to be dead.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import pace
from campaigns.models import Campaign
from campaigns.progress import NOT_LEFT, lately
from delivery import control as delivery_control
from delivery import failures, standstill, tallies
from delivery.failures import Kind
from delivery.ids import campaign_range
from delivery.models import Provider
from delivery.standstill import Queue, Signs
from delivery.states import OPEN, UNCLAIMED, Status

#: Providers of one campaign that are told apart.
MOST_PROVIDERS = 20


@dataclass(frozen=True, slots=True)
class Way:
    """A campaign's messages at one provider."""

    provider: Provider
    counts: dict[Status, int]
    handed_over: int
    waiting: int
    """Not handed over yet."""
    total: int
    per_second: float | None
    left: timedelta | None
    """Until the last of them that is not held has left, at that rate; None where the campaign's own pace decides."""


@dataclass(frozen=True, slots=True)
class Ways:
    alarms: list[str]
    """Who is not at work, in sentences; empty while all are, or nothing is to be done."""
    providers: list[Way]
    queues: list[Queue]
    failures: list[tuple[Kind, Provider | None]]
    """The latest first."""
    all_failures: bool
    """Whether no failure was left out."""


def ways(campaign: Campaign) -> Ways:
    """Eight reads at most, and three of Redis with one for each provider, however large the campaign."""
    if campaign.launched_at is None:
        return Ways([], [], [], [], True)
    ids = campaign_range(campaign.launched_at, campaign.pk)
    counts = _counts(campaign)
    found = failures.latest(ids)
    known = {kind.provider_id for kind in found if kind.provider_id is not None} | counts.keys()
    providers = Provider.objects.defer("credentials").in_bulk(sorted(known))
    seen = standstill.look()
    ways = [_way(campaign, providers[pk], counts[pk]) for pk in sorted(counts) if pk in providers][:MOST_PROVIDERS]
    queued = [way.provider.pk for way in ways if way.counts.get(Status.QUEUED)]
    queues: list[Queue] = []
    if seen and campaign.status == Campaign.Status.RUNNING:
        queues = standstill.queues(
            campaign_id=campaign.pk,
            lane=campaign.lane,
            ids=ids,
            provider_ids=queued,
            seen=seen,
            turn=_pace_in_words(campaign),
        )
    failed = sum(number for of_one in counts.values() for status, number in of_one.items() if status in failures.FAILED)
    return Ways(
        alarms=alarms(campaign, ways, seen),
        providers=ways,
        queues=queues,
        failures=[(kind, providers.get(kind.provider_id or 0)) for kind in found],
        all_failures=failed <= sum(kind.messages for kind in found),
    )


def alarms(campaign: Campaign, ways: list[Way], seen: Signs | None) -> list[str]:
    """Who ought to be at work for this campaign, and is not."""
    if campaign.finished_at is not None or campaign.status == Campaign.Status.PAUSED:
        return []
    if seen is None:
        return [_("Redis does not answer: nothing is sent until it does. Nothing is lost by that.")]
    found = []
    if campaign.materialised_at is None and seen.is_unread("launch"):
        found.append(_("No worker writes its messages: %(unread)s") % {"unread": standstill.unread("launch", seen)})
    waiting = [way.provider for way in ways if way.waiting and campaign.status == Campaign.Status.RUNNING]
    for queue in sorted({standstill.dispatch_queue(provider) for provider in waiting}):
        if seen.is_unread(queue):
            found.append(
                _("No worker sends: %(unread)s It goes on when one is back.")
                % {"unread": standstill.unread(queue, seen)}
            )
    has_open = any(way.counts.get(status) for way in ways for status in OPEN - UNCLAIMED)
    if has_open and seen.is_unread("reconcile"):
        found.append(
            _("No worker applies receipts, so statuses are late: %(unread)s")
            % {"unread": standstill.unread("reconcile", seen)}
        )
    if seen.is_clock_silent:
        found.append(_silent(seen))
    return found


def _counts(campaign: Campaign) -> dict[int, dict[Status, int]]:
    """By provider; empty for a campaign that began before they were told apart."""
    counts: defaultdict[int, dict[Status, int]] = defaultdict(dict)
    for count in tallies.by_provider(campaign.pk):
        if count.messages < 0:
            return {}
        if count.provider_id is not None:
            of_one = counts[count.provider_id]
            of_one[count.status] = of_one.get(count.status, 0) + count.messages
    return dict(counts)


def _way(campaign: Campaign, provider: Provider, counts: dict[Status, int]) -> Way:
    total = sum(counts.values())
    waiting = sum(number for status, number in counts.items() if status in NOT_LEFT)
    handed_over = total - waiting - counts.get(Status.CANCELLED, 0) - counts.get(Status.SUPPRESSED, 0)
    way = Way(provider, counts, handed_over, waiting, total, None, None)
    if campaign.status != Campaign.Status.RUNNING or not waiting:
        return way
    per_second = lately(f"{campaign.pk}:{provider.pk}", handed_over)
    ready = waiting - counts.get(Status.HELD, 0)
    if not per_second or not ready or campaign.spread_minutes:
        return replace(way, per_second=per_second)
    left = timedelta(seconds=min(ready / per_second, 10 * 365 * 86_400))
    return replace(way, per_second=per_second, left=left)


def _pace_in_words(campaign: Campaign) -> str:
    return pace.why_waiting(campaign, delivery_control.pace(campaign.pk)) if campaign.spread_minutes else ""


def _silent(seen: standstill.Signs) -> str:
    if not seen.ticked:
        return _("The clock has not ticked: what waits for its time stands still.")
    return _("The clock has not ticked since %(time)s: what waits for its time stands still.") % {
        "time": f"{timezone.localtime(seen.ticked):%H:%M:%S}"
    }
