"""What a reminder says: the contact's variables, and those of the appointment under `appointment`."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_skeleton, format_time

from campaigns import languages, sandbox, templating
from campaigns.appointments.zones import to_local
from campaigns.models import Appointment, TemplateVersion

#: Variables of every appointment; its attributes come to these.
FIELDS = ("date", "time", "day", "starts_at", "kind")


def context(
    contact: Mapping[str, Any], *, starts_at: datetime, time_zone: str, kind: str, attributes: Mapping[str, Any]
) -> dict[str, object]:
    """For `templating.render`. `contact` is what `templating.contact_context` takes.

    Dates and times are local to the appointment, and written in the contact's language, else in that of their country.
    """
    local = to_local(starts_at, time_zone)
    locale = _locale(str(contact.get("language", "")), str(contact.get("country", "")))
    own: dict[str, object] = {
        "date": _plain(format_skeleton("MMMEd", local, locale=locale)),
        "time": _plain(format_time(local, "short", locale=locale)),
        "day": _plain(format_date(local, "EEEE", locale=locale)),
        "starts_at": local,
    }
    if kind:
        own["kind"] = kind
    plain = {name: sandbox.plain(value) for name, value in attributes.items() if value not in (None, "")}
    return templating.contact_context(**contact) | {"appointment": sandbox.Group({**plain, **own})}


def of(appointment: Appointment) -> dict[str, object]:
    """`context` for an appointment whose contact was read with it."""
    contact = appointment.contact
    return context(
        {
            "name": contact.name,
            "phone": contact.phone,
            "language": contact.language,
            "country": contact.country,
            "attributes": contact.attributes,
        },
        starts_at=appointment.starts_at,
        time_zone=appointment.time_zone,
        kind=appointment.kind,
        attributes=appointment.attributes,
    )


def render(version: TemplateVersion, variables: Mapping[str, object]) -> str:
    """In the language of the contact that `variables` are of. Raises templating.TemplateError."""
    return languages.render(version, str(variables.get("language", "")), variables)


@lru_cache(maxsize=512)
def _locale(language: str, country: str) -> Locale:
    language = language or _spoken_in(country)
    tags = [f"{language}-{country}"] if country and "-" not in language else []
    for tag in [*tags, language, language.partition("-")[0], "en"]:
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    raise AssertionError("English is known")


def _spoken_in(country: str) -> str:
    """The language of most people there, by Unicode's likely subtags; "" where it has letters of its own: a text whose
    language is not known is more likely in ours, and two scripts in one text make it dearer."""
    language, _, script = get_global("likely_subtags").get(f"und_{country}", "").partition("_")
    return language if script.startswith("Latn") else ""


def _plain(text: str) -> str:
    """Without the odd spaces that would make every text dearer."""
    return " ".join(text.split())
