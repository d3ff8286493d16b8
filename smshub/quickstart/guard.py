"""The last step before a child program: take an identity, agree to end with the parent, become the program.

Run as a script by `processes`, never imported: `guard.py PARENT SIGNAL IDENTITY FOLDER PROGRAM ARGUMENT…`.
IDENTITY is `self`, `namespace:UID` (a user namespace in which we are UID: no rights are gained or lost on
disk, but Postgres, which refuses to run as root, sees an ordinary user) or `user:UID:GID`.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CLONE_NEWUSER = 0x10000000  # linux/sched.h


def main(parent: str, signal_number: str, identity: str, folder: str, *program: str) -> None:
    kind, *ids = identity.split(":")
    if kind == "namespace":
        enter_namespace(int(ids[0]))
    elif kind == "user":
        os.setgroups([])
        os.setgid(int(ids[1]))
        os.setuid(int(ids[0]))
    # After the change of identity, which would clear it.
    end_with_parent(int(parent), int(signal_number))
    os.chdir(folder)
    # Python ignores these two, and what is ignored stays so across exec.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.execv(program[0], program)  # noqa: S606 - to become the program is what this file is for


def enter_namespace(uid: int) -> None:
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    check(ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER))
    # user_namespaces(7): setgroups must be denied before an unprivileged gid_map is accepted.
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{uid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def end_with_parent(parent: int, signal_number: int) -> None:
    """Linux only; elsewhere the next `up` ends what an earlier one left."""
    if not sys.platform.startswith("linux"):
        return
    check(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number))
    if os.getppid() != parent:
        sys.exit(0)


def check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{sys.argv[5]}: {error}")
