"""The forms of a provider's pages. Its own is the list of settings of its package; secrets go in and never out."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import MinValueValidator
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from contacts.admin.base import text_area
from delivery import accounts, prices
from delivery.models import Provider
from delivery.providers import registry
from delivery.providers.base import BadConfiguration, ProviderKind, Setting
from delivery.routing.rules import Pin

SETTING, SECRET = "setting_", "secret_"


class ProviderForm(forms.ModelForm):
    """Extended by the fields of one kind: see `form_for`."""

    kind: ProviderKind

    class Meta:
        model = Provider
        fields = ("name", "rate", "max_in_flight", "answers_keywords")
        labels = {"max_in_flight": _("Requests in flight")}
        help_texts = {"max_in_flight": _("Open at once, over all workers.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for setting in self.kind.form:
            if not setting.secret and setting.name in self.instance.settings:
                self.initial[SETTING + setting.name] = self.instance.settings[setting.name]
        for name in {"rate", "max_in_flight"} & self.fields.keys():  # none for whoever may only look
            self.fields[name].validators.append(MinValueValidator(1))

    def clean(self) -> dict[str, Any]:
        """Checks the whole account at once: a provider never stands half configured."""
        data = super().clean() or {}
        self.instance.adapter = self.kind.name
        self.instance.settings = {
            setting.name: data[SETTING + setting.name]
            for setting in self.kind.form
            if not setting.secret and data.get(SETTING + setting.name) not in (None, "")
        }
        return data

    def tells_another_account(self) -> bool:
        """Whether settings or secrets stand in it that are not saved."""
        return any(name.startswith((SETTING, SECRET)) for name in self.changed_data)

    def account_errors(self) -> list[str]:
        """What is wrong with settings and secrets, in sentences; not with the provider's name and limits."""
        fields = [name for name in self.fields if name.startswith((SETTING, SECRET))]
        said = [f"{self.fields[name].label}: {error}" for name in fields for error in self.errors.get(name, [])]
        return said + [str(error) for error in self.non_field_errors()]

    def secrets(self) -> dict[str, str | None]:
        return {
            setting.name: self.cleaned_data[SECRET + setting.name]
            for setting in self.kind.form
            if setting.secret and self.cleaned_data.get(SECRET + setting.name)
        }

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own hook, after the instance has its values
        if self.errors:
            return
        try:
            accounts.check_change(provider=self.instance, credentials=self.secrets())
        except BadConfiguration as error:
            self.add_error(None, str(error))


def kind_of(request: HttpRequest, provider: Provider | None) -> ProviderKind | None:
    """The provider's; of one that is to be added, as chosen on the page before."""
    return registry.kinds().get(provider.adapter if provider else request.GET.get("adapter", ""))


def field_for(setting: Setting, *, is_set: bool) -> forms.Field:
    if setting.secret:
        state = gettext("Set; leave empty to keep it.") if is_set else gettext("Not set.")
        return forms.CharField(
            label=gettext(setting.label),
            required=setting.required and not is_set,
            help_text=f"{state} {gettext(setting.help) if setting.help else ''}".strip(),
            widget=UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "new-password"}),
        )
    if setting.choices:
        return forms.ChoiceField(
            label=gettext(setting.label),
            required=setting.required,
            choices=[(str(choice), str(choice)) for choice in setting.choices],
            initial=setting.default,
            help_text=gettext(setting.help) if setting.help else "",
            widget=UnfoldAdminSelectWidget(),
        )
    if isinstance(setting.default, bool):
        return forms.BooleanField(
            label=gettext(setting.label),
            required=False,
            initial=setting.default,
            help_text=gettext(setting.help) if setting.help else "",
            widget=UnfoldBooleanSwitchWidget(),
        )
    if isinstance(setting.default, int):
        return forms.IntegerField(
            label=gettext(setting.label),
            required=setting.required,
            initial=setting.default,
            help_text=gettext(setting.help) if setting.help else "",
            widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
        )
    return forms.CharField(
        label=gettext(setting.label),
        required=setting.required,
        initial=setting.default,
        help_text=gettext(setting.help) if setting.help else "",
        widget=UnfoldAdminTextInputWidget(),
    )


def form_for(kind: ProviderKind, provider: Provider | None) -> type[ProviderForm]:
    is_set = accounts.public_fields(provider) if provider else {}
    fields = {
        (SECRET if setting.secret else SETTING) + setting.name: field_for(
            setting, is_set=is_set.get(setting.name, False)
        )
        for setting in kind.form
    }
    return type("ProviderForm", (ProviderForm,), {**fields, "kind": kind})


class DisableForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Shown to everybody who wonders why nothing goes out."),
    )


class PinForm(forms.Form):
    pin = forms.ChoiceField(
        label=_("Its health"),
        choices=Pin.choices,
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text=_("What you choose holds until somebody chooses again, and is kept in its history with your name."),
    )


class PricesForm(forms.Form):
    prices = forms.CharField(
        label=_("Prices"),
        required=False,
        widget=text_area(16),
        help_text=_("A line for each country, such as “GB 0.04”; “* 0.0075” is for all others."),
    )

    def clean_prices(self) -> dict[str, Decimal]:
        try:
            return prices.parse(self.cleaned_data["prices"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
