"""A step that is open in two windows, or before two people: who would save over what they have not seen is told so, and
decides.

Each page has a name of its own, and knows whose save of the step it shows. A draft keeps which page saved each step
last, none for one that was only looked at. What a page finds there is either, or it was overtaken.
"""

from secrets import token_hex
from typing import NamedTuple

from django.http import HttpRequest

from campaigns.models import Campaign

#: As long as names are; what is longer is none.
_BYTES = 8


class Window(NamedTuple):
    """A page with a step. `seen`: the page that saved last what it shows; empty: none had."""

    page: str
    seen: str


def opened(campaign: Campaign, step: str) -> Window:
    return Window(token_hex(_BYTES), _last(campaign, step))


def posted(request: HttpRequest) -> Window:
    """Without a name where what was posted comes from no such page, which is then saved in any case."""
    page, seen = (request.POST.get(name, "")[: 2 * _BYTES] for name in ("page", "seen"))
    return Window(page, seen)


def is_overtaken(window: Window, campaign: Campaign, step: str) -> bool:
    return bool(window.page) and _last(campaign, step) not in window


def saved(window: Window, campaign: Campaign, step: str) -> None:
    """The caller holds the draft's lock."""
    if window.page and _last(campaign, step) != window.page:
        campaign.draft_pages = {**(campaign.draft_pages or {}), step: window.page}
        campaign.save(update_fields=["draft_pages"])


def left(campaign: Campaign, step: str) -> None:
    """Somebody has looked at the step and gone on, with a change or without. The caller holds the draft's lock."""
    if not was_left(campaign, step):
        campaign.draft_pages = {**(campaign.draft_pages or {}), step: ""}
        campaign.save(update_fields=["draft_pages"])


def was_left(campaign: Campaign, step: str) -> bool:
    return step in (campaign.draft_pages or {})


def _last(campaign: Campaign, step: str) -> str:
    return str((campaign.draft_pages or {}).get(step, ""))
