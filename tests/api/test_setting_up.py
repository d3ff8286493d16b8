"""What is set up over HTTP: by the rules of the admin, under If-Match, and within what a key is bound to."""

from typing import Any

import pytest
import structlog
from django.db.models import Model

from campaigns.models import AnswerRule, AutoReply, CannedReply
from delivery.models import (
    AllowedHours,
    ConfirmationText,
    CountryLimit,
    FrequencyCap,
    Keyword,
    ProviderHealth,
    Route,
    Sender,
)
from smshub.api.models import ApiKey
from tests.api.conftest import System, is_problem
from tests.factories import DefaultSenderFactory, ProviderFactory, RouteFactory, SenderFactory

pytestmark = pytest.mark.django_db

HOURS = {"weekday_from": "09:00", "weekday_until": "20:00"}
#: A body of each kind of thing that can be removed, a change of it, and what is then other.
THINGS: dict[str, tuple[type[Model], dict[str, Any], dict[str, Any]]] = {
    "allowed-hours": (AllowedHours, {"country": "za", **HOURS}, {"weekday_until": "21:00:00"}),
    "frequency-caps": (FrequencyCap, {"most": 3, "hours": 24, "lane": "bulk"}, {"lane": None, "over": "suppress"}),
    "keywords": (Keyword, {"word": "Genug", "meaning": "stop"}, {"word": "Schluss"}),
    "confirmation-texts": (ConfirmationText, {"meaning": "stop", "body": "Done."}, {"body": "Done, goodbye."}),
    "answer-rules": (AnswerRule, {"name": "Ring", "action": "call", "words": {"any": ["2"]}}, {"enabled": False}),
    "automatic-replies": (AutoReply, {"closed_texts": {"en": "Closed."}, **HOURS}, {"hours_between": 48}),
    "canned-replies": (CannedReply, {"name": "Address", "body": "12 Elm Street."}, {"language": "en"}),
}


def refused(answer: Any, field: str, says: str) -> None:
    assert is_problem(answer, 400, "validation-error")
    errors = {error["pointer"]: error["detail"] for error in answer.body["errors"]}
    assert says in errors.get(field, ""), errors


# --- what all of them have in common --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", THINGS)
def test_a_thing_is_made_changed_and_removed(shop: System, path: str) -> None:
    model, body, change = THINGS[path]
    before = model._default_manager.count()

    made = shop.post(path, body)
    assert made.status_code == 201, made.body
    at = f"{path}/{made.body['id']}"
    assert shop.get(at).body == made.body
    changed = shop.patch(at, change)
    assert changed.status_code == 200, changed.body
    assert {name: changed.body[name] for name in change} == change
    assert shop.get(at).body == changed.body
    assert shop.delete(at).status_code == 204

    assert is_problem(shop.get(at), 404, "not-found")
    assert model._default_manager.count() == before


def test_a_change_names_the_state_that_it_is_about(shop: System) -> None:
    made = shop.post("canned-replies", {"name": "Address", "body": "12 Elm Street."})
    at = f"canned-replies/{made.body['id']}"

    changed = shop.patch(at, {"body": "14 Elm Street."}, If_Match=made["ETag"])

    assert changed.status_code == 200
    assert is_problem(shop.patch(at, {"body": "16"}, If_Match=made["ETag"]), 412, "precondition-failed")
    assert is_problem(shop.delete(at, If_Match=made["ETag"]), 412, "precondition-failed")
    assert CannedReply.objects.get().body == "14 Elm Street."


def test_a_repeated_request_makes_one_thing(shop: System) -> None:
    first, second = (shop.post("keywords", {"word": "Genug", "meaning": "stop"}, Idempotency_Key="1") for _ in range(2))

    assert first.body == second.body
    assert Keyword.objects.count() == 1


def test_the_log_says_which_key_set_what_up_and_nothing_of_what_it_says(shop: System) -> None:
    with structlog.testing.capture_logs() as logs:
        made = shop.post("canned-replies", {"name": "Address", "body": "12 Elm Street."}).body
        shop.patch(f"canned-replies/{made['id']}", {"body": "14 Elm Street.", "name": "Address"})
        shop.delete(f"canned-replies/{made['id']}")

    lines = [line for line in logs if line["event"] == "set_up"]
    assert [(line["kind"], line["id"], line["done"], line["changed"]) for line in lines] == [
        ("cannedreply", made["id"], "made", ["body", "name"]),
        ("cannedreply", made["id"], "changed", ["body"]),
        ("cannedreply", made["id"], "removed", []),
    ]
    assert {line["by"] for line in lines} == {"API key Web shop"}
    assert "Elm" not in str(lines)


