"""The secrets of a checkout: made once, kept from others, never stronger than what the person says."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smshub.quickstart import environment


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".smshub").mkdir()
    environment.write(tmp_path / ".smshub" / "env", {"SECRET_KEY": "remembered", "REDIS_URL": "redis://ours"})
    return tmp_path


def test_only_the_owner_may_read_the_file(checkout: Path) -> None:
    assert (checkout / ".smshub" / "env").stat().st_mode & 0o777 == 0o600


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    values = environment.new_secrets() | {"DATABASE_URL": "postgres://u:p@h:1/d?a=b"}
    environment.write(tmp_path / "env", values)
    assert environment.read(tmp_path / "env") == values


def test_no_file_is_no_values(tmp_path: Path) -> None:
    assert environment.read(tmp_path / "env") == {}


def test_the_encryption_key_is_32_random_bytes() -> None:
    keys = {environment.new_secrets()["FIELD_ENCRYPTION_KEYS"] for _ in range(10)}
    assert len(keys) == 10
    assert all(len(base64.urlsafe_b64decode(key)) == 32 for key in keys)


def test_loading_fills_in_what_the_environment_does_not_say(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "the person's own")
    monkeypatch.setenv("REDIS_URL", "to be removed when the test ends")
    monkeypatch.delenv("REDIS_URL")
    environment.load(checkout)
    assert os.environ["SECRET_KEY"] == "the person's own"
    assert os.environ["REDIS_URL"] == "redis://ours"


def test_a_secret_in_a_file_counts_as_said(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", "/run/secrets/key")
    monkeypatch.setenv("REDIS_URL", "redis://theirs")
    environment.load(checkout)
    assert "SECRET_KEY" not in os.environ


def test_what_was_filled_in_does_not_count_as_given(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "the person's own")
    monkeypatch.setenv("DATABASE_URL_FILE", "/run/secrets/database")
    monkeypatch.setenv("REDIS_URL", "to be removed when the test ends")
    monkeypatch.delenv("REDIS_URL")
    environment.load(checkout)
    assert [name for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL") if environment.given(name)] == [
        "SECRET_KEY",
        "DATABASE_URL",
    ]
    assert "REDIS_URL" in os.environ
    assert "REDIS_URL" not in environment.as_given()


def test_an_empty_variable_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    assert not environment.given("REDIS_URL")


def test_reading_the_environment_needs_no_django() -> None:
    code = "import sys, smshub.quickstart.environment as e; sys.exit('django.apps' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
