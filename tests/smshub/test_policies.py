"""What browsers are told that they may do with an answer, and with a cookie."""

import pytest
from django.test import Client

from tests.factories import UserFactory

NOTHING = {"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"}


def policy(address: str) -> set[str]:
    return set(Client().get(address)["Content-Security-Policy"].split("; "))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", ["/", "/health/live", "/metrics", "/api/v1/messages", "/api/v1/nowhere", "/nowhere"]
)
def test_outside_of_pages_nothing_may_run_load_or_be_sent(address: str) -> None:
    assert policy(address) == NOTHING


@pytest.mark.parametrize("address", ["/admin/login/", "/api/v1/docs"])
def test_a_page_may_use_what_comes_from_the_hub_itself_and_nothing_else(address: str) -> None:
    shown = policy(address)
    assert {"default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "form-action 'self'"} <= shown
    assert not any("http" in part or "*" in part for part in shown)


@pytest.mark.django_db
def test_cookies_are_kept_from_scripts_and_from_forms_elsewhere() -> None:
    client, user = Client(), UserFactory()
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": user.username, "password": "correct horse battery staple"})

    session, token = client.cookies["sessionid"], client.cookies["csrftoken"]
    assert session["httponly"]
    assert session["samesite"] == token["samesite"] == "Lax"
