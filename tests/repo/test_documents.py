"""Documents that a reader can follow: links lead somewhere, commands exist, every setting is explained."""

import base64
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repo.files import ROOT, code, documents, make_targets, text, without_code

#: Read by others than our settings: uvicorn, libpq, Python's tempfile, docker compose itself.
NOT_OURS = {
    "FORWARDED_ALLOW_IPS",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "TMPDIR",
    "WEB_ADDRESS",
    "SMPP_DOOR_ADDRESS",
    "SECRETS_DIR",
    "SMSHUB_IMAGE",
    "WORKER_PROCESSES",
    "LOADER_PROCESSES",
    "DISPATCH_PROCESSES",
}


def settings_read() -> set[str]:
    """The names of environment variables that settings and logging read."""
    read = re.findall(r'\benv\.\w+\(\s*"([A-Z_]+)"', text("smshub/settings.py"))
    read += re.findall(r'\benviron\.get\(\s*"([A-Z_]+)"', text("smshub/settings.py") + text("smshub/logs.py"))
    return set(read)


def settings_explained() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", text("docs/operating.md"), re.MULTILINE))


def anchors(markdown: str) -> set[str]:
    """The names under which headings can be linked to, as forges make them."""
    headings = re.findall(r"^#{1,6} (.+)$", re.sub(r"^```.*?^```", "", markdown, flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", without_code(document.read_text(encoding="utf-8")))
    dead = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            dead.append(link)
    assert not dead


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_make_commands_are_targets_of_the_makefile(document: Path) -> None:
    pieces = "\n".join(code(document.read_text(encoding="utf-8")))
    named = set(re.findall(r"^\s*(?:\$ )?make ([a-z][a-z-]*)\b", pieces, re.MULTILINE))
    assert not named - make_targets()


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_that_are_named_exist(document: Path) -> None:
    named = re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", document.read_text(encoding="utf-8"))
    for path, test in named:
        assert (ROOT / path).is_file(), path
        assert f"def {test}" in text(path), f"{path}::{test}"


def test_the_readme_begins_with_the_two_commands() -> None:
    assert {"make run", "make test"} <= {
        line.split("#")[0].strip() for line in "\n".join(code(text("README.md"))).splitlines()
    }


def test_decisions_are_numbered_and_listed() -> None:
    decisions = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name[0].isdigit())
    assert [name[:4] for name in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for name in decisions:
        markdown = text(f"docs/decisions/{name}")
        assert all(f"## {part}" in markdown for part in ("Context", "Decision", "Consequences", "Alternatives")), name
        assert f"decisions/{name}" in text("docs/architecture.md"), f"{name} is listed nowhere"


def test_every_setting_is_explained_and_every_explained_one_exists() -> None:
    assert settings_read() - settings_explained() == set()
    assert settings_explained() - settings_read() - NOT_OURS == set()


def test_compose_sets_only_what_is_explained() -> None:
    services: dict[str, Any] = yaml.safe_load(text("docker-compose.yml"))["services"]
    given = {
        name.removesuffix("_FILE")
        for service in services.values()
        if service["image"].startswith("${SMSHUB_IMAGE")
        for name in service.get("environment", {})
    }
    assert given - settings_explained() == set()


def test_the_secrets_of_the_first_start_are_such_as_the_settings_want(tmp_path: Path) -> None:
    """The commands that the guide gives for making the secrets, run as they stand."""
    (script,) = re.findall(r"^```sh\n(mkdir -m 700 secrets\n.*?)^```", text("docs/operating.md"), re.M | re.S)
    subprocess.run(["sh", "-eu", "-c", script], cwd=tmp_path, check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert made.pop(".gitignore") == "*\n"
    assert set(made) == set(yaml.safe_load(text("docker-compose.yml"))["secrets"])
    assert all(value == value.strip() for value in made.values()), "a line end would become part of the secret"
    assert len(base64.urlsafe_b64decode(made["field_encryption_keys"])) == 32
    assert len(made["secret_key"]) >= 50
    assert made["database_url"] == f"postgres://smshub:{made['postgres_password']}@postgres:5432/smshub"
    assert re.fullmatch(r"[0-9a-f]{48}", made["postgres_password"])
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
