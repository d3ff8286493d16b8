"""What stands beside choices of the wizard and follows them: who would wait for the time, how a variant looks."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from campaigns import audience, audience_rules, deferral, headcount, hours, local_time
from campaigns.admin.wizard import previews, variants
from campaigns.audience_rules import RulesError
from campaigns.models import Campaign
from contacts.admin.base import PageAdmin
from delivery import clock

#: Somebody waits for it while they choose.
MILLISECONDS = 5000


class BesidePages(PageAdmin):
    def beside_pages(self) -> dict[str, Any]:
        return {
            "hours": ("<int:pk>/hours/", self.hours_view),
            "variant_preview": ("<int:pk>/variant/", require_POST(self.variant_view)),
        }

    def hours_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        return self.fragment(request, "campaigns/admin/wizard/hours.html", {"campaign": campaign, **_found(campaign)})

    def variant_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        letter = request.GET.get("letter", "")
        if letter not in tuple(variants.OTHERS):
            raise Http404
        context = previews.of_variant(campaign, request, letter)
        return self.fragment(request, "campaigns/admin/wizard/variant.html", context)


def _found(campaign: Campaign) -> dict[str, Any]:
    """Of an audience that takes too long to read nothing is counted: better no number than a page that hangs."""
    wrong = local_time.problems(campaign, campaign.scheduled_at or clock.now())
    try:
        audience.rules(campaign)
        with headcount.within(MILLISECONDS):
            return {
                "wrong": wrong,
                "waits": deferral.deferred(campaign, campaign.scheduled_at),
                "countries": hours.of(campaign),
            }
    except headcount.TooLong:
        return {"wrong": wrong, "too_many": True}
    except RulesError as error:
        return {"wrong": wrong, "unreadable": audience_rules.unreadable(error)}
