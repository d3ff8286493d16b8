"""Who is let in: by either pair of credentials, as long as the API key behind them holds."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from smshub.api import keys
from smshub.api.models import TwilioLogin
from smshub.twilio_door import logins
from tests.factories import ApiKeyFactory, SenderFactory
from tests.twilio_door.conftest import Application, refused

pytestmark = pytest.mark.django_db


def test_both_pairs_open_the_account(shop: Application) -> None:
    for credentials in ((shop.sid, shop.issued.auth_token), (shop.row.key_sid, shop.issued.key_secret)):
        answer = shop("GET", ".json", credentials=credentials)
        assert (answer.status_code, answer.body["sid"], answer.body["status"]) == (200, shop.sid, "active")
        assert shop.issued.auth_token not in answer.content.decode()
    shop.row.api_key.refresh_from_db()
    assert shop.row.api_key.last_used_at is not None


def test_any_other_pair_opens_nothing(shop: Application) -> None:
    token, secret = shop.issued.auth_token, shop.issued.key_secret
    for credentials in (
        (shop.sid, secret),
        (shop.row.key_sid, token),
        (shop.sid, ""),
        ("", ""),
        ("AC" + "0" * 32, token),
        (shop.sid, token + " "),
        ("\0", token),
    ):
        answer = shop("GET", ".json", credentials=credentials)
        assert refused(answer) == 20003
        assert answer["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Basic /w==", "Bearer x", "Basic " + "QQ" * 9000])
def test_a_header_that_is_none_opens_nothing(shop: Application, header: str) -> None:
    assert refused(shop("GET", ".json", headers={"Authorization": header})) == 20003


def test_the_account_in_the_address_must_be_ones_own(shop: Application, apply: Callable[..., Application]) -> None:
    assert refused(shop("GET", ".json", account=apply().sid)) == 20404
    assert refused(shop("GET", "/Calls.json")) == 20404


def test_a_login_ends_with_its_key(shop: Application) -> None:
    key = shop.row.api_key
    key.expires_at = timezone.now() - timedelta(seconds=1)
    key.save()
    assert refused(shop("GET", ".json")) == 20003
    key.expires_at = None
    key.save()
    assert shop("GET", ".json").status_code == 200
    keys.revoke(key)
    assert refused(shop("GET", ".json")) == 20003


def test_a_login_that_is_switched_off_opens_nothing(shop: Application) -> None:
    TwilioLogin.objects.update(enabled=False)
    assert refused(shop("GET", ".json")) == 20003


def test_scopes_hold(apply: Callable[..., Application]) -> None:
    reads, writes = apply("messages:read"), apply("messages:write")
    assert refused(reads.send()) == 20403
    assert reads.get("/Messages.json").status_code == 200
    message = writes.sent()
    assert refused(writes.get("/Messages.json")) == 20403
    assert refused(writes.get(writes.one(message))) == 20403
    assert refused(reads("DELETE", writes.one(message))) == 20403
    assert refused(reads("POST", writes.one(message), {"Body": ""})) == 20403


def test_methods_that_are_none_are_refused(shop: Application) -> None:
    assert refused(shop("PUT", "/Messages.json")) == 20004
    assert refused(shop("PATCH", "/Messages/SM1.json")) == 20004
    assert refused(shop("POST", ".json")) == 20004


def test_secrets_are_renewed_apart(shop: Application) -> None:
    token = logins.renew_token(shop.row).auth_token
    assert refused(shop("GET", ".json")) == 20003
    assert shop("GET", ".json", credentials=(shop.sid, token)).status_code == 200
    assert shop("GET", ".json", credentials=(shop.row.key_sid, shop.issued.key_secret)).status_code == 200
    secret = logins.renew_key(shop.row).key_secret
    assert refused(shop("GET", ".json", credentials=(shop.row.key_sid, shop.issued.key_secret))) == 20003
    assert shop("GET", ".json", credentials=(shop.row.key_sid, secret)).status_code == 200


def test_no_secret_stands_in_the_database_or_in_what_is_logged(shop: Application) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text, secrets FROM api_twiliologin AS t")
        [(row, sealed)] = cursor.fetchall()
    [login] = logins.current()
    for secret in (shop.issued.auth_token, shop.issued.key_secret):
        assert secret not in row
        assert secret.encode() not in bytes(sealed)
        assert secret not in repr(login) + repr(shop.issued)
    assert login.auth_token == shop.issued.auth_token


def test_a_login_is_made_on_the_command_line() -> None:
    key, sender, said = ApiKeyFactory(scopes=["messages:write"]), SenderFactory(), StringIO()
    call_command("create_twilio_login", "Shop", "--api-key", key.prefix, "--sender", sender.address, stdout=said)
    shown = dict(line.split(": ") for line in said.getvalue().splitlines())
    row = TwilioLogin.objects.get()
    application = Application(row, logins.Issued(shown["Auth token"], shown["API key secret"]), sender)
    assert shown["Account SID"] == application.sid
    assert application.send().status_code == 201

    for wrong in (["--api-key", "nobody"], ["--api-key", key.prefix, "--sender", "+1"]):
        with pytest.raises(CommandError):
            call_command("create_twilio_login", "Shop", *wrong)
