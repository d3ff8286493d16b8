"""Which provider packages there are: those in this folder, and those installed under `smshub.providers`."""

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from delivery.providers.base import ProviderKind

BUILT_IN = ("twilio", "console")


@cache
def kinds() -> dict[str, ProviderKind]:
    """All provider kinds by name; an installed package may not shadow a built-in one."""
    found: dict[str, ProviderKind] = {}
    for entry in entry_points(group="smshub.providers"):
        found[entry.name] = entry.load()
    for name in BUILT_IN:
        found[name] = import_module(f"delivery.providers.{name}").KIND
    return found


def kind(name: str) -> ProviderKind:
    """The provider kind of that name. Raises LookupError with the names there are."""
    try:
        return kinds()[name]
    except KeyError:
        raise LookupError(f"No provider package “{name}”; there are: {', '.join(sorted(kinds()))}.") from None
