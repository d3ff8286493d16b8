"""A user with a password, a browser, and the phone that makes their codes."""

import base64
import time

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import User
from django.test import Client

from smshub.accounts import totp
from smshub.accounts.models import Totp
from tests.browser.conftest import PASSWORD
from tests.factories import UserFactory


def code_of(user: User, *, steps: int = 0) -> str:
    """What the app shows, so many steps of 30 seconds from now. Read with other means than the hub's own."""
    key = base64.b32decode(Totp.objects.get(user=user).secret["key"])
    return TOTP(key, 6, SHA1(), 30).generate(int(time.time()) + 30 * steps).decode()


def with_app(user: User) -> None:
    """Set the app up as of some minutes ago, so that the code of now has not been given yet."""
    totp.begin(user)
    Totp.objects.filter(user=user).update(confirmed_at="2026-01-01T00:00:00Z")


def give_password(client: Client, user: User, password: str = PASSWORD) -> object:
    return client.post(
        "/admin/login/?next=/admin/campaigns/campaign/", {"username": user.username, "password": password}
    )


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/account/security/").status_code == 200


@pytest.fixture
def user(db: None) -> User:
    made: User = UserFactory()
    return made
