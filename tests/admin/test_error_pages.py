"""What staff read when a page cannot be: what happened and what to do, in their language, whatever else is away."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import translation

from smshub import error_pages
from tests.admin.conftest import one_of

pytestmark = pytest.mark.usefixtures("english_again")
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de"}
NOWHERE = "/admin/delivery/nothing/"


@pytest.fixture
def without_database(db: None) -> Iterator[None]:
    """Every statement fails."""

    def fails(*_args: object) -> None:
        raise AssertionError("The page asked the database")

    with connection.execute_wrapper(fails):
        yield


def test_an_address_that_leads_nowhere_leads_home(operator: Client) -> None:
    english, german = operator.get(NOWHERE), operator.get(NOWHERE, **GERMAN)

    assert (english.status_code, german.status_code) == (404, 404)
    assert "There is nothing here" in english.content.decode()
    assert 'href="/admin/"' in english.content.decode()
    assert "Hier ist nichts" in german.content.decode()
    assert '<html lang="de">' in german.content.decode()


def test_who_may_not_is_told_whom_to_ask(db: None) -> None:
    answer = one_of("Inbox agent").get("/admin/delivery/provider/", **GERMAN)

    assert answer.status_code == 403
    assert "Das dürfen Sie nicht" in answer.content.decode()


def test_a_form_that_is_too_old_leads_back_to_its_page_and_nowhere_else(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    form = "http://testserver/admin/login/?next=/admin/"

    ours = client.post("/admin/login/", {"username": "x"}, HTTP_REFERER=form, **GERMAN)
    elsewhere = client.post("/admin/login/", {"username": "x"}, HTTP_REFERER="https://evil.example/")

    assert ours.status_code == elsewhere.status_code == 403
    assert "Diese Seite war zu alt" in ours.content.decode()
    assert f'href="{form}"' in ours.content.decode()
    assert "evil" not in elsewhere.content.decode()


def test_a_mistake_is_told_without_the_database_and_with_the_number_to_give(without_database: None) -> None:
    request = RequestFactory().get("/admin/", HTTP_X_REQUEST_ID="0198-number")

    with translation.override("de"):
        answer = error_pages.mistake(request)

    assert answer.status_code == 500
    assert "Etwas ist schiefgegangen" in answer.content.decode()
    assert "0198-number" in answer.content.decode()


def test_outside_of_staffs_pages_nothing_is_loaded(client: Client, db: None) -> None:
    answer = client.get("/nowhere", **GERMAN)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert "static" not in answer.content.decode()
