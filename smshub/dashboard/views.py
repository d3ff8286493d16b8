"""The home page and the part of it that renews itself."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from smshub.dashboard.queries import home as look


def shown_to(request: HttpRequest) -> dict[str, Any]:
    """What this user may see of it."""
    user = request.user
    if not user.has_perm("campaigns.view_campaign"):
        return {"may": {}}
    return {
        "home": look(),
        "may": {
            "campaigns": True,
            "providers": user.has_perm("delivery.view_provider"),
            "add_campaign": user.has_perm("campaigns.add_campaign"),
            "import": user.has_perm("contacts.add_contactimport"),
        },
    }


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """For unfold's DASHBOARD_CALLBACK."""
    return {**context, **shown_to(request), "title": "Home"}


def live(request: HttpRequest) -> HttpResponse:
    """The renewing part alone. Wrapped in `admin_view` where it is routed."""
    response = TemplateResponse(request, "smshub/home_live.html", shown_to(request))
    response["Cache-Control"] = "no-store"
    return response
