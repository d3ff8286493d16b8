"""How a campaign that is spread over a time keeps to it: so many segments a second, held by the claim's limiter."""

from django.utils.translation import gettext, ngettext

from campaigns.errors import CampaignError
from campaigns.models import Campaign
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


def in_words(campaign: Campaign) -> str:
    """The limits that a campaign has of its own, as a sentence."""
    speed = f"spread over {_minutes(campaign.spread_minutes)}" if campaign.spread_minutes else "as fast as it may"
    budget = f"at most {campaign.max_segments:,} segments" if campaign.max_segments else "no limit of segments"
    money = f", at most {prices.in_words(campaign.max_cost)}" if campaign.max_cost is not None else ""
    return f"From now on: {speed}, {budget}{money}."


def why_waiting(campaign: Campaign, segments_per_second: float | None) -> str:
    """Why what waits of a campaign under way does not leave at once; empty where only the limits say."""
    if campaign.status == Campaign.Status.PAUSED:
        return (gettext("It is paused. %(reason)s") % {"reason": campaign.paused_reason}).strip()
    if campaign.spread_minutes and segments_per_second:
        slowly = ngettext(
            "It is spread over %(minutes)s minute: %(speed)s.",
            "It is spread over %(minutes)s minutes: %(speed)s.",
            campaign.spread_minutes,
        )
        return slowly % {"minutes": figure(campaign.spread_minutes), "speed": _speed(segments_per_second)}
    return ""


def _minutes(minutes: int | None) -> str:
    return "1 minute" if minutes == 1 else f"{minutes:,} minutes"


def _speed(per_second: float) -> str:
    if per_second >= 10:
        per, speed = 1, gettext("about %(segments)s segments per second")
    elif per_second * 60 >= 10:
        per, speed = 60, gettext("about %(segments)s segments per minute")
    else:
        per, speed = 3600, gettext("about %(segments)s segments per hour")
    return speed % {"segments": figure(max(1, round(per_second * per)))}
