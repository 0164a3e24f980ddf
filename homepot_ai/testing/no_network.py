"""Run a command where there is no network but the machine itself, and say who tried to leave.

    python -m homepot_ai.testing.no_network -- scripts/demo --once

The command gets a network namespace with nothing but loopback. Two witnesses watch it. The kernel counts
every attempt to send something for which there is no route. Where `strace` is installed, it writes down each
address that any of the command's processes asked for. At the end one attempt is made on purpose: the kernel
must have counted exactly that one, or its witness is worth nothing.

Linux only; as root, or where users may make namespaces. Exit code: 0 nobody tried, 1 somebody did, 2 it
cannot be done here, 3 the command itself failed.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

TRIED, IMPOSSIBLE, FAILED = 1, 2, 3
_INSIDE = "--inside"
# Addresses of documentation (RFC 5737): nobody is there, also where this goes wrong.
NOBODY = "192.0.2.1"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_ADDRESS = re.compile(
    r"^(?P<pid>\d+)\s+(?P<call>\w+)\(.*?sin6?_port=htons\((?P<port>\d+)\).*?"
    r'(?:sin_addr=inet_addr\("(?P<four>[^"]+)"\)|inet_pton\(AF_INET6, "(?P<six>[^"]+)")'
)


@dataclass(frozen=True)
class Attempt:
    """An address beyond this machine, or a name server, that was asked for."""

    address: str
    port: int
    times: int

    def __str__(self) -> str:
        return f"{self.address} port {self.port}, {self.times} times"


def attempts(trace: Iterable[str]) -> tuple[int, list[Attempt]]:
    """What strace wrote: calls with an address on this machine, and attempts to reach anything else.

    A question to a name server on loopback counts as an attempt: it would pass it on.

    >>> attempts(['7 connect(3, {sa_family=AF_INET, sin_port=htons(443), '
    ...           'sin_addr=inet_addr("192.0.2.7")}, 16) = -1 ENETUNREACH (Network is unreachable)',
    ...           '7 connect(3, {sa_family=AF_INET, sin_port=htons(5432), '
    ...           'sin_addr=inet_addr("127.0.0.1")}, 16) = 0'])
    (1, [Attempt(address='192.0.2.7', port=443, times=1)])
    """
    here, away = 0, Counter[tuple[str, int]]()
    for line in trace:
        found = _ADDRESS.match(line)
        if found is None:
            continue
        address, port = found["four"] or found["six"], int(found["port"])
        # The C library asks which of its addresses it would use by connecting to port 0: no packet leaves.
        if ipaddress.ip_address(address.partition("%")[0]).is_loopback and port != 53:
            here += 1
        else:
            away[address, port] += 1
    return here, [Attempt(*where, times) for where, times in sorted(away.items())]


def no_routes() -> int:
    """How often something was to be sent for which there was no route, in this namespace."""
    count = 0
    lines = Path("/proc/net/snmp").read_text(encoding="utf-8").splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        row = dict(zip(names.split(), values.split(), strict=True))
        count += int(row.get("OutNoRoutes", 0))
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/snmp6").read_text(encoding="utf-8").splitlines():
            name, value = line.split()
            count += int(value) if name == "Ip6OutNoRoutes" else 0
    return count


def main(arguments: Sequence[str]) -> int:
    """Outside: make the namespace. Inside: run and judge."""
    inside = arguments[:1] == [_INSIDE]
    words = list(arguments[1:] if inside else arguments)
    command = words[1:] if words[:1] == ["--"] else words
    if not command:
        print(__doc__)
        return IMPOSSIBLE
    if inside:
        return watch(command)
    if why := impossible():
        print(f"no network namespace can be made here: {why}")
        return IMPOSSIBLE
    us = [sys.executable, "-m", "homepot_ai.testing.no_network", _INSIDE, "--", *command]
    return subprocess.run([*_unshare(), *us], check=False).returncode  # noqa: S603 - as typed


def impossible() -> str | None:
    """Why no namespace can be made here; None: it can."""
    if shutil.which("unshare") is None:
        return "the program `unshare` (package util-linux) is not installed"
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)  # noqa: S603
    return None if tried.returncode == 0 else tried.stderr.strip()


def _unshare() -> list[str]:
    # Who is not root is root in a namespace of their own, where that is allowed.
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]


def watch(command: Sequence[str]) -> int:
    """Run the command in this namespace and say what was seen."""
    _loopback_up()
    before = no_routes()
    with tempfile.TemporaryDirectory(prefix="hp-no-network-") as folder:
        trace = Path(folder) / "trace"
        traced = shutil.which("strace") is not None
        calls = "trace=connect,sendto,sendmsg,sendmmsg"
        watched = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", calls, "-o", str(trace)] if traced else []
        code = subprocess.run([*watched, *command], check=False).returncode  # noqa: S603 - as typed
        counted = no_routes() - before
        here, away = attempts([])
        if traced:
            with trace.open(encoding="utf-8", errors="replace") as lines:
                here, away = attempts(lines)
    print(f"\nNo network: the command ended with code {code}.")
    print(f"  the kernel counted {counted} attempts to send something beyond this machine")
    if traced:
        print(f"  strace saw {here} calls to addresses of this machine and {len(away)} addresses beyond it")
        for one in away:
            print(f"    {one}")
    else:
        print("  strace is not installed: only the kernel's witness")
    witness = _witness()
    print(f"  of one attempt made on purpose, it counted {witness}")
    if witness != 1:
        print("  so its count proves nothing here")
        return IMPOSSIBLE
    if counted or away:
        return TRIED
    return FAILED if code else 0


def _witness() -> int:
    before = no_routes()
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.settimeout(1)
        probe.connect((NOBODY, 9))
    return no_routes() - before


def _loopback_up() -> None:
    """A new namespace's loopback is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(control, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
