"""What models, their fields and the settings of providers are called, and what they say of themselves and of codes.

Django makes most of these names of the code's own. They are given in the reader's language once and for all here,
rather than each where it stands; migrations, which keep a field's name as it was written, do not notice.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Field, Model
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from delivery.providers import registry

APPS = ("contacts", "delivery", "campaigns", "api")


def translate() -> None:
    """Called when the models are there and no form has been made of them: forms take a field's name when they are."""
    for app in APPS:
        apps.app_configs[app].verbose_name = _lazy(apps.app_configs[app].verbose_name)
    for model in _ours():
        options = model._meta
        options.verbose_name = _lazy(options.verbose_name)
        # Django makes most of them by adding an s, which would be added to the translation too.
        options.verbose_name_plural = _lazy(str(options.verbose_name_plural))
        for field in options.local_fields + options.local_many_to_many:
            field.verbose_name = _lazy(field.verbose_name)
            field.help_text = _lazy(field.help_text)


def texts() -> list[tuple[str, str]]:
    """Each with where it stands: of models those that staff see, in admin or inside another's page."""
    found = []
    shown = _in_admin()
    with translation.override(None):  # as they are written, whoever asks
        found += [(app, str(apps.app_configs[app].verbose_name)) for app in APPS]
        for model in _ours():
            if model in shown:
                place = f"{model._meta.app_label}/models"
                found += [(place, str(text)) for text in _of_model(model) if text]
    for kind in registry.kinds().values():
        place = f"delivery/providers/{kind.name}"
        found += [(place, text) for setting in kind.form for text in (setting.label, setting.help) if text]
        found += [(place, text) for text in kind.words]
    return found


def _of_model(model: type[Model]) -> list[Any]:
    options = model._meta
    found: list[Any] = [options.verbose_name, options.verbose_name_plural]
    for field in options.local_fields + options.local_many_to_many:
        found += _of_field(field)
    return found


def _of_field(field: "Field[Any, Any]") -> list[Any]:
    if field.auto_created:
        return []
    return [field.verbose_name, field.help_text] if field.editable else [field.verbose_name]


def _ours() -> Iterator[type[Model]]:
    # Not get_models: that is for when all are ready, which is too late.
    return (model for app in APPS for model in apps.all_models[app].values() if not model._meta.auto_created)


def _in_admin() -> set[type[Model]]:
    admin.autodiscover()  # only what serves pages loads them by itself
    inside = {inline.model for page in admin.site._registry.values() for inline in page.inlines}
    return inside | set(admin.site._registry)


def _lazy(text: Any) -> Any:
    return gettext_lazy(text) if text and not isinstance(text, Promise) else text
