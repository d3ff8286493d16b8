"""`.smshub/env`: the secrets and server addresses of this checkout, made once, for its owner's eyes only.

The settings call `load`, so `manage.py shell`, `runserver` and scripts find the servers that `make run`
started. Imports nothing of Django.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

STATE_FOLDER = ".smshub"
FILE_NAME = "env"


# Names that `load` put into this process' environment; no person said them.
_filled: set[str] = set()


def load(base_dir: Path) -> None:
    """Put into `os.environ` what `.smshub/env` says and the environment does not (by NAME or NAME_FILE)."""
    for name, value in read(base_dir / STATE_FOLDER / FILE_NAME).items():
        if name not in os.environ and f"{name}_FILE" not in os.environ:
            os.environ[name] = value
            _filled.add(name)


def given(name: str) -> bool:
    """Whether the person set this variable, by NAME or NAME_FILE."""
    return f"{name}_FILE" in os.environ or (bool(os.environ.get(name)) and name not in _filled)


def as_given() -> dict[str, str]:
    """The environment without what `load` filled in."""
    return {name: value for name, value in os.environ.items() if name not in _filled}


def read(path: Path) -> dict[str, str]:
    """The NAME=value lines of the file; nothing if there is no file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def write(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file in one step: a crash leaves the old secrets or the new ones, never half of them."""
    text = "# Secrets and addresses of this checkout, made by `make run`. Keep a copy with your data.\n"
    text += "".join(f"{name}={value}\n" for name, value in values.items())
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def new_secrets() -> dict[str, str]:
    """Fresh values for what must be made once and then never change by itself."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "ADMIN_PASSWORD": secrets.token_urlsafe(9),
    }
