"""Calendar feeds: set up, and what came of the last fetch. Addresses and headers go in and never out."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from campaigns.appointments import feeds
from campaigns.models import CalendarFeed
from contacts.admin.base import PageAdmin
from contacts.retelling import retold
from contacts.wording import figure


class FeedForm(forms.ModelForm):
    url = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=2000,
        widget=UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "off"}),
    )
    authorization = forms.CharField(
        label=_("Authorization header"),
        required=False,
        max_length=2000,
        widget=UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = CalendarFeed
        fields = (
            *("name", "enabled", "url", "authorization", "every_minutes", "time_zone", "default_country"),
            *("phone_property", "cancel_vanished"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        host = self.instance.host
        kept = (
            gettext("Set, at %(host)s; leave empty to keep it.") % {"host": host}
            if host
            else gettext("Such as https://calendar.example.org/c.ics.")
        )
        self.fields["url"].help_text = kept
        has_header = bool(self.instance.pk and self.instance.secrets.get("authorization"))
        self.fields["authorization"].help_text = (
            gettext("Set; leave empty to keep it. Another host forgets it.")
            if has_header
            else gettext("If the calendar wants one.")
        )

    def secrets(self) -> dict[str, str | None]:
        return {name: self.cleaned_data.get(name) or None for name in ("url", "authorization")}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            tried = CalendarFeed(host=self.instance.host)
            for name in ("every_minutes", "time_zone", "default_country", "phone_property"):
                setattr(tried, name, given[name])
            try:
                feeds.check(tried, **self.secrets())
            except feeds.UnusableFeed as problem:
                raise forms.ValidationError({problem.field: str(problem)}) from None
        return given


@admin.register(CalendarFeed)
class CalendarFeedAdmin(PageAdmin):
    form = FeedForm
    list_display = ("name", "host", "every_minutes", "fetched_at", "next_at", "error", "enabled")
    list_filter = ("enabled",)
    search_fields = ("name",)
    readonly_fields = ("state", "last", "rejected", "fetch_button")
    fieldsets = (
        (None, {"fields": ("name", "enabled", "url", "authorization", "every_minutes")}),
        (_("Its events"), {"fields": ("time_zone", "default_country", "phone_property", "cancel_vanished")}),
        (_("How it goes"), {"fields": ("state", "last", "rejected", "fetch_button")}),
    )

    def pages(self) -> Any:
        return {"fetch": ("<int:object_id>/fetch/", require_POST(self.fetch_view))}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it is switched off instead: its appointments say where they are from

    def save_model(self, request: HttpRequest, obj: CalendarFeed, form: Any, change: bool) -> None:
        feeds.save(obj, **form.secrets())

    @display(description=_("State"))
    def state(self, feed: CalendarFeed) -> str:
        if not feed.pk:
            return gettext("It is fetched when it is saved.")
        if feed.error:
            return (
                retold(feed.error) + " " + gettext("Failed %(failures)s times in a row.") % {"failures": feed.failures}
                if feed.failures
                else retold(feed.error)
            )
        return (
            gettext("Fetched %(fetched_at)s UTC.") % {"fetched_at": f"{feed.fetched_at:%Y-%m-%d %H:%M}"}
            if feed.fetched_at
            else gettext("Not fetched yet.")
        )

    @display(description=_("Last reading"))
    def last(self, feed: CalendarFeed) -> str:
        return ", ".join(f"{figure(number)} {retold(outcome)}" for outcome, number in feed.counts.items()) or "–"

    @display(description=_("First that were rejected"))
    def rejected(self, feed: CalendarFeed) -> SafeString | str:
        lines = format_html_join("", "<li>{}: {}</li>", ((item, retold(why)) for item, why in feed.problems))
        return format_html("<ul>{}</ul>", lines) if feed.problems else gettext("None.")

    @display(description=_("Now"))
    def fetch_button(self, feed: CalendarFeed) -> SafeString | str:
        if not (feed.pk and feed.enabled):
            return "–"
        url = reverse("admin:campaigns_calendarfeed_fetch", args=[feed.pk])
        return format_html(
            '<button class="sms-button" type="submit" formaction="{}">{}</button>', url, gettext("Fetch")
        )

    def fetch_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        feed: CalendarFeed = self.allowed(request, object_id, "change")
        if feeds.fetch_soon(feed):
            messages.success(request, gettext("It is being fetched."))
        else:
            messages.error(request, gettext("The feed is switched off."))
        return HttpResponseRedirect(reverse("admin:campaigns_calendarfeed_change", args=[feed.pk]))
