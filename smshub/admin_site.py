"""What the admin is called and how its menu reads (data for django-unfold)."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _may(*permissions: str) -> Callable[[HttpRequest], bool]:
    return lambda request: any(request.user.has_perm(permission) for permission in permissions)


def _item(title: str, icon: str, page: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{page}"),
        "permission": _may(permission),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "SMSHub",
    "SITE_HEADER": "SMSHub",
    "SITE_SYMBOL": "sms",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
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
                    {"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")},
                ],
            },
            {
                "title": "Campaigns",
                "items": [
                    _item("Campaigns", "campaign", "campaigns_campaign_changelist", "campaigns.view_campaign"),
                    _item("Templates", "draft", "campaigns_template_changelist", "campaigns.view_template"),
                ],
            },
            {
                "title": "Reminders",
                "items": [
                    _item("Appointments", "event", "campaigns_appointment_changelist", "campaigns.view_appointment"),
                    _item(
                        "Files", "upload_file", "campaigns_appointmentfile_changelist", "campaigns.view_appointmentfile"
                    ),
                    _item("Plans", "event_repeat", "campaigns_plan_changelist", "campaigns.view_plan"),
                    _item("Rules", "rule", "campaigns_reminderrule_changelist", "campaigns.view_reminderrule"),
                    _item("Next two weeks", "preview", "campaigns_reminder_upcoming", "campaigns.view_reminder"),
                    _item("Reminders", "alarm", "campaigns_reminder_changelist", "campaigns.view_reminder"),
                    _item("Tasks", "task_alt", "campaigns_stafftask_changelist", "campaigns.view_stafftask"),
                ],
            },
            {
                "title": "Contacts",
                "items": [
                    _item("Contacts", "person", "contacts_contact_changelist", "contacts.view_contact"),
                    _item("Lists", "groups", "contacts_contactlist_changelist", "contacts.view_contactlist"),
                    _item("Import", "upload", "contacts_contactimport_changelist", "contacts.view_contactimport"),
                    _item("Suppression list", "block", "contacts_suppression_changelist", "contacts.view_suppression"),
                    _item("Consents", "fact_check", "contacts_consentevent_changelist", "contacts.view_consentevent"),
                    _item("Erasures", "person_off", "contacts_erasure_changelist", "contacts.view_erasure"),
                ],
            },
            {
                "title": "Messages",
                "items": [
                    _item("Inbox", "forum", "campaigns_conversation_changelist", "campaigns.view_conversation"),
                    _item("Messages", "chat", "delivery_message_changelist", "delivery.view_message"),
                    _item("Incoming texts", "inbox", "delivery_inbound_changelist", "delivery.view_inbound"),
                    _item("Answers", "quickreply", "campaigns_answerrule_changelist", "campaigns.view_answerrule"),
                    _item(
                        "Automatic replies", "nights_stay", "campaigns_autoreply_changelist", "campaigns.view_autoreply"
                    ),
                    _item(
                        "Canned replies",
                        "description",
                        "campaigns_cannedreply_changelist",
                        "campaigns.view_cannedreply",
                    ),
                    _item(
                        "Confirmations", "verified", "delivery_confirmation_changelist", "delivery.view_confirmation"
                    ),
                ],
            },
            {
                "title": "Setup",
                "items": [
                    _item("Providers", "cell_tower", "delivery_provider_changelist", "delivery.view_provider"),
                    _item("Senders", "send", "delivery_sender_changelist", "delivery.view_sender"),
                    _item("Keywords", "abc", "delivery_keyword_changelist", "delivery.view_keyword"),
                    _item(
                        "Answers to keywords",
                        "feedback",
                        "delivery_confirmationtext_changelist",
                        "delivery.view_confirmationtext",
                    ),
                    _item("Routes", "alt_route", "delivery_route_changelist", "delivery.view_route"),
                    _item("Calendar feeds", "sync", "campaigns_calendarfeed_changelist", "campaigns.view_calendarfeed"),
                    _item("Allowed hours", "bedtime", "delivery_allowedhours_changelist", "delivery.view_allowedhours"),
                    _item("Frequency caps", "speed", "delivery_frequencycap_changelist", "delivery.view_frequencycap"),
                    _item(
                        "Webhooks", "webhook", "delivery_webhookendpoint_changelist", "delivery.view_webhookendpoint"
                    ),
                    _item("API keys", "key", "api_apikey_changelist", "api.view_apikey"),
                    _item("SMPP logins", "cable", "api_smpplogin_changelist", "api.view_smpplogin"),
                    _item("Twilio logins", "swap_horiz", "api_twiliologin_changelist", "api.view_twiliologin"),
                    _item("Users", "manage_accounts", "auth_user_changelist", "auth.view_user"),
                    _item("Groups", "lock_person", "auth_group_changelist", "auth.view_group"),
                    _item("Audit log", "policy", "audit_entry_changelist", "audit.view_entry"),
                ],
            },
        ],
    },
}
