"""Appointments from FHIR R4: one Appointment, or a Bundle of them with their Patients.

Each resource is validated by the model of the standard (R4B, whose Appointment is R4's); one that is malformed costs no
other. Whose it is: the patient's identifier, or the telephone of the Patient that the bundle holds or the appointment
contains.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from campaigns.appointments.files import MAX_BYTES, UnreadableFile, at_most, aware
from campaigns.appointments.items import Item
from campaigns.models import Appointment

_Status = Appointment.Status
#: http://hl7.org/fhir/R4/valueset-appointmentstatus.html
STATUS: dict[str, _Status] = {
    "proposed": _Status.BOOKED,
    "pending": _Status.BOOKED,
    "booked": _Status.BOOKED,
    "waitlist": _Status.BOOKED,
    "arrived": _Status.DONE,
    "checked-in": _Status.DONE,
    "fulfilled": _Status.DONE,
    "cancelled": _Status.CANCELLED,
    "entered-in-error": _Status.CANCELLED,
    "noshow": _Status.MISSED,
}


def read(data: bytes) -> Iterator[Item]:
    """An item for each Appointment, also for those that are malformed. Raises UnreadableFile."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(gettext("The file has more than %(most)s MB.") % {"most": MAX_BYTES // 1024**2})
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise UnreadableFile(gettext("This is not JSON.")) from None
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if kind == "Appointment":
        return iter([_item(document, {})])
    if kind != "Bundle" or not isinstance(document.get("entry"), list):
        raise UnreadableFile(gettext("Give a FHIR Appointment, or a Bundle with entries."))
    entries = [entry for entry in document["entry"] if isinstance(entry, dict)]
    patients = {
        key: resource
        for entry in entries
        if isinstance(resource := entry.get("resource"), dict) and resource.get("resourceType") == "Patient"
        for key in (f"Patient/{resource.get('id')}", entry.get("fullUrl"))
        if isinstance(key, str)
    }
    found = [resource for entry in entries if isinstance(resource := entry.get("resource"), dict)]
    appointments = (resource for resource in found if resource.get("resourceType") == "Appointment")
    return at_most(_item(resource, patients) for resource in appointments)


def _item(resource: dict[str, Any], patients: Mapping[str, dict[str, Any]]) -> Item:
    external_id = resource.get("id")
    external_id = external_id if isinstance(external_id, str) else ""
    try:
        return _read(resource, external_id, patients)
    except Exception as error:  # a validator of the wild: whatever it trips over is this resource's own
        return Item(external_id[:200], None, problem=_problem(error))


def _problem(error: Exception) -> str:
    """Names the first field that is wrong, without its value."""
    errors = getattr(error, "errors", None)
    first = next(iter(errors()), None) if callable(errors) else None
    place = ".".join(map(str, first["loc"])) if first else ""
    if not place:
        return gettext("It is no FHIR Appointment: a field is missing or not as the standard has it.")
    wrong = gettext("It is no FHIR Appointment: %(field)s is missing or not as the standard has it.")
    return wrong % {"field": place}


def _read(resource: dict[str, Any], external_id: str, patients: Mapping[str, dict[str, Any]]) -> Item:
    # Takes a second to import, and most hubs never read FHIR.
    from fhir.resources.R4B.appointment import Appointment as Model

    model: Any = Model.model_validate(resource)
    identifier, phone, name = _patient(model, resource, patients)
    kinds = [concept for concept in [*(model.serviceType or []), model.appointmentType] if concept]
    version = getattr(model.meta, "versionId", None)
    changed = getattr(model.meta, "lastUpdated", None)
    texts = {"description": model.description, "instruction": model.patientInstruction}
    return Item(
        external_id=external_id,
        starts_at=model.start,
        phone=phone,
        identifier=identifier,
        name=name,
        kind=_words(kinds[0])[:50] if kinds else "",
        attributes={key: text[:2000] for key, text in texts.items() if text},
        status=STATUS[model.status].value,
        source_version=int(version) if version and version.isdecimal() else None,
        source_at=aware(changed) if isinstance(changed, datetime) else None,
    )


def _words(concept: Any) -> str:
    codings = concept.coding or []
    return concept.text or next((one.display or one.code for one in codings if one.display or one.code), "") or ""


def _patient(model: Any, resource: dict[str, Any], patients: Mapping[str, dict[str, Any]]) -> tuple[str, str, str]:
    """Identifier, number and name of the first participant that is a patient."""
    contained = {f"#{one.get('id')}": one for one in resource.get("contained") or [] if isinstance(one, dict)}
    for participant in model.participant or []:
        actor = participant.actor
        if actor is None:
            continue
        reference = actor.reference or ""
        patient = contained.get(reference) or patients.get(reference) or {}
        is_patient = patient.get("resourceType") == "Patient" or "Patient/" in reference or actor.type == "Patient"
        if is_patient:
            identifier = getattr(actor.identifier, "value", None) or _first(patient.get("identifier"), "value")
            return identifier or "", _telephone(patient), actor.display or _name(patient)
    return "", "", ""


def _first(items: Any, key: str) -> str:
    found = [one.get(key) for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    return next((value for value in found if isinstance(value, str) and value), "")


def _telephone(patient: Mapping[str, Any]) -> str:
    """A mobile one first; an old one never."""
    telecom = [one for one in patient.get("telecom") or [] if isinstance(one, dict) and one.get("use") != "old"]
    telecom.sort(key=lambda one: one.get("use") != "mobile")
    return _first([one for one in telecom if one.get("system") in ("phone", "sms")], "value").removeprefix("tel:")


def _name(patient: Mapping[str, Any]) -> str:
    names = patient.get("name")
    if not isinstance(names, list) or not names or not isinstance(names[0], dict):
        return ""
    given = [part for part in names[0].get("given") or [] if isinstance(part, str)]
    return names[0].get("text") or " ".join([*given, str(names[0].get("family") or "")]).strip()
