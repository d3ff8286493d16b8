"""Accounts with providers over HTTP: set up, checked, switched; secrets go in and never out."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery import credentials
from delivery.models import TEST_PROVIDER, Price, Provider
from delivery.providers import registry
from smshub.api.models import IdempotencyRecord
from tests.api.conftest import Caller, System, is_problem
from tests.contract.twilio_harness import TOKEN as THEIR_TOKEN
from tests.contract.twilio_harness import TwilioHarness
from tests.factories import ProviderFactory, ProviderHealthFactory

pytestmark = pytest.mark.django_db

TOKEN = "fedcba9876543210fedcba9876543210"
ACCOUNT = {"account_sid": "AC0123456789abcdef0123456789abcdef"}
NEW = {"name": "Twilio", "adapter": "twilio", "settings": ACCOUNT, "secrets": {"auth_token": TOKEN}, "rate": 30}


def made(shop: System) -> dict[str, Any]:
    answer = shop.post("providers", NEW)
    assert answer.status_code == 201, answer.body
    found: dict[str, Any] = answer.body
    return found


def test_an_account_is_set_up_and_its_secrets_are_never_shown(shop: System) -> None:
    answer = shop.post("providers", NEW, Idempotency_Key="1")

    assert answer.status_code == 201, answer.body
    assert (answer.body["settings"], answer.body["rate"], answer.body["enabled"]) == (ACCOUNT, 30, True)
    assert answer.body["secrets_set"]["auth_token"] is True
    assert answer.body["secrets_set"]["api_key"] is False
    shown = shop.get(f"providers/{answer.body['id']}")
    assert shown.body == answer.body
    for said in (answer.content.decode(), shown.content.decode(), str(IdempotencyRecord.objects.get().body)):
        assert TOKEN not in said
    assert Provider.objects.get(name="Twilio").credentials == {"auth_token": TOKEN}


def test_whoever_may_not_change_settings_does_not_see_them(system: Caller, shop: System) -> None:
    provider = made(shop)

    shown = system("providers:read").get(f"providers/{provider['id']}").body

    assert shown["settings"] is None
    assert shown["secrets_set"]["auth_token"] is True


def test_what_is_not_given_stays_and_null_takes_away(shop: System) -> None:
    at = f"providers/{made(shop)['id']}"
    secrets = {"api_key": "SK" + "0" * 32, "api_secret": "s3cret"}

    shop.patch(at, {"secrets": secrets, "max_in_flight": 7})
    assert Provider.objects.get(name="Twilio").credentials == {"auth_token": TOKEN, **secrets}
    changed = shop.patch(at, {"secrets": dict.fromkeys(secrets), "name": "Twilio, main"})

    assert (changed.body["name"], changed.body["max_in_flight"], changed.body["settings"]) == (
        "Twilio, main",
        7,
        ACCOUNT,
    )
    assert Provider.objects.get(name="Twilio, main").credentials == {"auth_token": TOKEN}


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"settings": {}}, "", "required"),
        ({"settings": {"account_sid": "AC12"}}, "", "SID"),
        ({"settings": {**ACCOUNT, "colour": "red"}}, "", "no setting named colour"),
        ({"settings": {**ACCOUNT, "auth_token": TOKEN}}, "", "secret, not a setting"),
        ({"settings": {**ACCOUNT, "base_url": ["x"]}}, "/settings/base_url", "Give a text"),
        ({"settings": {**ACCOUNT, "base_url": "http://127.0.0.1:9/"}}, "", "public host"),
        ({"secrets": {}}, "", "required"),
        ({"secrets": {"auth_token": TOKEN, "pin": "1"}}, "", "no secret named pin"),
        ({"adapter": "pigeon"}, "/adapter", "Give one of"),
        ({"adapter": "testcarrier"}, "/adapter", "Give one of"),
        ({"rate": 0}, "/rate", "greater than or equal to 1"),
    ],
)
def test_an_account_that_could_not_work_is_refused(
    shop: System, settings: Any, change: dict[str, Any], field: str, says: str
) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_URLS = False

    answer = shop.post("providers", NEW | change)

    assert is_problem(answer, 400, "validation-error")
    assert says in {error["pointer"]: error["detail"] for error in answer.body["errors"]}[field]
    assert not Provider.objects.exclude(pk=TEST_PROVIDER).exists()


_VALUES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_written_as_a_setting_is_taken_or_refused(shop: System, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([kind for kind in registry.kinds().values() if not kind.is_test]))
    plain = [field.name for field in kind.form if not field.secret and not field.is_url]
    secret = [field.name for field in kind.form if field.secret]
    body = {
        "name": "Any",
        "adapter": kind.name,
        "settings": data.draw(st.dictionaries(st.sampled_from(plain), _VALUES)) if plain else {},
        "secrets": dict.fromkeys(secret, "s3cret"),
    }
    Provider.objects.filter(name="Any").delete()

    assert shop.post("providers", body).status_code in (201, 400)


def test_what_each_kind_is_set_up_with_is_told(shop: System) -> None:
    kinds = {kind["adapter"]: kind for kind in shop.get("providers/kinds").body}

    fields = {field["name"]: field for field in kinds["twilio"]["settings"]}
    assert (fields["account_sid"]["needed"], fields["account_sid"]["secret"]) == (True, False)
    assert (fields["auth_token"]["needed"], fields["auth_token"]["secret"]) == (True, True)
    assert set(kinds) == {kind.name for kind in registry.kinds().values() if not kind.is_test}


def test_an_account_stays_with_its_kind(shop: System) -> None:
    answer = shop.patch(f"providers/{made(shop)['id']}", {"adapter": "vonage"})

    assert is_problem(answer, 400, "validation-error")
    assert "cannot be changed" in answer.body["detail"]


def test_secrets_cannot_be_had_by_pointing_the_account_elsewhere(shop: System) -> None:
    answer = shop.patch(f"providers/{made(shop)['id']}", {"settings": {"base_url": "https://example.org/"}})

    assert is_problem(answer, 400, "validation-error")
    assert Provider.objects.get(name="Twilio").settings == ACCOUNT


def test_it_is_switched_off_with_a_reason_and_on_when_it_is_complete(shop: System) -> None:
    at = f"providers/{made(shop)['id']}"

    off = shop.post(f"{at}/disable", {"reason": "Bill not paid."}).body
    assert (off["enabled"], off["disabled_reason"]) == (False, "Bill not paid.")
    on = shop.post(f"{at}/enable").body
    assert (on["enabled"], on["disabled_reason"]) == (True, "")

    Provider.objects.filter(name="Twilio").update(settings={}, enabled=False)
    assert is_problem(shop.post(f"{at}/enable"), 409, "wrong-state")


# --- checking ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def twilio() -> Iterator[TwilioHarness]:
    started = TwilioHarness()
    started.start()
    yield started
    started.stop()


def at_the_carrier(twilio: TwilioHarness, shop: System, token: str) -> str:
    config = twilio.config()
    answer = shop.post("providers", NEW | {"settings": config.settings, "secrets": {"auth_token": token}})
    return f"providers/{answer.body['id']}"


@pytest.mark.parametrize(("token", "outcome"), [(THEIR_TOKEN, "granted"), ("guessed-by-me", "refused")])
def test_a_check_asks_the_provider_and_tells_no_secret(
    twilio: TwilioHarness, shop: System, token: str, outcome: str
) -> None:
    answer = shop.post(f"{at_the_carrier(twilio, shop, token)}/check")

    assert (answer.body["usable"], answer.body["problem"]) == (True, "")
    assert answer.body["credentials"]["outcome"] == outcome
    assert "Twilio" in answer.body["credentials"]["sentence"]
    assert token not in answer.content.decode()


def test_an_account_that_is_not_complete_is_not_tried(shop: System) -> None:
    at = f"providers/{made(shop)['id']}"
    Provider.objects.filter(name="Twilio").update(settings={})

    checked = shop.post(f"{at}/check").body

    assert (checked["usable"], checked["credentials"], "required" in checked["problem"]) == (False, None, True)


def test_only_a_key_that_may_change_providers_checks_them_and_not_too_often(
    system: Caller, shop: System, settings: Any
) -> None:
    settings.REDIS_PREFIX = f"test:{uuid4().hex}:"
    provider = f"providers/{made(shop)['id']}"
    Provider.objects.filter(name="Twilio").update(settings=ACCOUNT | {"base_url": "http://127.0.0.1:1"})

    assert is_problem(system("providers:read").post(f"{provider}/check"), 403, "missing-scope")
    for _ in range(credentials.A_MINUTE):
        assert shop.post(f"{provider}/check").body["credentials"]["outcome"] == "unreachable"
    refused = shop.post(f"{provider}/check")
    assert is_problem(refused, 429, "too-many-requests")
    assert refused["Retry-After"] == "60"


def test_its_connections_are_given_up_and_made_again(shop: System) -> None:
    at = f"providers/{made(shop)['id']}"

    assert shop.post(f"{at}/unbind").status_code == 200
    assert Provider.objects.get(name="Twilio").unbound_by == "API key Web shop"
    assert shop.post(f"{at}/bind").status_code == 200
    assert Provider.objects.get(name="Twilio").unbound_at is None


def test_a_change_is_about_the_account_and_not_about_its_health(shop: System) -> None:
    answer = shop.post("providers", NEW)
    at, tag = f"providers/{answer.body['id']}", answer["ETag"]
    ProviderHealthFactory(provider_id=answer.body["id"], factor=50, state="degraded", reason="Slow.")

    assert shop.get(at, If_None_Match=tag).body["health"]["factor"] == 50
    assert shop.patch(at, {"rate": 31}, If_Match=tag).status_code == 200
    assert is_problem(shop.patch(at, {"rate": 32}, If_Match=tag), 412, "precondition-failed")


def test_a_word_of_somebodys_stands_over_what_is_measured(shop: System) -> None:
    at = f"providers/{made(shop)['id']}"

    pinned = shop.post(f"{at}/health", {"pin": "open"}).body

    assert (pinned["health"]["state"], pinned["health"]["pinned"]) == ("open", True)
    assert pinned["changes"][0]["by"] == "API key Web shop"
    assert shop.post(f"{at}/health", {"pin": ""}).body["health"]["pinned"] is False


def test_prices_are_set_all_at_once(shop: System) -> None:
    provider = ProviderFactory()
    at = f"providers/{provider.pk}/prices"

    shop.post(at, {"prices": {"FR": "0.05"}})
    assert shop.post(at, {"prices": {"gb": "0.04", "*": "0.0075"}}).body["prices"] == {"*": "0.0075", "GB": "0.04"}

    assert shop.get(at).body == {"prices": {"*": "0.0075", "GB": "0.04"}, "currency": "USD"}
    assert Price.objects.get(country="GB").per_segment == Decimal("0.04")
    for wrong in ({"XX": "1"}, {"GB": "-1"}, {"GB": "free"}, {"gb": "1", "GB": "1"}, {"GB": "0.04 FR"}, {"GB": "1e9"}):
        assert is_problem(shop.post(at, {"prices": wrong}), 400, "validation-error")
