"""Node, and packages for it as a lock file beside the tests names them. Without Node its tests are skipped, unless
REQUIRE_NODE is set.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.repo.files import ROOT

#: That of Debian 12; the SDK asks for 14.
OLDEST = 18
_HOW = f"No Node {OLDEST} or newer with npm here: install them to run these tests (Debian: apt-get install nodejs npm)."
_INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
_SECONDS = 240


def require() -> None:
    """Skip the test where there is no Node, or fail it where there must be one."""
    if shutil.which("npm") and _version() >= OLDEST:
        return
    if os.environ.get("REQUIRE_NODE"):
        pytest.fail(_HOW)
    pytest.skip(_HOW)


def run(script: Path, **variables: str) -> Any:
    """What a script prints, as JSON; AssertionError with what it said when it fails. Its packages stand in a
    package-lock.json beside it and are installed once for each state of that file."""
    environment = os.environ | {"NODE_PATH": str(_modules(script.parent))} | variables
    done = subprocess.run(
        ["node", str(script)], env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _version() -> int:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout if _node() else ""
    major = said.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdecimal() else 0


def _node() -> str | None:
    return shutil.which("node")


def _modules(folder: Path) -> Path:
    lock = folder / "package-lock.json"
    kept = ROOT / ".smshub" / "tests" / f"node-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as made:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(folder / name, made)
            done = subprocess.run(_INSTALL, cwd=made, capture_output=True, text=True, timeout=_SECONDS, check=False)
            assert done.returncode == 0, done.stderr
            # Whole or not at all, also where two processes install at once.
            try:
                (Path(made) / "node_modules").rename(kept)
            except OSError:
                assert kept.exists()
    return kept
