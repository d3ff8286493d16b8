"""What the admin is called and how its menu reads (data for django-unfold)."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _may(*permissions: str) -> Callable[[HttpRequest], bool]:
    return lambda request: any(request.user.has_perm(permission) for permission in permissions)


def _item(title: Promise, icon: str, page: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{page}"),
        "permission": _may(permission),
        "active": lambda request: _is_at(request, f"admin:{page}"),
    }


def _is_at(request: HttpRequest, page: str) -> bool:
    """Whether it is this page or one below; reminders to come have an address below the reminders', and an own line."""
    address = reverse(page)
    if not request.path.startswith(address):
        return False
    upcoming = reverse("admin:campaigns_reminder_upcoming")
    return address == upcoming or not request.path.startswith(upcoming)


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "SMSHub",
    "SITE_HEADER": "SMSHub",
    "SITE_SYMBOL": "sms",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("smshub/icon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "DASHBOARD_CALLBACK": "smshub.dashboard.views.home",
    "STYLES": [lambda request: static("smshub/admin.css")],
    "SCRIPTS": [lambda request: static("smshub/live.js")],
    "ACCOUNT": {"navigation": [{"title": _("Security"), "link": reverse_lazy("admin:account_security")}]},
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    {"title": _("Home"), "icon": "home", "link": reverse_lazy("admin:index")},
                ],
            },
            {
                "title": _("Campaigns"),
                "items": [
                    _item(_("Campaigns"), "campaign", "campaigns_campaign_changelist", "campaigns.view_campaign"),
                    _item(_("Templates"), "draft", "campaigns_template_changelist", "campaigns.view_template"),
                ],
            },
            {
                "title": _("Reminders"),
                "items": [
                    _item(_("Appointments"), "event", "campaigns_appointment_changelist", "campaigns.view_appointment"),
                    _item(
                        _("Files"),
                        "upload_file",
                        "campaigns_appointmentfile_changelist",
                        "campaigns.view_appointmentfile",
                    ),
                    _item(_("Plans"), "event_repeat", "campaigns_plan_changelist", "campaigns.view_plan"),
                    _item(_("Rules"), "rule", "campaigns_reminderrule_changelist", "campaigns.view_reminderrule"),
                    _item(_("Next two weeks"), "preview", "campaigns_reminder_upcoming", "campaigns.view_reminder"),
                    _item(_("Reminders"), "alarm", "campaigns_reminder_changelist", "campaigns.view_reminder"),
                    _item(_("Tasks"), "task_alt", "campaigns_stafftask_changelist", "campaigns.view_stafftask"),
                ],
            },
            {
                "title": _("Contacts"),
                "items": [
                    _item(_("Contacts"), "person", "contacts_contact_changelist", "contacts.view_contact"),
                    _item(_("Lists"), "groups", "contacts_contactlist_changelist", "contacts.view_contactlist"),
                    _item(_("Import"), "upload", "contacts_contactimport_changelist", "contacts.view_contactimport"),
                    _item(
                        _("Suppression list"), "block", "contacts_suppression_changelist", "contacts.view_suppression"
                    ),
                    _item(
                        _("Consents"), "fact_check", "contacts_consentevent_changelist", "contacts.view_consentevent"
                    ),
                    _item(_("Erasures"), "person_off", "contacts_erasure_changelist", "contacts.view_erasure"),
                ],
            },
            {
                "title": _("Messages"),
                "items": [
                    _item(_("Inbox"), "forum", "campaigns_conversation_changelist", "campaigns.view_conversation"),
                    _item(_("Messages"), "chat", "delivery_message_changelist", "delivery.view_message"),
                    _item(_("Incoming texts"), "inbox", "delivery_inbound_changelist", "delivery.view_inbound"),
                    _item(_("Answers"), "quickreply", "campaigns_answerrule_changelist", "campaigns.view_answerrule"),
                    _item(
                        _("Automatic replies"),
                        "nights_stay",
                        "campaigns_autoreply_changelist",
                        "campaigns.view_autoreply",
                    ),
                    _item(
                        _("Canned replies"),
                        "description",
                        "campaigns_cannedreply_changelist",
                        "campaigns.view_cannedreply",
                    ),
                    _item(
                        _("Confirmations"), "verified", "delivery_confirmation_changelist", "delivery.view_confirmation"
                    ),
                ],
            },
            {
                "title": _("Setup"),
                "items": [
                    _item(_("Providers"), "cell_tower", "delivery_provider_changelist", "delivery.view_provider"),
                    _item(_("Senders"), "send", "delivery_sender_changelist", "delivery.view_sender"),
                    _item(_("Keywords"), "abc", "delivery_keyword_changelist", "delivery.view_keyword"),
                    _item(
                        _("Answers to keywords"),
                        "feedback",
                        "delivery_confirmationtext_changelist",
                        "delivery.view_confirmationtext",
                    ),
                    _item(_("Routes"), "alt_route", "delivery_route_changelist", "delivery.view_route"),
                    _item(
                        _("Calendar feeds"), "sync", "campaigns_calendarfeed_changelist", "campaigns.view_calendarfeed"
                    ),
                    _item(
                        _("Allowed hours"), "bedtime", "delivery_allowedhours_changelist", "delivery.view_allowedhours"
                    ),
                    _item(
                        _("Frequency caps"), "speed", "delivery_frequencycap_changelist", "delivery.view_frequencycap"
                    ),
                    _item(
                        _("Webhooks"), "webhook", "delivery_webhookendpoint_changelist", "delivery.view_webhookendpoint"
                    ),
                    _item(_("API keys"), "key", "api_apikey_changelist", "api.view_apikey"),
                    _item(_("SMPP logins"), "cable", "api_smpplogin_changelist", "api.view_smpplogin"),
                    _item(_("Twilio logins"), "swap_horiz", "api_twiliologin_changelist", "api.view_twiliologin"),
                    _item(_("Users"), "manage_accounts", "auth_user_changelist", "auth.view_user"),
                    _item(_("Groups"), "lock_person", "auth_group_changelist", "auth.view_group"),
                    _item(_("Audit log"), "policy", "audit_entry_changelist", "audit.view_entry"),
                ],
            },
        ],
    },
}
