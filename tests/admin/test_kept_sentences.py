"""What was kept in English is read in German on every page that shows it."""

import csv
import io
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from campaigns import approval, control
from campaigns.models import AppointmentFile, CalendarFeed, Campaign
from delivery.routing.rules import State
from delivery.webhooks import post
from smshub.doctor import accounts, last, routes
from smshub.doctor.examine import examine
from smshub.doctor.findings import Check
from tests.factories import (
    AdministratorFactory,
    CampaignFactory,
    ContactImportFactory,
    HealthChangeFactory,
    MessageEventFactory,
    MessageFactory,
    ProviderFactory,
    ProviderHealthFactory,
    SenderFactory,
    SuppressionFactory,
    UserFactory,
)
from tests.webhook_factories import WebhookDeliveryFactory, WebhookFactory

pytestmark = pytest.mark.usefixtures("english_again")


def read(client: Client, name: str, *args: object) -> str:
    """The page, as somebody has it who chose German."""
    answer = client.get(reverse(f"admin:{name}", args=args), HTTP_ACCEPT_LANGUAGE="de")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_why_a_campaign_was_paused(operator: Client, settings: Settings) -> None:
    settings.AUTO_PAUSE_AFTER_MESSAGES = 20
    campaign = CampaignFactory(status="running")
    for status, reason in [("delivered", "")] * 14 + [("undelivered", "unreachable")] * 6:
        MessageFactory(campaign_id=campaign.pk, status=status, reason=reason)
    assert control.pause_if_unsafe(campaign.pk)

    live, home = read(operator, "campaigns_campaign_live", campaign.pk), read(operator, "index")

    said = "6 von 20 (30,0 %) kamen nicht an, mehr als 25 %. Am häufigsten: Gerät aus"
    assert f"Sie ist angehalten. {said}" in live
    assert said in home
    assert "did not arrive" not in live + home


def test_the_history_of_a_campaign(operator: Client, settings: Settings) -> None:
    settings.APPROVAL_ABOVE = 1
    campaign = CampaignFactory(status="draft")
    approval.ask(campaign=campaign, actor=UserFactory(), people=12_345)
    seen = approval.fingerprint(campaign)
    approval.decide(campaign=campaign, actor=AdministratorFactory(), seen=seen, granted=False, reason="Too early.")
    Campaign.objects.filter(pk=campaign.pk).update(status="running")
    control.limit(campaign=campaign, actor=None, max_segments=12_000, max_cost=Decimal("1250.5"))

    page = read(operator, "campaigns_campaign_live", campaign.pk)

    assert "Freigabe erbeten: 12.345 Personen." in page
    assert "Nicht freigegeben. Too early." in page
    assert "Ab jetzt: so schnell, wie sie darf, höchstens 12.000 SMS-Teile, höchstens 1.250,50 USD." in page
    assert not any(said in page for said in ("Asked for", "Not approved", "From now on"))


def test_why_a_provider_and_a_sender_are_off(operator: Client) -> None:
    provider = ProviderFactory(enabled=False, disabled_reason="The provider refuses the account (code 20003).")
    SenderFactory(enabled=False, disabled_reason="The provider refuses this sender (code 21606).")

    pages = [
        read(operator, "delivery_provider_changelist"),
        read(operator, "delivery_provider_change", provider.pk),
        read(operator, "index"),
    ]
    of_sender = read(operator, "delivery_sender_changelist")

    for page in pages:
        assert "Der Anbieter weist das Konto zurück (Code 20003)." in page
        assert "refuses" not in page
    assert "Der Anbieter weist diesen Absender zurück (Code 21606)." in of_sender
    assert "refuses" not in of_sender


def test_the_health_of_a_provider(operator: Client) -> None:
    provider = ProviderFactory()
    reason = "The trial failed. 75.0 % of 1,234 attempts failed by its fault."
    ProviderHealthFactory(provider=provider, state=State.OPEN, factor=0, reason=reason)
    HealthChangeFactory(provider=provider, reason="Pinned open by ada.")

    page = read(operator, "delivery_provider_change", provider.pk)

    assert "Die Probe ist gescheitert. 75,0 % von 1.234 Versuchen misslangen durch seine Schuld." in page
    assert "Von ada als offen festgelegt." in page
    assert "failed by" not in page


