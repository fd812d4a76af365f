"""The app answers on this machine alone until people can sign in: what is loopback, and what is refused."""

import socket
from ipaddress import IPv6Address, ip_address

from labeling.errors import ForbiddenError


def is_loopback(number: str) -> bool:
    """Whether `number`, an IP address as text, is this machine's own. A name is not: see `refuse_exposure`."""
    try:
        address = ip_address(number.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def refuse_exposure(address: str | None) -> None:
    """Raise ForbiddenError where binding `address` would let other machines in; an empty one binds every interface.

    Accounts change nothing yet: a page cannot tell who asks before people can sign in.
    """
    if address and (is_loopback(address) or _resolves_to_loopback(address)):
        return
    place = address or "every interface (no address was given)"
    raise ForbiddenError(
        f"Tiebreak does not start on {place}: whoever reached it could read and label everything, because signing in "
        "with an account is not part of this version. Start it on 127.0.0.1, and reach it from elsewhere through an "
        "SSH tunnel."
    )


def _resolves_to_loopback(name: str) -> bool:
    try:
        found = socket.getaddrinfo(name, None)
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(is_loopback(str(entry[4][0]).partition("%")[0]) for entry in found)
