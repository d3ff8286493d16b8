"""What an address is about, as the audit log calls it: told from its name, so that a new one has one too."""

from dataclasses import dataclass

from django.contrib import admin
from django.urls import ResolverMatch

#: Pages that show people: every page of these models, or those named; and what shows them over the API, by families.
PERSONAL: dict[str, frozenset[str]] = {
    "contacts.Contact": frozenset(),
    "contacts.Suppression": frozenset(),
    "contacts.ConsentEvent": frozenset(),
    "contacts.ContactImport": frozenset(),
    "contacts.Erasure": frozenset(),
    "campaigns.Appointment": frozenset(),
    "campaigns.AppointmentFile": frozenset(),
    "campaigns.Plan": frozenset(),
    "campaigns.Reminder": frozenset(),
    "campaigns.Conversation": frozenset(),
    "campaigns.Campaign": frozenset({"people"}),
    "delivery.Message": frozenset(),
    "delivery.Inbound": frozenset(),
    "delivery.Confirmation": frozenset(),
    "delivery.WebhookDelivery": frozenset(),
    "api/contacts": frozenset(),
    "api/lists": frozenset({"members"}),
    "api/imports": frozenset({"columns"}),
    "api/suppressions": frozenset(),
    "api/consents": frozenset(),
    "api/erasures": frozenset(),
    "api/appointments": frozenset(),
    "api/reminder-rules": frozenset({"preview"}),
    "api/upcoming": frozenset(),
    "api/plans": frozenset(),
    "api/tasks": frozenset(),
    "api/conversations": frozenset(),
    "api/messages": frozenset(),
    "api/inbound": frozenset(),
    "api/webhooks": frozenset({"deliveries"}),
}

#: Families of which systems read each record, by the million: that they read is told, not which.
BY_FAMILY = frozenset({"api/messages", "api/inbound"})

#: What a key reads by POST, as the question is not for an address; by subject and verb.
READ_BY_POST = frozenset({"api/messages search"})

#: Requests that are not actions of the log, by subject or by subject and verb, and why.
TOLD_ELSEWHERE = {
    "api/messages": "each message knows the key that handed it in, and there are millions",
    "admin login": "a sign-in",
    "admin login_passkey": "a sign-in",
    "admin second_factor": "a sign-in",
    "admin logout": "a sign-in",
}

_VERBS = {"changelist": "list", "change": "open", "add": "add", "delete": "delete"}
_API_VERBS = {"POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}
_IDS = ("object_id", "pk", "contact_id")


@dataclass(frozen=True, slots=True)
class Place:
    subject: str
    verb: str
    object_id: str

    @property
    def is_told_elsewhere(self) -> bool:
        return self.subject in TOLD_ELSEWHERE or f"{self.subject} {self.verb}" in TOLD_ELSEWHERE

    @property
    def is_personal(self) -> bool:
        verbs = PERSONAL.get(self.subject)
        return verbs is not None and (not verbs or self.verb in verbs)

    def is_read_by(self, method: str) -> bool:
        """Whether a request of this method, which changed nothing, was one to read it."""
        return method in ("GET", "HEAD") or f"{self.subject} {self.verb}" in READ_BY_POST


def of_admin(match: ResolverMatch, method: str) -> Place:
    """A page of a model's, or of the site's."""
    name = match.url_name or ""
    for model in admin.site._registry:
        prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
        if name.startswith(prefix):
            verb = name.removeprefix(prefix)
            wrote = verb == "change" and method == "POST"
            return Place(model._meta.label, verb if wrote else _VERBS.get(verb, verb), _object_id(match))
    return Place("admin", name, _object_id(match))


def of_api(match: ResolverMatch, method: str) -> Place:
    """`campaigns-detail` by PATCH is `change` of `api/campaigns`; `campaigns-launch` is its `launch`."""
    name = match.url_name or ""
    family = str(getattr(match.func, "initkwargs", {}).get("basename", name))
    action = name.removeprefix(family).lstrip("-")
    verb = _API_VERBS.get(method, "read") if action in ("list", "detail") else action
    return Place(f"api/{family}", verb, _object_id(match))


def _object_id(match: ResolverMatch) -> str:
    found = next((match.kwargs[name] for name in _IDS if name in match.kwargs), "")
    return str(found)[:64]
