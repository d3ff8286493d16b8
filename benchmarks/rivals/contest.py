"""What all who take part have in common: the operator they bind to, the work, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hub import Hub
from smshub.quickstart.processes import Program

#: Nothing of the hub's environment is a rival's business, its secrets least of all.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
#: How long nothing may happen before what is still missing is given up. Jasmin asks twice, ten seconds apart.
STALLED_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Smsc:
    """Where the operator listens, and as whom to bind."""

    host: str
    port: int
    system_id: str
    password: str


@dataclass(frozen=True, slots=True)
class Course:
    """Seconds from the first message handed over until the last final status was recorded, and how many were."""

    seconds: float
    final: int


#: Sends messages to so many numbers from the first named on.
Send = Callable[[int, int], Course]


@dataclass(frozen=True, slots=True)
class Contestant:
    """`prepare` starts it beside the running servers, bound to the operator, with this window; it is stopped with the
    others. `beside`: processes that it needs and that are not its own work, whose CPU time is shown and not counted.
    """

    name: str
    prepare: Callable[[Hub, Smsc, int], Send]
    missing: Callable[[], str] = lambda: ""
    """Why it cannot take part on this machine."""
    programs: tuple[str, ...] = ()
    """Of the hub, which then has its own database."""
    beside: frozenset[str] = frozenset()
    scale: float = 1.0
    """Of the messages that are asked for, how many it is timed over."""


def run(
    hub: Hub,
    name: str,
    argv: list[str],
    *,
    environment: Mapping[str, str] | None = None,
    healthy: Callable[[int], bool] | None = None,
    rank: int = 1,
    folder: Path | None = None,
) -> None:
    """Start a program of a rival's and wait until it is well."""
    hub.processes.start(
        Program(
            name=name,
            argv=argv,
            env=ENVIRONMENT | dict(environment or {}),
            folder=folder or hub.folder,
            log=hub.folder / f"{name}.log",
            healthy=healthy,
            rank=rank,
            grace=5.0,
        )
    )
    hub.processes.wait_healthy([name], 60.0)


def recipient(number: int) -> str:
    """As `benchmarks.scenes` has it, without the plus."""
    return f"1{4150000000 + number}"


def text(number: int) -> str:
    return f"Hi Person {number}, your table at Elm Street is ready - it's number {number}."
