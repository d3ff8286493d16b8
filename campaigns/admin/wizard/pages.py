"""The wizard's pages: a draft is begun, and each step shown, saved as it is filled in, and left for another."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from campaigns import approval
from campaigns.admin.watching import WatchingAdmin
from campaigns.admin.wizard import previews, steps, windows
from campaigns.admin.wizard.about import AboutForm
from campaigns.admin.wizard.forms import StepForm
from campaigns.admin.wizard.steps import STEPS, Step
from campaigns.models import Campaign
from contacts.admin.base import actor
from contacts.models import ContactList

#: Tells the parts of a page that follow the draft that it was saved.
SAVED = "draft-saved"
#: Tells the variants' texts that another person is looked at.
CHOSEN = "person-chosen"


class WizardPages(WatchingAdmin):
    def wizard_pages(self) -> dict[str, Any]:
        return {
            "start": ("wizard/", self.start_view),
            "open": ("<int:pk>/open/", self.open_view),
            "wizard": ("<int:pk>/wizard/<slug:step>/", self.step_view),
            "preview": ("<int:pk>/preview/", require_POST(self.preview_view)),
            "reading": ("<int:pk>/reading/", require_POST(self.reading_view)),
        }

    def step_url(self, campaign: Campaign, step: Step) -> str:
        return reverse("admin:campaigns_campaign_wizard", args=[campaign.pk, step.slug])

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """A draft is made of a name; looking at the page makes none. `list` in the address begins its audience."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        today = formats.date_format(timezone.localdate(), _("j F"))
        form = AboutForm(request.POST or None, initial={"name": _("Campaign of %(day)s") % {"day": today}})
        if form.is_valid():
            form.instance.created_by = actor(request)
            asked = request.GET.get("list", "")
            with transaction.atomic():
                form.save()
                if asked.isdecimal() and len(asked) < 19:
                    form.instance.include.set(ContactList.objects.filter(pk=int(asked)))
                self.log_addition(request, form.instance, gettext_noop("Begun"))
            return HttpResponseRedirect(self.step_url(form.instance, STEPS[1]))
        context = {"title": _("New campaign"), "form": form, "bar": self.bar(None, STEPS[0]), "step": STEPS[0]}
        return self.page(request, STEPS[0].template, **context)

    def open_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """At the first step with something left to fill in; for who only looks, at the review."""
        campaign: Campaign = self.allowed(request, pk, "view")
        open_steps = [step for step in STEPS if not step.done(campaign)] if self.may_move(request) else STEPS[-1:]
        return HttpResponseRedirect(self.step_url(campaign, open_steps[0]))

    def step_view(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        """The step; posted, it is saved. By htmx the answer says so; else the step that was asked for comes next."""
        shown = steps.of(step)
        if shown is None:
            raise Http404
        # Who may only look, or approve, looks at the review.
        looks = request.method != "POST" and shown is STEPS[-1]
        campaign: Campaign = self.allowed(request, pk, "view" if looks else "change")
        if request.method != "POST":
            if campaign.status != Campaign.Status.DRAFT:
                return HttpResponseRedirect(self.live_url(campaign))
            return self.step_page(request, campaign, shown, self.unbound(campaign, shown))
        with transaction.atomic():
            # Nobody launches it while it is being saved, and nobody saves it once it is launched.
            draft = Campaign.objects.select_for_update(no_key=True).filter(pk=pk, status=Campaign.Status.DRAFT).first()
            if draft is None:
                return self.too_late(request, campaign)
            forms, window = self.bound(request, draft, shown), windows.posted(request)
            changed = any(form.has_changed() for form in forms.values())
            if changed and windows.is_overtaken(window, draft, shown.slug):
                return self.overtaken(request, draft, shown, forms)
            for form in forms.values():
                form.keep()
            if changed:
                approval.withdraw(draft)
                windows.saved(window, draft, shown.slug)
            right = not any(form.errors for form in forms.values())
            leaves = "HX-Request" not in request.headers
            if leaves and right:
                for form in forms.values():
                    form.finish(actor(request))
                right = not any(form.errors for form in forms.values())
                windows.left(draft, shown.slug)
        if not leaves:
            return self.saved(request, forms)
        asked = steps.of(request.POST.get("go", "")) or steps.after(shown) or shown
        if right or STEPS.index(asked) < STEPS.index(shown):
            return HttpResponseRedirect(self.step_url(draft, asked))
        return self.step_page(request, draft, shown, forms)

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        answer = self.fragment(request, "campaigns/admin/wizard/preview.html", previews.of_message(campaign, request))
        if "leafs" in request.POST:
            answer["HX-Trigger-After-Swap"] = CHOSEN
        return answer

    def reading_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        return self.fragment(request, "campaigns/admin/wizard/preview.html", previews.of_draft(campaign, request))

    def too_late(self, request: HttpRequest, campaign: Campaign) -> HttpResponse:
        """It was launched or scheduled while the page was open."""
        messages.error(request, _("Only a draft can be changed; this campaign is no longer one."))
        if "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": self.live_url(campaign)})
        return HttpResponseRedirect(self.live_url(campaign))

    def overtaken(self, request: HttpRequest, draft: Campaign, step: Step, forms: dict[str, StepForm]) -> HttpResponse:
        """Nothing is saved: what was typed stays on the page, which can still save it in the place of what there is."""
        window = windows.opened(draft, step.slug)
        if "HX-Request" in request.headers:
            context = {"campaign": draft, "step": step, "seen": window.seen}
            return self.fragment(request, "campaigns/admin/wizard/overtaken.html", context)
        messages.warning(
            request,
            _(
                "This step was changed meanwhile, in another window or by somebody else. What you see here is not "
                "saved: go on to save it in the place of that, or load the page anew."
            ),
        )
        return self.step_page(request, draft, step, forms)

    def unbound(self, campaign: Campaign, step: Step) -> dict[str, StepForm]:
        return {name: form(instance=campaign) for name, form in step.forms.items()}

    def bound(self, request: HttpRequest, campaign: Campaign, step: Step) -> dict[str, StepForm]:
        return {name: form(request.POST, request.FILES, instance=campaign) for name, form in step.forms.items()}

    def saved(self, request: HttpRequest, forms: dict[str, StepForm]) -> HttpResponse:
        answer = self.fragment(
            request,
            "campaigns/admin/wizard/saved.html",
            {"at": timezone.localtime(), "wrong": [form for form in forms.values() if form.errors]},
        )
        answer["HX-Trigger"] = SAVED
        return answer

    def step_page(
        self, request: HttpRequest, campaign: Campaign, step: Step, forms: dict[str, StepForm]
    ) -> HttpResponse:
        return self.page(
            request,
            step.template,
            title=campaign.name,
            original=campaign,
            campaign=campaign,
            step=step,
            bar=self.bar(campaign, step),
            back=steps.before(step),
            onward=steps.after(step),
            may_write=self.may_move(request),
            window=windows.opened(campaign, step.slug),
            media=sum((form.media for form in forms.values()), self.media),
            **forms,
            **step.context(campaign, request),
        )

    def bar(self, campaign: Campaign | None, current: Step) -> list[tuple[Step, str]]:
        """Each step with what it is: current, done or open."""
        return [
            (step, "current" if step is current else "done" if campaign and step.has_tick(campaign) else "open")
            for step in STEPS
        ]