@pytest.mark.parametrize(
    ("path", "body", "field", "says"),
    [
        ("allowed-hours", {"country": "ZA"}, "", "no moment"),
        ("allowed-hours", {"country": "XX", **HOURS}, "/country", "no such country"),
        ("allowed-hours", {"country": "US", "state": "zz", **HOURS}, "/state", "no such state"),
        ("allowed-hours", {"country": "GB", "state": "FL", **HOURS}, "/state", "Only states of the US"),
        ("allowed-hours", {"country": "ZA", "weekday_from": "09:00"}, "/weekday_until", "Give both"),
        ("allowed-hours", {"country": "ZA", **HOURS, "weekday_until": "08:00"}, "/weekday_until", "before the hours"),
        ("frequency-caps", {"most": 0}, "/most", "greater than or equal to 1"),
        ("frequency-caps", {"most": 3, "hours": 1000}, "/hours", "less than or equal"),
        ("frequency-caps", {"most": 3, "lane": "alert"}, "/lane", "not capped"),
        ("keywords", {"word": "STOP", "meaning": "start"}, "/word", "knows it already"),
        ("keywords", {"word": "123", "meaning": "stop"}, "/word", "Numbers"),
        ("confirmation-texts", {"meaning": "stop", "body": "20 % off!"}, "/body", "must not advertise"),
        ("confirmation-texts", {"meaning": "stop", "body": "Bye", "language": "English"}, "/language", "language tag"),
        ("answer-rules", {"name": "N", "action": "call", "words": {}}, "/words", "blank"),
        ("answer-rules", {"name": "N", "action": "call", "words": {"any": ["stop"]}}, "/words", "never arrive"),
        (
            "answer-rules",
            {"name": "N", "action": "reply", "words": {"any": ["9"]}},
            "/replies",
            "what is to be replied",
        ),
        ("automatic-replies", HOURS, "/closed_texts", "Say what is to be said"),
        ("automatic-replies", {"closed_texts": {"en": "Closed."}}, "/weekday_until", "no hour"),
        ("automatic-replies", {"closed_texts": {"en": "X"}, "time_zone": "Mars", **HOURS}, "/time_zone", "time zone"),
        ("canned-replies", {"name": "N", "body": " "}, "/body", "blank"),
        ("canned-replies", {"nam": "N", "body": "Text"}, "/nam", "Did you mean"),
    ],
)
def test_what_the_admin_refuses_is_refused_by_field(
    shop: System, path: str, body: dict[str, Any], field: str, says: str
) -> None:
    refused(shop.post(path, body), field, says)


@pytest.mark.parametrize(
    "path", ["allowed-hours", "frequency-caps", "keywords", "confirmation-texts", "automatic-replies"]
)
def test_what_there_can_be_one_of_is_not_made_twice(shop: System, path: str) -> None:
    model, body, _ = THINGS[path]
    assert shop.post(path, body).status_code == 201
    number = model._default_manager.count()

    assert is_problem(shop.post(path, body), 400, "validation-error")
    assert model._default_manager.count() == number


# --- senders and routes ---------------------------------------------------------------------------------------------


def test_a_sender_is_set_up_and_a_new_default_takes_the_place_of_the_old(shop: System) -> None:
    old, provider = DefaultSenderFactory(), ProviderFactory()

    made = shop.post("senders", {"address": "Elm", "provider": provider.name, "is_default": True, "rate": 5})

    assert made.status_code == 201, made.body
    assert (made.body["provider"], made.body["enabled"], made.body["rate"]) == (provider.name, True, 5)
    assert Sender.objects.get(is_default=True).pk == made.body["id"]
    assert Sender.objects.get(pk=old.pk).is_default is False


def test_a_sender_that_is_switched_off_says_by_whom_and_its_queue_is_looked_at_again(shop: System) -> None:
    sender = SenderFactory()

    off = shop.patch(f"senders/{sender.pk}", {"enabled": False})

    assert off.body["disabled_reason"] == "Switched off by API key Web shop."
    assert ProviderHealth.objects.get(provider=sender.provider).review
    assert shop.patch(f"senders/{sender.pk}", {"enabled": True}).body["disabled_reason"] == ""
    assert is_problem(shop.delete(f"senders/{sender.pk}"), 405, "method-not-allowed")


