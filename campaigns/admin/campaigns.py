"""Campaigns: the wizard while it is a draft, a live page from then on, and a button for every lawful move."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.views import ChangeList

from campaigns import approval, control, launch, readiness, retrying
from campaigns.admin.audience import AudiencePages
from campaigns.admin.beside import BesidePages
from campaigns.admin.forms import CampaignForm, CancelForm, LimitForm, ScheduleForm
from campaigns.admin.links import LinkInline
from campaigns.admin.live import live
from campaigns.admin.report import ReportPages
from campaigns.admin.watching import Verb
from campaigns.admin.wizard.pages import WizardPages
from campaigns.admin.wizard.sending import SendingPages
from campaigns.models import Campaign
from campaigns.transitions import Action
from contacts.wording import figure
from delivery import tallies
from delivery.admin import words

#: Drafts of which somebody else was asked, in the list; and by a request's answer.
ASKED: dict[bool | None, tuple[str, Promise]] = {
    None: ("asked", _("Waits for approval")),
    False: ("sent_back", _("Sent back")),
}
STATUS_LABELS = {
    Campaign.Status.DRAFT: "",
    "asked": "info",
    "sent_back": "warning",
    Campaign.Status.SCHEDULED: "info",
    Campaign.Status.RUNNING: "primary",
    Campaign.Status.PAUSED: "warning",
    Campaign.Status.COMPLETED: "success",
    Campaign.Status.CANCELLED: "danger",
}


class CountedChangeList(ChangeList):
    """One read of the tallies and one of approvals for the whole page. A draft opens in the wizard."""

    def url_for_result(self, result: Any) -> str:
        if result.status == Campaign.Status.DRAFT:
            return reverse("admin:campaigns_campaign_open", args=[result.pk])
        return str(super().url_for_result(result))

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        counts: dict[int, dict[str, int]] = {}
        for count in tallies.counts([campaign.pk for campaign in self.result_list]):
            of_one = counts.setdefault(count.campaign_id, {})
            of_one[count.status.value] = of_one.get(count.status.value, 0) + count.messages
        for campaign in self.result_list:
            campaign.counts = counts.get(campaign.pk, {})
        asked = approval.newest().filter(campaign__in=self.result_list).values_list("campaign_id", "granted")
        answers = dict(asked)
        for campaign in self.result_list:
            campaign.asked = ASKED.get(answers[campaign.pk]) if campaign.pk in answers else None


#: Moves that go at the press of a button; the others ask first.
AT_ONCE: dict[Action, Verb] = {
    Action.PAUSE: control.pause,
    Action.RESUME: control.resume,
    Action.UNSCHEDULE: launch.unschedule,
}


@admin.register(Campaign)
class CampaignAdmin(ReportPages, AudiencePages, WizardPages, SendingPages, BesidePages):
    form = CampaignForm
    change_form_template = "campaigns/admin/campaign.html"
    inlines = (LinkInline,)
    list_display = ("name", "state", "progress", "people", "template", "when")
    list_filter = ("status",)
    list_select_related = ("template",)
    search_fields = ("name",)
    show_full_result_count = False
    fields = CampaignForm.Meta.fields

    def pages(self) -> Any:
        return {
            "live": ("<int:pk>/live/", self.live_view),
            "progress": ("<int:pk>/progress/", self.progress_view),
            "ways": ("<int:pk>/ways/", self.ways_view),
            "preflight": ("<int:pk>/preflight/", self.preflight_view),
            "launch": ("<int:pk>/launch/", self.launch_view),
            "schedule": ("<int:pk>/schedule/", self.schedule_view),
            "cancel": ("<int:pk>/cancel/", self.cancel_view),
            "limit": ("<int:pk>/limit/", self.limit_view),
            "retry": ("<int:pk>/retry/", self.retry_view),
            "act": ("<int:pk>/act/<str:action>/", self.act_view),
            **self.wizard_pages(),
            **self.audience_pages(),
            **self.sending_pages(),
            **self.beside_pages(),
            **self.report_pages(),
        }

    # --- the list ---------------------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return CountedChangeList

    @display(description=_("Status"), label=STATUS_LABELS, ordering="status")
    def state(self, campaign: Any) -> tuple[str, str | Promise]:
        return campaign.asked or (campaign.status, campaign.get_status_display())

    @display(description=_("Progress"))
    def progress(self, campaign: Any) -> SafeString | str:
        total = max(campaign.audience_size or 0, sum(campaign.counts.values()))
        if not total:
            return "–"
        percent = 100 * words.finished(campaign.counts) // total
        return format_html('<progress class="sms-progress" max="100" value="{}"></progress> {} %', percent, percent)

    @display(description=_("Audience"), ordering="audience_size")
    def people(self, campaign: Campaign) -> str:
        return "–" if campaign.audience_size is None else figure(campaign.audience_size)

    @display(description=_("When"))
    def when(self, campaign: Campaign) -> Any:
        return campaign.launched_at or campaign.scheduled_at

    # --- the draft --------------------------------------------------------------------------------------------

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        untouched = obj is None or (isinstance(obj, Campaign) and obj.status == Campaign.Status.DRAFT)
        return untouched and bool(super().has_delete_permission(request, obj))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        campaign: Campaign = self.allowed(request, object_id, "view")
        with transaction.atomic():
            # Nobody launches it while it is being saved, and nobody saves it once it is launched.
            drafts = Campaign.objects.filter(pk=campaign.pk, status=Campaign.Status.DRAFT)
            if not (drafts.select_for_update(no_key=True) if request.method == "POST" else drafts).exists():
                if request.method == "POST":
                    messages.error(request, gettext("Only a draft can be changed; this campaign is no longer one."))
                return HttpResponseRedirect(self.live_url(campaign))
            context = {"events": campaign.events.order_by("-pk")[:20], "may_change": self.may_move(request)}
            return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        return self.start_view(request)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        obj.save(update_fields=form.changed_data)

    def response_post_save_change(self, request: HttpRequest, obj: Campaign) -> HttpResponse:
        """Back to where they came from."""
        return HttpResponseRedirect(self.home_url(obj))

    def preflight_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        return self.fragment(request, "campaigns/admin/preflight.html", {"preflight": readiness.preflight(campaign)})

    # --- under way --------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("template", "template_version", "sender__provider")

    # --- moves ------------------------------------------------------------------------------------------------

    def act_view(self, request: HttpRequest, pk: int, action: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if action not in AT_ONCE:
            raise Http404
        return self.move(request, self.movable(request, pk), Action(action), AT_ONCE[Action(action)])

    def launch_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.movable(request, pk)
        if request.method == "POST":
            return self.move(request, campaign, Action.LAUNCH, launch.launch)
        preflight = readiness.preflight(campaign)
        return self.page(
            request,
            "campaigns/admin/launch.html",
            title=gettext("Launch %(campaign)s") % {"campaign": campaign.name},
            original=campaign,
            campaign=campaign,
            preflight=preflight,
            sendable=preflight.recipients,
            back=self.home_url(campaign),
        )

    def schedule_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.movable(request, pk)
        form = ScheduleForm(request.POST or None, initial={"at": campaign.scheduled_at})
        if form.is_valid():
            return self.move(request, campaign, Action.SCHEDULE, launch.schedule, at=form.cleaned_data["at"])
        intro = gettext("Who is on its lists at that time gets it. Until then it can be changed back into a draft.")
        return self.form_page(
            request,
            form=form,
            title=gettext("Schedule %(campaign)s") % {"campaign": campaign.name},
            submit=gettext("Schedule"),
            intro=intro,
            original=campaign,
            back=self.home_url(campaign),
        )

    def limit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.movable(request, pk)
        now = {name: getattr(campaign, name) for name in LimitForm.base_fields}
        form = LimitForm(request.POST or None, initial=now)
        if form.is_valid():
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            return self.move(request, campaign, Action.LIMIT, control.limit, **changed)
        intro = gettext("What is left goes out evenly over that time, and never faster than provider and sender allow.")
        return self.form_page(
            request,
            form=form,
            title=gettext("Limits of %(campaign)s") % {"campaign": campaign.name},
            submit=gettext("Set the limits"),
            intro=intro,
            original=campaign,
            back=self.home_url(campaign),
        )

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.movable(request, pk)
        if request.method == "POST":
            return self.move(request, campaign, Action.RETRY, retrying.retry_failed)
        failures = retrying.failures(campaign.pk)
        return self.page(
            request,
            "campaigns/admin/retry.html",
            title=gettext("Try the failed of %(campaign)s again") % {"campaign": campaign.name},
            original=campaign,
            failures=failures,
            back=self.home_url(campaign),
        )

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.movable(request, pk)
        if campaign.status in (Campaign.Status.COMPLETED, Campaign.Status.CANCELLED):
            messages.info(
                request, gettext("It is %(status)s already.") % {"status": campaign.get_status_display().lower()}
            )
            return HttpResponseRedirect(self.home_url(campaign))
        form = CancelForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return self.move(request, campaign, Action.CANCEL, control.cancel, reason=form.cleaned_data["reason"])
        intro = gettext("It will not be launched. This cannot be undone.")
        if campaign.launched_at:
            waiting = live(campaign).waiting
            intro = ngettext(
                "%(number)s person would not be texted any more. What is handed over goes out. This cannot be undone.",
                "%(number)s people would not be texted any more. What is handed over goes out. This cannot be undone.",
                waiting,
            ) % {"number": figure(waiting)}
        return self.form_page(
            request,
            form=form,
            title=gettext("Cancel %(campaign)s") % {"campaign": campaign.name},
            submit=gettext("Cancel the campaign"),
            intro=intro,
            original=campaign,
            back=self.home_url(campaign),
            danger=True,
        )
