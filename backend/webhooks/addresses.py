"""Which addresses may be called: https, on the open network, and the machine that the name meant when it was asked.

A name that an administrator typed can be pointed at this machine's own services by whoever runs its name server, so
what counts is the address at the moment of sending, and that very address is called.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from sync.details import HOST_NOT_OPEN, HOST_UNKNOWN, MORE_THAN_ADDRESS, NO_ADDRESS, NOT_HTTPS, ODD_ADDRESS
from sync.problems import ADDRESS_REFUSED, NOBODY_THERE, Problem

MOST_URL: Final = 500
_EMBEDDING: Final = tuple(IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""Networks whose addresses stand for others inside them: NAT64 (RFC 6052, 8215), 6to4 (RFC 3056), Teredo (RFC 4380)."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses that a host's name stands for now."""


class Target(msgspec.Struct, frozen=True):
    """Where a message goes: the address to connect to, and the host that its certificate has to name."""

    address: str
    host: str
    port: int
    path: str


def check_url(url: str) -> SplitResult:
    """The parts of an address that may be set; ADDRESS_REFUSED says what is wrong with another.

    It is https, names a host, and holds no user, no password and no fragment.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Problem(ADDRESS_REFUSED, NO_ADDRESS.of()) from error
    if len(url) > MOST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Problem(ADDRESS_REFUSED, ODD_ADDRESS.of())
    if parts.scheme != "https":
        raise Problem(ADDRESS_REFUSED, NOT_HTTPS.of())
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise Problem(ADDRESS_REFUSED, MORE_THAN_ADDRESS.of())
    return parts


def is_open(address: str) -> bool:
    """True for an address on the open network: not loopback, private, link-local, shared, multicast or reserved."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return is_open(str(found.ipv4_mapped))
        if any(found in network for network in _EMBEDDING):
            return False
    return found.is_global and not found.is_multicast


class Destinations:
    """The addresses that may be called: all that are open, and those that the settings list.

    `allowed` holds host names, addresses and networks (`10.1.0.0/16`).
    """

    def __init__(self, allowed: Sequence[str], resolve: Resolve | None = None) -> None:
        self._names = frozenset(one.lower() for one in allowed if not _is_network(one))
        self._networks = tuple(ip_network(one, strict=False) for one in allowed if _is_network(one))
        self._resolve = resolve or resolved

    async def target(self, url: str) -> Target:
        """Where this address leads now; ADDRESS_REFUSED for one that may not be called, NOBODY_THERE for none."""
        parts = check_url(url)
        host, port = str(parts.hostname), parts.port or 443
        addresses = await self._resolve(host, port)
        if not addresses:
            raise Problem(NOBODY_THERE, HOST_UNKNOWN.of(host=host))
        # Each, not the first: a name that stands for an open and a private address is no name to trust.
        for address in addresses:
            if not (is_open(address) or host in self._names or self._is_listed(address)):
                raise Problem(ADDRESS_REFUSED, HOST_NOT_OPEN.of(host=host, address=address))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(addresses[0], host, port, path)

    def _is_listed(self, address: str) -> bool:
        found = ip_address(address.partition("%")[0])
        return any(found in network for network in self._networks if network.version == found.version)


async def resolved(host: str, port: int) -> Sequence[str]:
    """What the machine's own resolver says, in its order; nothing where it knows no such name."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return [str(where[0]) for *_, where in found]


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
