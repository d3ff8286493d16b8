"""Keys made and managed over HTTP: shown once, and never of more rights than the key that asks."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from smshub.api import delegation, keys
from smshub.api.delegation import Rights
from smshub.api.models import ApiKey, IdempotencyRecord
from smshub.api.networks import parse
from tests.api.conftest import System, is_problem
from tests.factories import SenderFactory

pytestmark = pytest.mark.django_db

NEW = {"name": "Till 4", "scopes": ["messages:write", "messages:read"]}
KEEPER = ("keys:read", "keys:write", "messages:read", "messages:write", "senders:read")


@pytest.fixture
def keeper(db: None) -> System:
    """A system that may make keys for tills."""
    return System(*KEEPER)


def bound(system: System, *senders: Any, **limits: Any) -> System:
    ApiKey.objects.filter(pk=system.key.pk).update(**limits)
    system.key.senders.set(senders)
    return system


def works(secret: str) -> bool:
    answer = Client().get("/api/v1/whoami", headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code == 200


# --- made, rotated, revoked -----------------------------------------------------------------------------------------


def test_a_key_is_made_and_its_secret_is_shown_once(keeper: System) -> None:
    made = keeper.post("keys", NEW)

    assert made.status_code == 201, made.body
    assert works(made.body["secret"])
    assert made["Cache-Control"] == "no-store"
    assert (made.body["mode"], made.body["scopes"]) == ("live", ["messages:read", "messages:write"])
    assert made.body["made_by"] == keeper.key.pk
    shown = keeper.get(f"keys/{made.body['id']}")
    assert "secret" not in shown.body
    assert made.body["secret"] not in shown.content.decode()
    assert [each["id"] for each in keeper.get(f"keys?made_by={keeper.key.pk}").body["results"]] == [made.body["id"]]


def test_a_repeated_request_makes_one_key_and_its_secret_is_kept_nowhere(keeper: System) -> None:
    first, second = (keeper.post("keys", NEW, Idempotency_Key="1") for _ in range(2))

    assert (first.body["id"], second.body["secret"]) == (second.body["id"], None)
    assert first.body["secret"] not in str(IdempotencyRecord.objects.get().body)


def test_a_new_secret_leaves_time_to_give_it_to_whoever_uses_it(keeper: System) -> None:
    old = keeper.post("keys", NEW).body

    new = keeper.post(f"keys/{old['id']}/rotate", {"overlap_hours": 2}).body

    assert works(new["secret"])
    assert works(old["secret"])
    assert new["old_valid_until"] is not None
    keeper.post(f"keys/{old['id']}/rotate", {"overlap_hours": 0})
    assert not works(old["secret"])
    assert not works(new["secret"])
    assert is_problem(keeper.post(f"keys/{old['id']}/rotate", {"overlap_hours": 721}), 400, "validation-error")


def test_a_key_that_is_revoked_ends_at_once_and_gets_no_new_secret(keeper: System) -> None:
    made = keeper.post("keys", NEW).body

    assert keeper.post(f"keys/{made['id']}/revoke").body["revoked_at"] is not None

    assert not works(made["secret"])
    assert is_problem(keeper.post(f"keys/{made['id']}/rotate"), 409, "wrong-state")
    assert is_problem(keeper.delete(f"keys/{made['id']}"), 405, "method-not-allowed")


def test_a_key_is_bound_and_set_free_again(keeper: System) -> None:
    sender = SenderFactory()
    made = keeper.post("keys", NEW)
    at = f"keys/{made.body['id']}"
    bounds = {"senders": [sender.pk], "allowed_from": ["192.0.2.7/32"], "per_minute": 10, "name": "Till 5"}

    changed = keeper.patch(at, bounds, If_Match=made["ETag"])

    assert {name: changed.body[name] for name in bounds} == bounds
    assert keeper.get(at).body == changed.body
    free = keeper.patch(at, {"senders": [], "allowed_from": [], "per_minute": None}).body
    assert (free["senders"], free["allowed_from"], free["per_minute"]) == ([], [], None)


def test_that_a_key_is_used_is_no_change_of_it(keeper: System) -> None:
    made = keeper.post("keys", NEW)
    assert works(made.body["secret"])

    assert keeper.patch(f"keys/{made.body['id']}", {"name": "Till 5"}, If_Match=made["ETag"]).status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scopes": ["messages:eat"]}, "/scopes"),
        ({"scopes": []}, "/scopes"),
        ({"senders": [10**6]}, "/senders"),
        ({"allowed_from": ["nowhere"]}, "/allowed_from"),
        ({"mode": "other"}, "/mode"),
        ({"per_second": 0}, "/per_second"),
        ({"secret": "mine"}, "/secret"),
    ],
)
def test_what_cannot_be_is_refused_by_field(keeper: System, change: dict[str, Any], pointer: str) -> None:
    answer = keeper.post("keys", NEW | change)

    assert is_problem(answer, 400, "validation-error")
    assert answer.body["errors"][0]["pointer"].startswith(pointer)


# --- never more than its own ----------------------------------------------------------------------------------------


def test_a_key_gives_no_scope_that_it_lacks(keeper: System) -> None:
    answer = keeper.post("keys", NEW | {"scopes": ["messages:*", "contacts:read"]})

    assert is_problem(answer, 403, "forbidden")
    assert "contacts:read" in answer.body["detail"]
    assert is_problem(keeper.post("keys", NEW | {"scopes": ["*"]}), 403, "forbidden")
    assert ApiKey.objects.count() == 1


def test_what_is_not_said_is_as_with_the_key_that_asks(keeper: System) -> None:
    sender, ends = SenderFactory(), timezone.now() + timedelta(days=7)
    bound(keeper, sender, allowed_from="127.0.0.0/8", per_minute=50, expires_at=ends, own_messages=True)

    made = keeper.post("keys", NEW).body

    assert (made["senders"], made["allowed_from"], made["per_minute"]) == ([sender.pk], ["127.0.0.0/8"], 50)
    assert made["own_messages"] is True
    assert ApiKey.objects.get(pk=made["id"]).expires_at == ends


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"senders": []}, "other senders"),
        ({"allowed_from": []}, "other networks"),
        ({"allowed_from": ["10.0.0.0/7"]}, "other networks"),
        ({"allowed_from": ["::/0"]}, "other networks"),
        ({"per_minute": 51}, "more requests"),
        ({"per_minute": None}, "more requests"),
        ({"expires_at": None}, "a longer time"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "a longer time"),
        ({"own_messages": False}, "messages that others handed in"),
    ],
)
def test_a_key_gives_no_more_than_it_has_when_it_makes_one_and_when_it_changes_one(
    keeper: System, settings: Any, wanted: dict[str, Any], says: str
) -> None:
    settings.API_RATE_PER_MINUTE = 6000
    ends = timezone.now() + timedelta(days=7)
    limits = {"allowed_from": "10.0.0.0/8 127.0.0.0/8", "per_minute": 50, "expires_at": ends, "own_messages": True}
    bound(keeper, SenderFactory(), **limits)
    made = keeper.post("keys", NEW).body

    for answer in (keeper.post("keys", NEW | wanted), keeper.patch(f"keys/{made['id']}", wanted)):
        assert is_problem(answer, 403, "forbidden")
        assert says in answer.body["detail"]
    assert keeper.get(f"keys/{made['id']}").body["per_minute"] == 50


def test_a_key_is_given_no_end_that_is_over(keeper: System) -> None:
    made = keeper.post("keys", NEW).body
    over = {"expires_at": "2020-01-01T00:00:00Z"}

    for answer in (keeper.post("keys", NEW | over), keeper.patch(f"keys/{made['id']}", over)):
        assert is_problem(answer, 400, "validation-error")
        assert "This time is over" in answer.body["errors"][0]["detail"]
    assert ApiKey.objects.get(pk=made["id"]).expires_at is None


def test_a_stronger_key_is_out_of_reach(keeper: System) -> None:
    """Whoever could give it a new secret would have its rights."""
    stronger = System("*")

    for answer in (
        keeper.post(f"keys/{stronger.key.pk}/rotate"),
        keeper.post(f"keys/{stronger.key.pk}/revoke"),
        keeper.patch(f"keys/{stronger.key.pk}", {"name": "Mine"}),
    ):
        assert is_problem(answer, 403, "forbidden")
    assert works(stronger.text)
    assert keeper.get(f"keys/{stronger.key.pk}").status_code == 200


def test_a_key_for_trying_out_may_be_made_by_a_bound_live_one(keeper: System) -> None:
    bound(keeper, SenderFactory(), own_messages=True)

    made = keeper.post("keys", NEW | {"mode": "test"})

    assert made.status_code == 201, made.body
    assert (made.body["mode"], made.body["senders"], made.body["own_messages"]) == ("test", [], True)
    assert made.body["secret"].startswith("smshub_test_")


RIGHTS = st.builds(
    Rights,
    is_test=st.booleans(),
    scopes=st.frozensets(st.sampled_from(sorted(keys.SCOPES)[:4])),
    senders=st.frozensets(st.integers(1, 3)),
    networks=st.sampled_from(["", "10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "10.0.0.0/8 2001:db8::/32"]).map(parse),
    own_messages=st.booleans(),
    per_second=st.integers(0, 3),
    per_minute=st.integers(0, 3),
    expires_at=st.none() | st.datetimes(timezones=st.just(timezone.get_default_timezone())),
)


@given(RIGHTS)
def test_a_key_may_always_give_what_it_has(own: Rights) -> None:
    assert delegation.beyond(own, own) == []


@given(RIGHTS, RIGHTS, RIGHTS)
def test_no_chain_of_keys_leads_to_more_rights(first: Rights, second: Rights, third: Rights) -> None:
    if not delegation.beyond(second, first) and not delegation.beyond(third, second):
        assert delegation.beyond(third, first) == []
