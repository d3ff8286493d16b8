"""Jasmin 0.11.1, all of its daemons that the work needs: jasmind, dlrlookupd, dlrd, with RabbitMQ and the run's Redis.

As it comes but for its limit of one message a second, its logs, which are of errors only, and the one fault that
`jasmin_install` tells of. It has one submit unanswered at a time whatever the window.
"""

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.hub import Hub, wait_for
from benchmarks.rivals import jasmin_install, rabbit
from benchmarks.rivals.bulk import sending
from benchmarks.rivals.contest import Contestant, Send, Smsc, run
from smshub.quickstart.servers import ANY_PORT, free_port

PATH = (
    "/send?username=bench&password=bench&from=15005550006&to={number}&content={text}"
    "&dlr=yes&dlr-level=2&dlr-method=GET&dlr-url={callback}"
)
LOGGED = ("router", "sm-listener", "dlr", "dlr-thrower", "smpp-server", "smpp-server-pb", "service-smppclient")
CONSOLE = """\
group -a
gid bench
ok
user -a
uid bench
gid bench
username bench
password bench
ok
smppccm -a
cid operator
host {smsc.host}
port {smsc.port}
username {smsc.system_id}
password {smsc.password}
bind transceiver
submit_throughput 0
loglevel 40
ok
mtrouter -a
type defaultroute
connector smppc(operator)
rate 0.00
ok
smppccm -1 operator"""


def prepare(hub: Hub, smsc: Smsc, window: int) -> Send:
    interpreter = jasmin_install.INTERPRETER
    console, http = free_port(ANY_PORT), free_port(ANY_PORT)
    folder = hub.folder / "jasmin"
    folder.mkdir(exist_ok=True)
    file = folder / "jasmin.cfg"
    file.write_text(_configuration(console, http, rabbit.start(hub)))
    file.chmod(0o600)
    for daemon, port in (("jasmind", console), ("dlrlookupd", 0), ("dlrd", 0)):
        # Left behind by one that was killed.
        for lock in (daemon, f"{daemon}-master"):
            Path(f"/tmp/{lock}.lock").unlink(missing_ok=True)
        program = [str(interpreter), str(interpreter.with_name(f"{daemon}.py")), "-c", str(file)]
        environment = {"CONFIG_PATH": str(folder), "STORE_PATH": str(folder), "LOG_PATH": str(folder)}
        run(hub, daemon, program, environment=environment, healthy=rabbit.listens(port) if port else None)
    said = _tell(console, CONSOLE.format(smsc=smsc))
    if "BOUND_TRX" not in said:
        raise RuntimeError(f"Jasmin is not bound: {said}")
    return sending(hub, port=http, path=PATH, durable=False)


def _configuration(console: int, http: int, queue: int) -> str:
    store = urlsplit(os.environ["REDIS_URL"])
    interface, client, router = (free_port(ANY_PORT) for _ in range(3))
    settings: dict[str, dict[str, object]] = {
        "jcli": {"port": console, "authentication": "no"},
        "http-api": {"bind": "127.0.0.1", "port": http},
        "amqp-broker": {"port": queue, "spec": jasmin_install.protocol()},
        # Another database than 0 it chooses on one of its ten connections only.
        "redis-client": {"host": store.hostname, "port": store.port, "password": store.password, "dbid": 0},
        "smpp-server": {"bind": "127.0.0.1", "port": free_port(ANY_PORT)},
        "smpp-server-pb": {"bind": "127.0.0.1", "port": interface},
        "smpp-server-pb-client": {"port": interface},
        "client-management": {"bind": "127.0.0.1", "port": client},
        "router": {"bind": "127.0.0.1", "port": router},
    }
    for section in {*LOGGED, *settings}:
        settings.setdefault(section, {})["log_level"] = "ERROR"
    lines = []
    for section, values in settings.items():
        lines += [f"[{section}]", *(f"{name} = {value}" for name, value in values.items()), ""]
    return "\n".join(lines)


def _tell(port: int, lines: str) -> str:
    """Type these into its console; what it says of its connectors when the last has had its effect."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as console:
        for line in lines.splitlines():
            console.sendall(line.encode() + b"\r\n")
            _until_prompt(console)
        said = ""

        def bound() -> bool:
            nonlocal said
            console.sendall(b"smppccm -l\r\n")
            said = _until_prompt(console)
            return "BOUND_TRX" in said

        wait_for(bound, seconds=30, what="Jasmin's bind")
    return said


def _until_prompt(console: socket.socket) -> str:
    heard = b""
    while not heard.endswith((b"> ", b"jcli : ")):
        if not (more := console.recv(65536)):
            raise RuntimeError(f"Jasmin's console ended: {heard!r}")
        heard += more
    return heard.decode(errors="replace")


def missing() -> str:
    return rabbit.missing() or jasmin_install.install()


JASMIN = Contestant("Jasmin", prepare, missing, beside=frozenset({"sink"}), scale=0.025)
