"""A campaign under way, as its page shows it. Two reads: the campaign and its tallies."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.progress import Progress, Wait
from campaigns.progress import progress as look
from campaigns.transitions import Action, allowed
from delivery import prices, retries
from delivery.admin import words
from delivery.states import MEANING, Status


@dataclass(frozen=True, slots=True)
class StatusRow:
    status: Status
    label: str
    group: str
    meaning: str
    messages: int


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """`of` and `code` ask for the people behind it."""

    of: Status
    code: str
    status: str
    group: str
    reason: str
    advice: str
    messages: int


@dataclass(frozen=True, slots=True)
class Live:
    campaign: Campaign
    percent: float
    total: int
    finished: int
    open: int
    segments: int
    segments_sent: int
    cost: str
    budget: str
    bar: list[words.Part]
    statuses: list[StatusRow]
    reasons: list[ReasonRow]
    rate: float | None
    left: str
    waiting_for: str
    waits: tuple[Wait, ...]
    may_retry: bool
    started: datetime | None
    ended: datetime | None
    preparing: bool
    leaves_in: int | None
    """Seconds in which a launch by hand may be undone; 0: the next tick launches it; None: it is not about to leave."""
    actions: list[Action]

    @property
    def waiting(self) -> int:
        """People whose message has not left yet."""
        return sum(part.messages for part in self.bar if part.key == "waiting")

    @property
    def over(self) -> bool:
        """Nothing on the page will change any more."""
        ended = self.campaign.status in (Campaign.Status.COMPLETED, Campaign.Status.CANCELLED)
        return ended and not self.open


def live(campaign: Campaign) -> Live:
    progress = look(campaign)
    counts = {str(status): messages for status, messages in progress.counts.items()}
    total = max(progress.audience or 0, sum(counts.values()))
    running = progress.status == Campaign.Status.RUNNING
    return Live(
        campaign=campaign,
        percent=progress.percent,
        total=total,
        finished=progress.final,
        open=progress.open,
        segments=progress.segments,
        segments_sent=progress.segments_sent,
        cost=prices.spent(progress.cost, progress.segments_sent),
        budget=prices.in_words(campaign.max_cost) if campaign.max_cost is not None else "",
        bar=words.parts(counts, total),
        statuses=[
            StatusRow(status, str(status.label), words.GROUP_OF[status.value], _(MEANING[status]), messages)
            for status, messages in words.by_status(counts.items())
        ],
        reasons=[
            ReasonRow(
                of=why.status,
                code=why.reason,
                status=str(why.status.label),
                group=words.GROUP_OF[why.status.value],
                reason=why.label,
                advice=why.advice,
                messages=why.messages,
            )
            for why in progress.reasons
        ],
        rate=progress.per_second if running else None,
        left=_left(progress),
        waiting_for=progress.waiting_for,
        waits=progress.waits if _goes_on(campaign) else (),
        may_retry=any(
            why.status in retries.FAILED_OR_LATE and why.reason in retries.BY_HAND for why in progress.reasons
        )
        and campaign.retrying_after is None,
        started=campaign.launched_at,
        ended=campaign.finished_at,
        preparing=campaign.launched_at is not None and campaign.materialised_at is None,
        leaves_in=_leaves_in(campaign),
        actions=allowed(campaign.status),
    )


def _goes_on(campaign: Campaign) -> bool:
    return campaign.status in (Campaign.Status.RUNNING, Campaign.Status.PAUSED)


def _leaves_in(campaign: Campaign) -> int | None:
    if campaign.status != Campaign.Status.SCHEDULED or campaign.scheduled_at is None:
        return None
    left = (campaign.scheduled_at - timezone.now()).total_seconds()
    return max(0, ceil(left)) if left <= settings.LAUNCH_UNDO_SECONDS else None


def _left(progress: Progress) -> str:
    """How long until all have left, or what they wait for instead; empty where there is nothing to tell it from."""
    if progress.status == Campaign.Status.PAUSED:
        return _("goes on when it is resumed")
    if progress.status != Campaign.Status.RUNNING:
        return ""
    left = time_left(progress.left) if progress.left else ""
    if progress.held_until is None:
        return left
    begins = timezone.localtime(progress.held_until)
    is_today = begins.date() == timezone.localdate()
    at = date_format(begins, _("H:i") if is_today else _("j M H:i")) + f" {begins:%Z}"
    if not left:
        return _("goes on from %(at)s") % {"at": at}
    return _("%(left)s; what is held goes on from %(at)s") % {"left": left, "at": at}


def time_left(left: timedelta) -> str:
    """In words that are as exact as the estimate: "about 3 minutes"."""
    if left < timedelta(seconds=90):
        return _("about a minute")
    if left < timedelta(minutes=90):
        return _("about %(number)s minutes") % {"number": round(left / timedelta(minutes=1))}
    if left < timedelta(hours=36):
        return _("about %(number)s hours") % {"number": round(left / timedelta(hours=1))}
    return _("about %(number)s days") % {"number": round(left / timedelta(days=1))}
