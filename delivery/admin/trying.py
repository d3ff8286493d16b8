"""Trying a provider that was just set up: is what was entered usable, and does a text arrive?"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.admin.base import NumberField, PageAdmin, select
from delivery import accounts
from delivery.models import Provider, Sender
from delivery.providers.base import BadConfiguration
from delivery.submit import SubmitError, submit


class TestForm(forms.Form):
    """One text to one number, by one of the provider's senders."""

    phone = NumberField(help_text=gettext_lazy("Your own, best of all."))
    sender = forms.ModelChoiceField(
        label=gettext_lazy("Sender"), queryset=Sender.objects.none(), widget=select(), empty_label=None
    )
    body = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=160,
        initial=gettext_lazy("A test of SMSHub."),
        widget=UnfoldAdminTextInputWidget(),
    )

    def __init__(self, provider: Provider, *args: Any) -> None:
        super().__init__(*args)
        chosen: Any = self.fields["sender"]
        chosen.queryset = provider.senders.filter(enabled=True).order_by("address")


class TryingPages(PageAdmin):
    """Two pages beside the provider's own, for whoever may change it."""

    def trying_pages(self) -> dict[str, Any]:
        return {
            "check": ("<int:pk>/check/", self.check_view),
            "test": ("<int:pk>/test/", self.test_view),
        }

    def check_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        provider: Provider = self.allowed(request, pk, "change")
        try:
            accounts.check(provider)
        except BadConfiguration as error:
            messages.error(request, str(error))
        else:
            messages.success(
                request, _("The settings are complete, and the address is found. Whether they open it, a test says.")
            )
        return HttpResponseRedirect(reverse("admin:delivery_provider_change", args=[pk]))

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        provider: Provider = self.allowed(request, pk, "change")
        form = TestForm(provider, request.POST or None)
        if form.is_valid():
            given = form.cleaned_data
            try:
                message = submit(recipient=given["phone"], body=given["body"], sender=given["sender"])
            except SubmitError as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("The test is on its way; this page says what becomes of it."))
                return HttpResponseRedirect(reverse("admin:delivery_message_change", args=[message.pk]))
        return self.form_page(
            request,
            form=form,
            title=_("Test %(name)s") % {"name": provider.name},
            submit=_("Send"),
            intro=_("A true text, which costs what a text costs. Whoever said stop gets none."),
            original=provider,
            back=reverse("admin:delivery_provider_change", args=[pk]),
        )
