"""The page of a campaign under way, and the parts of it that renew themselves."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns import writing
from campaigns.admin import ways
from campaigns.admin.live import live
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.transitions import MOVES, Action
from contacts.admin.base import PageAdmin, actor

Verb = Callable[..., Any]

#: Tells htmx to stop asking.
STOP_ASKING = 286


class WatchingAdmin(PageAdmin):
    def live_url(self, campaign: Campaign) -> str:
        return reverse("admin:campaigns_campaign_live", args=[campaign.pk])

    def home_url(self, campaign: Campaign) -> str:
        """The review of a draft, which leads on to the live page of what is none any more."""
        return reverse("admin:campaigns_campaign_wizard", args=[campaign.pk, "review"])

    def may_move(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("campaigns.change_campaign"))

    def movable(self, request: HttpRequest, pk: int) -> Campaign:
        if not self.may_move(request):
            raise PermissionDenied
        campaign: Campaign = self.allowed(request, pk, "view")
        return campaign

    def move(
        self,
        request: HttpRequest,
        campaign: Campaign,
        action: Action,
        verb: Verb,
        *,
        said: str | None = None,
        **details: Any,
    ) -> HttpResponse:
        """Do it and say so (`said`; None: what the move is called), or say why not; then show the campaign as it is."""
        try:
            verb(campaign=campaign, actor=actor(request), **details)
        except CampaignError as error:
            for problem in error.problems:
                messages.error(request, problem)
        else:
            done = {"campaign": campaign.name, "done_words": MOVES[action].done}
            if shown := _("“%(campaign)s” is %(done_words)s.") % done if said is None else said:
                messages.success(request, shown)
        if request.headers.get("HX-Request"):
            return self.progress_fragment(request, campaign.pk, said=list(messages.get_messages(request)))
        return HttpResponseRedirect(self.home_url(campaign))

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        if campaign.status == Campaign.Status.DRAFT:
            return HttpResponseRedirect(self.home_url(campaign))
        lists = {
            "include": list(campaign.include.values_list("name", flat=True)),
            "exclude": list(campaign.exclude.values_list("name", flat=True)),
        }
        variants = list(campaign.variants.select_related("template_version"))
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
            variants=variants,
            texts=writing.texts(campaign) if campaign.launched_at is None else {},
            own_percent=100 - campaign.hold_out_percent - sum(variant.percent for variant in variants),
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
