"""The one list of what SMSHub is made of when it runs: program name to arguments.

Used by `up`, by the tests' process harness, and by the test that compares docker-compose.yml with it.
Fields in braces are filled by `argv`.
"""

import socket
import sys
from pathlib import Path

# Celery would make Django's checks, which load every page, and tell nobody what they found.
_CELERY = ("-m", "celery", "--skip-checks", "-A", "smshub")
_WORKER = (*_CELERY, "worker")
_QUIET = ("--prefetch-multiplier", "1", "--without-gossip", "--without-mingle", "--without-heartbeat")
_LOG = ("-l", "WARNING")

COMMANDS: dict[str, tuple[str, ...]] = {
    "web": (
        *("-m", "uvicorn", "smshub.asgi:application", "--host", "{host}", "--port", "{web_port}"),
        *("--no-access-log", "--no-server-header", "--lifespan", "on"),
    ),
    "worker": (*_WORKER, "-n", "{worker}", "-Q", "reconcile,default", "-c", "2", *_QUIET, *_LOG),
    # What may take minutes or hours keeps away from receipts and ticks.
    "loader": (*_WORKER, "-n", "{loader}", "-Q", "launch,imports", "-c", "2", *_QUIET, *_LOG),
    "dispatch": (*_WORKER, "-n", "{dispatch}", "-Q", "dispatch", "-c", "1", *_QUIET, *_LOG),
    # Holds connections of providers that want one, on one event loop that always runs; its tasks only wake that.
    "connector": (*_WORKER, "-n", "{connector}", "-Q", "connector", "-P", "threads", "-c", "2", *_QUIET, *_LOG),
    # Tells other systems of what happens, as the connector does: on an event loop that always runs.
    "webhooks": (*_WORKER, "-n", "{webhooks}", "-Q", "webhooks", "-P", "threads", "-c", "1", *_QUIET, *_LOG),
    "smpp-door": ("manage.py", "smpp_door", "--host", "{host}", "--port", "{door_port}"),
    "beat": (*_CELERY, "beat", *_LOG, "-s", "{schedule}"),
    "simulator": (
        *("-m", "simulator", "--host", "{host}", "--port", "{simulator_port}"),
        *("--smpp-port", "{smpp_port}"),
    ),
}
#: Not everybody needs these: `make run` leaves them out, and docker-compose.yml has a profile for each.
ON_REQUEST = frozenset({"smpp-door"})
STARTED = tuple(name for name in COMMANDS if name not in ON_REQUEST)
WORKERS = ("worker", "loader", "dispatch", "connector", "webhooks")


def argv(
    name: str,
    *,
    web_port: int = 8000,
    simulator_port: int = 8900,
    smpp_port: int = 2775,
    door_port: int = 2776,
    schedule: Path = Path("beat-schedule"),
    host: str = "127.0.0.1",
    instance: str = "",
    python: str = sys.executable,
) -> list[str]:
    """The whole command line of one program.

    `instance` sets the workers' node names apart where two sets share one Redis (two test runs, say).
    """
    fields = {
        "host": host,
        "web_port": web_port,
        "simulator_port": simulator_port,
        "smpp_port": smpp_port,
        "door_port": door_port,
        "schedule": schedule,
        **{worker: node_pattern(worker, instance) for worker in WORKERS},
    }
    return [python, *(part.format_map(fields) for part in COMMANDS[name])]


def node_pattern(worker: str, instance: str = "") -> str:
    return f"{worker}-{instance}@%h" if instance else f"{worker}@%h"


def node_name(worker: str, instance: str = "") -> str:
    """The name under which this machine's worker answers Celery's remote control."""
    return node_pattern(worker, instance).replace("%h", socket.gethostname())
