"""People and their rights, and the home page's live part."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from contacts.retelling import retold
from smshub import rights
from smshub.accounts import factors, security
from smshub.dashboard.views import live, live_today
from smshub.privacy import admin as privacy

__all__ = ["privacy"]

admin.site.unregister(User)
admin.site.unregister(Group)


class Roles(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Group) -> str:
        return rights.role(obj)


class Rights(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Permission) -> str:
        return f"{obj.content_type.app_labeled_name}: {rights.right(obj)}"


class ByRole(admin.RelatedFieldListFilter):
    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return [(pk, retold(str(name))) for pk, name in super().field_choices(field, request, model_admin)]


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    change_form_template = "smshub/user.html"
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_staff")
    list_filter = ("is_active", ("groups", ByRole))
    filter_horizontal = ()
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        rights = ["is_active", "is_staff", "groups"]
        if request.user.is_superuser:
            rights.append("is_superuser")
        return (
            (None, {"fields": ("username", "password")}),
            (_("Person"), {"fields": ("first_name", "last_name", "email")}),
            (_("Rights"), {"fields": rights}),
            (_("Dates"), {"fields": ("last_login", "date_joined")}),
        )

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        kwargs["form_class"] = Roles
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "groups" and field:
            field.widget = field.widget.widget if hasattr(field.widget, "widget") else field.widget
            field.help_text = _("What this person may do.")
        return field

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        # Nobody gets an account here but to use these pages.
        obj.is_staff = obj.is_staff or not change
        super().save_model(request, obj, form, change)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("last_login", "date_joined")

    def get_urls(self) -> list[URLPattern]:
        reset = self.admin_site.admin_view(require_POST(self.reset_factors_view))
        return [path("<int:pk>/reset-factors/", reset, name="auth_user_reset_factors"), *super().get_urls()]

    def reset_factors_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For somebody who has lost their phone: the password alone lets them in again."""
        user = get_object_or_404(User, pk=pk)
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        factors.reset(user)
        messages.success(request, _("The second factors are gone, and this user is signed out everywhere."))
        return HttpResponseRedirect(reverse("admin:auth_user_change", args=[pk]))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        original = context.get("original")
        context["factors"] = factors.of(original) if original else None
        return super().render_change_form(request, context, *args, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Whoever could change a superuser's password would be one.
        above = isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser
        return not above and bool(super().has_change_permission(request, obj))


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    list_display = ("role",)

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> tuple[str, ...]:
        return ("name", "permissions") if self._may_change(request, obj) else ("role", "rights")

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> tuple[str, ...]:
        return () if self._may_change(request, obj) else ("role", "rights")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        original = context.get("original")
        context["subtitle"] = rights.role(original) if original else None
        return super().render_change_form(request, context, *args, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        kwargs["form_class"] = Rights
        return super().formfield_for_manytomany(db_field, request=request, **kwargs)

    def _may_change(self, request: HttpRequest, obj: Group | None) -> bool:
        return bool(self.has_change_permission(request, obj) if obj else self.has_add_permission(request))

    @display(description=gettext_lazy("Role"), ordering="name")
    def role(self, group: Group) -> str:
        return rights.role(group)

    @display(description=gettext_lazy("Rights"))
    def rights(self, group: Group) -> SafeString:
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rights.of(group)))


def urls() -> list[URLPattern]:
    return [
        *security.urls(),
        path("live/", admin.site.admin_view(live), name="dashboard_live"),
        path("live/today/", admin.site.admin_view(live_today), name="dashboard_today"),
    ]


admin.site.extra_urls = urls  # type: ignore[attr-defined]  # unfold's hook for pages that belong to no model
