"""The doctor: second factors that nobody is asked for, and changes that nobody writes down."""

import pytest
from django.db import connection
from pytest_django import Settings

from smshub import roles
from smshub.doctor import people
from tests.smshub.test_doctor import one, silent

pytestmark = pytest.mark.django_db


def test_a_second_factor_is_asked_of_groups_that_there_are(settings: Settings) -> None:
    roles.sync()
    settings.REQUIRE_TWO_FACTOR = ["Operator", "superusers", "everybody"]
    assert silent(people.second_factors())

    settings.REQUIRE_TWO_FACTOR = ["operators"]
    assert "'operators'" in one(people.second_factors()).what


def test_a_trigger_of_the_audit_log_that_was_removed_is_missed() -> None:
    assert silent(people.audit_log())

    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_change ON auth_user")

    assert "auth_user" in one(people.audit_log()).what
