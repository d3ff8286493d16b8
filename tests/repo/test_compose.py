"""docker-compose.yml starts the same programs as `make run`, with nothing secret in it and nobody as root.

No container engine runs in the tests: what is checked here is the file.
"""

import json
import re
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
import yaml

from smshub.quickstart.commands import COMMANDS, ON_REQUEST
from tests.repo.files import text

ONE_SHOT = {"migrate": ["python", "manage.py", "migrate", "--noinput"]}
SERVERS = {"postgres", "valkey"}
PROGRAMS = sorted(COMMANDS)
SECRETS = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "POSTGRES_PASSWORD")


@cache
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(text("docker-compose.yml")))


def service(name: str) -> dict[str, Any]:
    return dict(compose()["services"][name])


def services() -> list[str]:
    return sorted(compose()["services"])


def test_the_file_follows_the_compose_specification() -> None:
    schema = json.loads(text("tests/repo/compose_schema.json"))
    jsonschema_rs.meta.validate(schema)
    jsonschema_rs.Draft202012Validator(schema).validate(compose())


def test_every_program_is_a_service_and_every_service_is_known() -> None:
    assert set(services()) == set(COMMANDS) | set(ONE_SHOT) | SERVERS


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_service_runs_the_command_of_the_list(name: str) -> None:
    expected = ["python", *COMMANDS[name]]
    given = service(name)["command"]
    assert len(given) == len(expected), f"{given} is not {expected}"
    for position, (word, pattern) in enumerate(zip(given, expected, strict=True)):
        if "{" in pattern:  # host, port, node name, file: a matter of where it runs
            continue
        if expected[position - 1] == "-c":  # how many processes: a matter of the machine
            assert re.fullmatch(r"\d+|\$\{[A-Z_]+:-\d+\}", word)
            continue
        assert word == pattern


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_a_one_shot_service_ends_for_good(name: str) -> None:
    assert service(name)["command"] == ONE_SHOT[name]
    assert service(name)["restart"] == "no"


def test_a_worker_is_asked_under_its_own_name() -> None:
    for name in ("worker", "dispatch"):
        command = service(name)["command"]
        node = command[command.index("-n") + 1]
        # A doubled dollar reaches the shell in the container as one.
        assert node.replace("%h", "$$HOSTNAME") in service(name)["healthcheck"]["test"][1]


def test_only_the_web_process_has_the_health_check_of_the_image() -> None:
    assert [name for name in services() if "healthcheck" not in service(name)] == ["web"]


def test_what_a_service_names_exists() -> None:
    for name in services():
        for kind in ("networks", "secrets"):
            assert set(service(name).get(kind, ())) <= set(compose()[kind]), name
        mounted = {volume.partition(":")[0] for volume in service(name).get("volumes", ())}
        assert mounted <= set(compose()["volumes"]), name


def test_services_wait_for_what_can_tell_that_it_is_ready() -> None:
    for name in services():
        for other, how in service(name).get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "test" in service(other)["healthcheck"], f"{name} waits for the health of {other}"
            if how["condition"] == "service_completed_successfully":
                assert other in ONE_SHOT, f"{name} waits for the end of {other}"
    for name in sorted(set(COMMANDS) - {"simulator"}):
        assert {"migrate", "postgres", "valkey"} <= set(service(name)["depends_on"]), name


def test_secrets_come_from_files_only() -> None:
    for name in services():
        given = service(name).get("environment", {})
        assert not set(SECRETS) & set(given), name
        for variable, path in given.items():
            if variable.endswith("_FILE"):
                secret = path.removeprefix("/run/secrets/")
                assert secret in service(name)["secrets"], f"{name}: {variable}"
    assert all("SECRETS_DIR" in secret["file"] for secret in compose()["secrets"].values())


def test_our_own_services_have_no_rights_to_lose() -> None:
    for name in sorted(set(services()) - SERVERS):
        assert service(name)["cap_drop"] == ["ALL"], name
        assert "user" not in service(name), f"{name}: the image's own user is not root"


def test_only_what_others_call_is_published_and_only_to_this_machine() -> None:
    assert [name for name in services() if "ports" in service(name)] == ["smpp-door", "web"]
    assert service("smpp-door")["ports"] == ["${SMPP_DOOR_ADDRESS:-127.0.0.1:2775}:2775"]
    assert service("web")["ports"] == ["${WEB_ADDRESS:-127.0.0.1:8000}:8000"]


def test_uploads_are_where_the_workers_read_them() -> None:
    assert service("web")["volumes"] == service("loader")["volumes"]


def test_what_not_everybody_needs_is_there_only_when_asked_for() -> None:
    assert {name for name in services() if "profiles" in service(name)} == {"simulator", *ON_REQUEST}
    assert all(service(name)["profiles"] == [name] for name in ON_REQUEST)
