"""Fixtures for all: the running hub."""

import gc
from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import override_settings, teardown_databases
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker, blocking_manager_key

from smshub import (
    heap,
    urls,  # noqa: F401  (admin is loaded by it)
)
from tests import servers, turns
from tests.depth import times_depth
from tests.flushing import flushing
from tests.hub import Hub
from tests.ready_made import make_database, make_database_ahead


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    if turns.is_mine(turns.SECOND):
        with session.config.stash[blocking_manager_key].unblock():
            make_database_ahead()
        turns.wait_for("collected")


def pytest_collection_finish() -> None:
    """Thousands of collected tests are objects that the garbage collector went through for a tenth of the time."""
    gc.enable()
    heap.settle()


@pytest.fixture(scope="session", autouse=True)
def quick_static_files(django_test_environment: None) -> Iterator[None]:
    """Each client of a test begins with middleware of its own, and that with a look at every static file there is.

    They are looked for when they are asked for instead.
    """
    with override_settings(WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        flushing.install(patch)
        yield


#: How quickly examples come says nothing on a machine that others use too.
settings.register_profile(
    "unhurried", max_examples=times_depth(50), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def quick_passwords(django_test_environment: None) -> Iterator[None]:
    """A slow hash takes a quarter of a second, and most tests of a page begin by making who looks at it."""
    with override_settings(PASSWORD_HASHERS=["tests.hashing.QuickHasher"]):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database. Ours, because pytest-django's makes none for tests that only use `hub`."""
    with django_db_blocker.unblock():
        databases = make_database()
        flushing.remember_seeds()
    yield
    if servers.ours is not None:
        return  # it goes with its server
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            # Event loops of tests have sessions of their own, which outlive them and would keep it from being dropped.
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        teardown_databases(databases, verbosity=0)


_at_rest: list[Callable[[], None]] = []


@pytest.fixture(scope="session")
def running_hub(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    hub = Hub(tmp_path_factory.mktemp("hub"), dispatchers=2, loads_once=turns.is_mine(turns.SECOND))

    def rest() -> None:
        if hub.is_up:
            hub.stop()
            with django_db_blocker.unblock():
                call_command("flush", verbosity=0, interactive=False)

    _at_rest.append(rest)
    with django_db_blocker.unblock():
        try:
            hub.start()
            yield hub
        finally:
            hub.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A hub rests while tests are run that do not use it: it would send what they queue, and they find an empty
    database."""
    if "running_hub" not in getattr(item, "fixturenames", ()):
        for rest in _at_rest:
            rest()
    if leaves_the_database_as_it_is(item):
        with item.config.stash[blocking_manager_key].unblock():
            flushing.bring_seeds_back()


def leaves_the_database_as_it_is(item: pytest.Item) -> bool:
    marker, fixtures = item.get_closest_marker("django_db"), getattr(item, "fixturenames", ())
    commits = (marker and marker.kwargs.get("transaction")) or {"transactional_db", "live_server"} & set(fixtures)
    return not commits and (marker is not None or "db" in fixtures)


@pytest.fixture
def hub(running_hub: Hub, django_db_blocker: DjangoDbBlocker) -> Iterator[Hub]:
    """The hub with empty tables and an empty ledger. Its processes see only what is committed."""
    with django_db_blocker.unblock():
        running_hub.renew()
        running_hub.clean()
        yield running_hub
        running_hub.clean()
