"""A RabbitMQ of the run's own, which Jasmin queues in: Debian's, in a folder of the run, with its name server."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from benchmarks.hub import Hub
from benchmarks.rivals.contest import run
from smshub.quickstart.servers import ANY_PORT, free_port

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def missing() -> str:
    present = SERVER.exists() and shutil.which("epmd")
    return "" if present else "RabbitMQ is not installed: apt-get install rabbitmq-server"


def start(hub: Hub) -> int:
    """Its port, for `guest` on this machine."""
    names, port, cluster = (free_port(ANY_PORT) for _ in range(3))
    folder = hub.folder / "rabbit"
    folder.mkdir(exist_ok=True)
    environment = {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        # A name that is new, or it would find the queues of a run before.
        "RABBITMQ_NODENAME": f"benchmark{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(cluster),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    # In the foreground and before the other, which would else leave one behind.
    epmd = ["/usr/bin/epmd", "-port", str(names), "-address", "127.0.0.1"]
    run(hub, "epmd", epmd, environment=environment, healthy=listens(names), rank=4)
    run(hub, "rabbitmq", [str(SERVER)], environment=environment, healthy=listens(port), rank=3)
    return port


def listens(port: int) -> Callable[[int], bool]:
    """A health check: somebody listens there."""

    def check(_pid: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return check
