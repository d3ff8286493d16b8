"""Workers die, tasks come twice, and an import still happens exactly once."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import InternalError, connection, connections, transaction
from structlog.testing import capture_logs

from contacts import tasks
from contacts.importing import work
from contacts.importing.read import ImportProblem
from contacts.importing.run import prepare, run, set_mapping, start_check, start_run
from contacts.models import Contact, ContactImport, ContactList

pytestmark = pytest.mark.django_db(transaction=True)
Status = ContactImport.Status
ROWS = 30_000


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def queue() -> Iterator[Callable[[], list[Any]]]:
    """Empties the import queue of the real broker and tells what was in it."""

    def drain() -> list[Any]:
        found = []
        with (
            current_app.connection_for_read() as broker,
            broker.SimpleQueue("imports", no_ack=True) as waiting,
            suppress(waiting.Empty),
        ):
            while True:
                message = waiting.get_nowait()
                found.append((message.headers["task"], message.payload[0]))
        return found

    drain()
    yield drain
    drain()


def upload(rows: int = ROWS, contact_list: ContactList | None = None) -> ContactImport:
    lines = (f"+336{n:08d},Name {n}\n" for n in range(12_000_000, 12_000_000 + rows))
    return prepare(
        file=ContentFile(("phone,name\n" + "".join(lines)).encode()),
        original_name="people.csv",
        default_country="",
        contact_list=contact_list,
        actor=None,
    )


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def worker(media: Path) -> Iterator[Callable[[ContactImport], subprocess.Popen[bytes]]]:
    """Starts a process that runs an import's task on the database of this test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(prepared: ContactImport) -> subprocess.Popen[bytes]:
        database = connection.settings_dict
        where = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        environment = os.environ | {
            "DATABASE_URL": f"postgres://{where}/{database['NAME']}",
            "MEDIA_ROOT": str(media),
            "DJANGO_SETTINGS_MODULE": "smshub.settings",
        }
        code = f"import django; django.setup(); from contacts import tasks; tasks.run_import({prepared.pk})"
        started.append(subprocess.Popen([sys.executable, "-c", code], env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_progress_is_visible_while_nothing_else_is(worker: Callable[[ContactImport], subprocess.Popen[bytes]]) -> None:
    prepared = upload()
    start_run(prepared)
    process = worker(prepared)
    until(lambda: ContactImport.objects.get(pk=prepared.pk).rows_read > 0)
    seen = ContactImport.objects.get(pk=prepared.pk)
    assert 0 < seen.bytes_read <= seen.total_bytes
    assert not Contact.objects.exists() or ContactImport.objects.get(pk=prepared.pk).status == Status.DONE
    assert process.wait(timeout=60) == 0
    prepared.refresh_from_db()
    assert (prepared.status, prepared.created_count) == (Status.DONE, ROWS)


def test_a_killed_import_leaves_nothing_and_is_taken_up_again(
    worker: Callable[[ContactImport], subprocess.Popen[bytes]], queue: Callable[[], list[Any]]
) -> None:
    # Given a list, and an import into it that is killed in the middle of its work
    friends = ContactList.objects.create(name="Friends")
    prepared = upload(contact_list=friends)
    start_run(prepared)
    assert queue() == [("contacts.tasks.run_import", [prepared.pk])]
    # However slow this machine is, the minute is not over before the test says so.
    assert cache.touch(work.wake_key(prepared.pk), timeout=3600)
    process = worker(prepared)
    until(lambda: ContactImport.objects.get(pk=prepared.pk).rows_read > 0)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    # Then nothing of it is there but a status that says it is not finished
    prepared.refresh_from_db()
    friends.refresh_from_db()
    assert (prepared.status, Contact.objects.count(), friends.size) == (Status.IMPORTING, 0, 0)

    # And once its minute of grace is over, the tick wakes it, once
    until(lambda: not _is_running(prepared))
    tasks.tick()
    assert queue() == []
    cache.delete(work.wake_key(prepared.pk))
    tasks.tick()
    tasks.tick()
    assert queue() == [("contacts.tasks.run_import", [prepared.pk])]

    # And the task imports everybody, exactly once
    tasks.run_import(prepared.pk)
    prepared.refresh_from_db()
    friends.refresh_from_db()
    assert (prepared.status, prepared.created_count, prepared.rows_read) == (Status.DONE, ROWS, ROWS)
    assert Contact.objects.count() == friends.size == ROWS
    cache.delete(work.wake_key(prepared.pk))
    tasks.tick()
    assert queue() == []


def test_an_import_killed_while_it_writes_leaves_nothing_either(
    worker: Callable[[ContactImport], subprocess.Popen[bytes]],
) -> None:
    # Given a worker whose INSERT waits for the last number of its file, which we are just creating
    prepared = upload(1000)
    start_run(prepared)
    with transaction.atomic():
        Contact.objects.create(phone="+33612000999", name="Ours")
        process = worker(prepared)
        until(lambda: _is_waiting_for_us() or process.poll() is not None)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL

    # Then it is over only when Postgres has given its transaction up
    until(lambda: not _is_running(prepared))
    assert list(Contact.objects.values_list("name", flat=True)) == ["Ours"]
    tasks.run_import(prepared.pk)
    prepared.refresh_from_db()
    assert (prepared.status, prepared.created_count, prepared.updated_count) == (Status.DONE, 999, 1)


def test_while_a_worker_is_at_it_a_second_one_steps_back(
    worker: Callable[[ContactImport], subprocess.Popen[bytes]], queue: Callable[[], list[Any]]
) -> None:
    prepared = upload()
    start_run(prepared)
    process = worker(prepared)
    until(lambda: _is_running(prepared))
    os.kill(process.pid, signal.SIGSTOP)
    try:
        queue()
        cache.delete(work.wake_key(prepared.pk))
        assert work.proceed(import_id=prepared.pk, status=Status.IMPORTING) is False
        tasks.tick()
        assert queue() == []
        for change in (start_run, start_check, lambda it: set_mapping(upload=it, mapping=it.mapping)):
            with pytest.raises(ImportProblem, match="This import is importing: wait until"):
                change(prepared)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert process.wait(timeout=60) == 0
    prepared.refresh_from_db()
    assert (prepared.status, prepared.created_count) == (Status.DONE, ROWS)


def test_a_task_that_comes_late_or_for_nothing_does_nothing() -> None:
    prepared = upload(10)
    tasks.run_import(prepared.pk)
    tasks.run_import(prepared.pk + 1000)
    prepared.refresh_from_db()
    assert prepared.status == Status.UPLOADED
    run(prepared)
    Contact.objects.all().delete()
    tasks.run_import(prepared.pk)
    tasks.check_import(prepared.pk)
    assert not Contact.objects.exists()


def test_nothing_is_enqueued_before_the_commit_nor_after_a_rollback(queue: Callable[[], list[Any]]) -> None:
    prepared = upload(10)
    with transaction.atomic():
        start_check(prepared)
        assert queue() == []
        transaction.set_rollback(True)
    assert queue() == []
    prepared.refresh_from_db()
    assert prepared.status == Status.UPLOADED
    start_check(prepared)
    assert queue() == [("contacts.tasks.check_import", [prepared.pk])]
    tasks.check_import(prepared.pk)
    prepared.refresh_from_db()
    assert (prepared.status, prepared.created_count, Contact.objects.count()) == (Status.CHECKED, 10, 0)


def test_two_files_with_the_same_people_at_once_make_each_of_them_once() -> None:
    friends = ContactList.objects.create(name="Friends")
    both = [upload(3000, friends), upload(3000, friends)]

    def work_on(prepared: ContactImport) -> None:
        try:
            run(prepared)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work_on, args=[prepared]) for prepared in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for prepared in both:
        prepared.refresh_from_db()
    friends.refresh_from_db()
    assert [prepared.status for prepared in both] == [Status.DONE, Status.DONE]
    assert sum(prepared.created_count for prepared in both) == 3000
    assert sum(prepared.unchanged_count for prepared in both) == 3000
    assert Contact.objects.count() == friends.size == 3000


def test_a_failure_of_ours_tells_no_secret_and_can_be_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    prepared = upload(10)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contacts_contact ADD CONSTRAINT refuses CHECK (name <> 'Name 12000003')")
    try:
        with capture_logs() as logs:
            failed = run(prepared)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE contacts_contact DROP CONSTRAINT refuses")
    assert failed.status == Status.FAILED
    assert failed.error.startswith("Something went wrong on our side and nothing was imported.")
    assert "12000003" not in caplog.text + str(logs)
    assert "IntegrityError" in caplog.text + str(logs)
    assert not Contact.objects.exists()
    assert run(prepared).status == Status.DONE


def test_a_file_missing_from_storage_is_a_failure_not_a_crash(media: Path) -> None:
    prepared = upload(10)
    (media / str(prepared.file.name)).unlink()
    assert run(prepared).status == Status.FAILED


def _is_waiting_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE transactionid = pg_current_xact_id()::xid AND NOT granted")
        return bool(cursor.fetchone()[0])


def _is_running(prepared: ContactImport) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s",
            [work.LOCK, prepared.pk],
        )
        return bool(cursor.fetchone()[0])


def test_a_database_that_takes_no_writes_for_a_while_does_not_fail_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the worker it is the same whether it recovers, or another server has taken its place."""
    prepared = upload(10)
    start_run(prepared)
    transfer = work._transfer

    def refused(*arguments: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        return transfer(*arguments)

    with monkeypatch.context() as no_writes:
        no_writes.setattr(work, "_transfer", refused)
        with pytest.raises(InternalError, match="read-only"):
            work.proceed(import_id=prepared.pk, status=Status.IMPORTING)
    work.proceed(import_id=prepared.pk, status=Status.IMPORTING)

    prepared.refresh_from_db()
    assert (prepared.status, Contact.objects.count()) == (Status.DONE, 10)
