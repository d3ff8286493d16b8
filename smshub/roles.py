"""Who may do what: groups, written from this table after every migration. People are put into them by hand.

An author writes campaigns and an approver lets them go; an inbox agent answers what people write; staff are authors and
inbox agents in one. An operator also sets the hub up: providers, senders, API keys, users. An auditor looks at
everything and changes nothing. Rights that were added to or taken from these groups by hand are set back; make a group
of another name for anything else.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.translation import gettext_noop

Rights = dict[str, str]


def merged(*tables: Rights) -> Rights:
    """What somebody with all of these may do."""
    found: dict[str, dict[str, None]] = {}
    for table in tables:
        for model, verbs in table.items():
            found.setdefault(model, {}).update(dict.fromkeys(verbs.split()))
    return {model: " ".join(verbs) for model, verbs in found.items()}


def only(rights: Rights, *verbs: str) -> Rights:
    """What is left of these rights with nothing but such verbs."""
    left = {model: " ".join(verb for verb in has.split() if verb in verbs) for model, has in rights.items()}
    return {model: has for model, has in left.items() if has}


AUTHOR: Rights = {
    "contacts.contact": "view add change delete see_numbers",
    "contacts.contactlist": "view add change delete",
    "contacts.contactimport": "view add change delete",
    "contacts.suppression": "view add change",
    "contacts.consentevent": "view add",
    "campaigns.template": "view add change",
    "campaigns.campaign": "view add change delete",
    "campaigns.link": "view add change delete",
    "campaigns.appointment": "view add change",
    "campaigns.appointmentfile": "view add change delete",
    "campaigns.plan": "view add change",
    "campaigns.reminderrule": "view add change",
    "campaigns.reminder": "view",
    "campaigns.answerrule": "view add change delete",
    "campaigns.autoreply": "view add change delete",
    "campaigns.cannedreply": "view add change delete",
    "delivery.message": "view",
    "delivery.inbound": "view",
    "delivery.confirmation": "view",
}
#: Who answers what people write, and nothing else.
INBOX: Rights = {
    "campaigns.conversation": "view change",
    "campaigns.cannedreply": "view",
    "campaigns.appointment": "view change",
    "campaigns.stafftask": "view change",
    "contacts.contact": "view see_numbers",
    "contacts.suppression": "view add",
    "delivery.message": "view",
    "delivery.inbound": "view",
}
STAFF: Rights = merged(AUTHOR, INBOX)
#: Who lets campaigns go, and stops them: by what they say and to how many, for which no whole number is needed.
APPROVER: Rights = {
    "campaigns.campaign": "view change approve",
    "campaigns.template": "view",
    "campaigns.link": "view",
    "contacts.contact": "view",
    "contacts.contactlist": "view",
    "delivery.message": "view",
}
_SETUP: Rights = {
    "campaigns.campaign": "approve",
    "campaigns.calendarfeed": "view add change",
    "delivery.provider": "view add change",
    "delivery.sender": "view add change",
    "delivery.keyword": "view add change delete",
    "delivery.confirmationtext": "view add change delete",
    "delivery.route": "view add change delete",
    "delivery.countrylimit": "view add change delete",
    "delivery.allowedhours": "view add change delete",
    "delivery.frequencycap": "view add change delete",
    "delivery.webhookendpoint": "view add change delete",
    "delivery.webhookdelivery": "view",
    "contacts.erasure": "view add",
    "api.apikey": "view add change",
    "api.smpplogin": "view add change",
    "api.twiliologin": "view add change",
    "auth.user": "view add change",
    "auth.group": "view",
    "audit.entry": "view",
}
OPERATOR: Rights = merged(STAFF, _SETUP)
AUDITOR: Rights = only(OPERATOR, "view")
ROLES: dict[str, Rights] = {
    gettext_noop("Author"): AUTHOR,
    gettext_noop("Approver"): APPROVER,
    gettext_noop("Inbox agent"): INBOX,
    gettext_noop("Staff"): STAFF,
    gettext_noop("Operator"): OPERATOR,
    gettext_noop("Auditor"): AUDITOR,
}


def codenames(rights: Rights) -> set[tuple[str, str]]:
    """Rights as (app, codename): `("contacts", "view_contact")`. A verb of several words is a codename by itself."""
    found = set()
    for model, verbs in rights.items():
        app, name = model.split(".")
        found |= {(app, verb if "_" in verb else f"{verb}_{name}") for verb in verbs.split()}
    return found


def sync() -> None:
    """Make the groups what the table says. Idempotent; a permission whose app is not migrated yet comes next time."""
    with transaction.atomic():
        known = {
            (app, codename): pk
            for pk, app, codename in Permission.objects.values_list("pk", "content_type__app_label", "codename")
        }
        for role, rights in ROLES.items():
            group, _ = Group.objects.get_or_create(name=role)
            group.permissions.set([known[name] for name in codenames(rights) if name in known])


def after_migrate(**_: Any) -> None:
    """For `post_migrate` of the last app, when every permission there is exists."""
    sync()
