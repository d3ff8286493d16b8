"""Every address asks who is there, but for those in one list. Asked of the running application, not of its code."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

#: Open to everybody, and why. Callbacks never reach Django: their signatures are checked at the receipt door.
PUBLIC = {
    "": "leads to the login",
    "health/live": "says that the process answers",
    "health/ready": "says which server is away, nothing else",
    "admin/login/": "the login",
    "admin/login/second/": "leads to the login, unless the password was given",
    "admin/login/passkey/ask/": "a question to whoever has a passkey, the same for everybody",
    "admin/login/passkey/": "refuses whatever is no answer to it",
    "admin/logout/": "leads to the login",
    "api/v1/docs": "the API's description, the same for everybody",
    "api/v1/redoc": "the API's description, the same for everybody",
    "api/v1/openapi.json": "the API's description, the same for everybody",
    "api/v1/postman.json": "the API's description, the same for everybody",
    "api/v1/1": "stands for every address that there is not, and says so",
}
SAMPLES = {
    "int": "1",
    "uuid": "01890000-0000-7000-8000-000000000000",
    "slug": "x",
    "str": "x",
    "path": "x",
    "app": "contacts",
}
REFUSED = (401, 403)


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """An example of every address there is."""
    for pattern in patterns:
        address = before + _example(pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, address)
        else:
            yield address


def _example(pattern: URLPattern | URLResolver) -> str:
    if isinstance(pattern.pattern, RoutePattern):
        return re.sub(r"<(?:(\w+):)?\w+>", lambda match: SAMPLES[match[1] or "str"], str(pattern.pattern))
    for sample in SAMPLES.values():
        address = re.sub(r"<\w+>", sample, simplify_regex(str(pattern.pattern)).lstrip("/"))
        if pattern.pattern.regex.search(address):
            return address
    raise AssertionError(f"give a sample that {pattern.pattern} takes")


ROUTES = sorted(set(routes(get_resolver().url_patterns)))


@pytest.mark.django_db
@pytest.mark.parametrize("route", [route for route in ROUTES if route not in PUBLIC])
def test_a_stranger_is_refused(route: str) -> None:
    stranger = Client(raise_request_exception=False)
    answers = [getattr(stranger, method)(f"/{route}") for method in ("get", "post")]
    for answer in answers:
        to_login = answer.status_code == 302 and "/login/" in answer["Location"]
        assert to_login or answer.status_code in (*REFUSED, 405), f"{answer.status_code} without credentials"
    assert any(answer.status_code != 405 for answer in answers), "neither GET nor POST: say here how to ask it"


def test_the_list_of_public_addresses_is_true() -> None:
    assert set(PUBLIC) <= set(ROUTES)
