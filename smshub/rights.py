"""Roles and the rights they give, in the reader's language. What they are is in `roles`."""

from collections.abc import Iterator

from django.contrib.auth.models import Group, Permission
from django.utils.text import capfirst
from django.utils.translation import pgettext_lazy

from contacts.retelling import retold

_VERBS = {
    "view": pgettext_lazy("a right", "view"),
    "add": pgettext_lazy("a right", "add"),
    "change": pgettext_lazy("a right", "change"),
    "delete": pgettext_lazy("a right", "delete"),
}


def role(group: Group) -> str:
    """A group that was made by hand keeps its name."""
    return retold(group.name)


def right(permission: Permission) -> str:
    """`view`, or what the right says of itself."""
    verb, _underscore, model = permission.codename.partition("_")
    is_usual = verb in _VERBS and model == permission.content_type.model
    return str(_VERBS[verb]) if is_usual else retold(permission.name)


def of(group: Group) -> Iterator[tuple[str, str]]:
    """What it may do something with, and what, by name."""
    found: dict[str, list[str]] = {}
    for permission in group.permissions.select_related("content_type").order_by("content_type", "pk"):
        found.setdefault(str(capfirst(permission.content_type.name)), []).append(right(permission))
    return ((name, ", ".join(rights)) for name, rights in sorted(found.items()))
