"""Every page opens for who may open it, and for nobody else."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign
from contacts.models import ContactImport, Erasure
from smshub.api.models import ApiKey
from tests import conversation_factories, factories, reminder_factories, webhook_factories
from tests.audit.factories import EntryFactory
from tests.twilio_door.factories import TwilioLoginFactory

MAKE: dict[str, Callable[[], Any]] = {
    "contacts_contact": factories.ContactFactory,
    "contacts_contactlist": lambda: factories.ContactListFactory(contacts=[factories.ContactFactory()]),
    "contacts_contactimport": factories.ContactImportFactory,
    "contacts_suppression": factories.SuppressionFactory,
    "contacts_consentevent": factories.ConsentEventFactory,
    "contacts_erasure": factories.ErasureFactory,
    "campaigns_template": lambda: factories.TemplateVersionFactory().template,
    "campaigns_campaign": factories.CampaignFactory,
    "campaigns_appointment": lambda: reminder_factories.ReminderFactory().appointment,
    "campaigns_appointmentfile": reminder_factories.AppointmentFileFactory,
    "campaigns_calendarfeed": reminder_factories.CalendarFeedFactory,
    "campaigns_plan": reminder_factories.PlanFactory,
    "campaigns_reminderrule": lambda: reminder_factories.ReminderFactory().rule,
    "campaigns_reminder": reminder_factories.ReminderFactory,
    "campaigns_stafftask": reminder_factories.StaffTaskFactory,
    "campaigns_conversation": conversation_factories.ConversationFactory,
    "campaigns_answerrule": conversation_factories.AnswerRuleFactory,
    "campaigns_autoreply": conversation_factories.AutoReplyFactory,
    "campaigns_cannedreply": conversation_factories.CannedReplyFactory,
    "delivery_keyword": conversation_factories.KeywordFactory,
    "delivery_confirmationtext": conversation_factories.ConfirmationTextFactory,
    "delivery_confirmation": conversation_factories.ConfirmationFactory,
    "delivery_message": lambda: factories.MessageEventFactory().message,
    "delivery_inbound": factories.InboundFactory,
    "delivery_provider": factories.ProviderFactory,
    "delivery_sender": factories.SenderFactory,
    "delivery_route": factories.RouteFactory,
    "delivery_allowedhours": factories.AllowedHoursFactory,
    "delivery_frequencycap": factories.FrequencyCapFactory,
    "delivery_webhookendpoint": webhook_factories.WebhookFactory,
    "delivery_webhookdelivery": webhook_factories.WebhookDeliveryFactory,
    "api_apikey": factories.ApiKeyFactory,
    "api_smpplogin": factories.SmppLoginFactory,
    "api_twiliologin": TwilioLoginFactory,
    "auth_user": factories.UserFactory,
    "audit_entry": EntryFactory,
}
READ_ONLY = {
    *("delivery_message", "delivery_inbound", "campaigns_reminder", "delivery_confirmation"),
    *("delivery_webhookdelivery", "audit_entry"),
}
#: Written by the hub, and changed by a button at most.
NOT_ADDED = READ_ONLY | {"campaigns_stafftask", "campaigns_conversation"}
SETUP = {
    *("delivery_provider", "delivery_sender", "delivery_route", "delivery_allowedhours", "delivery_frequencycap"),
    *("api_apikey", "api_smpplogin", "api_twiliologin", "auth_user", "delivery_keyword", "delivery_confirmationtext"),
    *("campaigns_calendarfeed", "contacts_erasure"),
    *("delivery_webhookendpoint", "delivery_webhookdelivery", "audit_entry"),
}


def pages(model: str) -> dict[str, str]:
    thing = MAKE[model]()
    found = {
        "list": reverse(f"admin:{model}_changelist"),
        "one": reverse(f"admin:{model}_change", args=[thing.pk]),
    }
    if model not in NOT_ADDED:
        found["add"] = reverse(f"admin:{model}_add")
    return found


@pytest.mark.parametrize("model", MAKE)
def test_an_administrator_opens_every_page(administrator: Client, model: str) -> None:
    for page in pages(model).values():
        answer = administrator.get(page, follow=True)
        assert answer.status_code == 200, page
        # A column's value with its colour is a list's, and Python's own notation nobody's
        assert "(&#x27;" not in answer.content.decode(), page


@pytest.mark.parametrize(
    ("model", "way"),
    [
        ("campaigns_campaign", ["Campaigns"]),
        ("campaigns_template", ["Campaigns", "Templates"]),
        ("contacts_contact", ["Contacts"]),
        ("delivery_message", ["Delivery", "Messages"]),
    ],
)
def test_the_way_to_a_list_says_nothing_twice(administrator: Client, model: str, way: list[str]) -> None:
    shown = administrator.get(reverse(f"admin:{model}_changelist")).content.decode()
    header = shown.partition('id="content"')[0].rpartition("border-b")[2]
    assert re.findall(r'truncate tracking-tight">([^<]+)', header) == way
    assert re.search(r"<title>\s*(.+?)\s*</title>", shown, re.DOTALL)[1] == f"{way[-1]} | SMSHub"


@pytest.mark.parametrize("model", MAKE)
def test_an_operator_opens_every_page(operator: Client, model: str) -> None:
    for page in pages(model).values():
        assert operator.get(page, follow=True).status_code == 200, page


@pytest.mark.parametrize("model", MAKE)
def test_staff_open_every_page_but_the_setup(staff: Client, model: str) -> None:
    for page in pages(model).values():
        assert staff.get(page, follow=True).status_code == (403 if model in SETUP else 200), page


@pytest.mark.parametrize("model", MAKE)
def test_an_auditor_opens_every_page_and_adds_nothing(auditor: Client, model: str) -> None:
    for name, page in pages(model).items():
        assert auditor.get(page).status_code == (403 if name == "add" else 200), page


@pytest.mark.parametrize("model", MAKE)
def test_who_has_no_role_opens_nothing(nobody: Client, model: str) -> None:
    for page in pages(model).values():
        assert nobody.get(page, follow=True).status_code == 403, page


@pytest.mark.parametrize("model", sorted(READ_ONLY))
def test_messages_are_not_written_by_hand(administrator: Client, model: str) -> None:
    one = pages(model)["one"]

    assert administrator.get(reverse(f"admin:{model}_add")).status_code == 403
    assert administrator.get(reverse(f"admin:{model}_delete", args=[one.split("/")[-3]])).status_code == 403


def test_nothing_is_shown_that_has_no_purpose() -> None:
    shown = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}

    assert shown == {*MAKE, "auth_group"} | {name for name in shown if name.startswith("axes_")}


#: Where staff have nothing to do.
OPERATORS_PAGES = ("provider", "apikey", "route", "calendarfeed", "webhookendpoint", "webhookdelivery", "erasure")


def campaign(status: str) -> str:
    made = factories.CampaignFactory(status=status)
    return f"/admin/campaigns/campaign/{made.pk}"


def done_erasure() -> Erasure:
    return factories.ErasureFactory(phone=None, digest=bytes(32), status="done", finished_at=timezone.now())


#: Address, method, and what it needs: everything that is not one of Django's own pages.
def special_pages() -> list[tuple[str, str]]:
    upload = factories.ContactImportFactory(status=ContactImport.Status.UPLOADED)
    key: ApiKey = factories.ApiKeyFactory()
    provider, talk = factories.ProviderFactory(), conversation_factories.ConversationFactory()
    visits = reminder_factories.AppointmentFileFactory()
    delivery = webhook_factories.WebhookDeliveryFactory()
    webhook = delivery.endpoint
    draft, running = campaign(Campaign.Status.DRAFT), campaign(Campaign.Status.RUNNING)
    return [
        ("get", f"{running}/live/"),
        ("get", f"{running}/report/"),
        ("get", f"{running}/report/people/"),
        ("get", f"{running}/progress/"),
        ("get", f"{draft}/preflight/"),
        ("get", f"{draft}/launch/"),
        ("post", f"{draft}/launch/"),
        ("get", f"{draft}/schedule/"),
        ("get", f"{running}/cancel/"),
        ("post", f"{running}/act/pause/"),
        ("post", "/admin/campaigns/template/preview/"),
        ("post", f"/admin/campaigns/stafftask/{reminder_factories.StaffTaskFactory().pk}/done/"),
        ("get", f"/admin/campaigns/conversation/{talk.pk}/thread/"),
        ("post", f"/admin/campaigns/conversation/{talk.pk}/segments/"),
        ("post", f"/admin/campaigns/conversation/{talk.pk}/reply/"),
        ("post", f"/admin/campaigns/conversation/{talk.pk}/act/close/"),
        ("post", f"/admin/campaigns/conversation/{talk.pk}/assign/"),
        ("post", f"/admin/campaigns/conversation/{talk.pk}/settle/1/confirm/"),
        ("get", "/admin/campaigns/reminder/upcoming/"),
        ("get", f"/admin/campaigns/appointmentfile/{visits.pk}/progress/"),
        ("get", f"/admin/campaigns/appointmentfile/{visits.pk}/rejected.csv"),
        ("post", f"/admin/campaigns/appointmentfile/{visits.pk}/apply/"),
        ("post", f"/admin/campaigns/calendarfeed/{reminder_factories.CalendarFeedFactory().pk}/fetch/"),
        ("get", f"/admin/contacts/contactimport/{upload.pk}/progress/"),
        ("post", f"/admin/contacts/contactimport/{upload.pk}/map/"),
        ("get", f"/admin/contacts/contactimport/{upload.pk}/rejected.csv"),
        ("get", f"/admin/contacts/suppression/{factories.SuppressionFactory().pk}/lift/"),
        ("post", f"/admin/contacts/suppression/{factories.SuppressionFactory(reason='refused').pk}/confirm/"),
        ("get", f"/admin/contacts/consentevent/{factories.ContactFactory().pk}/proof.pdf"),
        ("get", f"/admin/contacts/erasure/export/{factories.ContactFactory().pk}/"),
        ("get", f"/admin/contacts/erasure/{done_erasure().pk}/certificate.pdf"),
        ("get", f"/admin/delivery/provider/{provider.pk}/disable/"),
        ("post", f"/admin/delivery/provider/{provider.pk}/enable/"),
        ("get", f"/admin/delivery/provider/{provider.pk}/health/"),
        ("post", f"/admin/delivery/provider/{provider.pk}/health/"),
        ("get", f"/admin/delivery/provider/{provider.pk}/prices/"),
        ("post", f"/admin/delivery/provider/{provider.pk}/check/"),
        ("get", f"/admin/delivery/provider/{provider.pk}/test/"),
        ("get", "/admin/delivery/route/check/"),
        ("get", f"/admin/api/apikey/{key.pk}/revoke/"),
        ("get", f"/admin/delivery/webhookendpoint/{webhook.pk}/rotate/"),
        ("post", f"/admin/delivery/webhookendpoint/{webhook.pk}/ping/"),
        ("get", f"/admin/delivery/webhookendpoint/{webhook.pk}/replay/"),
        ("post", f"/admin/delivery/webhookdelivery/{delivery.pk}/again/"),
    ]


def test_pages_of_our_own_ask_for_rights_too(nobody: Client, staff: Client, operator: Client) -> None:
    for method, page in special_pages():
        assert getattr(nobody, method)(page).status_code == 403, page
        refused = getattr(staff, method)(page).status_code == 403
        assert refused == any(f"/{name}/" in page for name in OPERATORS_PAGES), page
        assert getattr(operator, method)(page).status_code in (200, 302, 404), page


def test_an_auditor_changes_nothing(auditor: Client) -> None:
    for method, page in special_pages():
        if method == "post" and "/preview/" not in page and "/segments/" not in page:
            assert auditor.post(page).status_code == 403, page


@pytest.mark.parametrize(
    "page",
    ["campaigns/campaign/{}/act/pause/", "contacts/contactimport/{}/map/", "delivery/provider/{}/enable/"],
)
def test_nothing_is_changed_by_a_link(administrator: Client, page: str) -> None:
    made = {
        "campaigns": lambda: factories.CampaignFactory(status=Campaign.Status.RUNNING),
        "contacts": factories.ContactImportFactory,
        "delivery": lambda: factories.ProviderFactory(enabled=False),
    }[page.split("/")[0]]()

    assert administrator.get(f"/admin/{page.format(made.pk)}").status_code == 405


def test_a_post_without_its_token_is_refused(administrator: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = administrator.cookies
    running = campaign(Campaign.Status.RUNNING)

    assert strict.post(f"{running}/act/pause/").status_code == 403
