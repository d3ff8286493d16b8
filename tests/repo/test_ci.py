"""The one script that checks a change, and the hooks that check a commit: complete, and fetching nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.repo.files import ROOT, make_targets, text

SCRIPT = ROOT / ".ci" / "run"


def test_the_script_can_be_executed() -> None:
    assert SCRIPT.stat().st_mode & 0o111 == 0o111
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck here")
def test_the_script_is_clean() -> None:
    answer = subprocess.run(["shellcheck", str(SCRIPT)], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


def test_the_script_uses_targets_of_the_makefile() -> None:
    for target in ("lint", "test"):
        assert f"make {target}" in SCRIPT.read_text()
        assert target in make_targets()


TOOLS = ("bash", "make", "timeout", "dirname", "mktemp", "tee", "grep", "tail", "rm", "echo", "true", "false")


def _run_beside(folder: Path, *, tests: str, lint: str = "true", without: str = "") -> subprocess.CompletedProcess[str]:
    """The script in a folder whose Makefile stands in for ours, on a machine where nothing can be installed."""
    (folder / ".ci").mkdir()
    shutil.copy(SCRIPT, folder / ".ci" / "run")
    (folder / "Makefile").write_text(f"lint:\n\t@{lint}\ntest:\n\t@{tests}\n")
    programs = folder / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or pytest.skip(f"no {tool} here"))
    (programs / "python3").symlink_to(sys.executable)
    for name, status in {"uv": 0, "apt-get": 100, "chromium": 0, "bearerbox": 0, "node": 0, "npm": 0}.items():
        if name == without:
            continue
        (programs / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (programs / name).chmod(0o755)
    return subprocess.run(
        [folder / ".ci" / "run"],
        env={"PATH": str(programs), "SBIN": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("program", "package"),
    [("chromium", "chromium"), ("bearerbox", "kannel"), ("node", "nodejs"), ("npm", "npm")],
)
def test_what_cannot_be_installed_is_named(tmp_path: Path, program: str, package: str) -> None:
    answer = _run_beside(tmp_path, tests="echo '=== 3 passed in 0.10s ==='", without=program)
    assert answer.returncode != 0
    assert package in answer.stderr
    assert "passed" not in answer.stdout


def test_the_closing_line_of_the_tests_comes_last(tmp_path: Path) -> None:
    required = "$$REQUIRE_BROWSER$$REQUIRE_KANNEL$$REQUIRE_NODE"
    tests = f"echo '=== 3 passed in 0.10s ==='; echo 'something after it'; test \"{required}\" = 111"
    answer = _run_beside(tmp_path, tests=tests)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "=== 3 passed in 0.10s ==="


def test_failing_tests_fail_the_script(tmp_path: Path) -> None:
    answer = _run_beside(tmp_path, tests="echo '=== 1 failed, 2 passed in 0.10s ==='; exit 1")
    assert answer.returncode != 0
    assert answer.stdout.splitlines()[-1] == "=== 1 failed, 2 passed in 0.10s ==="


def test_failing_linters_fail_the_script_and_the_tests_run_all_the_same(tmp_path: Path) -> None:
    answer = _run_beside(tmp_path, tests="echo '=== 3 passed in 0.10s ==='", lint="false")
    assert answer.returncode != 0
    assert answer.stdout.splitlines()[-1] == "=== 3 passed in 0.10s ==="


def test_tests_that_never_ended_are_not_taken_for_passed(tmp_path: Path) -> None:
    answer = _run_beside(tmp_path, tests="echo 'collecting'")
    assert answer.returncode != 0
    assert "did not come to an end" in answer.stderr


def test_hooks_run_the_projects_own_tools() -> None:
    config = yaml.safe_load(text(".pre-commit-config.yaml"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    tools = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    assert tools == {"ruff", "mypy", "lint-imports", "djlint"}
    assert all(f"$(BIN)/{tool}" in text("Makefile") for tool in tools)
