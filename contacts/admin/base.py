"""What the admin pages of every room share: large tables, read-only pages, one-form pages, numbers by permission."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.urls.resolvers import URLPattern
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from psycopg.errors import QueryCanceled
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contacts import countries
from contacts.masking import masked, may_see_numbers
from contacts.phone import InvalidPhone, normalise
from contacts.retelling import retold
from contacts.unusable import Unusable

#: A list that cannot be shown in this time is not shown: it would hold the page and the database.
LIST_MILLISECONDS = 4000


def actor(request: HttpRequest) -> User:
    """Who is at the keyboard; admin pages are never reached anonymously."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class PageAdmin(ModelAdmin):
    """A model admin with pages of its own beside the usual ones. A change goes by POST, never by GET."""

    list_per_page = 50
    actions = None
    list_disable_select_all = True
    compressed_fields = True
    warn_unsaved_form = True
    #: What such a thing is for, said where there is none.
    empty_list: Any = ""

    def pages(self) -> Mapping[str, tuple[str, Callable[..., HttpResponse]]]:
        """URL name suffix → (path below the model, view)."""
        return {}

    def get_urls(self) -> list[URLPattern]:
        label = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(route, self.admin_site.admin_view(view), name=f"{label}_{name}")
            for name, (route, view) in self.pages().items()
        ]
        return [*own, *super().get_urls()]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget  # a choice, without buttons that open other forms in windows
        return field

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Its window is called by what is in it, and not by what could be done."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        found = super().get_changelist_formset(request, **kwargs)
        for field in found.form.base_fields.values():  # what is edited in a list has no label but its column's
            field.widget.attrs.setdefault("aria-label", field.label)
        return found

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().history_view(request, object_id, extra_context)
        for entry in (getattr(response, "context_data", None) or {}).get("action_list", ()):
            entry.change_message = retold(entry.get_change_message())
        return response

    def allowed(self, request: HttpRequest, object_id: str | int, permission: str) -> Any:
        """The object, if it is there and this user may "view", "change" or "delete" it."""
        found = self.get_object(request, unquote(str(object_id)))
        if found is None:
            raise Http404
        if not getattr(self, f"has_{permission}_permission")(request, found):
            raise PermissionDenied
        return found

    def page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "model_admin": self}
        return TemplateResponse(request, template, {**shared, **context})

    def fragment(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> TemplateResponse:
        """A piece of a page that is already open; never kept by anybody's cache."""
        response = TemplateResponse(request, template, context, status=status)
        response["Cache-Control"] = "no-store"
        return response

    def form_page(
        self, request: HttpRequest, *, form: forms.BaseForm, title: str, submit: str, **context: Any
    ) -> TemplateResponse:
        """One plain form with one button. Context: `intro`, `danger`, `back` (URL), `original`."""
        return self.page(
            request, "contacts/admin/form_page.html", form=form, title=title, submit=submit, media=form.media, **context
        )


class LargeTableAdmin(PageAdmin):
    """For tables that may hold millions of rows: nothing is counted, and no list takes more than LIST_MILLISECONDS."""

    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-pk",)
    sortable_by: tuple[str, ...] = ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {LIST_MILLISECONDS}")
                return super().changelist_view(request, extra_context)
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            messages.warning(request, gettext("That would mean looking through too many rows. Search for one exactly."))
            return HttpResponseRedirect(request.path)


class NumbersMixin:
    """For rows of one person: the column or field `number`, which shows it as far as who looks may see it.

    It stands before the admin class that it is mixed into. `number_field` is where the number is, seen from a row.
    """

    number_field = "phone"

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        return _as_seen(super().get_list_display(request), request)  # type: ignore[misc]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)  # type: ignore[misc]
        return [(title, {**options, "fields": _as_seen(options["fields"], request)}) for title, options in found]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        return _as_seen(super().get_readonly_fields(request, obj), request)  # type: ignore[misc]

    @display(description=_("Number"))
    def number(self, row: models.Model) -> str:
        return attrgetter(self.number_field)(row) or "–"

    @display(description=_("Number"))
    def masked_number(self, row: models.Model) -> str:
        return masked(attrgetter(self.number_field)(row) or "") or "–"


def _as_seen(names: Sequence[Any], request: HttpRequest) -> Sequence[Any]:
    """An admin's column is not told who looks, so there are two, and this chooses."""
    return names if may_see_numbers(request.user) else ["masked_number" if name == "number" else name for name in names]


class ReadOnlyMixin:
    """Looked at, never changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@cache  # admin compares what is listed with what is only read
def kept(field: str) -> Callable[[models.Model], str]:
    """A column, or a field that is only read, of sentences that were kept: in the reader's language."""

    def shown(row: models.Model) -> str:
        return retold(getattr(row, field)) or "–"

    shown.__name__ = field
    named: Callable[[models.Model], str] = display(description=_(field.replace("_", " ")), ordering=field)(shown)
    return named


class EvidenceForm(forms.Form):
    """Why: kept for good beside what was done."""

    evidence = forms.CharField(
        label=_("Evidence"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("What it rests on, for example “asked by phone”."),
    )


class NumberField(forms.CharField):
    """A number in any notation, as E.164. One without a country code is of `country`, or else of DEFAULT_COUNTRY."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Number"), max_length=64, widget=UnfoldAdminTextInputWidget(), **kwargs)
        self.country = ""

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        try:
            return normalise(text, default_country=self.country or settings.DEFAULT_COUNTRY or None).e164
        except InvalidPhone as problem:
            told = [problem.message]
            if not text.startswith(("+", "00")):
                told.append(gettext("Write it with its country code, such as +44 7700 900123."))
            raise forms.ValidationError(" ".join(map(str, told))) from None


class CountryField(forms.ChoiceField):
    """Whose the numbers without a country code are, as two letters; "" where they are refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Country of numbers without a country code"),
            required=False,
            choices=lambda: [("", gettext("None: such numbers are refused")), *countries.choices()],
            widget=select(),
            error_messages={"invalid_choice": _("This country is not known: choose one of the list.")},
            **kwargs,
        )


class PlaceField(forms.CharField):
    """A country, by its two letters or its name, as two letters; "" for any."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Country"), required=False, max_length=60, widget=UnfoldAdminTextInputWidget(), **kwargs
        )

    def clean(self, value: Any) -> str:
        try:
            return countries.named(countries.known_by(super().clean(value)))
        except Unusable as problem:
            raise forms.ValidationError(str(problem)) from None


def text_area(rows: int = 6, **attrs: Any) -> UnfoldAdminTextareaWidget:
    return UnfoldAdminTextareaWidget(attrs={"rows": rows, **attrs})


def select() -> UnfoldAdminSelectWidget:
    return UnfoldAdminSelectWidget()
