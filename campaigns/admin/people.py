"""A person's page: who it is, whether they may be texted, and everything that happened, beside what can be changed."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from campaigns.models import Conversation
from campaigns.timeline import timeline
from campaigns.timeline.positions import Kind, position
from contacts.admin.people import ContactAdmin
from contacts.importing.values import time_zone_name
from contacts.masking import shown
from contacts.models import Contact
from delivery.admin import words
from delivery.states import Status

#: What may be shown to whom, and the page that a line leads to.
_RIGHTS = {
    Kind.SENT: "delivery.view_message",
    Kind.RECEIVED: "delivery.view_inbound",
    Kind.CLICK: "delivery.view_message",
    Kind.CONSENT: "contacts.view_consentevent",
    Kind.SUPPRESSED: "contacts.view_suppression",
    Kind.LIFTED: "contacts.view_suppression",
    Kind.APPOINTMENT: "campaigns.view_appointment",
    Kind.IMPORT: "contacts.view_contactimport",
}
_PAGES = {
    Kind.SENT: "admin:delivery_message_change",
    Kind.RECEIVED: "admin:delivery_inbound_change",
    Kind.CONSENT: "admin:contacts_consentevent_change",
    Kind.SUPPRESSED: "admin:contacts_suppression_change",
    Kind.LIFTED: "admin:contacts_suppression_change",
    Kind.APPOINTMENT: "admin:campaigns_appointment_change",
    Kind.IMPORT: "admin:contacts_contactimport_change",
}
#: Ways to look at a timeline, by the word in the address.
SHOWS: dict[str, tuple[Any, frozenset[Kind]]] = {
    "": (_("Everything"), frozenset(Kind)),
    "texts": (_("Texts"), frozenset({Kind.SENT, Kind.RECEIVED, Kind.CLICK})),
    "consent": (_("Consent"), frozenset({Kind.CONSENT, Kind.SUPPRESSED, Kind.LIFTED})),
    "appointments": (_("Appointments"), frozenset({Kind.APPOINTMENT})),
}
_COLOURS = {
    Kind.RECEIVED: "moving",
    Kind.CLICK: "delivered",
    Kind.CONSENT: "delivered",
    Kind.SUPPRESSED: "failed",
    Kind.LIFTED: "delivered",
}
#: Conversations that are linked to from a person's page.
MOST_CONVERSATIONS = 5

admin.site.unregister(Contact)


@admin.register(Contact)
class PersonAdmin(ContactAdmin):
    change_form_template = "campaigns/admin/person.html"

    def pages(self) -> Any:
        return {"timeline": ("<int:pk>/timeline/", require_GET(self.timeline_view))}

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Who it is and what happened; its form when it is asked for, or when something in it is wrong."""
        contact: Contact | None = context.get("original")
        context["editing"] = request.method == "POST" or "edit" in request.GET or contact is None
        if contact is not None and not context["editing"]:
            context |= self._timeline(request, contact) | {
                "number": shown(contact.phone, request.user),
                "standing": self.standing(contact),
                "consents": self.consents(contact),
                "there": _clock(contact),
                "on_lists": contact.lists.order_by("name")[:50],
                "conversations": Conversation.objects.filter(contact=contact).order_by("-last_text_at")[
                    :MOST_CONVERSATIONS
                ],
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def timeline_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        contact: Contact = self.allowed(request, pk, "view")
        return self.fragment(request, "campaigns/admin/timeline.html", self._timeline(request, contact))

    def _timeline(self, request: HttpRequest, contact: Contact) -> dict[str, Any]:
        chosen = request.GET.get("show", "")
        wanted = SHOWS.get(chosen, SHOWS[""])[1]
        kinds = {kind for kind in wanted if request.user.has_perm(_RIGHTS[kind])}
        page = timeline.page(contact, kinds=kinds, before=position(request.GET.get("before", "")))
        return {
            "person": contact,
            "lines": [_row(line) for line in page.lines],
            "before": page.before,
            "show": chosen if chosen in SHOWS else "",
            "shows": [(word, label) for word, (label, _kinds) in SHOWS.items()],
            "now": timezone.now(),
        }


def _row(line: timeline.Line) -> dict[str, Any]:
    view = _PAGES.get(line.kind)
    has_text = line.kind in (Kind.SENT, Kind.RECEIVED)
    return {
        "line": line,
        "kind": line.kind.name.lower(),
        "colour": words.GROUP_OF[line.status] if line.status else _COLOURS.get(line.kind, "waiting"),
        "status": Status(line.status).label if line.status else "",
        "text": words.text(line.text) if has_text else line.text,
        "url": reverse(view, args=[line.row]) if view else "",
    }


def _clock(contact: Contact) -> str:
    """What time it is where the person is, if that is known: `14:05, Europe/Paris`."""
    name = time_zone_name(contact.time_zone)
    return f"{timezone.now().astimezone(ZoneInfo(name)):%H:%M}, {name}" if name else ""
