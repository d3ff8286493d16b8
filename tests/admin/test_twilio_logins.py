"""Twilio logins in the admin: secrets are on one page and on no other, and a login is switched off, not deleted."""

import re
from typing import Any

from django.test import Client

from smshub.api.models import TwilioLogin
from smshub.twilio_door import logins
from tests.factories import ApiKeyFactory, SenderFactory
from tests.twilio_door.conftest import Application, refused
from tests.twilio_door.factories import TwilioLoginFactory

SERVICE = "MG" + "0" * 32


def fields(**changes: Any) -> dict[str, Any]:
    return {"name": "Web shop", "enabled": "on", "lane": "1", "service_sid": SERVICE, "sms_url": ""} | changes


def shown_on(page: Any, name: str) -> str:
    found = re.findall(rf'data-testid="{name}">([^<]+)<', page.content.decode())
    return found[0] if found else ""


def opens(login: TwilioLogin, token: str, secret: str) -> tuple[bool, bool]:
    application = Application(login, logins.Issued(token, secret), SenderFactory())
    pairs = ((login.account_sid, token), (login.key_sid, secret))
    answers = [application("GET", ".json", credentials=pair) for pair in pairs]
    assert all(answer.status_code == 200 or refused(answer) == 20003 for answer in answers)
    return answers[0].status_code == 200, answers[1].status_code == 200


def test_a_login_is_made_and_its_secrets_are_shown_once(operator: Client) -> None:
    key, sender = ApiKeyFactory(), SenderFactory()
    page = operator.post("/admin/api/twiliologin/add/", fields(api_key=key.pk, senders=[sender.pk]))

    login = TwilioLogin.objects.get()
    token, secret = shown_on(page, "auth-token"), shown_on(page, "key-secret")
    assert "no-store" in page["Cache-Control"]
    assert (shown_on(page, "account-sid"), shown_on(page, "key-sid")) == (login.account_sid, login.key_sid)
    assert (login.api_key, list(login.senders.all()), login.service_sid) == (key, [sender], SERVICE)
    assert login.created_by is not None
    assert opens(login, token, secret) == (True, True)
    for path in ("", f"{login.pk}/change/", f"{login.pk}/history/"):
        content = operator.get(f"/admin/api/twiliologin/{path}").content.decode()
        assert token not in content
        assert secret not in content


def test_each_secret_is_renewed_by_itself(operator: Client) -> None:
    login = TwilioLoginFactory()
    renew = f"/admin/api/twiliologin/{login.pk}/renew"
    token = shown_on(operator.post(f"{renew}/token/"), "auth-token")
    secret = shown_on(operator.post(f"{renew}/key/"), "key-secret")
    assert opens(login, token, secret) == (True, True)
    for what in ("token", "key"):
        assert "Make a new" in operator.get(f"{renew}/{what}/").content.decode()
    assert opens(login, token, secret) == (True, True), "looking changes nothing"
    shown_on(operator.post(f"{renew}/key/"), "key-secret")
    assert opens(login, token, secret) == (True, False)


def test_what_cannot_be_called_or_is_no_service_is_refused(operator: Client) -> None:
    login = TwilioLoginFactory()
    change = f"/admin/api/twiliologin/{login.pk}/change/"
    assert "not an https:// address" in operator.post(change, fields(sms_url="ftp://example.org")).content.decode()
    assert "hexadecimal" in operator.post(change, fields(service_sid="MGx")).content.decode()
    data = fields(sms_url="https://shop.example.org/texts", service_sid="")
    del data["enabled"]
    operator.post(change, data)
    login.refresh_from_db()
    assert (login.enabled, login.sms_url, login.service_sid) == (False, "https://shop.example.org/texts", "")
    assert operator.post(f"/admin/api/twiliologin/{login.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_see_none(staff: Client) -> None:
    login = TwilioLoginFactory()
    assert staff.get("/admin/api/twiliologin/").status_code == 403
    assert staff.post(f"/admin/api/twiliologin/{login.pk}/renew/token/").status_code == 403
