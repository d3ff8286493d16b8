"""Webhooks: who is told of what, how each takes it, and what was sent; a test, a new secret, sending again."""

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from contacts.admin.base import LargeTableAdmin, PageAdmin, ReadOnlyMixin, actor, kept
from contacts.admin.once import once, shows_once
from contacts.masking import may_see_numbers
from contacts.wording import figure
from delivery.admin import words
from delivery.admin.filters import Choices
from delivery.models import WebhookDelivery, WebhookEndpoint
from delivery.webhooks import endpoints, events, outbox, replay, schedule, signing

#: Deliveries on a webhook's own page.
LISTED = 20

_OUTCOMES = {
    WebhookDelivery.State.DELIVERED: "success",
    WebhookDelivery.State.WAITING: "info",
    WebhookDelivery.State.GIVEN_UP: "danger",
}
_STATES = {"on": "success", "fails": "warning", "off": "danger"}


class WebhookForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=lambda: [(name, _described(name)) for name in events.NAMES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        initial=["*"],
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "description", "enabled", "events")
        labels = {"url": _("Address")}
        widgets = {"url": UnfoldAdminTextInputWidget()}

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            endpoints.check_url(url)
        except endpoints.Refused as error:
            raise forms.ValidationError(str(error)) from None
        return url


