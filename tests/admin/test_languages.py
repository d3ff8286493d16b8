"""Staff read their own language; what other systems read stays English."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import translation

from campaigns.models import Campaign
from contacts.consents import proof
from smshub.api import keys
from tests import factories
from tests.factories import UserFactory

pytestmark = pytest.mark.usefixtures("english_again")
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de-CH,de;q=0.9,en;q=0.5"}


def test_the_browser_says_which(operator: Client) -> None:
    english = operator.get(reverse("admin:index")).content.decode()
    german = operator.get(reverse("admin:index"), **GERMAN).content.decode()

    assert '<html lang="en"' in english
    assert "Suppression list" in english
    assert '<html lang="de"' in german
    assert "Sperrliste" in german


def test_who_chose_one_has_it_whatever_the_browser_says(operator: Client) -> None:
    home = reverse("admin:index")

    answer = operator.post(reverse("set_language"), {"language": "de", "next": home})

    assert answer.headers["Location"] == home
    assert operator.cookies[settings.LANGUAGE_COOKIE_NAME].value == "de"
    assert "Sperrliste" in operator.get(home, HTTP_ACCEPT_LANGUAGE="en").content.decode()


def test_the_page_to_log_in_speaks_it_too(db: None, client: Client) -> None:
    assert "Anmelden" in client.get(reverse("admin:login"), **GERMAN).content.decode()


def test_the_api_stays_english(db: None, client: Client) -> None:
    answer = client.get("/api/v1/messages", **GERMAN)

    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert "Content-Language" not in answer.headers
    assert translation.get_language() == "en"


@pytest.mark.parametrize(
    ("adapter", "typed", "says"),
    [
        ("twilio", {"setting_account_sid": "AC1", "secret_auth_token": "t"}, "kopieren Sie sie aus der Konsole"),
        ("vonage", {"setting_api_key": "?", "secret_api_secret": "s", "secret_signature_secret": "s"}, "Dashboard von"),
        ("smpp", {"setting_address": "smsc.example"}, "Adresse: Schreiben Sie sie als smpp://host:port"),
        ("smpp", {"setting_window": "0"}, "Fenster: eine ganze Zahl von 1 bis 1000."),
        ("smpp", {"secret_password": " "}, "Passwort"),
    ],
)
def test_what_is_wrong_with_an_account_is_said_in_ones_own_language(
    operator: Client, adapter: str, typed: dict[str, str], says: str
) -> None:
    usual = {"setting_address": "smpp://192.0.2.7:2775", "setting_system_id": "clinic", "secret_password": "secret"}
    form = {"name": "Main", "rate": "1", "max_in_flight": "1"} | (usual if adapter == "smpp" else {}) | typed

    answer = operator.post(f"/admin/delivery/provider/add/check/?adapter={adapter}", form, **GERMAN)

    assert says in answer.content.decode()


def test_what_a_key_may_do_is_said_in_ones_own_language(operator: Client) -> None:
    key, _ = keys.issue(name="Shop", scopes=["messages:write"], actor=None)

    form = operator.get(reverse("admin:api_apikey_add"), **GERMAN).content.decode()
    page = operator.get(reverse("admin:api_apikey_change", args=[key.pk]), **GERMAN).content.decode()

    for said in ("Kontakte sehen (contacts:read)", "geht ins Testnetz"):
        assert said in form
    assert "Einzelne Nachrichten senden und abbrechen" in page


def test_the_next_screen_of_a_list_is_not_what_comes_next(operator: Client) -> None:
    assert "Als Nächstes" in operator.get(reverse("admin:index"), **GERMAN).content.decode()
    with translation.override("de"):
        assert translation.gettext("Next") == "Nächste"


def test_a_state_of_a_country_is_no_condition(operator: Client) -> None:
    """English has one word for both."""
    for page in ("admin:delivery_allowedhours_add", "admin:delivery_frequencycap_add"):
        assert "Bundesstaat" in operator.get(reverse(page), **GERMAN).content.decode()


def test_names_of_fields_statuses_figures_and_dates_are_translated(operator: Client) -> None:
    campaign = factories.CampaignFactory(
        status=Campaign.Status.PAUSED,
        paused_reason="By hand.",
        launched_at=datetime(2026, 5, 4, 14, 30, tzinfo=UTC),
        audience_size=12_345,
    )
    factories.MessageFactory(campaign_id=campaign.pk, status="delivered")

    page = operator.get(reverse("admin:campaigns_campaign_live", args=[campaign.pk]), **GERMAN).content.decode()
    listed = operator.get(reverse("admin:campaigns_campaign_changelist"), **GERMAN).content.decode()
    rule = operator.get(reverse("admin:campaigns_reminderrule_add"), **GERMAN).content.decode()

    assert "Angehalten" in page
    assert "12.345" in page
    assert "4. Mai 2026 14:30" in page
    assert "Angehalten" in listed
    assert "Nächste Regel" in rule


def test_what_is_kept_is_english_whoever_did_it(operator: Client) -> None:
    provider = factories.ProviderFactory(enabled=False)

    operator.post(reverse("admin:delivery_provider_enable", args=[provider.pk]), **GERMAN)

    assert LogEntry.objects.get().change_message == "Switched on"


def test_what_was_done_is_read_in_ones_own_language(operator: Client) -> None:
    provider = factories.ProviderFactory()
    operator.post(reverse("admin:delivery_provider_disable", args=[provider.pk]), {"reason": "Too dear."})
    history = reverse("admin:delivery_provider_history", args=[provider.pk])

    page = operator.get(history, **GERMAN).content.decode()

    assert "Ausgeschaltet: Too dear." in page
    assert "Switched off" not in page


def test_a_reason_that_is_kept_is_english_too(operator: Client) -> None:
    sender = factories.SenderFactory()
    form = {"provider": sender.provider_id, "address": sender.address, "opt_out_scope": sender.opt_out_scope}

    operator.post(reverse("admin:delivery_sender_change", args=[sender.pk]), form, **GERMAN)

    sender.refresh_from_db()
    assert (sender.enabled, sender.disabled_reason) == (False, "Switched off by staff.")


def test_roles_and_rights_have_names_that_staff_read(operator: Client, administrator: Client) -> None:
    author = Group.objects.get(name="Author")

    listed = operator.get(reverse("admin:auth_group_changelist"), **GERMAN).content.decode()
    page = operator.get(reverse("admin:auth_group_change", args=[author.pk]), **GERMAN).content.decode()
    user = administrator.get(reverse("admin:auth_user_change", args=[UserFactory().pk]), **GERMAN).content.decode()

    assert "Redaktion" in listed
    assert "<title> Redaktion" in " ".join(page.split())
    assert "<li>Kontakt: hinzufügen, ändern, löschen, ansehen, ganze Nummern sehen</li>" in page
    assert "Redaktion" in user
    assert "Author" not in listed + user
    to_change = administrator.get(reverse("admin:auth_group_change", args=[author.pk]), **GERMAN).content.decode()
    assert "Kontakte | Kontakt: ganze Nummern sehen" in to_change
    assert "Can " not in to_change


def test_what_is_printed_to_be_filed_is_in_ones_own_language(operator: Client) -> None:
    contact = factories.ContactFactory()
    factories.ConsentEventFactory(phone=contact.phone, evidence="inbound text 7")
    found = proof.proof(contact.phone)

    with translation.override("de"):
        german = proof.as_pdf(found)

    assert german != proof.as_pdf(found)
    assert found["events"][0]["evidence"] == "inbound text 7"
