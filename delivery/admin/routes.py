"""The routing table, and the question where a message would go."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from contacts import phone
from contacts.admin.base import PageAdmin, PlaceField
from delivery import testcarrier
from delivery.admin import words
from delivery.lanes import Lane
from delivery.models import Route
from delivery.routing import routes


class RouteForm(forms.ModelForm):
    country = PlaceField(help_text=_("Two letters or the name, such as GB. Empty: any."))

    class Meta:
        model = Route
        fields = ("channel", "country", "lane", "order", "sender", "weight", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "sender" in self.fields:
            sender: Any = self.fields["sender"]
            sender.queryset = testcarrier.live_senders()


class CheckForm(forms.Form):
    number = forms.CharField(
        label=_("Number"),
        max_length=phone.MAX_INPUT,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("With its country code. Nothing is sent."),
    )
    lane = forms.TypedChoiceField(
        label=_("Category"), choices=Lane.choices, coerce=int, initial=Lane.BULK, widget=UnfoldAdminSelectWidget()
    )

    def clean_number(self) -> phone.Phone:
        try:
            return phone.normalise(self.cleaned_data["number"], default_country=None)
        except phone.InvalidPhone as problem:
            raise forms.ValidationError(problem.message) from None


@admin.register(Route)
class RouteAdmin(PageAdmin):
    empty_list = _("Which sender a country or a category goes by. Without routes all goes by the default sender.")
    form = RouteForm
    change_list_template = "delivery/admin/routes.html"
    list_display = ("destination", "lane", "order", "sender", "weight", "enabled", "works")
    list_display_links = ("destination",)
    list_editable = ("weight", "enabled")
    list_filter = ("country", "lane", "sender__provider", "enabled")
    list_select_related = ("sender__provider",)
    search_fields = ("sender__address",)

    def pages(self) -> Any:
        return {"check": ("check/", self.check_view)}

    @display(description=_("Country"), ordering="country")
    def destination(self, route: Route) -> str:
        return route.country or gettext("Any")

    @display(description=_("Its sender"), label=words.ON_OFF)
    def works(self, route: Route) -> tuple[str, str]:
        return words.on_off(route.sender.enabled and route.sender.provider.enabled)

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Where would a message to this number go now, and why?"""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = CheckForm(request.POST or None)
        intro = gettext("The route that a message without a named sender would take now, and why.")
        if form.is_valid():
            asked, lane = form.cleaned_data["number"], form.cleaned_data["lane"]
            choice = routes.ways_to(asked.country, lane).explain(asked.e164, asked.country, lane)
            where = (
                gettext("By %(sender)s of %(provider)s.")
                % {"sender": choice.route.sender, "provider": choice.route.provider}
                if choice.route
                else gettext("Nowhere.")
            )
            intro = gettext("%(where)s The number is in %(country)s. %(why)s") % {
                "where": where,
                "country": asked.country or gettext("no country"),
                "why": choice.why,
            }
        return self.form_page(
            request,
            form=form,
            title=gettext("Where would this go?"),
            submit=gettext("Look"),
            intro=intro,
            back=reverse("admin:delivery_route_changelist"),
        )
