"""Finding people by what staff type: a whole number, the beginning of one, or the beginning of a name."""

import re

from django.conf import settings
from django.db.models import QuerySet

from contacts.models import Contact
from contacts.phone import InvalidPhone, normalise

_numberish = re.compile(r"[+0-9 ().-]{3,}").fullmatch


def e164(text: str) -> str | None:
    """The number that was typed, in whatever notation, or None."""
    try:
        return normalise(text.strip(), default_country=settings.DEFAULT_COUNTRY or None).e164
    except InvalidPhone:
        return None


def find_contacts(queryset: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """By exact number, by its first digits (with the country code), else by the beginning of the name."""
    text = text.strip()
    if not _numberish(text):
        return queryset.filter(name__istartswith=text)
    if number := e164(text):
        return queryset.filter(phone=number)
    return queryset.filter(phone__startswith="+" + re.sub(r"\D", "", text))
