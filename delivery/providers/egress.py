"""Where an adapter may connect to: public addresses, and private ones only where the operator says so.

A provider's address is typed into a form by staff. Without this, it could name a machine of the operator's
own network and have the hub speak to it. The look is taken at the address that is about to be connected to,
so that a name which resolves differently later changes nothing.
"""

import errno
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp import AddrInfoType, SocketFactoryType

# RFC 6052 §2.1: an IPv4 address seen through NAT64 stands in the last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address, as text, belongs to the public internet. Raises ValueError for what is none."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast


def socket_factory(*, public: bool, private: bool) -> SocketFactoryType:
    """For `aiohttp.TCPConnector`: opens sockets to these kinds of address, refuses the rest with OSError."""

    def open_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not (public if is_public(str(address[0])) else private):
            raise PermissionError(errno.EACCES, "this address may not be connected to")
        return socket.socket(family=family, type=kind, proto=protocol)

    return open_socket
