"""How a campaign that is spread over a time keeps to it: so many segments a second, held by the claim's limiter."""

from django.utils.translation import gettext, ngettext

from campaigns.errors import CampaignError
from campaigns.models import Campaign
from contacts.retelling import retold
from contacts.wording import figure
from delivery import prices, tallies
from delivery.states import UNCLAIMED


def rate(segments: float, minutes: int | None) -> float | None:
    """Segments per second that take so many minutes; None: as fast as the limits allow."""
    return segments / (minutes * 60) if minutes and segments > 0 else None


def of_the_rest(campaign: Campaign) -> float | None:
    """The rate at which what has not been claimed takes the campaign's `spread_minutes` from now. Raises CampaignError.

    People without a message yet count with the mean of those who have one, suppressed ones included.
    """
    if campaign.spread_minutes is None:
        return None
    counts = tallies.counts([campaign.pk])
    written = sum(count.messages for count in counts)
    if campaign.audience_size is None or (campaign.audience_size and not written):
        raise CampaignError(gettext("Its first messages are still being written; try again in a moment."))
    waiting = sum(count.segments for count in counts if count.status in UNCLAIMED)
    mean = sum(count.segments for count in counts) / written if written else 0.0
    return rate(waiting + mean * max(0, campaign.audience_size - written), campaign.spread_minutes)


def spread_in_words(minutes: int) -> str:
    """So many minutes as a piece of a sentence, in hours where they are some."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return ngettext("spread over %(minutes)s minute", "spread over %(minutes)s minutes", rest) % {"minutes": rest}
    if not rest:
        whole = ngettext("spread over %(hours)s hour", "spread over %(hours)s hours", hours)
        return whole % {"hours": figure(hours)}
    return gettext("spread over %(hours)s h %(minutes)s min") % {"hours": figure(hours), "minutes": rest}


def in_words(campaign: Campaign) -> str:
    """The limits that a campaign has of its own, as a sentence."""
    minutes, segments = campaign.spread_minutes, campaign.max_segments
    said = {
        "speed_words": spread_in_words(minutes) if minutes else gettext("as fast as it may"),
        "budget_words": gettext("at most %(segments)s segments") % {"segments": figure(segments)}
        if segments
        else gettext("no limit of segments"),
    }
    if campaign.max_cost is None:
        return gettext("From now on: %(speed_words)s, %(budget_words)s.") % said
    dear = gettext("From now on: %(speed_words)s, %(budget_words)s, at most %(cost)s.")
    return dear % {**said, "cost": prices.in_words(campaign.max_cost)}


def why_waiting(campaign: Campaign, segments_per_second: float | None) -> str:
    """Why what waits of a campaign under way does not leave at once; empty where only the limits say."""
    if campaign.status == Campaign.Status.PAUSED:
        return (gettext("It is paused. %(reason)s") % {"reason": retold(campaign.paused_reason)}).strip()
    if campaign.spread_minutes and segments_per_second:
        slowly = {"spread": spread_in_words(campaign.spread_minutes), "speed": _speed(segments_per_second)}
        return gettext("It is %(spread)s: %(speed)s.") % slowly
    return ""


def _speed(per_second: float) -> str:
    if per_second >= 10:
        per, speed = 1, gettext("about %(segments)s segments per second")
    elif per_second * 60 >= 10:
        per, speed = 60, gettext("about %(segments)s segments per minute")
    else:
        per, speed = 3600, gettext("about %(segments)s segments per hour")
    return speed % {"segments": figure(max(1, round(per_second * per)))}
