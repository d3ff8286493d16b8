"""The home page and the parts of it that renew themselves, each for those who may see it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from smshub.dashboard import chart, needs, under_way
from smshub.dashboard import providers as accounts
from smshub.dashboard.needs import PERSON, YES, Scene
from smshub.dashboard.today import today

#: What the page shows or leaves out → the right that it takes.
RIGHTS = {
    "campaigns": "campaigns.view_campaign",
    "reminders": "campaigns.view_reminder",
    "messages": "delivery.view_message",
    "providers": "delivery.view_provider",
    "add_provider": "delivery.add_provider",
    "add_sender": "delivery.add_sender",
    "inbound": "delivery.view_inbound",
    "add_campaign": "campaigns.add_campaign",
    "import": "contacts.add_contactimport",
    "inbox": "campaigns.view_conversation",
}


def rights(request: HttpRequest) -> dict[str, bool]:
    return {name: request.user.has_perm(right) for name, right in RIGHTS.items()}


def now_shown(request: HttpRequest) -> dict[str, Any]:
    """What runs, what is next, who is needed: looked at every few seconds."""
    may = rights(request)
    context: dict[str, Any] = {"may": may}
    paused: list[Campaign] = []
    providers = accounts.accounts() if may["campaigns"] else []
    if may["campaigns"]:
        campaigns = under_way.campaigns()
        paused = [row.campaign for row in campaigns.running if row.campaign.status == Campaign.Status.PAUSED]
        points = chart.points([provider.pk for provider in providers])
        context |= {
            "campaigns": campaigns,
            "lacks": accounts.lacks(),
            "points": list(reversed(points)),
            "chart": chart.data(points),
        }
    if may["reminders"]:
        context["reminders"] = under_way.reminders()
    scene = Scene(request.user, paused, providers)
    return context | {"needs": needs.needs(PERSON, scene), "approvals": needs.needs(YES, scene)}


def today_shown(request: HttpRequest) -> dict[str, Any]:
    """How the day went so far, and how the providers do: looked at a little less often."""
    may = rights(request)
    if not may["campaigns"]:
        return {"may": may}
    return {"may": may, "today": today(), "tiles": accounts.tiles(accounts.accounts())}


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """For unfold's DASHBOARD_CALLBACK."""
    return {**context, **now_shown(request), **today_shown(request), "title": _("Home")}


def live(request: HttpRequest) -> HttpResponse:
    """Wrapped in `admin_view` where it is routed, as the next one."""
    return TemplateResponse(request, "smshub/home_now.html", now_shown(request))


def live_today(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "smshub/home_today.html", today_shown(request))
