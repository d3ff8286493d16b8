"""Jasmin 0.11.1 in a virtual environment of its own, under `.smshub/rivals/`, made when it is first asked for.

This release, the newest there is to install, takes the answer to a message in one part from where only longer ones
have it, and so loses every receipt of it. That one place is put right here, as its authors have done since; without
that it would record no final status at all.
"""

import subprocess
import sys
from pathlib import Path

from smshub.quickstart.up import BASE_DIR

VERSION = "0.11.1"
FOLDER = BASE_DIR / ".smshub" / "rivals" / f"jasmin-{VERSION}"
#: In the module that hears the answer to a submit_sm.
BROKEN, REPAIRED = "=_pdu.response.", '=getattr(_pdu, "response", r.response).'


INTERPRETER = FOLDER / "bin" / "python"


def install() -> str:
    """Make the environment if it is not there; why it cannot be made, or nothing."""
    ready = FOLDER / "ready"
    if ready.exists():
        return ""
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(FOLDER)],
        [str(INTERPRETER), "-m", "pip", "install", "--quiet", f"jasmin=={VERSION}"],
    ):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return f"Jasmin could not be installed: {done.stdout[-500:]}"
    module = _packages() / "jasmin" / "managers" / "listeners.py"
    source = module.read_text()
    if source.count(BROKEN) != 5:
        return "Jasmin is not the one whose fault is known."
    module.write_text(source.replace(BROKEN, REPAIRED))
    ready.touch()
    return ""


def protocol() -> Path:
    """The description of AMQP that Jasmin is to be given."""
    return _packages() / "txamqp" / "specs" / "standard" / "amqp0-9-1.stripped.xml"


def _packages() -> Path:
    (folder,) = (FOLDER / "lib").glob("python3*/site-packages")
    return folder
