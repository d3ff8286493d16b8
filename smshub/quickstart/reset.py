"""`make reset`: remove the data, secrets and logs of this checkout, after asking."""

import shutil
import sys
from pathlib import Path

from smshub.quickstart import environment
from smshub.quickstart.errors import QuickstartError
from smshub.quickstart.state import State, exclusive, open_state
from smshub.quickstart.up import BASE_DIR

KEPT = {"uv", "pycache", "lock"}


def remove(state: State) -> None:
    """Remove everything but the installed tools. The caller holds the lock, so no server works in it."""
    if state.postgres.is_symlink():
        shutil.rmtree(state.postgres.readlink().parent, ignore_errors=True)
    for path in state.root.iterdir():
        if path.name in KEPT:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def main() -> int:
    root: Path = BASE_DIR / environment.STATE_FOLDER
    try:
        state = open_state(root)
        with exclusive(state):
            print(f"This removes all contacts, messages, keys and logs in {root}.")
            if input("Type yes to go on: ").strip() != "yes":
                print("Nothing was removed.")
                return 0
            remove(state)
    except QuickstartError as error:
        print(f"✗ {error}")
        return 1
    except (EOFError, KeyboardInterrupt):
        print("\nNothing was removed.")
        return 1
    print("Removed. The next make run starts afresh.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
