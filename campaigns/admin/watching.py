"""The page of a campaign under way, and the parts of it that renew themselves."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from campaigns.admin import ways
from campaigns.admin.live import live
from campaigns.models import Campaign
from contacts.admin.base import PageAdmin

#: Tells htmx to stop asking.
STOP_ASKING = 286


class WatchingAdmin(PageAdmin):
    def live_url(self, campaign: Campaign) -> str:
        return reverse("admin:campaigns_campaign_live", args=[campaign.pk])

    def home_url(self, campaign: Campaign) -> str:
        return reverse("admin:campaigns_campaign_change", args=[campaign.pk])

    def may_move(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("campaigns.change_campaign"))

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        if campaign.status == Campaign.Status.DRAFT:
            return HttpResponseRedirect(self.home_url(campaign))
        lists = {
            "include": list(campaign.include.values_list("name", flat=True)),
            "exclude": list(campaign.exclude.values_list("name", flat=True)),
        }
        return self.page(
            request,
            "campaigns/admin/live.html",
            title=campaign.name,
            original=campaign,
            messages_url=f"{reverse('admin:delivery_message_changelist')}?campaign={campaign.pk}",
            progress_url=reverse("admin:campaigns_campaign_progress", args=[campaign.pk]),
            ways_url=reverse("admin:campaigns_campaign_ways", args=[campaign.pk]),
            live=live(campaign),
            may_change=self.may_move(request),
            **ways.context(request.user, campaign),
            **lists,
        )

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.progress_fragment(request, pk)

    def progress_fragment(self, request: HttpRequest, pk: int, *, said: Sequence[Any] = ()) -> HttpResponse:
        """`said`: what came of the button that was pressed."""
        campaign: Campaign = self.allowed(request, pk, "view")
        shown = live(campaign)
        context = {"live": shown, "campaign": campaign, "may_change": self.may_move(request), "said": said}
        status = STOP_ASKING if shown.over else 200
        return self.fragment(request, "campaigns/admin/progress.html", context, status=status)

    def ways_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        status = STOP_ASKING if campaign.finished_at else 200
        context = {"renewed": True, **ways.context(request.user, campaign)}
        return self.fragment(request, "campaigns/admin/ways.html", context, status=status)
