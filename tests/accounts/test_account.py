"""“Your account → Security”: setting factors up, taking them away, and being signed out elsewhere."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from smshub.accounts import agents, factors, recovery, sessions
from smshub.accounts.models import Session, Totp
from smshub.audit.models import Entry
from tests.accounts.conftest import code_of, give_password, is_signed_in, with_app
from tests.admin.conftest import at_the_keyboard, one_of
from tests.admin.reading import read
from tests.browser.conftest import PASSWORD
from tests.factories import AdministratorFactory

SECURITY, APP = "/admin/account/security/", "/admin/account/app/"


def signed_in(user: User) -> Client:
    client = Client()
    give_password(client, user)
    return client


def test_an_app_is_set_up_by_scanning_and_giving_its_code(user: User) -> None:
    client = signed_in(user)

    page = read(client.get(APP).content)
    assert page.find("key").text.replace(" ", "") == Totp.objects.get(user=user).secret["key"]
    assert not factors.of(user)
    shown = read(client.post(APP, {"code": code_of(user)}).content)

    assert factors.of(user).app
    codes = [part.text for part in shown.named("code") if part.tag == "li"]
    assert len(codes) == recovery.NUMBER
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)


def test_a_wrong_code_sets_nothing_up(user: User) -> None:
    client = signed_in(user)
    client.get(APP)

    client.post(APP, {"code": "000000" if code_of(user) != "000000" else "000001"})

    assert not factors.of(user)


def test_changes_ask_for_the_password_once_some_minutes_have_passed(user: User) -> None:
    client = signed_in(user)
    with_app(user)

    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert client.post("/admin/account/app/remove/")["Location"] == "/admin/account/confirm/"
        assert factors.of(user)
        client.post("/admin/account/confirm/", {"password": "not it"})
        client.post("/admin/account/app/remove/")
        assert factors.of(user)
        client.post("/admin/account/confirm/", {"password": PASSWORD})
        client.post("/admin/account/app/remove/")

    assert not factors.of(user)


def test_codes_go_with_the_last_factor(user: User) -> None:
    client = signed_in(user)
    with_app(user)
    recovery.issue(user)

    client.post("/admin/account/app/remove/")

    assert recovery.left(user) == 0


@pytest.mark.parametrize("change", ["password", "app", "removed"])
def test_a_change_of_password_or_factor_signs_out_everywhere_else(user: User, change: str) -> None:
    here, elsewhere = signed_in(user), signed_in(user)

    if change == "password":
        new = "a long and unlikely pass phrase"
        sent = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        assert here.post("/admin/password_change/", sent).status_code == 302
    else:
        here.get(APP)
        here.post(APP, {"code": code_of(user)})
    if change == "removed":
        here.post("/admin/account/app/remove/")

    assert is_signed_in(here)
    assert not is_signed_in(elsewhere)
    assert len(sessions.of(User.objects.get(pk=user.pk))) == 1


def test_one_sees_where_one_is_signed_in_and_signs_out_elsewhere(user: User) -> None:
    here, elsewhere = signed_in(user), signed_in(user)
    stranger = signed_in(AdministratorFactory())

    assert len(read(here.get(SECURITY).content).named("session")) == 2
    here.post("/admin/account/sessions/end/")

    assert len(read(here.get(SECURITY).content).named("session")) == 1
    assert [is_signed_in(client) for client in (here, elsewhere, stranger)] == [True, False, True]


@pytest.mark.parametrize(
    ("gone", "steps", "still_in"),
    [
        ("idle for an hour", [59], True),
        ("idle for too long", [61], False),
        ("busy", [50, 100, 150], True),
        ("busy for too long", [50, 100, 150, 200, 250, 300], False),
    ],
)
def test_a_session_ends_when_nobody_uses_it_and_after_a_while_in_any_case(
    user: User, settings: Settings, gone: str, steps: list[int], still_in: bool
) -> None:
    settings.SESSION_IDLE_MINUTES, settings.SESSION_HOURS = 60, 4
    client, now = signed_in(user), timezone.now()

    for minutes in steps:
        with time_machine.travel(now + timedelta(minutes=minutes)):
            seen = is_signed_in(client)

    assert seen is still_in, gone


def test_a_page_that_renews_itself_keeps_nobody_signed_in(user: User, settings: Settings) -> None:
    settings.SESSION_IDLE_MINUTES = 60
    client, now = signed_in(user), timezone.now()

    for minutes in range(10, 60, 10):
        with time_machine.travel(now + timedelta(minutes=minutes)):
            answer: Any = client.get("/admin/live/", headers={"HX-Request": "true"})

    assert answer.status_code == 200
    with time_machine.travel(now + timedelta(minutes=61)):
        assert not is_signed_in(client)


def test_an_operator_lets_somebody_in_who_has_lost_their_phone(user: User) -> None:
    with_app(user)
    elsewhere = at_the_keyboard(user)
    operator = one_of("Operator")

    operator.post(f"/admin/auth/user/{user.pk}/reset-factors/")

    assert not factors.of(user)
    assert not is_signed_in(elsewhere)
    removed = Entry.objects.get(kind="change", subject="accounts.Totp", verb="delete")
    assert removed.actor_kind == "user"
    assert Entry.objects.filter(
        kind="action", subject="auth.User", verb="reset_factors", object_id=str(user.pk)
    ).exists()


def test_who_may_not_change_a_user_cannot_take_their_factors(user: User) -> None:
    boss = AdministratorFactory()
    with_app(boss)

    for client in (one_of("Operator"), one_of("Author"), one_of("Auditor")):
        assert client.post(f"/admin/auth/user/{boss.pk}/reset-factors/").status_code == 403
    assert one_of("Operator").get(f"/admin/auth/user/{user.pk}/reset-factors/").status_code == 405
    assert factors.of(boss)


def test_sessions_that_are_over_are_cleared_away(user: User) -> None:
    client = signed_in(user)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert sessions.forget_expired() == 1
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/140.0", "Firefox, Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
            "Safari, macOS",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Linux"),
        ("curl/8.14", "curl/8.14"),
    ],
)
def test_a_browser_is_named_so_that_its_user_knows_it(agent: str, said: str) -> None:
    assert agents.named(agent) == said