class ReplayForm(forms.Form):
    since = forms.SplitDateTimeField(label=_("From"), widget=UnfoldAdminSplitDateTimeWidget())
    until = forms.SplitDateTimeField(
        label=_("Until"), required=False, widget=UnfoldAdminSplitDateTimeWidget(), help_text=_("Empty: now.")
    )
    delivered_too = forms.BooleanField(
        label=_("Also what was taken"),
        required=False,
        widget=UnfoldBooleanWidget(),
        help_text=_("Otherwise only what was given up."),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and since > timezone.now():
            self.add_error("since", gettext("This time has not come yet."))
        elif since and until and until <= since:
            self.add_error("until", gettext("This is not after the beginning."))
        return given


def _described(name: str) -> str:
    if name == "*":
        return gettext("Everything (*)")
    known = events.CATALOGUE.get(name)
    return f"{name}: {gettext(known.meaning)}" if known else gettext("%(name)s: all of these") % {"name": name}


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(PageAdmin):
    empty_list = _("An address of another system that is told what becomes of messages, and who replies.")
    form = WebhookForm
    list_display = ("name", "url", "state", "last_success_at", kept("last_error"), kept("disabled_reason"))
    list_display_links = ("name",)
    list_filter = ("enabled",)
    change_form_template = "delivery/admin/webhook.html"

    def pages(self) -> Any:
        return {
            "rotate": ("<int:pk>/rotate/", self.rotate_view),
            "ping": ("<int:pk>/ping/", self.ping_view),
            "replay": ("<int:pk>/replay/", self.replay_view),
        }

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        return endpoints.present().defer("secret").order_by("-pk")

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> tuple[str, ...]:
        return ("url", "description") if obj is not None and obj.api_key_id is not None else ()

    def get_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> list[str]:
        """Where messages name the address themselves, there is nothing to choose but whether it is told."""
        named = obj is not None and obj.api_key_id is not None
        return [name for name in WebhookForm.Meta.fields if not (named and name == "events")]

    @display(description=_("Name"))
    def name(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.description or gettext("Webhook %(number)s") % {"number": endpoint.pk}

    @display(description=_("State"), label=_STATES)
    def state(self, endpoint: WebhookEndpoint) -> tuple[str, str]:
        return _state(endpoint)

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in form.Meta.fields if name in form.cleaned_data}
        if change:
            endpoints.change(self.allowed(request, obj.pk, "change"), **given)
        else:
            once(request)
            made, _ = endpoints.make(**given, by=actor(request).get_username())
            obj.pk, obj.secret = made.pk, made.secret

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        endpoints.remove(obj)

    @shows_once
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page: HttpResponse = super().add_view(request, form_url, extra_context)
        return page

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The only page on which its secret stands."""
        return self._shown_once(request, obj, obj.secret["present"])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found: WebhookEndpoint = self.allowed(request, object_id, "view")
        sent = WebhookDelivery.objects.filter(endpoint=found).defer("data").order_by("-pk")[:LISTED]
        context = {**(extra_context or {}), "state": _state(found), "now": timezone.now(), "deliveries": sent}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    @shows_once
    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        found: WebhookEndpoint = self.allowed(request, pk, "change")
        if request.method == "POST":
            once(request)
            self.log_change(request, found, gettext_noop("New secret"))
            return self._shown_once(request, found, endpoints.rotate(found))
        hours = schedule.OVERLAP.total_seconds() / 3600
        return self.form_page(
            request,
            form=forms.Form(),
            title=gettext("New secret for %(name)s") % {"name": found},
            submit=gettext("Make a new secret"),
            intro=gettext(
                "For %(hours)s hours events are signed with both, so that the system can be changed meanwhile."
            )
            % {"hours": figure(hours, 0)},
            original=found,
            back=_home(found),
        )

    def ping_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        found: WebhookEndpoint = self.allowed(request, pk, "change")
        if found.enabled:
            event_id = outbox.ping(found)
            messages.success(
                request, gettext("A test is on its way: %(event)s.") % {"event": signing.known_as(event_id)}
            )
        else:
            messages.error(request, gettext("It is switched off: nothing is sent to it."))
        return HttpResponseRedirect(_home(found))

    def replay_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        found: WebhookEndpoint = self.allowed(request, pk, "change")
        # What it would not take was of a while before it would not.
        begin = (found.failing_since or timezone.now()) - timedelta(days=1)
        form = ReplayForm(request.POST or None, initial={"since": begin})
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            until = given["until"] or timezone.now()
            done = replay.between(found, given["since"], until, delivered_too=given["delivered_too"])
            self.log_change(request, found, gettext_noop("Sent again: %(number)s") % {"number": done.number})
            said = gettext("%(number)s are sent again.") % {"number": figure(done.number)}
            if not done.is_all:
                last = f"{done.last:%Y-%m-%d %H:%M:%S}"
                said += " " + gettext("There may be more: go on from %(last)s UTC.") % {"last": last}
            messages.success(request, said)
            return HttpResponseRedirect(_home(found))
        return self.form_page(
            request,
            form=form,
            title=gettext("Send again to %(name)s") % {"name": found},
            submit=gettext("Send again"),
            intro=gettext(
                "What happened in this time is sent under the ids that it had, as far as its content is kept."
            ),
            original=found,
            back=_home(found),
        )

    def _shown_once(self, request: HttpRequest, found: WebhookEndpoint, secret: str) -> HttpResponse:
        page = self.page(
            request, "delivery/admin/webhook_secret.html", title=str(found), secret=secret, back=_home(found)
        )
        page["Cache-Control"] = "no-store"
        return page


class ByWebhook(admin.SimpleListFilter):
    title, parameter_name = _("webhook"), "webhook"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(str(found.pk), str(found)) for found in endpoints.present().defer("secret").order_by("pk")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery] | None:
        value = self.value()
        if value is None:
            return None
        return queryset.filter(endpoint_id=int(value)) if value.isdecimal() else queryset.none()


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyMixin, LargeTableAdmin):
    list_display = ("event", "type", "outcome", "tries", "code", kept("error"), "created_at", "ended_at")
    list_filter = (ByWebhook,)
    change_form_template = "delivery/admin/webhook_delivery.html"

    def pages(self) -> Any:
        return {"again": ("<int:pk>/again/", self.again_view)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        return super().get_queryset(request).defer("data")  # type: ignore[no-any-return]

    def get_fields(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> tuple[Any, ...]:
        shown = (
            *("event", "type", "outcome", "at", "created_at", "tries", "code", kept("error"), "took_ms"),
            "not_before",
        )
        return (*shown, "ended_at", "content") if may_see_numbers(request.user) else (*shown, "ended_at")

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> tuple[Any, ...]:
        return self.get_fields(request, obj)

    @display(description=_("Event"))
    def event(self, delivery: WebhookDelivery) -> str:
        return signing.known_as(delivery.event_id)

    @display(description=_("State"), label=_OUTCOMES)
    def outcome(self, delivery: WebhookDelivery) -> tuple[int, str]:
        return delivery.state, delivery.get_state_display()

    @display(description=_("Content"))
    def content(self, delivery: WebhookDelivery) -> str:
        if delivery.data is None:
            return gettext("Not kept any more.")
        return json.dumps(delivery.data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found: WebhookDelivery = self.allowed(request, object_id, "view")
        webhook = endpoints.present().defer("secret").filter(pk=found.endpoint_id).first()
        context = {
            **(extra_context or {}),
            "attempts": found.attempts.order_by("pk")[:100],
            "webhook": webhook,
            "may_send_again": bool(webhook and webhook.enabled and request.user.has_perm(_MAY_CHANGE)),
        }
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        found: WebhookDelivery = self.allowed(request, pk, "view")
        webhook: WebhookEndpoint = admin.site._registry[WebhookEndpoint].allowed(  # type: ignore[attr-defined]
            request, found.endpoint_id, "change"
        )
        if replay.one(webhook, found.event_id).number:
            messages.success(request, gettext("It is sent again."))
        else:
            messages.error(request, gettext("It waits to be sent, or its content is not kept any more."))
        return HttpResponseRedirect(reverse("admin:delivery_webhookdelivery_change", args=[pk]))


_MAY_CHANGE = "delivery.change_webhookendpoint"


def _state(endpoint: WebhookEndpoint) -> tuple[str, str]:
    if endpoint.enabled and endpoint.failing_since:
        return "fails", gettext("Fails")
    return words.on_off(endpoint.enabled)


def _home(endpoint: WebhookEndpoint) -> str:
    return reverse("admin:delivery_webhookendpoint_change", args=[endpoint.pk])
