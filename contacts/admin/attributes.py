"""A contact's attributes as people write them: one `name: value` to a line."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.admin.base import text_area

MAX_ATTRIBUTES = 100


def as_lines(attributes: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {_as_text(value)}" for name, value in attributes.items())


def _as_text(value: Any) -> str:
    plain = isinstance(value, str) and "\n" not in value
    return value if plain else json.dumps(value, ensure_ascii=False)


class AttributesField(forms.CharField):
    """Cleans to a dict. A value that was not touched keeps its type; a typed one is text."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Anything else"))
        kwargs.setdefault("required", False)
        kwargs.setdefault("widget", text_area(5, placeholder="doctor: Dr Okafor\nclinic: Elm Street"))
        kwargs.setdefault("help_text", _("One on each line, as name: value. A template uses it as {{ name }}."))
        super().__init__(**kwargs)
        self._given: dict[str, Any] = {}

    def prepare_value(self, value: Any) -> Any:
        return as_lines(value) if isinstance(value, dict) else value

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        initial = form.get_initial_for_field(self, field_name)
        self._given = initial if isinstance(initial, dict) else {}
        return super().get_bound_field(form, field_name)

    def clean(self, value: Any) -> dict[str, Any]:
        text = super().clean(value)
        attributes: dict[str, Any] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            name, colon, rest = line.partition(":")
            name, rest = name.strip(), rest.strip()
            if not colon or not name:
                raise forms.ValidationError(gettext("Line %(number)s is not “name: value”.") % {"number": number})
            if name in attributes:
                raise forms.ValidationError(
                    gettext("Line %(number)s: “%(name)s” is there twice.") % {"number": number, "name": name}
                )
            given = self._given.get(name)
            attributes[name] = given if name in self._given and _as_text(given) == rest else rest
        if len(attributes) > MAX_ATTRIBUTES:
            raise forms.ValidationError(gettext("At most %(most)s lines.") % {"most": MAX_ATTRIBUTES})
        return attributes

    def has_changed(self, initial: Any, data: Any) -> bool:
        return as_lines(initial or {}) != (data or "").replace("\r\n", "\n").strip()
