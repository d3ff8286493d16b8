"""`make test` after `make run` in the same checkout: the tests have servers of their own, whatever the hub left."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.repo.files import ROOT

_PROBE = """
import os

def test_where_the_database_is():
    assert "nobody.invalid" not in os.environ["DATABASE_URL"] + os.environ["REDIS_URL"]
"""


def test_shared_out_tests_never_use_the_database_of_a_hub_that_ran_here(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "tests", checkout / "tests", ignore=shutil.ignore_patterns("__pycache__", "test_*"))
    for name in ("pyproject.toml", "manage.py", "smshub", "contacts", "campaigns", "delivery", "simulator"):
        (checkout / name).symlink_to(ROOT / name)
    (checkout / "tests" / "test_probe.py").write_text(_PROBE)
    (checkout / ".smshub").mkdir()
    # The settings of this checkout read its own file; what that would say is said here.
    (checkout / "tests" / "hub_ran.py").write_text(
        "import os\n\n\ndef pytest_configure(config):\n"
        "    if 'PYTEST_XDIST_WORKER' not in os.environ:\n"
        "        os.environ['DATABASE_URL'] = 'postgres://a:b@nobody.invalid/hub'\n"
        "        os.environ['REDIS_URL'] = 'redis://nobody.invalid'\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    for name in ("DATABASE_URL", "REDIS_URL", "SMSHUB_TESTS_OWN_SERVERS"):
        environment.pop(name, None)

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "1", "-p", "tests.hub_ran", "-p", "no:cacheprovider", "tests"],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=220,  # two starts of pytest on a busy machine
    )

    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
