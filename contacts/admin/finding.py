"""Finding people by what staff type: a whole number, the beginning of one, or the beginning of a name.

Who may not see numbers finds by a whole one only: by beginnings one would find out the rest.
"""

import re
from typing import TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet

from contacts.masking import Looking, may_see_numbers, may_see_people
from contacts.models import Contact
from contacts.phone import InvalidPhone, normalise

Row = TypeVar("Row", bound=Model)

_numberish = re.compile(r"[+0-9 ().-]{3,}").fullmatch


def e164(text: str) -> str | None:
    """The number that was typed, in whatever notation, or None."""
    try:
        return normalise(text.strip(), default_country=settings.DEFAULT_COUNTRY or None).e164
    except InvalidPhone:
        return None


def by_number(queryset: QuerySet[Row], text: str, user: Looking, field: str = "phone") -> QuerySet[Row]:
    """Rows of the whole number that was typed; none for who may not see whom rows are about."""
    number = e164(text) if may_see_people(user) else None
    return queryset.filter(**{field: number}) if number else queryset.none()


def find_contacts(queryset: QuerySet[Contact], text: str, user: Looking) -> QuerySet[Contact]:
    """By exact number, by its first digits (with the country code), else by the beginning of the name."""
    text = text.strip()
    if not _numberish(text):
        return queryset.filter(name__istartswith=text)
    if number := e164(text):
        return queryset.filter(phone=number)
    if not may_see_numbers(user):
        return queryset.none()
    return queryset.filter(phone__startswith="+" + re.sub(r"\D", "", text))
