"""What a check has to say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    PROBLEM = "problem"
    """Something does not work, or soon will not. The doctor ends with status 1."""
    WARNING = "warning"
    """Worth a look; everything works."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence on what is wrong, one on what to do. Ids, names and figures; never a person's data."""

    level: Level
    what: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class Check:
    """Looks at one thing and changes nothing. Silent when all is well."""

    name: str
    look: Callable[[], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    """Checks that must have found no problem for this one to make sense."""


def problem(what: str, what_to_do: str) -> Finding:
    return Finding(Level.PROBLEM, what, what_to_do)


def warning(what: str, what_to_do: str) -> Finding:
    return Finding(Level.WARNING, what, what_to_do)
