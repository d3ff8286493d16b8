"""`without_namespaces.py COMMAND…`: run it as root where user namespaces are off, as in most containers.

Makes one namespace with every user in it, and forbids further ones inside. Needs real root.
"""

import ctypes
import os
import sys


def main(command: list[str]) -> int:
    entered, tell_entered = os.pipe()
    mapped, tell_mapped = os.pipe()
    pid = os.fork()
    if pid == 0:
        if ctypes.CDLL(None).unshare(0x10000000) != 0:
            os._exit(77)
        os.write(tell_entered, b".")
        os.read(mapped, 1)
        os.setgid(0)
        os.setuid(0)
        with open("/proc/sys/user/max_user_namespaces", "w") as file:
            file.write("0")
        os.execv(command[0], command)
    os.close(tell_entered)
    if os.read(entered, 1):
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{pid}/{name}", "w") as file:
                file.write("0 0 100000")
        os.write(tell_mapped, b".")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
