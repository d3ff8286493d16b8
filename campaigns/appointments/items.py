"""What a source says of one appointment, and what became of saying it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, gettext_noop

from campaigns.appointments.zones import to_utc, zone_name
from campaigns.models import Appointment
from contacts.phone import InvalidPhone, normalise

MAX_EXTERNAL_ID = 200
MAX_SOURCE = 64
MAX_KIND = 50
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_NAME = 64
MAX_ATTRIBUTE_TEXT = 2000
#: The attribute of a contact that holds its number in the source's own system, such as a patient's.
IDENTIFIER = "identifier"

_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_YEARS = {"first": _EARLIEST.year, "last": _LATEST.year}


@dataclass(frozen=True, slots=True)
class Item:
    """One appointment as its source has it.

    `starts_at` is aware, or else local to `time_zone`. Whose it is: `contact_id`, else who has that `identifier`, else
    who has that number; a number that nobody has makes a contact, with `name`.
    """

    external_id: str
    starts_at: datetime | None
    time_zone: str = ""
    contact_id: int | None = None
    phone: str = ""
    identifier: str = ""
    name: str = ""
    kind: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    status: str = Appointment.Status.BOOKED.value
    source_version: int | None = None
    source_at: datetime | None = None
    plan_id: int | None = None
    problem: str = ""
    """What is wrong with it already, as far as whoever read it can say."""


def as_known(row: Appointment) -> Item:
    """An appointment as it stands, for whoever changes a part of it; its source's version stays what it was."""
    return Item(
        external_id=row.external_id,
        starts_at=row.starts_at,
        time_zone=row.time_zone,
        contact_id=row.contact_id,
        kind=row.kind,
        attributes=row.attributes,
        status=row.status,
        plan_id=row.plan_id,
    )


class Outcome(StrEnum):
    CREATED = gettext_noop("created")
    UPDATED = gettext_noop("updated")
    UNCHANGED = gettext_noop("unchanged")
    REJECTED = gettext_noop("rejected")


@dataclass(frozen=True, slots=True)
class Result:
    external_id: str
    outcome: Outcome
    detail: str = ""
    """Why it was rejected or left as it was: a sentence for whoever sent it, without a number or a name in it."""
    appointment_id: int | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """An item that can be written, in the forms that the database has."""

    item: Item
    starts_at: datetime
    time_zone: str
    phone: str
    country: str


class Rejected(Exception):
    """The item cannot be written; the text is a sentence that says why."""


def check(item: Item, *, default_zone: str, default_country: str) -> Checked:
    """Raises Rejected."""
    if item.problem:
        raise Rejected(item.problem)
    if not item.external_id.strip():
        raise Rejected(gettext("It has no id of its own."))
    _check_texts(item)
    if item.status not in Appointment.Status.values:
        raise Rejected(
            gettext("There is no such status; it is one of %(known)s.")
            % {"known": ", ".join(Appointment.Status.values)}
        )
    _check_attributes(item.attributes)
    if item.source_version is not None and not -(2**63) <= item.source_version < 2**63:
        raise Rejected(gettext("Its version is too large a number."))
    if item.source_at is not None and item.source_at.tzinfo is None:
        raise Rejected(gettext("The time of its last change has no offset from UTC."))
    if item.source_at is not None and not _EARLIEST.year <= item.source_at.year < _LATEST.year:
        raise Rejected(gettext("The time of its last change must lie between %(first)s and %(last)s.") % _YEARS)
    starts_at, zone = _start(item, default_zone)
    phone, country = _phone(item, default_country)
    return Checked(item, starts_at, zone, phone, country)


def _check_texts(item: Item) -> None:
    for what, text, most in (
        ("id", item.external_id, MAX_EXTERNAL_ID),
        ("kind", item.kind, MAX_KIND),
        ("identifier", item.identifier, MAX_ATTRIBUTE_TEXT),
        ("name", item.name, 200),
    ):
        if len(text) > most:
            raise Rejected(gettext("Its %(field)s has more than %(most)s characters.") % {"field": what, "most": most})
        if _unstorable(text):
            raise Rejected(gettext("Its %(field)s has a character that cannot be stored.") % {"field": what})


def _check_attributes(attributes: Mapping[str, Any]) -> None:
    if len(attributes) > MAX_ATTRIBUTES:
        raise Rejected(gettext("It has more than %(most)s attributes.") % {"most": MAX_ATTRIBUTES})
    for name, value in attributes.items():
        if not 1 <= len(name) <= MAX_ATTRIBUTE_NAME or _unstorable(name):
            named = gettext("The name of an attribute must have 1 to %(most)s plain characters.")
            raise Rejected(named % {"most": MAX_ATTRIBUTE_NAME})
        if not isinstance(value, str | int | float | bool | None):
            raise Rejected(gettext("The value of an attribute must be a text, a number, true, false or null."))
        if isinstance(value, str) and (len(value) > MAX_ATTRIBUTE_TEXT or _unstorable(value)):
            long = gettext("The value of an attribute must have at most %(most)s plain characters.")
            raise Rejected(long % {"most": MAX_ATTRIBUTE_TEXT})
        if isinstance(value, int) and abs(value) >= 2**63:
            raise Rejected(gettext("A number among its attributes is too large: send it as text."))
        if isinstance(value, float) and not abs(value) <= 1e300:
            raise Rejected(gettext("A number among its attributes is no number."))


def _start(item: Item, default_zone: str) -> tuple[datetime, str]:
    named = item.time_zone.strip() or default_zone
    if not named and isinstance(getattr(item.starts_at, "tzinfo", None), ZoneInfo):
        named = str(item.starts_at.tzinfo)  # type: ignore[union-attr]  # asked in the line above
    if not named:
        raise Rejected(gettext("It does not say in which time zone it takes place, such as Europe/Berlin."))
    zone = zone_name(named)
    if zone is None:
        raise Rejected(gettext("Its time zone is not known; write it as in Europe/Berlin."))
    if item.starts_at is None:
        raise Rejected(gettext("It does not say when it begins."))
    try:
        at = to_utc(item.starts_at, zone) if item.starts_at.tzinfo is None else item.starts_at.astimezone(UTC)
    except (OverflowError, ValueError):
        raise Rejected(gettext("Its beginning is not a time that can be.")) from None
    if not _EARLIEST <= at < _LATEST:
        raise Rejected(gettext("Its beginning must lie between %(first)s and %(last)s.") % _YEARS)
    return at, zone


def _phone(item: Item, default_country: str) -> tuple[str, str]:
    if item.contact_id is not None:
        if not 0 < item.contact_id < 2**63:
            raise Rejected(gettext("There is no contact with this id."))
        return "", ""
    if item.identifier and not item.phone:
        return "", ""
    if not item.phone:
        raise Rejected(gettext("It does not say whose it is: give a contact, an identifier or a number."))
    try:
        phone = normalise(item.phone, default_country=default_country or None)
    except InvalidPhone as problem:
        raise Rejected(problem.message) from None
    return phone.e164, phone.country


def _unstorable(text: str) -> bool:
    return any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in text)
