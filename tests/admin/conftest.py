"""Who sits at the keyboard: an administrator, one of the staff, an operator, an auditor."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.conf import settings as configured
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from delivery import vitals
from smshub.quickstart.commands import COMMANDS, WORKERS
from tests.factories import AdministratorFactory, UserFactory


@pytest.fixture(autouse=True)
def _files_here(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def english_again() -> Iterator[None]:
    """The client's requests leave their language in the test's own thread."""
    yield
    translation.activate(configured.LANGUAGE_CODE)


def at_the_keyboard(user: object) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
    return client


@pytest.fixture
def administrator(db: None) -> Client:
    return at_the_keyboard(AdministratorFactory())


def one_of(role: str) -> Client:
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
def auditor(db: None) -> Client:
    return one_of("Auditor")


@pytest.fixture
def nobody(db: None) -> Client:
    """May log in, and has no role."""
    return at_the_keyboard(UserFactory())


def say_they_are_there() -> None:
    """Each worker and the clock, as they say it every few seconds."""
    for worker in WORKERS:
        command = COMMANDS[worker]
        vitals.alive(worker, command[command.index("-Q") + 1].split(","))
    vitals.count("ticks")
    vitals.flush()


@pytest.fixture
def everybody_at_work(settings: Settings) -> Iterator[None]:
    """A corner of Redis of its own, in which every worker is up and the clock goes."""
    vitals.flush()
    settings.REDIS_PREFIX = f"test:{uuid4().hex}:"
    say_they_are_there()
    yield
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"{settings.REDIS_PREFIX}*"):
            client.delete(key)


@pytest.fixture
def redis_is_away(everybody_at_work: None, settings: Settings) -> Iterator[None]:
    there, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    vitals.client.cache_clear()
    yield
    settings.REDIS_URL = there
    vitals.client.cache_clear()
