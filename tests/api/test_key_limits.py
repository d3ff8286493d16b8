"""What a key is bound to: its networks, its senders, its rates; and how it gets a new secret."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Campaign
from delivery import wake
from delivery.models import Message
from smshub.api import keys, networks, rates
from smshub.api.models import ApiKey
from tests.api.conftest import System, is_problem
from tests.factories import (
    CampaignFactory,
    ContactListFactory,
    DefaultSenderFactory,
    SenderFactory,
    TemplateVersionFactory,
)

pytestmark = pytest.mark.django_db

ADA = "+14155550123"


def bound(system: System, **limits: Any) -> System:
    """The same system with its key bound."""
    ApiKey.objects.filter(pk=system.key.pk).update(**limits)
    return system


def call(text: str, **extra: Any) -> Any:
    return Client().get("/api/v1/whoami", headers={"Authorization": f"Bearer {text}"}, **extra)


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    """Keys of other tests had the same numbers."""
    redis = wake.client()
    if found := list(redis.scan_iter(match="*api:*")):
        redis.delete(*found)


# --- networks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "is_let_in"),
    [("192.0.2.7", True), ("::ffff:192.0.2.7", True), ("2001:db8::5", True), ("192.0.2.8", False), ("", False)],
)
def test_a_key_is_used_from_its_networks_only(address: str, is_let_in: bool) -> None:
    shop = bound(System(), allowed_from="192.0.2.7/32 2001:db8::/48")

    answer = call(shop.text, REMOTE_ADDR=address)

    if is_let_in:
        assert answer.status_code == 200
        assert answer.json()["allowed_from"] == ["192.0.2.7/32", "2001:db8::/48"]
    else:
        assert is_problem(answer, 403, "address-not-allowed")
        assert (address or "unknown") in answer.json()["detail"]


def test_from_elsewhere_a_wrong_secret_is_answered_as_ever() -> None:
    shop = bound(System(), allowed_from="192.0.2.7/32")

    answer = call(shop.text[:-1] + ("a" if shop.text[-1] != "a" else "b"), REMOTE_ADDR="198.51.100.1")

    assert is_problem(answer, 401, "invalid-key")


@given(st.text(max_size=40))
def test_what_is_no_address_is_in_no_network(text: str) -> None:
    assert not networks.admit(networks.parse("0.0.0.0/32"), text) or text == "0.0.0.0"


# --- rates ----------------------------------------------------------------------------------------------------------


def test_an_answer_says_what_is_left_of_each_quota(settings: Any) -> None:
    settings.API_RATE_PER_SECOND = 500
    shop = bound(System(), per_minute=3)

    answer = shop.get("whoami")

    assert answer["RateLimit-Policy"] == '"second";q=500;w=1, "minute";q=3;w=60'
    assert answer["RateLimit"] == '"second";r=499;t=1, "minute";r=2;t=60'
    assert (answer["RateLimit-Limit"], answer["RateLimit-Remaining"], answer["RateLimit-Reset"]) == ("3", "2", "60")
    assert answer.body["rate_limits"] == [
        {"name": "second", "requests": 500, "seconds": 1},
        {"name": "minute", "requests": 3, "seconds": 60},
    ]


def test_beyond_its_quota_a_key_is_refused_until_the_window_ends() -> None:
    shop = bound(System(), per_minute=2)
    assert [shop.get("whoami").status_code for _ in range(2)] == [200, 200]

    answer = shop.get("whoami")

    assert is_problem(answer, 429, "too-many-requests")
    assert 55 <= int(answer["Retry-After"]) <= 60
    assert answer["RateLimit-Remaining"] == "0"
    wake.client().delete(*wake.client().scan_iter(match=f"*api:{shop.key.pk}:minute"))
    assert shop.get("whoami").status_code == 200


def test_refusals_count_too_and_other_keys_do_not() -> None:
    shop, other = bound(System("senders:read"), per_minute=2), bound(System(), per_minute=2)

    assert [shop.get("contacts").status_code for _ in range(3)] == [403, 403, 429]
    assert other.get("whoami").status_code == 200


def test_without_any_quota_nothing_is_said(settings: Any) -> None:
    settings.API_RATE_PER_SECOND = 0

    answer = System().get("whoami")

    assert not [name for name in answer.headers if name.startswith("RateLimit")]


def test_what_is_refused_takes_nothing_from_the_other_quota() -> None:
    asked = [rates.Quota("second", 1, 1), rates.Quota("minute", 10, 60)]
    first = rates.take(10**9, asked)

    second = rates.take(10**9, asked)

    assert (first.let_in, second.let_in) == (True, False)
    assert [each.requests for each in second.left] == [0, 9]
    assert 0 < second.wait <= 1


def test_without_redis_each_process_counts_for_itself(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    wake.client.cache_clear()
    rates._script.cache_clear()
    monkeypatch.setattr(rates, "_here", rates.Here())
    shop = bound(System(), per_minute=2)
    try:
        answers = [shop.get("whoami") for _ in range(3)]
    finally:
        wake.client.cache_clear()
        rates._script.cache_clear()

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]


@given(st.integers(1, 5), st.lists(st.floats(0, 3), max_size=40))
def test_no_window_of_a_process_has_more_than_its_quota(most: int, pauses: list[float]) -> None:
    here, quota, now = rates.Here(), rates.Quota("second", most, 1), 100.0
    begins, let_in = now - 10, 0
    for pause in pauses:
        now += pause
        verdict = here.take(1, [quota], now)
        if now - begins >= quota.seconds:
            begins, let_in = now, 0
        let_in += verdict.let_in
        assert let_in <= most
        assert verdict.let_in or verdict.wait <= quota.seconds
        assert verdict.left[0].requests == most - let_in


# --- rotation -------------------------------------------------------------------------------------------------------


def test_both_secrets_are_good_until_the_overlap_ends() -> None:
    key, old = keys.issue(name="Shop", scopes=["*"], actor=None)

    new = keys.rotate(key, overlap=timedelta(hours=1))

    assert [call(text).status_code for text in (old, new)] == [200, 200]
    row = ApiKey.objects.get(pk=key.pk)
    assert row.old_used_at is not None
    assert call(new).json()["old_valid_until"]
    ApiKey.objects.filter(pk=key.pk).update(old_valid_until=timezone.now())
    assert is_problem(call(old), 401, "invalid-key")
    assert call(new).status_code == 200


def test_rotating_again_ends_the_secret_before_and_without_overlap_the_present_one() -> None:
    key, first = keys.issue(name="Shop", scopes=["*"], actor=None)
    second = keys.rotate(key, overlap=timedelta(hours=1))
    third = keys.rotate(key, overlap=timedelta(hours=1))
    assert [call(text).status_code for text in (first, second, third)] == [401, 200, 200]

    fourth = keys.rotate(key, overlap=timedelta(0))

    assert [call(text).status_code for text in (first, second, third, fourth)] == [401, 401, 401, 200]


def test_revoking_ends_both_secrets_and_nothing_brings_them_back() -> None:
    key, old = keys.issue(name="Shop", scopes=["*"], actor=None)
    new = keys.rotate(key, overlap=timedelta(hours=1))

    keys.revoke(key)

    assert [call(text).status_code for text in (old, new)] == [401, 401]
    with pytest.raises(keys.KeyRevoked):
        keys.rotate(key, overlap=timedelta(hours=1))


def test_the_commands_rotate_and_revoke_by_prefix() -> None:
    key, old = keys.issue(name="Shop", scopes=["*"], actor=None)
    out = StringIO()

    call_command("api_key", "rotate", key.prefix, "--hours", "1", stdout=out)
    assert [call(text).status_code for text in (old, out.getvalue().strip())] == [200, 200]
    call_command("api_key", "revoke", key.prefix, stdout=StringIO())

    assert call(old).status_code == 401
    for arguments in (["rotate", key.prefix], ["revoke", "nobodys"], ["rotate", key.prefix, "--hours", "1e9"]):
        with pytest.raises(CommandError):
            call_command("api_key", *arguments, stdout=StringIO())


# --- senders --------------------------------------------------------------------------------------------------------


def test_a_key_with_one_sender_sends_by_it_and_sees_no_other() -> None:
    DefaultSenderFactory()
    own, other = SenderFactory(), SenderFactory()
    shop = System()
    shop.key.senders.set([own])

    sent = shop.post("messages", {"to": ADA, "body": "x"})

    assert (sent.status_code, sent.body["sender"]["id"]) == (201, own.pk)
    assert [sender["id"] for sender in shop.get("senders").body["results"]] == [own.pk]
    assert is_problem(shop.get(f"senders/{other.pk}"), 404, "not-found")
    refused = shop.post("messages", {"to": ADA, "body": "x", "sender": other.pk})
    assert is_problem(refused, 400, "validation-error")
    assert refused.body["errors"][0]["pointer"] == "/sender"
    assert Message.objects.count() == 1


def test_a_key_with_several_names_one() -> None:
    senders = SenderFactory.create_batch(2)
    shop = System()
    shop.key.senders.set(senders)

    assert "name one" in shop.post("messages", {"to": ADA, "body": "x"}).body["detail"]
    named = shop.post("messages", {"to": ADA, "body": "x", "sender": senders[1].pk})
    assert named.body["sender"]["id"] == senders[1].pk


def test_campaigns_of_other_senders_are_neither_made_nor_moved_by_it() -> None:
    own, other = SenderFactory(), SenderFactory()
    shop = System()
    shop.key.senders.set([own])
    template, friends = TemplateVersionFactory(body="Hi").template_id, ContactListFactory()
    draft = {"name": "Offer", "template": template, "include": [friends.pk]}

    made = shop.post("campaigns", draft)

    assert made.body["sender"] == own.pk
    assert is_problem(shop.post("campaigns", draft | {"sender": other.pk}), 400, "validation-error")
    for sender in (None, other.pk):
        change = shop.patch(f"campaigns/{made.body['id']}", {"sender": sender})
        assert change.status_code == 400 if sender else change.body["sender"] == own.pk
    theirs = CampaignFactory(sender=other, include=[friends])
    assert is_problem(shop.post(f"campaigns/{theirs.pk}/launch"), 403, "forbidden")
    assert Campaign.objects.get(pk=theirs.pk).status == Campaign.Status.DRAFT


def test_the_command_binds_a_key() -> None:
    SenderFactory(address="+16505550001")
    out = StringIO()
    limits = ["--sender", "+16505550001", "--from", "127.0.0.0/8", "--per-second", "7", "--per-minute", "70"]

    call_command("create_api_key", "Shop", "--scope", "messages:write", *limits, stdout=out)

    said = call(out.getvalue().strip()).json()
    assert said["allowed_from"] == ["127.0.0.0/8"]
    assert [quota["requests"] for quota in said["rate_limits"]] == [7, 70]
    assert len(said["senders"]) == 1
    for wrong in (["--sender", "nobody"], ["--from", "everywhere"], ["--per-second", "0"]):
        with pytest.raises(CommandError):
            call_command("create_api_key", "Shop", "--scope", "messages:write", *wrong)