def test_an_address_stands_once_with_a_provider(shop: System) -> None:
    sender = SenderFactory()

    refused(shop.post("senders", {"address": sender.address, "provider": sender.provider.name}), "", "already exists")
    refused(shop.post("senders", {"address": "Elm", "provider": "Nobody"}), "/provider", "does not exist")


def test_a_route_is_set_up_changed_and_removed(shop: System) -> None:
    sender, other = SenderFactory(), SenderFactory()

    made = shop.post("routes", {"country": "gb", "lane": "bulk", "sender": sender.pk, "tier": 2, "weight": 30})
    assert made.status_code == 201, made.body
    assert made.body["sender"] == {"id": sender.pk, "address": sender.address}
    assert (made.body["country"], made.body["lane"], made.body["tier"]) == ("GB", "bulk", 2)
    at = f"routes/{made.body['id']}"
    changed = shop.patch(at, {"sender": other.pk, "lane": None}, If_Match=made["ETag"])
    assert (changed.body["sender"]["id"], changed.body["lane"], changed.body["weight"]) == (other.pk, None, 30)
    assert shop.get(at).body == changed.body
    refused(shop.post("routes", {"country": "GB", "sender": other.pk}), "", "already exists")
    refused(shop.post("routes", {"country": "XX", "sender": other.pk}), "/country", "no such country")

    assert shop.delete(at).status_code == 204
    assert not Route.objects.exists()


def test_how_fast_a_country_may_be_sent_to_is_set_by_account(shop: System) -> None:
    provider = ProviderFactory()

    made = shop.post("country-limits", {"provider": provider.pk, "country": "gb", "rate": 5})

    assert made.body == {"id": made.body["id"], "provider": provider.pk, "country": "GB", "rate": 5}
    assert shop.patch(f"country-limits/{made.body['id']}", {"rate": 7}).body["rate"] == 7
    refused(shop.post("country-limits", {"provider": provider.pk, "country": "GB", "rate": 1}), "", "already exists")
    refused(shop.post("country-limits", {"provider": provider.pk, "country": "", "rate": 1}), "/country", "blank")
    assert shop.delete(f"country-limits/{made.body['id']}").status_code == 204
    assert not CountryLimit.objects.exists()


# --- a key that is bound to senders ---------------------------------------------------------------------------------


def test_a_bound_key_sets_up_what_is_of_its_senders_and_nothing_else(shop: System) -> None:
    own, other = SenderFactory(), SenderFactory()
    ApiKey.objects.get(pk=shop.key.pk).senders.set([own])
    route = RouteFactory(sender=own)

    assert shop.post("keywords", {"word": "Genug", "meaning": "stop", "sender": own.pk}).status_code == 201
    assert shop.patch(f"senders/{own.pk}", {"display_name": "Elm Street"}).status_code == 200

    for answer in (
        shop.post("keywords", {"word": "Schluss", "meaning": "stop"}),
        shop.post("keywords", {"word": "Schluss", "meaning": "stop", "sender": other.pk}),
        shop.patch(f"senders/{own.pk}", {"is_default": True}),
        shop.post("routes", {"country": "GB", "sender": own.pk}),
        shop.patch(f"routes/{route.pk}", {"weight": 1}),
        shop.delete(f"routes/{route.pk}"),
        shop.post("senders", {"address": "Elm", "provider": own.provider.name}),
        shop.post("allowed-hours", {"country": "ZA", **HOURS}),
        shop.post("canned-replies", {"name": "Address", "body": "12 Elm Street."}),
        shop.post(f"providers/{own.provider_id}/disable", {"reason": "Mine."}),
        shop.patch(f"providers/{own.provider_id}", {"rate": 1}),
    ):
        assert is_problem(answer, 403, "forbidden")
    assert is_problem(shop.patch(f"senders/{other.pk}", {"enabled": False}), 404, "not-found")
    assert list(Keyword.objects.values_list("word", flat=True)) == ["Genug"]
    assert Route.objects.get().weight == 100
    assert not Sender.objects.filter(is_default=True).exists()
