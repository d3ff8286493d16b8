"""Messages and inbound texts: looked at, never changed by hand."""

from datetime import UTC
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from contacts.admin.base import LargeTableAdmin, NumbersMixin, ReadOnlyMixin
from contacts.admin.finding import by_number
from contacts.masking import may_see_people, shown
from contacts.models import Contact, Suppression
from delivery import errors
from delivery.admin import words
from delivery.admin.filters import ByLane, ByProvider, ByStatus, ToContact, When
from delivery.admin.timeline import explained, parts, timeline
from delivery.models import Inbound, Message, MessageRequest
from delivery.states import MEANING, Status


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


@admin.register(Message)
class MessageAdmin(NumbersMixin, ReadOnlyMixin, LargeTableAdmin):
    number_field = "recipient"
    list_display: tuple[str, ...] = (
        *("number", "state", "why", "lane_word", "campaign", "segments", "provider", "created_at"),
    )
    list_filter: tuple[type[admin.SimpleListFilter], ...] = (ByStatus, When, ByLane, ByProvider, ToContact)
    list_select_related = ("provider",)
    search_fields = ("recipient",)
    search_help_text = _("Whole number, or message id")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("sealed_body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        if not search_term:
            return queryset, False
        if message_id := as_uuid(search_term):
            return queryset.filter(pk=message_id), False
        return by_number(queryset, search_term, request.user, "recipient"), False

    @display(description=_("Status"), label=words.LABELS)
    def state(self, message: Message) -> tuple[str, str]:
        return message.status, str(Status(message.status).label)

    @display(description=_("Reason"))
    def why(self, message: Message) -> str:
        if waits := errors.waits_in_words(message.status, message.waits_for):
            return (
                gettext("%(waits)s, until %(not_before)s UTC")
                % {"waits": waits, "not_before": date_format(message.not_before.astimezone(UTC), gettext("j M H:i"))}
                if message.not_before
                else waits
            )
        return errors.in_words(message.status, message.reason) or "–"

    @display(description=_("Lane"))
    def lane_word(self, message: Message) -> str:
        return message.get_lane_display()

    @display(description=_("Campaign"))
    def campaign(self, message: Message) -> SafeString | str:
        if not message.campaign_id:
            return "–"
        url = reverse("admin:campaigns_campaign_change", args=[message.campaign_id])
        return format_html('<a class="sms-link" href="{}">{}</a>', url, message.campaign_id)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        message: Message = self.allowed(request, object_id, "view")
        code_words, code_url = explained(message.provider, message.error_code)
        private = may_see_people(request.user)
        return self.page(
            request,
            "delivery/admin/message.html",
            title=gettext("Message to %(number)s") % {"number": shown(message.recipient, request.user)},
            original=message,
            message=message,
            recipient=shown(message.recipient, request.user),
            body=words.text(message.body) if private else None,
            said=MessageRequest.objects.filter(pk=message.pk).first() if private else None,
            contact=Contact.objects.filter(phone=message.recipient).first() if private else None,
            suppressed=Suppression.objects.filter(phone=message.recipient, lifted_at=None).exists(),
            status=Status(message.status),
            group=words.GROUP_OF[message.status],
            meaning=gettext(MEANING[Status(message.status)]),
            waits=errors.waits_in_words(message.status, message.waits_for),
            reason=errors.in_words(message.status, message.reason),
            advice=errors.advice(message.reason),
            code_words=code_words,
            code_url=code_url,
            timeline=timeline(message),
            parts=parts(message),
        )


class ByKeyword(admin.SimpleListFilter):
    title, parameter_name = _("keyword"), "keyword"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value or "none", str(label)) for value, label in Inbound.Keyword.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Inbound]) -> QuerySet[Inbound] | None:
        value = self.value()
        return queryset.filter(keyword="" if value == "none" else value) if value else None


@admin.register(Inbound)
class InboundAdmin(NumbersMixin, ReadOnlyMixin, LargeTableAdmin):
    list_display: tuple[str, ...] = ("number", "kind", "text", "recipient", "received_at")
    list_filter = (ByKeyword,)
    fields = ("number", "recipient", "kind_in_words", "whole_text", "provider", "received_at")
    readonly_fields = fields
    list_select_related = ("provider",)
    search_fields = ("phone",)
    search_help_text = _("Whole number")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        names = super().get_list_display(request)
        return [name for name in names if name != "text" or may_see_people(request.user)]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        names = super().get_fields(request, obj)
        return [name for name in names if name != "whole_text" or may_see_people(request.user)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Inbound], search_term: str
    ) -> tuple[QuerySet[Inbound], bool]:
        return (by_number(queryset, search_term, request.user) if search_term else queryset), False

    @display(description=_("Text"))
    def text(self, inbound: Inbound) -> str:
        text = words.text(inbound.body)
        return text if len(text) <= 80 else text[:79] + "…"

    @display(description=_("Text"))
    def whole_text(self, inbound: Inbound) -> str:
        return words.text(inbound.body)

    @display(
        description=_("Kind"),
        label={Inbound.Keyword.STOP: "danger", Inbound.Keyword.START: "success", Inbound.Keyword.HELP: "info"},
    )
    def kind(self, inbound: Inbound) -> tuple[str, str]:
        return inbound.keyword, self.kind_in_words(inbound)

    @display(description=_("Kind"))
    def kind_in_words(self, inbound: Inbound) -> str:
        return str(Inbound.Keyword(inbound.keyword).label)
