"""Signing in: the password, the second factor, and everything that keeps others out."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from smshub import roles
from smshub.accounts import recovery, totp
from smshub.accounts.models import RecoveryCode, Totp
from smshub.audit.models import Entry
from tests.accounts.conftest import code_of, give_password, is_signed_in, with_app
from tests.admin.conftest import one_of

pytestmark = pytest.mark.django_db
SECOND = "/admin/login/second/"


def test_without_a_second_factor_the_password_is_enough(user: User) -> None:
    client = Client()

    answer: Any = give_password(client, user)

    assert answer["Location"] == "/admin/campaigns/campaign/"
    assert is_signed_in(client)


def test_with_an_app_the_password_alone_opens_nothing(user: User) -> None:
    with_app(user)
    client = Client()

    answer: Any = give_password(client, user)

    assert answer["Location"].startswith(SECOND)
    assert not is_signed_in(client)


def test_a_code_of_the_app_completes_the_sign_in(user: User) -> None:
    with_app(user)
    client = Client()
    give_password(client, user)

    answer = client.post(f"{SECOND}?next=/admin/campaigns/campaign/", {"code": code_of(user)})

    assert answer["Location"] == "/admin/campaigns/campaign/"
    assert is_signed_in(client)


def test_a_code_that_was_given_before_is_refused(user: User) -> None:
    with_app(user)
    code = code_of(user)
    assert totp.check(user, code)

    client = Client()
    give_password(client, user)
    client.post(SECOND, {"code": code})

    assert not is_signed_in(client)


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_half_a_minute(user: User, steps: int, right: bool) -> None:
    with_app(user)
    with time_machine.travel(timezone.now(), tick=False):
        assert totp.check(user, code_of(user, steps=steps)) is right


def test_the_second_step_needs_the_first_and_lasts_five_minutes(user: User) -> None:
    with_app(user)
    client = Client()
    assert client.get(SECOND)["Location"] == "/admin/login/"

    give_password(client, user)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        answer = client.post(SECOND, {"code": code_of(user)})

    assert answer["Location"] == "/admin/login/"
    assert not is_signed_in(client)


def test_who_changed_their_password_meanwhile_begins_anew(user: User) -> None:
    with_app(user)
    client = Client()
    give_password(client, user)
    user.set_password("another pass phrase of mine")
    user.save()

    assert client.post(SECOND, {"code": code_of(user)})["Location"] == "/admin/login/"


def test_after_some_wrong_codes_even_the_right_one_has_to_wait(user: User) -> None:
    with_app(user)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(totp.FREE_FAILURES + 3):
            Totp.objects.filter(user=user).update(failed_at=None)
            assert not totp.check(user, "000000" if code_of(user) != "000000" else "000001")

        with pytest.raises(totp.TooMany) as refused:
            totp.check(user, code_of(user))
        assert refused.value.seconds == 8

        clock.shift(refused.value.seconds)
        assert totp.check(user, code_of(user))
        assert Totp.objects.get(user=user).failures == 0


def test_wrong_codes_count_as_failed_logins_and_lock_the_name_out_in_the_end(user: User, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    with_app(user)
    client = Client()
    give_password(client, user)

    for _ in range(2):
        client.post(SECOND, {"code": "abcd-efgh-ijkl-mnop"})

    assert client.post(SECOND, {"code": code_of(user)}).status_code in (403, 429)
    assert not is_signed_in(client)
    assert Entry.objects.filter(kind="sign_in", verb="failed", actor=user.username).count() == 2


def test_a_recovery_code_lets_in_once_in_whatever_way_it_is_written(user: User) -> None:
    with_app(user)
    code = recovery.issue(user)[0]

    for right in (True, False):
        client = Client()
        give_password(client, user)
        client.post(SECOND, {"code": code.upper().replace("-", " ")})
        assert is_signed_in(client) is right
    assert recovery.left(user) == recovery.NUMBER - 1


def test_recovery_codes_are_kept_as_digests(user: User) -> None:
    codes = recovery.issue(user)

    kept = {bytes(row.digest) for row in RecoveryCode.objects.all()}
    assert len(kept) == recovery.NUMBER
    assert not any(code.replace("-", "").encode() in digest for code in codes for digest in kept)


def test_the_apps_secret_is_sealed(user: User) -> None:
    waiting = totp.begin(user)

    stored = Totp.objects.extra(select={"sealed": "encode(secret, 'escape')"}).get(user=user)
    assert waiting.secret["key"] not in stored.sealed


def test_a_sign_in_leads_to_no_other_site(user: User) -> None:
    client = Client()

    answer = client.post(
        "/admin/login/?next=https://elsewhere.example/",
        {"username": user.username, "password": "correct horse battery staple"},
    )

    assert answer["Location"] == "/admin/"


def test_where_a_role_needs_a_second_factor_nothing_opens_before_there_is_one(settings: Settings) -> None:
    settings.REQUIRE_TWO_FACTOR = ["Operator"]
    operator, author = one_of("Operator"), one_of("Author")

    assert operator.get("/admin/delivery/provider/")["Location"] == "/admin/account/security/"
    assert operator.get("/admin/account/security/").status_code == 200
    assert author.get("/admin/campaigns/campaign/").status_code == 200


def test_a_second_factor_opens_what_needs_one(user: User, settings: Settings) -> None:
    settings.REQUIRE_TWO_FACTOR = ["everybody"]
    roles.sync()
    user.groups.add(Group.objects.get(name="Operator"))
    with_app(user)
    client = Client()
    give_password(client, user)
    client.post(SECOND, {"code": code_of(user)})

    assert client.get("/admin/delivery/provider/").status_code == 200


def test_a_passkey_that_nobody_has_opens_nothing(user: User) -> None:
    client = Client()
    client.post("/admin/login/passkey/ask/", HTTP_HOST="localhost")

    for answer in ('{"rawId": "AAAA"}', "[]", "nothing", '{"rawId": 7}'):
        refused = client.post("/admin/login/passkey/", answer, "application/json", headers={"Host": "localhost"})
        assert refused.status_code == 400
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("host", "offered"),
    [("localhost:8000", True), ("sms.example.org", True), ("127.0.0.1:8000", False), ("[::1]:8000", False)],
)
def test_passkeys_are_offered_where_the_address_has_a_name(host: str, offered: bool, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    shown = Client().get("/admin/login/", headers={"Host": host}).content.decode()

    assert ("Sign in with a passkey" in shown) is offered