def test_what_became_of_webhooks(operator: Client) -> None:
    webhook = WebhookFactory(
        enabled=False, disabled_reason="It took nothing for 5 days.", last_error=post.in_words(503)
    )
    delivery = WebhookDeliveryFactory(endpoint=webhook, error="No answer within 10 seconds.")

    pages = [
        read(operator, "delivery_webhookendpoint_changelist"),
        read(operator, "delivery_webhookendpoint_change", webhook.pk),
    ]
    of_delivery = read(operator, "delivery_webhookdelivery_change", delivery.pk)

    for page in pages:
        assert "Er nahm 5 Tage lang nichts an." in page
        assert "Antwortete 503." in page
        assert "It took" not in page
    assert "Keine Antwort innerhalb von 10 Sekunden." in of_delivery
    assert "No answer" not in of_delivery


def test_the_timeline_of_a_message(operator: Client) -> None:
    message = MessageFactory(status="accepted")
    MessageEventFactory(message=message, detail="lease ran out unsent")
    MessageEventFactory(message=message, detail="Part 2 of 3.")

    page = read(operator, "delivery_message_change", message.pk)

    assert "Die Frist lief ungesendet ab." in page
    assert "Teil 2 von 3." in page


def test_what_a_file_of_contacts_had_wrong(operator: Client) -> None:
    failed = ContactImportFactory(status="failed", error="The file has 1,201 columns; at most 200 can be imported.")
    rejected = io.StringIO()
    rows = csv.writer(rejected)
    rows.writerow(["line", "reason", "problem", "phone"])
    rows.writerow(["3", "name", "The name is longer than 200 characters.", "+14155550100"])
    done = ContactImportFactory(
        status="done", header=["phone"], rejected_file=ContentFile(rejected.getvalue().encode(), name="rejected.csv")
    )

    of_failed = read(operator, "contacts_contactimport_change", failed.pk)
    of_done = read(operator, "contacts_contactimport_change", done.pk)

    assert "Die Datei hat 1.201 Spalten; höchstens 200 lassen sich importieren." in of_failed
    assert "Der Name ist länger als 200 Zeichen." in of_done
    assert "columns" not in of_failed
    assert "longer than" not in of_done


def test_what_a_file_of_appointments_had_wrong(operator: Client) -> None:
    failed = AppointmentFile.objects.create(
        original_name="a.csv", status="failed", error="Two columns have the same name."
    )

    page = read(operator, "campaigns_appointmentfile_change", failed.pk)

    assert "Zwei Spalten haben denselben Namen." in page
    assert "Two columns" not in page


def test_what_a_calendar_answered(operator: Client) -> None:
    feed = CalendarFeed.objects.create(
        name="Clinic",
        host="calendar.example.org",
        error="It did not answer within 30 seconds.",
        failures=2,
        counts={"created": 1200, "vanished": 2},
        problems=[["7", "Its beginning must lie between 1990 and 2200."]],
    )

    page, home = read(operator, "campaigns_calendarfeed_change", feed.pk), read(operator, "index")

    for said in (page, home):
        assert "Innerhalb von 30 Sekunden kam keine Antwort." in said
        assert "did not answer" not in said
    assert "1.200 angelegt, 2 verschwunden" in page
    assert "7: Der Beginn muss zwischen 1990 und 2200 liegen." in page


def test_what_proves_that_somebody_is_not_to_be_texted(operator: Client) -> None:
    SuppressionFactory(evidence="provider code 21610")

    assert "Code 21610 des Anbieters" in read(operator, "contacts_suppression_changelist")


def test_what_the_doctor_found(operator: Client, everybody_at_work: None) -> None:
    ProviderHealthFactory(provider__name="Acme", state=State.OPEN, factor=0, reason="The trial failed.")
    SenderFactory(provider__name="Bell", enabled=False, disabled_reason="The provider refuses this sender (code 7).")
    last.keep(examine([Check("health", routes.health), Check("senders", accounts.senders)]))

    page = read(operator, "index")

    assert "Absender " in page
    assert "von Bell wurde ausgeschaltet: Der Anbieter weist diesen Absender zurück (Code 7)." in page
    assert "Prüfen Sie seine Registrierung beim Anbieter" in page
    assert "Registration" not in page
    assert "was switched off" not in page


def test_why_a_connection_is_not_up(operator: Client) -> None:
    reason = "None of its connections is up. The operator does not accept the password (ESME_RINVPASWD)."
    ProviderHealthFactory(state=State.OPEN, factor=0, reason=reason)

    page = read(operator, "index")

    assert "Keine seiner Verbindungen steht. Der Netzbetreiber nimmt das Passwort nicht an (ESME_RINVPASWD)." in page


def test_what_a_providers_code_means(operator: Client) -> None:
    provider = ProviderFactory(adapter="twilio")
    message = MessageFactory(sender__provider=provider, status="undelivered", reason="unreachable", error_code="30003")

    page = read(operator, "delivery_message_change", message.pk)

    assert "Das Gerät ist aus oder außer Reichweite" in page
    assert "out of reach" not in page
