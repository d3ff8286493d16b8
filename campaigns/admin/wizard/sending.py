"""The buttons of the review: a test to oneself, the approval of a second person, and the launch."""

from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from campaigns import approval, launch, readiness, trial
from campaigns.admin.watching import WatchingAdmin
from campaigns.admin.wizard import review
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.transitions import Action
from contacts import phone
from contacts.admin.base import NumberField, actor


class NumberForm(forms.Form):
    number = NumberField()

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["number"]
        field.country = country


class SendingPages(WatchingAdmin):
    def sending_pages(self) -> dict[str, Any]:
        return {
            "checks": ("<int:pk>/checks/", self.checks_view),
            "forecast": ("<int:pk>/forecast/", self.forecast_view),
            "try": ("<int:pk>/try/", require_POST(self.try_view)),
            "go": ("<int:pk>/go/", require_POST(self.go_view)),
            "ask": ("<int:pk>/approval/ask/", require_POST(self.ask_view)),
            "approve": ("<int:pk>/approval/yes/", require_POST(partial(self.decide_view, granted=True))),
            "decline": ("<int:pk>/approval/no/", require_POST(partial(self.decide_view, granted=False))),
        }

    def checks_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        return self.fragment(request, "campaigns/admin/wizard/checks.html", review.checks(campaign, request))

    def forecast_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        return self.fragment(request, "campaigns/admin/wizard/forecast.html", review.forecast(campaign))

    def try_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.movable(request, pk)
        form, wrong = NumberForm(request.POST, country=_country_of(campaign)), []
        which = request.POST.get("which", "")
        if form.is_valid():
            number = request.session[review.TEST_NUMBER] = form.cleaned_data["number"]
            try:
                trial.send(campaign=campaign, number=number, user=actor(request), which=which)
            except CampaignError as error:
                wrong = list(error.problems)
        else:
            wrong = [str(error) for error in form.errors["number"]]
        return self.fragment(request, "campaigns/admin/wizard/tried.html", {"wrong": wrong, "which": which})

    def go_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """At the draft's time, or now with a moment to think."""
        campaign = self.movable(request, pk)
        if campaign.scheduled_at:
            return self.move(request, campaign, Action.SCHEDULE, launch.schedule, at=campaign.scheduled_at)
        # The page that comes next counts down, which says it all.
        return self.move(request, campaign, Action.LAUNCH, launch.launch_soon, said="")

    def ask_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.movable(request, pk)
        people = readiness.preflight(campaign).recipients
        return self.move(request, campaign, Action.ASK, approval.ask, people=people)

    def decide_view(self, request: HttpRequest, pk: int, *, granted: bool) -> HttpResponse:
        """Who has the right to, `approval.decide` knows; they need not be allowed to change campaigns."""
        campaign: Campaign = self.allowed(request, pk, "view")
        return self.move(
            request,
            campaign,
            Action.APPROVE if granted else Action.DECLINE,
            approval.decide,
            seen=request.POST.get("seen", ""),
            granted=granted,
            reason=request.POST.get("reason", ""),
        )


def _country_of(campaign: Campaign) -> str:
    """Of its sender's number, where whoever tries it is likely to be; "" where that tells nothing."""
    address = campaign.sender.address if campaign.sender else ""
    return phone.country(address) if address.startswith("+") else ""
