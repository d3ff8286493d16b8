"""Where a key or a login may be used from: addresses and networks, written with spaces or commas between."""

from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.utils.translation import gettext as _

Network = IPv4Network | IPv6Network


def parse(text: str) -> tuple[Network, ...]:
    """Raises ValueError, whose text names the first that is none."""
    return tuple(_network(each) for each in text.replace(",", " ").split())


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(
            _("%(text)s is neither an address nor a network, as in 192.0.2.7 or 2001:db8::/48") % {"text": text}
        ) from None


def tidy(text: str) -> str:
    """The same in the one way that it is stored. Raises ValueError as `parse` does."""
    return " ".join(map(str, parse(text)))


def admit(networks: Collection[Network], address: str) -> bool:
    """Whether the address is in one of these; any is where there are none. What is no address is in no network."""
    if not networks:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)
