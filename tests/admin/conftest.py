"""The three who sit at the keyboard: an administrator, one of the staff, an operator."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import Settings

from smshub import roles
from tests.factories import AdministratorFactory, UserFactory


@pytest.fixture(autouse=True)
def _files_here(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def at_the_keyboard(user: object) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
    return client


@pytest.fixture
def administrator(db: None) -> Client:
    return at_the_keyboard(AdministratorFactory())


def one_of(role: str) -> Client:
    roles.sync()
    user = UserFactory()
    user.groups.add(Group.objects.get(name=role))
    return at_the_keyboard(user)


@pytest.fixture
def staff(db: None) -> Client:
    return one_of("Staff")


@pytest.fixture
def operator(db: None) -> Client:
    return one_of("Operator")


@pytest.fixture
def nobody(db: None) -> Client:
    """May log in, and has no role."""
    return at_the_keyboard(UserFactory())
