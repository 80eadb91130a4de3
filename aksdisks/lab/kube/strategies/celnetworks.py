"""Addresses and networks in rules, by upstream's libraries of functions (apiserver: pkg/cel/library ip, cidr).

An address is its canonical text, and a network the text of its address and its number of bits.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
_LOCAL_GROUPS = tuple(map(ipaddress.ip_network, ("224.0.0.0/24", "ff02::/16")))
_BROADCAST = ipaddress.ip_address("255.255.255.255")


def _address(text: str) -> _Address:
    """ValueError for a text that is none, and as upstream for one with a zone or an IPv4 address in an IPv6 one."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f'IP Address "{text}" parse error during conversion from string: {error}') from error
    if getattr(found, "scope_id", None):
        raise ValueError(f'IP address "{text}" with zone value is not allowed')
    if getattr(found, "ipv4_mapped", None):
        raise ValueError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return found


def _network(text: str) -> _Interface:
    """An address and a number of bits; whether the others are 0 does not matter. ValueError for another text."""
    address, _, bits = text.partition("/")
    try:
        # Masks, signs and zeros in front are none.
        return ipaddress.ip_interface(f"{_address(address)}/{bits if re.fullmatch('0|[1-9][0-9]*', bits) else '?'}")
    except ValueError as error:
        raise ValueError(f"network address parse error during conversion from string: {error}") from error


def _is(read: Callable[[str], Any], text: str) -> bool:
    with suppress(ValueError):
        read(text)
        return True
    return False


def _contains(one: str, other: str) -> bool:
    outer, inner = _network(one).network, _network(other).network
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _is_global(address: _Address) -> bool:
    """As Go's netip.Addr.IsGlobalUnicast, for which private addresses are."""
    local = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not local and address != _BROADCAST


def _of(read: Callable[[_Address], Any]) -> Callable[[str], Any]:
    return lambda text: read(_address(text))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    # Also the method of a network, which gives its address.
    "ip": lambda text: str(_network(text).ip if "/" in text else _address(text)),
    "isIP": lambda text: _is(_address, text),
    "isCanonical": lambda _ip, text: str(_address(text)) == text,
    "family": _of(lambda address: address.version),
    "isUnspecified": _of(lambda address: address.is_unspecified),
    "isLoopback": _of(lambda address: address.is_loopback),
    "isLinkLocalMulticast": _of(lambda address: any(address in each for each in _LOCAL_GROUPS)),
    "isLinkLocalUnicast": _of(lambda address: address.is_link_local),
    "isGlobalUnicast": _of(_is_global),
    "cidr": lambda text: str(_network(text)),
    "isCIDR": lambda text: _is(_network, text),
    "containsIP": lambda network, address: _address(address) in _network(network).network,
    "containsCIDR": _contains,
    "masked": lambda network: str(_network(network).network),
    "prefixLength": lambda network: _network(network).network.prefixlen,
}
"""By name; a method's object comes first."""
