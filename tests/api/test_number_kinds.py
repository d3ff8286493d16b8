"""Numbers that are not mobiles: refused, or taken with a warning."""

from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from contacts import kinds
from contacts.phone import PhoneKind, normalise
from delivery.models import Message
from tests.api.conftest import System, is_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sender")]

#: One of each kind, in their countries' plans.
NUMBERS = {
    PhoneKind.MOBILE: "+33612345678",
    PhoneKind.FIXED: "+33123456789",
    PhoneKind.FIXED_OR_MOBILE: "+14155550123",
    PhoneKind.VOIP: "+33912345678",
    PhoneKind.TOLL_FREE: "+18005550123",
    PhoneKind.PREMIUM: "+19005550123",
    PhoneKind.SHARED_COST: "+4918012345",
    PhoneKind.OTHER: "+15005550006",
}


def send(shop: System, kind: PhoneKind) -> Any:
    return shop.post("messages", {"to": NUMBERS[kind], "body": "x"})


@pytest.mark.parametrize("kind", PhoneKind)
def test_the_samples_are_what_they_are_taken_for(kind: PhoneKind) -> None:
    assert normalise(NUMBERS[kind], default_country=None).kind is kind


@pytest.mark.parametrize("kind", [PhoneKind.PREMIUM, PhoneKind.SHARED_COST])
def test_what_bills_whoever_reaches_it_is_not_texted(shop: System, kind: PhoneKind) -> None:
    answer = send(shop, kind)

    assert is_problem(answer, 400, "validation-error")
    assert [(error["pointer"], error["code"]) for error in answer.body["errors"]] == [("/to", "number_kind")]
    assert NUMBERS[kind] not in answer.content.decode()
    assert not Message.objects.exists()


@pytest.mark.parametrize("kind", [PhoneKind.FIXED, PhoneKind.TOLL_FREE])
def test_what_hardly_ever_takes_texts_is_taken_with_a_warning(shop: System, kind: PhoneKind) -> None:
    answer = send(shop, kind)

    assert answer.status_code == 201
    assert [warning["code"] for warning in answer.body["warnings"]] == ["number_kind"]
    assert "may not take texts" in answer.body["warnings"][0]["detail"]


@pytest.mark.parametrize("kind", [PhoneKind.MOBILE, PhoneKind.FIXED_OR_MOBILE, PhoneKind.VOIP, PhoneKind.OTHER])
def test_of_anything_else_nothing_is_said(shop: System, kind: PhoneKind) -> None:
    assert send(shop, kind).body["warnings"] == []


def test_the_operator_decides_which(shop: System, settings: Any) -> None:
    settings.REFUSED_NUMBER_KINDS = ["fixed"]

    assert is_problem(send(shop, PhoneKind.FIXED), 400, "validation-error")
    assert [warning["code"] for warning in send(shop, PhoneKind.PREMIUM).body["warnings"]] == ["number_kind"]


def test_a_kind_that_there_is_not_keeps_the_hub_from_starting(settings: Any) -> None:
    settings.REFUSED_NUMBER_KINDS = ["premium", "landline"]

    with pytest.raises(ImproperlyConfigured, match="REFUSED_NUMBER_KINDS: 'landline'"):
        apps.get_app_config("contacts").ready()


def test_contacts_are_kept_whatever_their_number_is(shop: System) -> None:
    assert shop.post("contacts", {"phone": NUMBERS[PhoneKind.PREMIUM]}).status_code == 201
    assert kinds.refusal(normalise(NUMBERS[PhoneKind.PREMIUM], default_country=None))
