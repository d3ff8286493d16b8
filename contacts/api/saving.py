"""Writing one contact so that two requests at once end as one after the other would."""

from typing import Any

from django.db import transaction

from contacts import consent
from contacts.api.refusals import AlreadyExists, Conflict
from contacts.models import Contact


class Erased(Conflict):
    problem = "erased"


def create(*, fields: dict[str, Any]) -> Contact:
    """A new contact. Raises AlreadyExists, which names the one that has the number, and Erased."""
    _refuse_erased(fields["phone"])
    contact, created = Contact.objects.get_or_create(phone=fields["phone"], defaults=_without_nulls(fields))
    if not created:
        raise _exists(contact.pk)
    return contact


def upsert(*, fields: dict[str, Any]) -> tuple[Contact, bool]:
    """The contact with this number, made or brought up to date, and whether it is new."""
    _refuse_erased(fields["phone"])
    with transaction.atomic():
        contacts = Contact.objects.select_for_update()
        contact, created = contacts.get_or_create(phone=fields["phone"], defaults=_without_nulls(fields))
        if not created:
            _apply(contact, fields)
    return contact, created


def update(*, contact_id: int, fields: dict[str, Any]) -> Contact:
    """Change what is given and nothing else; attributes are merged. Raises AlreadyExists, Contact.DoesNotExist."""
    with transaction.atomic():
        contact = Contact.objects.select_for_update().get(pk=contact_id)
        phone = fields.get("phone", contact.phone)
        if phone != contact.phone:
            _refuse_erased(phone)
        other = Contact.objects.filter(phone=phone).exclude(pk=contact_id).values_list("pk", flat=True).first()
        if other is not None:
            raise _exists(other)
        _apply(contact, fields)
    return contact


def _refuse_erased(phone: str) -> None:
    if consent.erased_among([phone]):
        raise Erased("The owner of this number had themselves erased: only a START from them undoes that.")


def _apply(contact: Contact, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(contact, name, _merged(contact.attributes, value) if name == "attributes" else value)
    contact.save(update_fields=[*fields, "updated_at"])


def _merged(present: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """As JSON Merge Patch (RFC 7396) does with one level: null removes."""
    return {name: value for name, value in (present | change).items() if value is not None}


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | ({"attributes": _merged({}, fields["attributes"])} if "attributes" in fields else {})


def _exists(contact_id: int) -> AlreadyExists:
    return AlreadyExists(
        f"Contact {contact_id} has this number. Change that one, or send the request again with ?upsert=true.",
        existing_id=contact_id,
    )
