"""Providers. A provider's form is the list of settings of its package; its secrets go in and never out."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from contacts.admin.base import actor, kept
from contacts.retelling import english, retold
from delivery import accounts, callbacks, prices
from delivery.admin import slowed, words
from delivery.admin.provider_forms import SECRET, SETTING, DisableForm, PinForm, PricesForm, form_for, kind_of
from delivery.admin.trying import TryingPages
from delivery.connector import panel as connections
from delivery.models import CountryLimit, Provider, ProviderHealth
from delivery.providers import registry
from delivery.providers.base import BadConfiguration
from delivery.routing import health
from delivery.routing.rules import Pin, State

HEALTH_LABELS = {
    State.HEALTHY: "success",
    State.DEGRADED: "warning",
    State.HALF_OPEN: "warning",
    State.OPEN: "danger",
}


class CountryLimitInline(TabularInline):
    model = CountryLimit
    extra = 0
    verbose_name_plural = _("Limits by country")


@admin.register(Provider)
class ProviderAdmin(TryingPages):
    empty_list = _("An account with a company or an operator that carries texts. Without one nothing is sent.")
    list_display = ("name", "kind_label", "state", "health_label", kept("disabled_reason"), "rate", "max_in_flight")
    list_select_related = ("health",)
    change_form_template = "delivery/admin/provider.html"
    inlines = (CountryLimitInline,)

    def pages(self) -> Any:
        return {
            "disable": ("<int:pk>/disable/", self.disable_view),
            "enable": ("<int:pk>/enable/", self.enable_view),
            "connections": ("<int:pk>/connections/", self.connections_view),
            "unbind": ("<int:pk>/unbind/", self.unbind_view),
            "bind": ("<int:pk>/bind/", self.bind_view),
            "health": ("<int:pk>/health/", self.health_view),
            "prices": ("<int:pk>/prices/", self.prices_view),
            **self.trying_pages(),
        }

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # messages refer to it: it is switched off instead

    @display(description=_("Kind"))
    def kind_label(self, provider: Provider) -> str:
        kind = registry.kinds().get(provider.adapter)
        return kind.label if kind else gettext("%(adapter)s (not installed)") % {"adapter": provider.adapter}

    @display(description=_("State"), label=words.ON_OFF)
    def state(self, provider: Provider) -> tuple[str, str]:
        return words.on_off(provider.enabled)

    @display(description=_("Health"), label=HEALTH_LABELS)
    def health_label(self, provider: Provider) -> tuple[str, str]:
        found = getattr(provider, "health", None) or ProviderHealth()
        return found.state, f"{found.get_state_display()} ({found.factor} %)"

    # --- the form ---------------------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kind = kind_of(request, obj)
        if kind:
            kwargs["form"] = form_for(kind, obj)
        return super().get_form(request, obj, change=change, **kwargs)

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_inline_instances(request, obj) if obj else []  # a provider first has to be one

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        kind = kind_of(request, obj)
        form = kind.form if kind and (obj is None or self.has_change_permission(request, obj)) else ()
        plain = [setting for setting in form if not setting.secret]
        never_read = gettext("They can be replaced, never read.")
        sets: list[tuple[str | None, dict[str, Any]]] = [
            (None, {"fields": ["name", *(SETTING + setting.name for setting in plain if setting.required)]}),
            (
                gettext("Secrets"),
                {"fields": [SECRET + setting.name for setting in form if setting.secret], "description": never_read},
            ),
            (gettext("Limits"), {"fields": ["rate", "max_in_flight"]}),
            (gettext("Keywords"), {"fields": ["answers_keywords"]}),
            (
                gettext("Further settings"),
                {"fields": [SETTING + setting.name for setting in plain if not setting.required]},
            ),
        ]
        return [each for each in sets if each[1]["fields"]]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        if not self.has_add_permission(request):
            raise PermissionDenied
        kind = kind_of(request, None)
        if kind is None:
            return self.page(
                request,
                "delivery/admin/choose_kind.html",
                title=gettext("Add a provider"),
                kinds=sorted((k for k in registry.kinds().values() if not k.is_test), key=lambda kind: kind.label),
            )
        context = {
            "title": gettext("Add %(kind)s") % {"kind": kind.label},
            "check_url": f"{reverse('admin:delivery_provider_check_new')}?{urlencode({'adapter': kind.name})}",
            **(extra_context or {}),
        }
        return super().add_view(request, request.get_full_path(), context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        provider: Provider = self.allowed(request, object_id, "view")
        kind = registry.kinds().get(provider.adapter)
        receipts = f"{settings.PUBLIC_URL}{callbacks.PREFIX}/receipts/{provider.pk}"
        below = "" if kind and kind.receipts_without_token else "/…"
        context = {
            "kind": kind,
            "check_url": reverse("admin:delivery_provider_check", args=[provider.pk]),
            "inbound_url": callbacks.inbound_url(provider.pk) if kind and kind.parse_inbound else "",
            "receipt_url": receipts + below if kind and kind.parse_receipts else "",
            "senders": provider.senders.order_by("address"),
            "health": getattr(provider, "health", None) or ProviderHealth(),
            "health_changes": health.history(provider.pk),
            "prices": provider.prices.all()[:300],
            "currency": settings.CURRENCY,
            "slowed": slowed.lines(provider),
            "connections": connections.panel(provider) if kind and kind.needs_connection else None,
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def response_add(self, request: HttpRequest, obj: Provider, post_url_continue: str | None = None) -> HttpResponse:
        """To its page, which has the next steps: a sender, a test, the addresses to enter at the provider."""
        said = gettext("%(provider)s is set up. Now it needs a sender: the number or name that people see.")
        messages.success(request, said % {"provider": obj.name})
        return HttpResponseRedirect(self.home_url(obj))

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        """Whether it is on is not the form's to say."""
        accounts.save(obj, form.secrets())

    # --- on and off ---------------------------------------------------------------------------------------------

    def home_url(self, provider: Provider) -> str:
        return reverse("admin:delivery_provider_change", args=[provider.pk])

    def disable_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        provider: Provider = self.allowed(request, pk, "change")
        form = DisableForm(request.POST or None)
        if form.is_valid():
            accounts.disable(provider, form.cleaned_data["reason"])
            self.log_change(
                request,
                provider,
                gettext_noop("Switched off: %(reason)s") % {"reason": form.cleaned_data["reason"]},
            )
            messages.success(request, gettext("%(provider)s is off. Its messages wait.") % {"provider": provider.name})
            return HttpResponseRedirect(self.home_url(provider))
        return self.form_page(
            request,
            form=form,
            title=gettext("Switch %(provider)s off") % {"provider": provider.name},
            submit=gettext("Switch off"),
            intro=gettext("Nothing more is sent through it until it is switched on; what is queued waits."),
            original=provider,
            back=self.home_url(provider),
            danger=True,
        )

    def enable_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        provider: Provider = self.allowed(request, pk, "change")
        try:
            accounts.enable(provider)
        except BadConfiguration as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, provider, gettext_noop("Switched on"))
            messages.success(request, gettext("%(provider)s is on.") % {"provider": provider.name})
        return HttpResponseRedirect(self.home_url(provider))

    # --- connections ----------------------------------------------------------------------------------------------

    def connections_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        provider: Provider = self.allowed(request, pk, "view")
        context = {"connections": connections.panel(provider)}
        return self.fragment(request, "delivery/admin/connections.html", context)

    def unbind_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        provider: Provider = self.allowed(request, pk, "change")
        if accounts.unbind(provider, actor(request).get_username()):
            self.log_change(request, provider, gettext_noop("Connections given up"))
            messages.success(
                request,
                gettext(
                    "The connections of %(provider)s are given up when what is under way has its answer. "
                    "What is queued waits, or goes by another route where there is one."
                )
                % {"provider": provider.name},
            )
        return HttpResponseRedirect(self.home_url(provider))

    def bind_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        provider: Provider = self.allowed(request, pk, "change")
        if accounts.bind(provider):
            self.log_change(request, provider, gettext_noop("Connections made again"))
            messages.success(
                request, gettext("The connections of %(provider)s are being made.") % {"provider": provider.name}
            )
        return HttpResponseRedirect(self.home_url(provider))

    # --- health and prices --------------------------------------------------------------------------------------

    def health_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        provider: Provider = self.allowed(request, pk, "change")
        found = getattr(provider, "health", None) or ProviderHealth()
        form = PinForm(request.POST or None, initial={"pin": found.pin})
        if request.method == "POST" and form.is_valid():
            chosen = Pin(form.cleaned_data["pin"])
            health.pin(provider=provider, pin=chosen, who=actor(request).get_username())
            with english():
                said = gettext("Its health: %(state_words)s") % {"state_words": chosen.label}
            self.log_change(request, provider, said)
            messages.success(
                request,
                gettext("Health of %(provider)s: %(chosen)s.") % {"provider": provider.name, "chosen": chosen.label},
            )
            return HttpResponseRedirect(self.home_url(provider))
        return self.form_page(
            request,
            form=form,
            title=gettext("Health of %(provider)s") % {"provider": provider.name},
            submit=gettext("Set"),
            intro=gettext("At present: %(state)s, %(factor)s %% of its weight. %(reason)s")
            % {"state": found.get_state_display(), "factor": found.factor, "reason": retold(found.reason)},
            original=provider,
            back=self.home_url(provider),
        )

    def prices_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        provider: Provider = self.allowed(request, pk, "change")
        form = PricesForm(request.POST or None, initial={"prices": prices.written(provider)})
        if request.method == "POST" and form.is_valid():
            prices.replace(provider, form.cleaned_data["prices"])
            self.log_change(
                request,
                provider,
                gettext_noop("Prices set: %(prices)s") % {"prices": len(form.cleaned_data["prices"])},
            )
            messages.success(
                request,
                gettext("The prices of %(provider)s are set. They hold for messages from now on.")
                % {"provider": provider.name},
            )
            return HttpResponseRedirect(self.home_url(provider))
        return self.form_page(
            request,
            form=form,
            title=gettext("Prices of %(provider)s") % {"provider": provider.name},
            submit=gettext("Set the prices"),
            intro=gettext("What one segment costs, in %(currency)s. Budgets of campaigns go by it.")
            % {"currency": settings.CURRENCY},
            original=provider,
            back=self.home_url(provider),
        )
