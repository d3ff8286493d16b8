"""Which provider packages there are: those in this folder, and those installed under `smshub.providers`."""

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from delivery import providers
from delivery.providers.base import ProviderKind


@cache
def kinds() -> dict[str, ProviderKind]:
    """All provider kinds by name; an installed package may not shadow a built-in one."""
    found: dict[str, ProviderKind] = {}
    for entry in entry_points(group="smshub.providers"):
        found[entry.name] = entry.load()
    for module in pkgutil.iter_modules(providers.__path__):
        if module.ispkg:
            found[module.name] = import_module(f"{providers.__name__}.{module.name}").KIND
    return found


def kind(name: str) -> ProviderKind:
    """The provider kind of that name. Raises LookupError with the names there are."""
    try:
        return kinds()[name]
    except KeyError:
        raise LookupError(f"No provider package “{name}”; there are: {', '.join(sorted(kinds()))}.") from None


def connected() -> frozenset[str]:
    """The names of those that hold a connection."""
    return frozenset(name for name, kind in kinds().items() if kind.needs_connection)
