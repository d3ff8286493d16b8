"""Targets of short links: a table on the campaign's draft and on the template."""

from typing import Any

from django.forms import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from campaigns.links.targets import MAX_LINKS
from campaigns.models import Link


class LinkFormSet(BaseInlineFormSet):
    """A form that says nothing of links leaves them as they are."""

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        prefix = kwargs.get("prefix") or self.get_default_prefix()
        if data is not None and f"{prefix}-TOTAL_FORMS" not in data:
            data = {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
        super().__init__(data, *args, **kwargs)


class LinkInline(TabularInline):
    model = Link
    formset = LinkFormSet
    fields = ("name", "target", "days")
    extra = 0
    max_num = MAX_LINKS
    verbose_name = _("short link")
    verbose_name_plural = _("Short links: where {{ link }} leads")
