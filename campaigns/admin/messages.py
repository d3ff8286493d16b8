"""The list of messages, by campaign: which rows those are only a campaign knows, by its launch."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns import messages
from delivery.admin.filters import Choices
from delivery.admin.messages import MessageAdmin
from delivery.models import Message


class ByCampaign(admin.SimpleListFilter):
    """A campaign's own page links here with its number."""

    title, parameter_name = _("campaign"), "campaign"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        value = self.value()
        chosen = (
            [(value, gettext("Campaign %(number)s") % {"number": value})]
            if value and value.isdecimal() and value != "0"
            else []
        )
        return [("0", gettext("No campaign")), *chosen]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message] | None:
        value = self.value()
        return messages.of(int(value), queryset) if value and value.isdecimal() and len(value) < 19 else None


admin.site.unregister(Message)


@admin.register(Message)
class CampaignMessageAdmin(MessageAdmin):
    list_filter = (*MessageAdmin.list_filter, ByCampaign)
