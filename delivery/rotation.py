"""Rotating the key ring: everything that is sealed with it is sealed anew by its first key. Texts need not be."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import transaction
from django.db.models import Model

from contacts import digests
from delivery import bodies
from delivery.encryption import EncryptedJSONField
from delivery.models import Month, Provider


@dataclass(frozen=True, slots=True)
class Rotated:
    providers: int
    months: int
    others: int = 0
    """Rows with other secrets, of whatever floor, such as calendars' addresses."""


def rotate() -> Rotated:
    """All or nothing. Raises CannotDecrypt when a key is missing."""
    with transaction.atomic():
        providers = list(Provider.objects.select_for_update(no_key=True).order_by("pk"))
        for provider in providers:
            provider.save(update_fields=["credentials"])
        others = sum(_seal_anew(model, fields) for model, fields in _sealed() if model is not Provider)
        months = list(Month.objects.select_for_update(no_key=True).filter(body_key__isnull=False).order_by("pk"))
        for month in months:
            month.body_key = bodies.rewrap(month.month, bytes(month.body_key or b""))
            month.save(update_fields=["body_key"])
        digests.reseal()
    bodies.forget()
    return Rotated(len(providers), len(months), others)


def _sealed() -> Iterator[tuple[type[Model], list[str]]]:
    """Every model that has sealed fields, found by their type: one that is added later is not forgotten."""
    for model in apps.get_models():
        if fields := [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedJSONField)]:
            yield model, fields


def _seal_anew(model: type[Model], fields: list[str]) -> int:
    rows = list(model._default_manager.select_for_update(no_key=True).order_by("pk"))
    for row in rows:
        row.save(update_fields=fields)
    return len(rows)
