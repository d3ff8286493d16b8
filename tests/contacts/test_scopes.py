"""A stop may be about one sender's texts, and a refusal in free words holds until somebody has looked at it."""

from typing import Any

import pytest

from contacts import consent
from contacts.models import Suppression
from contacts.signals import suppression_changed
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ANN, BEA = "+33612345678", "+33612345679"
SHOP, CLINIC = "+15005550006", "CLINIC"


def suppress(*phones: str, reason: str = "opted_out", scope: str = "") -> int:
    return consent.suppress(phones=phones, reason=reason, evidence="inbound text 1", actor=None, scope=scope)


def start(*phones: str, scope: str = "") -> int:
    return consent.lift(phones=phones, evidence="START", actor=None, reasons=consent.THEIR_OWN, scope=scope)


@pytest.fixture
def announced() -> Any:
    heard: list[dict[str, Any]] = []

    def hear(**said: Any) -> None:
        heard.append({key: said[key] for key in ("phones", "suppressed", "reason", "scope", "evidence")})

    suppression_changed.connect(hear)
    yield heard
    suppression_changed.disconnect(hear)


def test_a_stop_to_one_sender_leaves_the_others_alone() -> None:
    assert suppress(ANN, scope=SHOP) == 1

    assert consent.suppressed_among([ANN, BEA], sender=SHOP) == {ANN: "opted_out"}
    assert consent.suppressed_among([ANN], sender=CLINIC) == {}
    assert not consent.is_suppressed(ANN)
    assert consent.is_suppressed(ANN, SHOP)


def test_a_stop_to_all_stops_each_sender_and_is_the_reason_that_is_told() -> None:
    suppress(ANN, scope=SHOP)
    suppress(ANN, reason="manual")

    assert consent.suppressed_among([ANN], sender=SHOP) == {ANN: "manual"}
    assert consent.suppressed_among([ANN], sender=CLINIC) == {ANN: "manual"}


def test_a_start_to_one_sender_lifts_its_stop_and_what_the_person_had_said_to_all() -> None:
    suppress(ANN)
    suppress(ANN, scope=SHOP)
    suppress(ANN, scope=CLINIC)

    assert start(ANN, scope=SHOP) == 1

    assert not consent.is_suppressed(ANN, SHOP)
    assert consent.is_suppressed(ANN, CLINIC)


@pytest.mark.parametrize("reason", ["manual", "invalid_number"])
def test_by_way_of_a_sender_nothing_is_lifted_that_others_decided_for_all(reason: str) -> None:
    suppress(ANN, reason=reason)

    assert consent.lift(phones=[ANN], evidence="by phone", actor=None, scope=SHOP) == 0
    assert consent.is_suppressed(ANN, SHOP)


def test_lifting_for_all_leaves_what_was_said_to_one_sender() -> None:
    suppress(ANN, BEA)
    suppress(ANN, scope=SHOP)

    assert start(ANN, BEA) == 2

    assert not consent.is_suppressed(ANN)
    assert consent.is_suppressed(ANN, SHOP)


def test_staff_lift_the_one_entry_that_they_look_at() -> None:
    suppress(ANN)
    suppress(ANN, scope=SHOP)
    mine = Suppression.objects.get(scope=SHOP)

    assert consent.lift_one(mine, evidence="by phone", actor=None) == 1
    assert consent.lift_one(mine, evidence="again", actor=None) == 0

    assert Suppression.objects.get(lifted_at=None).scope == ""


def test_a_refusal_holds_at_once_and_is_confirmed_once() -> None:
    suppress(ANN, reason="refused")
    refusal, staff = Suppression.objects.get(), UserFactory()
    assert consent.is_suppressed(ANN)

    assert consent.confirm(refusal, actor=staff)
    assert not consent.confirm(refusal, actor=staff)

    refusal.refresh_from_db()
    assert (refusal.reviewed_by, refusal.lifted_at) == (staff, None)


def test_a_plain_stop_after_a_refusal_needs_no_look_any_more() -> None:
    suppress(ANN, reason="refused")
    assert suppress(ANN) == 1
    assert suppress(ANN, reason="refused") == 0
    assert consent.suppressed_among([ANN]) == {ANN: "opted_out"}


def test_a_confirmed_refusal_stays_what_staff_called_it() -> None:
    suppress(ANN, reason="refused")
    consent.confirm(Suppression.objects.get(), actor=UserFactory())
    assert suppress(ANN) == 0
    assert consent.suppressed_among([ANN]) == {ANN: "refused"}


def test_what_changed_is_announced_once_a_call_and_nothing_else(announced: list[dict[str, Any]]) -> None:
    suppress(BEA, ANN, ANN, scope=SHOP)
    suppress(ANN, scope=SHOP)
    start(ANN, BEA, scope=SHOP)
    start(ANN, scope=SHOP)

    said = {"phones": [ANN, BEA], "scope": SHOP}
    assert announced == [
        said | {"suppressed": True, "reason": "opted_out", "evidence": "inbound text 1"},
        said | {"suppressed": False, "reason": "", "evidence": "START"},
    ]
