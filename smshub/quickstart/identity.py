"""As whom Postgres runs. It refuses root, and `initdb` wants a user who is in /etc/passwd."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smshub.quickstart.errors import QuickstartError
from smshub.quickstart.processes import guarded
from smshub.quickstart.state import user_name

NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Identity:
    """`text` is what `guard.py` understands, `uid` and `gid` are those of the files on disk."""

    text: str
    uid: int
    gid: int


def candidates(home: Path, data: Path) -> Iterator[Identity]:
    """The identities to try, best first. Data that exists decides, else the owner of the project folder."""
    uid, gid = os.geteuid(), os.getegid()
    owner = data.stat() if data.exists() else None
    if owner is not None and owner.st_uid != uid:
        if uid != 0:
            raise QuickstartError(
                f"{data} belongs to {user_name(owner.st_uid)}, and this is {user_name(uid)}. "
                f"Run as {user_name(owner.st_uid)}, or remove the data with: make reset"
            )
        yield Identity(f"user:{owner.st_uid}:{owner.st_gid}", owner.st_uid, owner.st_gid)
        return
    known = {entry.pw_uid: entry.pw_gid for entry in pwd.getpwall()}
    if uid != 0 and uid in known:
        yield Identity("self", uid, gid)
        return
    # Any known user will do: inside the namespace it is only a name for ourselves.
    stand_in = next((other for other in known if other not in (0, NOBODY)), None)
    if stand_in is not None:
        yield Identity(f"namespace:{stand_in}", uid, gid)
    if uid == 0:
        project = home.parent.stat().st_uid
        for other in (project, NOBODY):
            if other != 0 and other in known:
                yield Identity(f"user:{other}:{known[other]}", other, known[other])


def can_run(identity: Identity, binary: Path, folder: Path) -> bool:
    """Whether that identity may enter the folder and execute the binary there."""
    command = guarded([str(binary), "--version"], identity=identity.text, folder=folder)
    return subprocess.run(command, capture_output=True).returncode == 0
