"""The audit log in words: what was done, what it was about and what changed, in the reader's language.

What is kept are codes (`places` makes them), and the file to download has these. A code without words is shown itself.
"""

from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from smshub.audit import values
from smshub.audit.models import Entry

VERBS = {
    "account_app": _("set up an app for codes"),
    "account_app_remove": _("removed an app for codes"),
    "account_codes": _("made recovery codes"),
    "account_confirm": _("confirmed who they are"),
    "account_passkey_add": _("added a passkey"),
    "account_passkey_ask": _("was asked for a passkey"),
    "account_passkey_remove": _("removed a passkey"),
    "account_security": _("looked at their security"),
    "account_sessions_end": _("ended their sessions"),
    "act": _("pressed a button"),
    "add": _("added"),
    "again": _("sent again"),
    "app_list": _("looked at the list of areas"),
    "apply": _("applied"),
    "approve": _("approved"),
    "ask": _("asked"),
    "assign": _("assigned"),
    "autocomplete": _("looked for something to choose"),
    "batch": _("sent many"),
    "bind": _("had connections made"),
    "bulk": _("handed in many"),
    "cancel": _("cancelled"),
    "certificate": _("opened the certificate"),
    "certificate-pdf": _("downloaded the certificate"),
    "change": _("changed"),
    "check": _("checked"),
    "check_new": _("checked"),
    "checks": _("looked at the checks"),
    "clicks": _("looked at the clicks"),
    "close": _("closed"),
    "columns": _("chose columns"),
    "confirm": _("confirmed"),
    "connections": _("looked at the connections"),
    "csv": _("downloaded as CSV"),
    "dashboard_live": _("looked at the front page"),
    "dashboard_today": _("looked at the front page"),
    "decline": _("sent back"),
    "delete": _("deleted"),
    "deliveries": _("looked at what was told"),
    "disable": _("switched off"),
    "done": _("marked as done"),
    "dry-run": _("tried without sending"),
    "enable": _("switched on"),
    "end": _("ended"),
    "erase": _("erased"),
    "export": _("exported"),
    "failed": _("failed to sign in"),
    "fetch": _("had it fetched"),
    "files": _("handed in a file"),
    "forecast": _("checked before launch"),
    "go": _("launched or scheduled"),
    "headcount": _("counted the people"),
    "health": _("set the health"),
    "history": _("looked at the history"),
    "hours": _("looked at allowed hours"),
    "inbox": _("looked at the inbox"),
    "index": _("looked at the front page"),
    "jsi18n": _("loaded words of the page"),
    "kinds": _("looked at the kinds"),
    "launch": _("launched"),
    "lift": _("lifted"),
    "limit": _("set limits"),
    "links": _("looked at the links"),
    "list": _("looked at the list"),
    "live": _("watched it run"),
    "login": _("signed in"),
    "login_passkey": _("signed in by passkey"),
    "login_passkey_ask": _("was asked for a passkey"),
    "logout": _("signed out"),
    "map": _("chose columns"),
    "mark": _("marked as read or unread"),
    "members": _("changed the members"),
    "open": _("opened"),
    "opt-out": _("opted somebody out"),
    "password_change": _("changed the password"),
    "password_change_done": _("had changed the password"),
    "pause": _("paused"),
    "people": _("looked at the people"),
    "ping": _("sent a trial event"),
    "preflight": _("checked before launch"),
    "preview": _("looked at a preview"),
    "preview-draft": _("looked at a preview"),
    "prices": _("set prices"),
    "progress": _("looked at the progress"),
    "proof": _("opened the proof"),
    "proof-pdf": _("downloaded the proof"),
    "read": _("read"),
    "reading": _("looked at a preview"),
    "redact": _("emptied the text"),
    "rejected": _("downloaded what was rejected"),
    "reminders": _("looked at the reminders"),
    "renew": _("made a new secret"),
    "reopen": _("opened again"),
    "replay": _("sent again"),
    "reply": _("replied"),
    "report": _("looked at the report"),
    "report_csv": _("downloaded the report as CSV"),
    "report_pdf": _("downloaded the report as PDF"),
    "reset_factors": _("took second factors away"),
    "resume": _("resumed"),
    "retry": _("tried again"),
    "revoke": _("revoked"),
    "rotate": _("made a new secret"),
    "rotate-secret": _("made a new secret"),
    "schedule": _("scheduled"),
    "search": _("searched"),
    "second_factor": _("gave a second factor"),
    "segments": _("counted segments"),
    "settle": _("settled an appointment"),
    "signed in": _("signed in"),
    "signed out": _("signed out"),
    "standing": _("looked at the consent"),
    "start": _("began"),
    "status-secret": _("made a new secret"),
    "summary": _("looked at the summary"),
    "test": _("sent a test message"),
    "texts": _("looked at the texts"),
    "thread": _("looked at the texts"),
    "timeline": _("looked at the timeline"),
    "try": _("sent a text to oneself"),
    "unbind": _("had connections given up"),
    "undo": _("had it undone"),
    "unschedule": _("took back the schedule"),
    "upcoming": _("looked at what is to come"),
    "variant_preview": _("looked at a preview"),
    "versions": _("wrote a version"),
    "view_on_site": _("opened"),
    "ways": _("looked at the ways"),
    "who": _("looked at the people"),
    "wizard": _("worked in the wizard"),
}


def verb(entry: Entry) -> str:
    return str(VERBS.get(entry.verb, entry.verb))


def subject(label: str) -> str:
    """The model's name, and the field's where it is about one; an address of the API as it is."""
    model, field = _of(label)
    if model is None:
        return label
    name = capfirst(model._meta.verbose_name)
    return f"{name}: {field.verbose_name}" if field else str(name)


def changes(entry: Entry) -> list[tuple[str, ...]]:
    """Column, before and after; the column alone where no more is kept."""
    model, _field = _of(entry.subject)
    fields = {field.column: field for field in model._meta.local_fields} if model else {}
    found: list[tuple[str, ...]] = []
    for column, change in sorted(entry.changes.items()):
        field = fields.get(column)
        name = str(field.verbose_name) if field else column
        found.append((name, *(values.said(value, field) for value in change)) if change else (name,))
    return found


def _of(label: str) -> tuple[Any, Any]:
    """The model, and the field of it, that `app.Model` or `app.Model.field` names."""
    app, _dot, rest = label.partition(".")
    name, _dot, field = rest.partition(".")
    try:
        model = apps.get_model(app, name) if name else None
        return model, model._meta.get_field(field) if model and field else None
    except (LookupError, FieldDoesNotExist):
        return None, None
