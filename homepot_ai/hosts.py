"""Addresses of machines, as far as they decide who can reach us."""

from __future__ import annotations

import ipaddress

#: A server that listens here listens on every address of this machine.
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - named, not bound


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine itself.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "[::1]", "localhost", "10.0.0.1", "")]
    [True, True, True, True, False, False]
    """
    name = host.strip().strip("[]").casefold()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def reached_at(host: str, port: int) -> str:
    """The address under which this machine reaches a server that listens on `host`.

    >>> reached_at("0.0.0.0", 4200), reached_at("fd00::7", 4200)
    ('http://127.0.0.1:4200', 'http://[fd00::7]:4200')
    """
    name = host.strip().strip("[]")
    if name in EVERYWHERE:
        name = "127.0.0.1"
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
