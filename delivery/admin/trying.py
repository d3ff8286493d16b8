"""Trying a provider that was just set up: does it let us in with what was entered, and does a text arrive?"""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.admin.base import NumberField, PageAdmin, actor, select
from delivery import credentials
from delivery.admin.provider_forms import ProviderForm, form_for, kind_of
from delivery.models import Provider, Sender
from delivery.providers.base import Access, BadConfiguration
from delivery.submit import SubmitError, submit

#: As which of the notes on a page an answer of the provider's is shown.
_TONES = {
    Access.GRANTED: "success",
    Access.REFUSED: "danger",
    Access.BARRED: "danger",
    Access.UNREACHABLE: "danger",
    Access.TIMED_OUT: "warning",
    Access.BUSY: "warning",
    Access.NOT_ASKED: "plain",
}


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
        chosen.queryset = provider.senders.filter(enabled=True).order_by("-is_default", "address")


class TryingPages(PageAdmin):
    """What stands beside the provider's form, for whoever may change it."""

    def trying_pages(self) -> dict[str, Any]:
        return {
            "check": ("<int:pk>/check/", self.check_view),
            "check_new": ("add/check/", self.check_view),
            "test": ("<int:pk>/test/", self.test_view),
        }

    def check_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """What stands in the form is tried, with the secrets that are saved where none is typed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        provider: Provider | None = self.allowed(request, pk, "change") if pk else None
        if provider is None and not self.has_add_permission(request):
            raise PermissionDenied
        kind = kind_of(request, provider)
        if kind is None:
            raise Http404
        form = form_for(kind, provider)(request.POST, instance=provider)
        return self.fragment(request, "delivery/admin/checked.html", _checked(form, who=f"user:{actor(request).pk}"))

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
                messages.success(request, _("The test is on its way. Load this page again to see what became of it."))
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


def _checked(form: ProviderForm, *, who: str) -> dict[str, Any]:
    provider = form.instance
    wrong = form.account_errors()
    if wrong:
        return {"wrong": wrong}
    typed = form.tells_another_account() or not provider.pk
    try:
        if typed:
            found = credentials.try_typed(provider, form.secrets(), who=who)
        else:
            found = credentials.try_saved(provider, who=who)
    except (BadConfiguration, credentials.TooOften) as error:
        return {"wrong": [str(error)]}
    return {"found": found, "tone": _TONES[found.access], "is_typed": typed}
