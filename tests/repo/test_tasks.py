"""Celery: no task waits in a queue that nobody reads, and whoever calls a task by name calls one that exists."""

import ast
import re
from functools import cache

import pytest

from smshub.celery import app
from smshub.quickstart.commands import COMMANDS
from tests.repo.files import PACKAGES, modules, text


@cache
def our_tasks() -> frozenset[str]:
    app.loader.import_default_modules()
    return frozenset(name for name in app.tasks if name.partition(".")[0] in PACKAGES)


def consumed() -> set[str]:
    """The queues that some worker of ours reads."""
    queues: set[str] = set()
    for command in COMMANDS.values():
        if "-Q" in command:
            queues |= set(command[command.index("-Q") + 1].split(","))
    return queues


def named_tasks() -> set[tuple[str, str]]:
    """(module, text) of what reads like a task's name; of f"delivery.tasks.{task}" what stands before the gap."""
    return {
        (str(path), node.value)
        for path in modules(*PACKAGES)
        for node in ast.walk(ast.parse(text(str(path))))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"(contacts|delivery|campaigns)\.tasks\.\w*\*?", node.value)
    }


def test_there_are_tasks_on_every_floor_that_has_work() -> None:
    assert {name.partition(".")[0] for name in our_tasks()} == {"contacts", "delivery", "campaigns", "smshub"}


def test_every_task_goes_to_a_queue_that_a_worker_reads() -> None:
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in our_tasks()}
    unread = {name: queue for name, queue in queues.items() if queue not in consumed()}
    assert not unread


def test_no_worker_reads_a_queue_that_gets_nothing() -> None:
    queues = {app.amqp.router.route({}, name)["queue"].name for name in our_tasks()}
    assert not consumed() - queues - {app.conf.task_default_queue}


def test_every_tick_is_called_by_the_clock() -> None:
    ticks = {name for name in our_tasks() if name.rpartition(".")[2] in ("tick", "health", "housekeeping")}
    assert ticks == {entry["task"] for entry in app.conf.beat_schedule.values()}


@pytest.mark.parametrize("entry", sorted(app.conf.beat_schedule))
def test_the_clock_calls_tasks_that_exist(entry: str) -> None:
    assert app.conf.beat_schedule[entry]["task"] in our_tasks()


@pytest.mark.parametrize("entry", sorted(app.conf.beat_schedule))
def test_no_call_of_the_clock_is_judged_by_the_clock_of_the_worker_that_takes_it(entry: str) -> None:
    assert "expires" not in app.conf.beat_schedule[entry].get("options", {})


def test_what_is_called_by_name_exists() -> None:
    assert named_tasks()
    for module, name in named_tasks():
        start = name.removesuffix("*")
        exact = start == name and not name.endswith(".")
        assert any(task == name if exact else task.startswith(start) for task in our_tasks()), f"{module}: {name}"


def test_a_lost_task_comes_back_later_than_any_task_may_run() -> None:
    assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_soft_time_limit
