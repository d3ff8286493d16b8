"""Trying a campaign's failures again: what one click means, and the work it leaves to a task.

Each message that is tried again is a new attempt of the same row: nobody gets a second row, an attempt that turns
out to have arrived withdraws the next, and whoever said stop meanwhile is left out when the message is claimed.
"""

import time
from collections import Counter
from dataclasses import dataclass
from functools import partial

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import safety, transitions, wake
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.transitions import Action, Status
from contacts.retelling import english
from contacts.wording import figure
from delivery import clock, errors, retries, tallies

#: Kinds of failures that the history names: it keeps short reasons.
MOST_KINDS = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """Failures of one reason, in words."""

    words: str
    messages: int


@dataclass(frozen=True, slots=True)
class Failures:
    """A campaign's failures by kind, the most frequent first: what a retry would send again, and what it leaves.

    A few of `again` may be left as well: what was in doubt once, has had many attempts, or would come too late.
    """

    again: tuple[Kind, ...]
    left: tuple[Kind, ...]

    @property
    def messages(self) -> int:
        return sum(kind.messages for kind in self.again)


def failures(campaign_id: int) -> Failures:
    """From the tallies, however large the campaign."""
    again: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for count in tallies.counts([campaign_id]):
        if count.status in retries.FAILED_OR_LATE:
            kinds = again if count.reason in retries.BY_HAND else left
            words = errors.in_words(count.status, count.reason) or _("no reason given")
            kinds[words] += count.messages
    return Failures(_kinds(again), _kinds(left))


def _kinds(found: Counter[str]) -> tuple[Kind, ...]:
    return tuple(Kind(words, messages) for words, messages in found.most_common())


def _as_sentences(found: Failures) -> str:
    """What is tried again, for the history: how many, and of which kinds most of them are."""
    every = ngettext(
        "Tries again up to %(messages)s message.", "Tries again up to %(messages)s messages.", found.messages
    ) % {"messages": figure(found.messages)}
    some = (
        _("Of these, %(messages)s: %(reason_words)s.") % {"messages": figure(kind.messages), "reason_words": kind.words}
        for kind in found.again[:MOST_KINDS]
    )
    return " ".join([every, *some])


def retry_failed(
    *, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "", reason: str = ""
) -> Campaign:
    """Send again what failed for a passing reason, in a task. A completed campaign runs again. Raises CampaignError."""
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.RETRY)
        if locked.retrying_after is not None:
            raise CampaignError(_("Its failures are being tried again already."))
        with english():
            found = failures(locked.pk)
            said = " ".join(part for part in (reason, _as_sentences(found)) if part)
        if not found.messages:
            raise CampaignError(_("None of its messages failed for a reason that a second try may get past."))
        locked.retrying_after, locked.finished_at = 0, None
        transitions.finish(locked, Action.RETRY, actor=actor, actor_label=actor_label, reason=said)
        transaction.on_commit(partial(wake.retry_failed, locked.pk))
    return locked


def retry_rest(campaign_id: int, *, seconds: float) -> bool:
    """Go through the campaign's messages, batch by batch, for about so many seconds. True: it may have left some."""
    until = time.monotonic() + seconds
    while retry_batch(campaign_id):
        if time.monotonic() > until:
            return True
    return False


def retry_batch(campaign_id: int) -> bool:
    """One batch, all of it or nothing; twins take turns. False: that was the last, or nothing was asked for."""
    with transaction.atomic():
        campaign = (
            Campaign.objects.select_for_update(no_key=True)
            .filter(pk=campaign_id, status__in=[Status.RUNNING, Status.PAUSED], retrying_after__isnull=False)
            .first()
        )
        if campaign is None or campaign.retrying_after is None or campaign.launched_at is None:
            return False
        campaign.retrying_after = retries.retry_campaign(
            campaign_id, campaign.launched_at, after=campaign.retrying_after, now=clock.now()
        )
        if campaign.retrying_after is None:
            campaign.judged_from = safety.seen(tallies.counts([campaign_id]))
        campaign.save(update_fields=["retrying_after", "judged_from"])
    return campaign.retrying_after is not None
