"""All of it once more, before it leaves: who gets it, what it says, what it costs and what is still wrong."""

from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns import approval, audience, audience_rules, audience_words, pace, readiness, split, trial, writing
from campaigns.admin.live import time_left
from campaigns.admin.wizard import timing
from campaigns.audience_rules import RulesError
from campaigns.errors import SETTINGS, Problem
from campaigns.models import Campaign
from campaigns.readiness import Preflight
from contacts.admin.base import actor

TEMPLATE = "campaigns/admin/wizard/review.html"
#: Where in the session stands the number that somebody sends tests to.
TEST_NUMBER = "test_number"


def done(campaign: Campaign) -> bool:
    return False


def context(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    """What is cheap to read; the rest, which reads the audience, comes after it (`checks`)."""
    return {
        "include": list(campaign.include.values_list("name", flat=True)),
        "exclude": list(campaign.exclude.values_list("name", flat=True)),
        "variants": _variants(campaign),
        "when": timing.in_words(campaign),
        "spread": pace.spread_in_words(campaign.spread_minutes) if campaign.spread_minutes else "",
        "rules": _rules(campaign),
        "names": trial.names(campaign),
        "number": request.session.get(TEST_NUMBER, ""),
        "may_change": request.user.has_perm("campaigns.change_campaign"),
        "events": campaign.events.order_by("-pk")[:20],
    }


def _variants(campaign: Campaign) -> list[tuple[str, int, dict[str, str]]]:
    """Letter, share and texts by language, the campaign's own first."""
    written: dict[str, writing.Written] = {split.OWN: campaign}
    written |= {one.letter: one for one in campaign.variants.select_related("template")}
    return [(arm.letter, arm.percent, writing.texts(written[arm.letter])) for arm in split.of(campaign).variants]


def _rules(campaign: Campaign) -> str:
    try:
        return audience_words.in_words(audience.rules(campaign))
    except RulesError as error:
        return audience_rules.unreadable(error)


def forecast(campaign: Campaign) -> dict[str, Any]:
    """What was reviewed, once more beside a campaign that is about to leave. Reads the audience, in the database."""
    found = readiness.preflight(campaign)
    return {"preflight": found, "takes": _takes(campaign, found)}


def _takes(campaign: Campaign, found: Preflight) -> str:
    """How long it leaves for, or until when where somebody waits for longer than that."""
    if found.estimate is None:
        return ""
    begins = max(campaign.scheduled_at or timezone.now(), timezone.now())
    last = max((wait.last for wait in found.deferred if wait.last), default=None)
    if last is None or last <= begins + found.estimate.takes:
        return time_left(found.estimate.takes)
    return _("until %(last)s") % {"last": date_format(timezone.localtime(last), _("j M H:i e"))}


class Wrong(NamedTuple):
    sentence: str
    url: str
    """Where it is mended; empty: nowhere in the wizard."""


def checks(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    """Reads the whole audience, in the database."""
    found = readiness.preflight(campaign)
    may_change = request.user.has_perm("campaigns.change_campaign")
    asked = found.approval.request
    wrong = [_wrong(campaign, problem) for problem in found.problems if problem != found.approval.problem]
    return {
        "campaign": campaign,
        "preflight": found,
        "wrong": wrong,
        "takes": _takes(campaign, found),
        "may_change": may_change,
        "may_decide": asked is not None
        and found.approval.waits
        and approval.may_decide(asked, campaign, actor(request)),
        "may_ask": may_change and found.approval.needed and asked is None and not wrong,
        # What is wrong with a scheduled campaign may be mended until its time; for want of approval it is refused.
        "may_go": may_change and not found.approval.problem and (not wrong or campaign.scheduled_at is not None),
        "past": campaign.scheduled_at is not None and campaign.scheduled_at <= timezone.now(),
        "undo_seconds": settings.LAUNCH_UNDO_SECONDS,
    }


def _wrong(campaign: Campaign, problem: str) -> Wrong:
    match problem.step if isinstance(problem, Problem) else "":
        case "":
            return Wrong(problem, "")
        case step if step == SETTINGS:
            return Wrong(problem, reverse("admin:campaigns_campaign_change", args=[campaign.pk]))
        case step:
            return Wrong(problem, reverse("admin:campaigns_campaign_wizard", args=[campaign.pk, step]))
