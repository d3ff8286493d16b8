"""SMPP logins in the admin: the password is on one page and on no other, and a login is switched off, not deleted."""

import re
from typing import Any

from django.test import Client

from smshub.api.models import SmppLogin
from smshub.smpp_door import logins
from tests.factories import ApiKeyFactory, SenderFactory, SmppLoginFactory


def fields(**changes: Any) -> dict[str, Any]:
    return {
        "system_id": "hospital",
        "enabled": "on",
        "lane": "1",
        "max_binds": "2",
        "alphabet": "gsm7",
        "reference_tag": "516",
    } | changes


def password_on(page: Any) -> str:
    (password,) = re.findall(r'data-testid="smpp-password">([^<]+)<', page.content.decode())
    return str(password)


def is_right(login: SmppLogin, password: str) -> bool:
    return logins.Credentials().are_right(logins.find(login.system_id), password)


def test_a_login_is_made_and_its_password_is_shown_once(operator: Client) -> None:
    key, sender = ApiKeyFactory(), SenderFactory()
    page = operator.post("/admin/api/smpplogin/add/", fields(api_key=key.pk, senders=[sender.pk]))

    login, password = SmppLogin.objects.get(), password_on(page)
    assert "no-store" in page["Cache-Control"]
    assert (login.api_key, list(login.senders.all()), login.max_binds) == (key, [sender], 2)
    assert login.created_by is not None
    assert is_right(login, password)
    for path in ("", f"{login.pk}/change/", f"{login.pk}/history/"):
        assert password not in operator.get(f"/admin/api/smpplogin/{path}").content.decode()


def test_a_new_password_ends_the_old_one(operator: Client) -> None:
    login = SmppLoginFactory()
    first, second = [password_on(operator.post(f"/admin/api/smpplogin/{login.pk}/renew/")) for _ in range(2)]
    assert (is_right(login, first), is_right(login, second)) == (False, True)
    assert "New password" in operator.get(f"/admin/api/smpplogin/{login.pk}/renew/").content.decode()
    assert is_right(login, second), "looking changes nothing"


def test_networks_are_checked_and_a_login_is_switched_off(operator: Client) -> None:
    login = SmppLoginFactory(enabled=True)
    change = f"/admin/api/smpplogin/{login.pk}/change/"

    assert (
        "everywhere is neither an address nor a network"
        in operator.post(change, fields(allowed_from="everywhere")).content.decode()
    )
    data = fields(allowed_from="192.0.2.7, 2001:db8::/32")
    del data["enabled"]
    operator.post(change, data)

    login.refresh_from_db()
    assert (login.allowed_from, login.enabled) == ("192.0.2.7/32 2001:db8::/32", False)
    assert logins.find(login.system_id) is None
    assert operator.post(f"/admin/api/smpplogin/{login.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_see_none(staff: Client) -> None:
    login = SmppLoginFactory()
    assert staff.get("/admin/api/smpplogin/").status_code == 403
    assert staff.post(f"/admin/api/smpplogin/{login.pk}/renew/").status_code == 403
